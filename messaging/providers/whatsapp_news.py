"""What a webhook of the WhatsApp Cloud API tells: states of our texts, and texts to us.

Batches, in any order, perhaps twice, with or without the sender's number. Nothing in here raises,
whatever the bytes: what cannot be read is no news.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from messaging.providers.base import DeliveryStatus, InboundText, News, Receipt
from messaging.providers.values import dicts, moment, parsed, whole_number

#: `read` and `played` say more than `delivered`, and come without it where it was lost.
_STATUSES: Final = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "played": DeliveryStatus.DELIVERED,
    "failed": DeliveryStatus.FAILED,
}
_STOPPED: Final = 131050  # the recipient has stopped such messages of ours
#: Longer ids are kept as their digest: nobody is ever asked about one, it only has to be equal.
_LONGEST_ID: Final = 60
_DIGEST: Final = 50
_LONGEST_LINE: Final = 40
_DIGITS: Final = re.compile(r"[0-9]{6,15}")
#: The stable id of a person who shows no number.
_USER_ID: Final = re.compile(r"[A-Z]{2}\.[0-9A-Za-z]{1,35}")
#: Messages without words that a person should know of all the same.
_WORDLESS: Final = frozenset(
    {"image", "audio", "video", "document", "sticker", "location", "contacts"}
)

Fields = Mapping[str, object]


def heard(body: bytes) -> News:
    """The news in the body of a webhook."""
    values = list(_values(parsed(body)))
    receipts = (_receipt(told) for value in values for told in dicts(value.get("statuses")))
    inbound = (_inbound(told, value) for value in values for told in dicts(value.get("messages")))
    return News(tuple(filter(None, receipts)), tuple(filter(None, inbound)))


def kept_id(wamid: object) -> str:
    """A message's id as we keep it; empty for what is none."""
    if not isinstance(wamid, str) or not re.fullmatch(r"[!-~]{1,512}", wamid):
        return ""
    if len(wamid) <= _LONGEST_ID:
        return wamid
    return f"wamid#{hashlib.sha256(wamid.encode()).hexdigest()[:_DIGEST]}"


def _values(payload: object) -> Iterator[Fields]:
    changes = chain.from_iterable(
        dicts(entry.get("changes")) for top in dicts(payload) for entry in dicts(top.get("entry"))
    )
    for change in changes:
        yield from dicts(change.get("value"))


def _receipt(told: Fields) -> Receipt | None:
    provider_id, word = kept_id(told.get("id")), told.get("status")
    if not provider_id or not isinstance(word, str):
        return None
    code = next((_code(error) for error in dicts(told.get("errors"))), None)
    status = _STATUSES.get(word, DeliveryStatus.UNRECOGNISED)
    if status is DeliveryStatus.FAILED and code == _STOPPED:
        status = DeliveryStatus.BLOCKED
    return Receipt(
        provider_id,
        status,
        local_id=_our_id(told.get("biz_opaque_callback_data")),
        code="" if code is None else str(code),
    )


def _code(error: Fields) -> int | None:
    return whole_number(error.get("code"))


def _our_id(value: object) -> int | None:
    number = whole_number(value)
    return number if number and number > 0 else None


def _inbound(told: Fields, value: Fields) -> InboundText | None:
    provider_id, words = kept_id(told.get("id")), _words(told)
    sender = _sender(told, list(dicts(value.get("contacts"))))
    if not provider_id or not sender or words is None:
        return None
    return InboundText(provider_id, sender, _line(value), words, moment(told.get("timestamp")))


def _words(told: Fields) -> str | None:
    """What was written or pressed; the kind in brackets of what has no words; None for no text."""
    kind = told.get("type")
    pressed = [
        answer
        for pressed in dicts(told.get("interactive"))
        for name in ("button_reply", "list_reply")
        for answer in dicts(pressed.get(name))
    ]
    places: dict[object, Iterable[object]] = {
        "text": (part.get("body") for part in dicts(told.get("text"))),
        "button": (part.get("text") or part.get("payload") for part in dicts(told.get("button"))),
        "interactive": (part.get("title") or part.get("id") for part in pressed),
        "reaction": (part.get("emoji") for part in dicts(told.get("reaction"))),
    }
    if isinstance(kind, str) and kind in _WORDLESS:
        captions = (part.get("caption") for part in dicts(told.get(kind)))
        return next(map(_text, filter(None, captions)), f"[{kind}]")
    said = places.get(kind, ()) if isinstance(kind, str) else ()
    return next((_text(words) for words in said if isinstance(words, str)), None)


def _text(words: object) -> str:
    """Without halves of surrogate pairs, which JSON can hold and no database can."""
    return words.encode("utf-8", "replace").decode() if isinstance(words, str) else ""


def _sender(told: Fields, contacts: list[dict[str, object]]) -> str:
    """The number with its plus; else the id of a person who shows none; else empty."""
    who = told.get("from_user_id") or told.get("user_id")
    same = [c for c in contacts if c.get("user_id") == who] if who else contacts
    alone = same[0] if len(same) == 1 else {}
    for number in (told.get("from"), alone.get("wa_id")):
        if isinstance(number, str) and _DIGITS.fullmatch(number.removeprefix("+")):
            return f"+{number.removeprefix('+')}"
    for person in (who, told.get("from"), alone.get("user_id")):
        if isinstance(person, str) and _USER_ID.fullmatch(person):
            return person
    return ""


def _line(value: Fields) -> str:
    for about in dicts(value.get("metadata")):
        number = about.get("display_phone_number")
        if isinstance(number, str):
            return re.sub(r"[^0-9+]", "", number)[:_LONGEST_LINE]
    return ""
