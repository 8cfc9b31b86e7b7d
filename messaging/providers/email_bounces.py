"""Letters that came back: delivery status notifications (RFC 3464), posted to us as they arrived."""

import email
import re
from collections.abc import Iterator
from email.message import Message
from typing import Final

from messaging.providers.base import DeliveryStatus, News, Receipt
from messaging.providers.email_tags import tag, tagged

#: Our letters are short, and what comes back holds one of them at most.
_LONGEST: Final = 512 * 1024
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")


def heard(body: bytes) -> News:
    """What a notification says of one of our letters; nothing in anything else. Never raises."""
    local_id = tagged(body) if len(body) <= _LONGEST else None
    if local_id is None:
        return News()
    try:
        told = next(_verdicts(email.message_from_bytes(body)), None)
    except Exception:  # noqa: BLE001 - strangers may post anything here; none of it is an error
        told = None
    if told is None:
        return News()
    status, code = told
    return News((Receipt(tag(local_id), status, local_id=local_id, code=code),))


def _verdicts(letter: Message) -> Iterator[tuple[DeliveryStatus, str]]:
    """Each recipient's, and ours have one. What is only delayed is still on its way."""
    for part in letter.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in part.get_payload():
            if not isinstance(block, Message):
                continue
            action = str(block.get("Action", "")).strip().lower()
            found = _STATUS.search(str(block.get("Status", "")))
            code = found[0] if found else ""
            if action == "failed":
                for_good = code.startswith("5")
                yield DeliveryStatus.FAILED if for_good else DeliveryStatus.UNDELIVERED, code
            elif action == "delivered":
                yield DeliveryStatus.DELIVERED, code
