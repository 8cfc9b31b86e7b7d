"""Kavenegar: `sms/send` with `localid`, its look-up, its statuses, its inbox and its callbacks.

`verify/lookup` has no localid and `sms/sendarray` spells it differently in every SDK, so neither is
used: what cannot be repeated safely is not sent.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from messaging.providers.base import (
    Accepted,
    AccountInfo,
    Callback,
    DeliveryStatus,
    EchoMismatch,
    Found,
    InboundText,
    MessageRefused,
    News,
    NotFound,
    OutcomeUnknown,
    OutgoingText,
    Provider,
    Reason,
    Receipt,
    RequestRefused,
)
from messaging.providers.kavenegar_client import KavenegarClient, whole_number
from messaging.providers.wire import CONNECT_SECONDS, READ_SECONDS

DEFAULT_BASE_URL: Final = "https://api.kavenegar.com"

_STATUSES: Final = {
    1: DeliveryStatus.ACCEPTED,
    2: DeliveryStatus.ACCEPTED,
    4: DeliveryStatus.SENT,
    5: DeliveryStatus.SENT,
    6: DeliveryStatus.FAILED,
    10: DeliveryStatus.DELIVERED,
    11: DeliveryStatus.UNDELIVERED,
    13: DeliveryStatus.CANCELLED,
    14: DeliveryStatus.BLOCKED,
    100: DeliveryStatus.UNKNOWN_ID,
}
_HIGHEST_COST: Final = 2**31  # in Rial, for one text; it has to fit where costs are kept
_LONGEST_NUMBER: Final = 40
_MOBILE: Final = re.compile(r"(?:\+98|0098|98|0)?(9[0-9]{9})")
# What a gateway may do to a text on its way back: other line ends, other spaces, Persian letters
# for Arabic ones. None of it can turn one client's text into another's.
_SPELLINGS: Final = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "\u200c": None, "\u200f": None})


class Kavenegar(Provider):
    """One Kavenegar account.

    `sender` is the line to send from, empty for the account's default. `hide` keeps receptors out
    of the listings of the gateway's own panel. Raises `ValueError` for settings that cannot work.
    """

    name = "kavenegar"
    dedupes = True
    can_look_up = True
    max_batch = 200
    max_statuses = 500
    # How long a localid is remembered is not documented, only that it can be asked about for 12 h.
    resend_window = timedelta(hours=11)
    look_up_window = timedelta(hours=12)
    status_window = timedelta(hours=48)

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = DEFAULT_BASE_URL,
        sender: str = "",
        hide: bool = True,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._client = KavenegarClient(
            api_key, base_url, connect_seconds=connect_seconds, read_seconds=read_seconds
        )
        self._sender = sender
        self._hide = hide

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    @property
    def is_loopback(self) -> bool:
        return self._client.is_loopback

    def send(self, texts: Sequence[OutgoingText]) -> list[Accepted]:
        receptors = _receptors(texts, self.max_batch)
        entries = self._client.sms_send(  # type: ignore[no-untyped-call]
            {
                "receptor": ",".join(receptors),
                "message": texts[0].text,
                "localid": _joined(text.local_id for text in texts),
                "sender": self._sender or None,
                "hide": 1 if self._hide else None,
            }
        )
        return _matched(texts, _dicts(entries))

    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        asked = self._question(local_ids)
        entries = asked and self._client.sms_statuslocalmessageid({"localid": asked})  # type: ignore[no-untyped-call]
        findings: dict[int, Found | NotFound] = {}
        for entry in _dicts(entries):
            local_id, finding = whole_number(entry.get("localid")) or 0, _finding(entry)
            # Should the gateway contradict itself, "found" holds: believing "not found" costs a
            # second text, believing "found" at worst one that a person has to look after.
            if local_id in local_ids and finding and not isinstance(findings.get(local_id), Found):
                findings[local_id] = finding
        return findings

    def statuses(self, provider_ids: Sequence[str]) -> dict[str, DeliveryStatus]:
        ours = [provider_id for provider_id in provider_ids if _is_id(provider_id)]
        asked = self._question(ours)
        entries = asked and self._client.sms_status({"messageid": asked})  # type: ignore[no-untyped-call]
        wanted = set(ours)
        return {
            provider_id: status
            for entry in _dicts(entries)
            if (provider_id := _provider_id(entry)) in wanted and (status := _status(entry))
        }

    def account(self) -> AccountInfo:
        for entry in _dicts(self._client.account_info()):  # type: ignore[no-untyped-call]
            credit = whole_number(entry.get("remaincredit"))
            if credit is not None:
                return AccountInfo(credit, _moment(entry.get("expiredate")))
        raise OutcomeUnknown(Reason.INCOMPLETE)

    def receive(self, line: str) -> list[InboundText]:
        entries = self._client.sms_receive({"linenumber": line, "isread": 0})  # type: ignore[no-untyped-call]
        told = (
            _inbound(entry, "sender", "receptor", at=_moment(entry.get("date")))
            for entry in _dicts(entries)
        )
        return [text for text in told if text]

    @classmethod
    def hear(cls, callback: Callback) -> News:
        inbound = cls.parse_inbound(callback.fields)
        return News(tuple(cls.parse_receipts(callback.fields)), (inbound,) if inbound else ())

    @classmethod
    def parse_receipts(cls, params: Mapping[str, object]) -> list[Receipt]:
        fields = _fields(params)
        provider_id, status = _provider_id(fields), _status(fields)
        return [Receipt(provider_id, status)] if provider_id and status else []

    @classmethod
    def parse_inbound(cls, params: Mapping[str, object]) -> InboundText | None:
        return _inbound(_fields(params), "from", "to")

    def _question(self, ids: Sequence[int] | Sequence[str]) -> str:
        if len(ids) > self.max_statuses:
            raise RequestRefused(Reason.BAD_BATCH)
        return _joined(ids)


def _receptors(texts: Sequence[OutgoingText], limit: int) -> list[str]:
    """The numbers as the gateway dials them, or an error before anything leaves."""
    ids, wordings = {text.local_id for text in texts}, {text.text for text in texts}
    receptors = [_national(text.receptor) for text in texts]
    if "" in receptors:
        raise MessageRefused(Reason.BAD_RECEPTOR)
    if any(not wording.strip() for wording in wordings):
        raise MessageRefused(Reason.BAD_TEXT)
    uneven = len(ids) != len(texts) or len(set(receptors)) != len(texts) or len(wordings) != 1
    if uneven or len(texts) > limit:
        raise RequestRefused(Reason.BAD_BATCH)
    return receptors


def _national(number: object) -> str:
    """`09…` for a mobile in any form the gateway writes; empty for anything else."""
    found = _MOBILE.fullmatch(str(number).strip())
    return f"0{found[1]}" if found else ""


def _matched(
    texts: Sequence[OutgoingText], entries: Iterable[Mapping[str, object]]
) -> list[Accepted]:
    """Give each entry to the text it answers; raise unless every text has exactly one of its own.

    Entries are matched by the id they echo, else by receptor, never by position: a gateway that
    drops one entry would shift all the others onto the wrong clients.
    """
    by_receptor = {_national(text.receptor): text for text in texts}
    by_id = {text.local_id: text for text in texts}
    answers: list[Accepted] = []
    strange = False
    for entry in entries:
        local_id = whole_number(entry.get("localid"))
        text = by_id.get(local_id or 0) or by_receptor.get(_national(entry.get("receptor")))
        if text is None or not _echoes(entry, text):
            strange = strange or _says_something_else(entry)
        elif provider_id := _provider_id(entry):
            answers.append(_accepted(text, provider_id, entry))
    return _complete(texts, answers, strange=strange)


def _complete(
    texts: Sequence[OutgoingText], answers: Sequence[Accepted], *, strange: bool
) -> list[Accepted]:
    ids = Counter(answer.local_id for answer in answers)
    numbers = Counter(answer.provider_id for answer in answers)
    sure = {
        answer.local_id: answer
        for answer in answers
        if ids[answer.local_id] == 1 and numbers[answer.provider_id] == 1
    }
    if strange:
        raise EchoMismatch(Reason.WRONG_ECHO, accepted=sure.values())
    if len(sure) < len(texts):
        raise OutcomeUnknown(Reason.INCOMPLETE, accepted=sure.values())
    return [sure[text.local_id] for text in texts]


def _echoes(entry: Mapping[str, object], text: OutgoingText) -> bool:
    """Whether an entry repeats our receptor and our text.

    A service line may add its opt-out words behind the text, so the echo may go on after ours.
    """
    message = entry.get("message")
    if not isinstance(message, str) or _national(entry.get("receptor")) != _national(text.receptor):
        return False
    return _plain(message).startswith(_plain(text.text))


def _says_something_else(entry: Mapping[str, object]) -> bool:
    """A readable entry that is not ours is an alarm; one with gaps only leaves us unknowing."""
    return isinstance(entry.get("message"), str) and bool(entry.get("receptor"))


def _plain(text: str) -> str:
    return " ".join(text.translate(_SPELLINGS).split())


def _accepted(text: OutgoingText, provider_id: str, entry: Mapping[str, object]) -> Accepted:
    status = _status(entry) or DeliveryStatus.UNRECOGNISED
    cost = whole_number(entry.get("cost"))
    believable = cost is not None and 0 <= cost < _HIGHEST_COST
    return Accepted(text.local_id, provider_id, status, cost if believable else None)


def _finding(entry: Mapping[str, object]) -> Found | NotFound | None:
    """Only a plain 100 means "not there"; an entry with gaps means nothing at all."""
    status, provider_id = _status(entry), _provider_id(entry)
    if status is DeliveryStatus.UNKNOWN_ID:
        return NotFound()
    return Found(provider_id, status) if provider_id and status else None


def _status(entry: Mapping[str, object]) -> DeliveryStatus | None:
    code = whole_number(entry.get("status"))
    return None if code is None else _STATUSES.get(code, DeliveryStatus.UNRECOGNISED)


def _provider_id(entry: Mapping[str, object]) -> str:
    """The gateway's number of a message, or empty."""
    number = whole_number(entry.get("messageid"))
    return str(number) if number and 0 < number < 2**63 else ""


def _is_id(provider_id: str) -> bool:
    return _provider_id({"messageid": provider_id}) == provider_id != ""


def _dicts(entries: object) -> Iterator[dict[str, object]]:
    """Entries as a list of objects, whether the gateway sent a list, one object or nothing."""
    found = entries if isinstance(entries, list) else [entries]
    return (entry for entry in found if isinstance(entry, dict))


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _inbound(
    entry: Mapping[str, object], sender: str, line: str, at: datetime | None = None
) -> InboundText | None:
    """A text that has a number, a sender and words; the callback and the inbox name them apart."""
    provider_id, number = _provider_id(entry), _written(entry.get(sender))
    if not provider_id or not number or entry.get("message") is None:
        return None
    words = entry["message"] if isinstance(entry["message"], str) else _written(entry["message"])
    return InboundText(provider_id, number, _written(entry.get(line)), words, at)


def _written(value: object) -> str:
    """A short value that may be a number or its digits; empty for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(whole_number(value) or "")
    return value.strip()[:_LONGEST_NUMBER] if isinstance(value, str) else ""


def _fields(params: Mapping[str, object]) -> dict[str, object]:
    """A callback's fields by their names in small letters; none where they cannot be read."""
    try:
        return {str(name).lower(): _single(params[name]) for name in params}
    except Exception:  # noqa: BLE001 - strangers may post anything here; none of it is an error
        return {}


def _single(value: object) -> object:
    """A form field read as a list of one."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _moment(value: object) -> datetime | None:
    seconds = whole_number(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None
