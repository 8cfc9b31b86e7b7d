"""The mark that each of our letters carries and that a bounce brings back.

Signed, because anybody may write to a bounce address, and because a bounce is believed by the mark
in it alone.
"""

import base64
import re
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

_TAG: Final = re.compile(rb"peygir\.([1-9][0-9]{0,17})\.([a-z2-7]{16})(?![a-z2-7])", re.IGNORECASE)


def tag(local_id: int) -> str:
    """`peygir.<our id>.<signature>`: always the same for one id, in small letters alone."""
    digest = salted_hmac("peygir.letters", str(local_id), algorithm="sha256").digest()
    return f"peygir.{local_id}.{base64.b32encode(digest[:10]).decode().lower()}"


def tagged(raw: bytes) -> int | None:
    """The id whose mark stands in there; None for none, for forged ones and for several."""
    found = {int(match[1]) for match in _TAG.finditer(raw) if _is_ours(match)}
    return found.pop() if len(found) == 1 else None


def _is_ours(match: re.Match[bytes]) -> bool:
    return constant_time_compare(match[0].decode().lower(), tag(int(match[1])))
