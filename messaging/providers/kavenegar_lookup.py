"""Kavenegar's `verify/lookup`: approved wordings with a few values in them.

They leave first and reach people who block promotional lines. The price: no id of ours travels
along, so a text whose answer is lost can neither be found nor repeated.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from messaging.providers.base import (
    Accepted,
    Approval,
    ApprovedText,
    EchoMismatch,
    Found,
    MessageRefused,
    NotFound,
    OutcomeUnknown,
    OutgoingText,
    Reason,
    RequestRefused,
)
from messaging.providers.kavenegar import Kavenegar, accepted_entry
from messaging.providers.values import dicts, message_number, national

#: The tokens in the order of a text's values, and the spaces that each may have.
TOKENS: Final = {"token": 0, "token2": 0, "token3": 0, "token10": 5, "token20": 8}
LONGEST_TOKEN: Final = 100
_ZWNJ: Final = "\u200c"
# Of the gateway's "separators" only these are named.
_UNWRITABLE: Final = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029_]")


class KavenegarLookup(Kavenegar):
    """A Kavenegar account that sends only templates approved in its panel."""

    name = "kavenegar_lookup"
    approval = Approval.ALWAYS
    dedupes = False
    can_look_up = False
    max_batch = 1
    resend_window = timedelta()
    look_up_window = timedelta()

    def send(self, texts: Sequence[OutgoingText]) -> list[Accepted]:
        text, approved = _only(texts)
        receptor = national(text.receptor)
        if not receptor:
            raise MessageRefused(Reason.BAD_RECEPTOR)
        tokens = tokens_of(approved.values)
        entries = self._client.verify_lookup(  # type: ignore[no-untyped-call]
            {"receptor": receptor, "template": approved.name, **tokens}
        )
        return [_accepted(text, list(dicts(entries)))]

    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        """Nothing: no id of ours is known there."""
        return {}


def tokens_of(values: Sequence[str]) -> dict[str, str]:
    """The values as tokens, in order. Raises `MessageRefused` for what cannot be written so.

    The first three take no spaces; joined by a zero-width non-joiner their words stay readable.
    """
    if not 1 <= len(values) <= len(TOKENS):
        raise MessageRefused(Reason.BAD_TEXT)
    names = list(TOKENS)[: len(values)]
    return {name: _token(value, TOKENS[name]) for name, value in zip(names, values, strict=True)}


def _token(value: str, spaces: int) -> str:
    trimmed = value.strip()
    words = trimmed.split()
    token = (" " if spaces else _ZWNJ).join(words)
    too_many = bool(spaces) and len(words) - 1 > spaces
    if not token or too_many or len(token) > LONGEST_TOKEN or _UNWRITABLE.search(trimmed):
        raise MessageRefused(Reason.BAD_TEXT)
    return token


def _only(texts: Sequence[OutgoingText]) -> tuple[OutgoingText, ApprovedText]:
    if len(texts) != 1:
        raise RequestRefused(Reason.BAD_BATCH)
    (text,) = texts
    if text.approved is None or not text.approved.name:
        raise RequestRefused(Reason.NOT_APPROVED)
    return text, text.approved


def _accepted(text: OutgoingText, entries: Sequence[Mapping[str, object]]) -> Accepted:
    """The one entry, if it is of our recipient. Its words are the template's, not ours."""
    if len(entries) != 1 or not entries[0].get("receptor"):
        raise OutcomeUnknown(Reason.INCOMPLETE)
    (entry,) = entries
    if national(entry["receptor"]) != national(text.receptor):
        raise EchoMismatch(Reason.WRONG_ECHO)
    provider_id = message_number(entry.get("messageid"))
    if not provider_id:
        raise OutcomeUnknown(Reason.INCOMPLETE)
    return accepted_entry(text, provider_id, entry)
