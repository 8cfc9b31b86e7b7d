"""Reading what strangers say and writing what gateways read. None of it raises but as it says."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from messaging.providers.base import MessageRefused, Reason

_LONGEST_NUMBER: Final = 40
_MOBILE: Final = re.compile(r"(?:\+98|0098|98|0)?(9[0-9]{9})")


def parsed(body: bytes) -> Any:
    """The JSON of a body, or None. Deep nesting overflows the parser's stack."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def json_body(value: object) -> bytes:
    """A value as JSON in UTF-8. Raises `MessageRefused` for half a surrogate pair.

    It has no UTF-8, and its own error would quote the whole text: hence raised outside.
    """
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        pass
    raise MessageRefused(Reason.BAD_TEXT)


def whole_number(value: object) -> int | None:
    """A number as a gateway writes it, 8792343 or "8792343"; None for anything else.

    Bounded to 64 bits: nothing longer can be kept.
    """
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif _is_written_number(value):
        number = int(value)
    return number if number is not None and abs(number) < 2**63 else None


def message_number(value: object) -> str:
    """A gateway's number of a message, or empty."""
    number = whole_number(value)
    return str(number) if number and number > 0 else ""


def national(number: object) -> str:
    """`09…` for an Iranian mobile in any form a gateway writes; empty for anything else."""
    found = _MOBILE.fullmatch(str(number).strip())
    return f"0{found[1]}" if found else ""


def international(number: object) -> str:
    """E.164 for an Iranian mobile in any form a gateway writes; empty for anything else."""
    found = national(number)
    return f"+98{found[1:]}" if found else ""


def moment(value: object) -> datetime | None:
    """Unix seconds as a time in UTC; None for none and for what is no time."""
    seconds = whole_number(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None


def written(value: object) -> str:
    """A short value that may be a number or its digits; empty for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(whole_number(value) or "")
    return value.strip()[:_LONGEST_NUMBER] if isinstance(value, str) else ""


def dicts(entries: object) -> Iterator[dict[str, object]]:
    """Entries as a list of objects, whether a gateway sent a list, one object or nothing."""
    found = entries if isinstance(entries, list) else [entries]
    return (entry for entry in found if isinstance(entry, dict))


def fields(params: Mapping[str, object]) -> dict[str, object]:
    """A callback's fields by their names in small letters; none where they cannot be read."""
    try:
        return {str(name).lower(): _single(params[name]) for name in params}
    except Exception:  # noqa: BLE001 - strangers may post anything here; none of it is an error
        return {}


def _single(value: object) -> object:
    """A form field read as a list of one."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _is_written_number(value: object) -> TypeGuard[float | str]:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, str) and bool(re.fullmatch(r"-?[0-9]{1,19}", value))
