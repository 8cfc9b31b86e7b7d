"""Kavenegar: `sms/send` with `localid`, its look-up, its statuses, its inbox and its callbacks.

`sms/sendarray` spells localid differently in every SDK and is not used: what cannot be repeated
safely is not sent. `verify/lookup`, which has none, is a provider of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
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
from messaging.providers.batches import national_receptors
from messaging.providers.kavenegar_client import KavenegarClient
from messaging.providers.values import (
    dicts,
    fields,
    international,
    message_number,
    moment,
    national,
    whole_number,
    written,
)
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
_ANSWERED_11: Final = 2  # why a number is on the block list
_BLOCKED: Final = "active"
_BLOCK_PAGE: Final = 200  # numbers in one page of the block list, and in one question
_BLOCK_PAGES: Final = 100  # an end for a gateway that always has another page
_UNBLOCK_AT_ONCE: Final = 50
# What a gateway may do to a text on its way back: other line ends, other spaces, Persian letters
# for Arabic ones. None of it can turn one client's text into another's.
_SPELLINGS: Final = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "\u200c": None, "\u200f": None})


class Kavenegar(Provider):
    """One Kavenegar account.

    `sender` is the line to send from, empty for the account's default. `hide` keeps receptors out
    of the listings of the gateway's own panel. Raises `ValueError` for settings that cannot work.
    """

    name = "kavenegar"
    address_setting = "KAVENEGAR_BASE_URL"
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
        receptors = national_receptors(texts, self.max_batch)
        entries = self._client.sms_send(  # type: ignore[no-untyped-call]
            {
                "receptor": ",".join(receptors),
                "message": texts[0].text,
                "localid": _joined(text.local_id for text in texts),
                "sender": self._sender or None,
                "hide": 1 if self._hide else None,
            }
        )
        return _matched(texts, dicts(entries))

    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        asked = self._question(local_ids)
        entries = asked and self._client.sms_statuslocalmessageid({"localid": asked})  # type: ignore[no-untyped-call]
        findings: dict[int, Found | NotFound] = {}
        for entry in dicts(entries):
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
            for entry in dicts(entries)
            if (provider_id := _number(entry)) in wanted and (status := _status(entry))
        }

    def account(self) -> AccountInfo:
        for entry in dicts(self._client.account_info()):  # type: ignore[no-untyped-call]
            credit = whole_number(entry.get("remaincredit"))
            if credit is not None:
                return AccountInfo(credit, moment(entry.get("expiredate")))
        raise OutcomeUnknown(Reason.INCOMPLETE)

    def receive(self, line: str) -> list[InboundText]:
        entries = self._client.sms_receive({"linenumber": line, "isread": 0})  # type: ignore[no-untyped-call]
        told = (
            _inbound(entry, "sender", "receptor", at=moment(entry.get("date")))
            for entry in dicts(entries)
        )
        return [text for text in told if text]

    def opted_out(self, line: str, since: datetime) -> list[str]:
        """The numbers that answered one of our lines with 11 since then, in E.164."""
        asked = {
            "linenumber": line,
            "blockreason": _ANSWERED_11,
            "startdate": int(since.timestamp()),
        }
        numbers: dict[str, None] = {}
        # Whether pages are counted from 0 or from 1 is not documented: the first is asked for
        # without a number, the others from 1 on. At worst the first one comes twice.
        for page in (None, *range(1, _BLOCK_PAGES)):
            entries = list(dicts(self._client.line_blocked("list", {**asked, "pagenumber": page})))
            numbers |= dict.fromkeys(international(entry.get("number")) for entry in entries)
            if len(entries) < _BLOCK_PAGE:
                break
        return [number for number in numbers if number]

    def block(self, line: str, numbers: Sequence[str]) -> None:
        """Let a line of ours text these numbers no more, whoever asks it to."""
        for some in _batches(numbers, _BLOCK_PAGE):
            self._client.line_blocked("add", {"linenumber": line, "receptor": ",".join(some)})

    def unblock(self, line: str, numbers: Sequence[str]) -> None:
        """Undo `block`. Numbers that answered 11 stay blocked: only they can undo it."""
        for some in _batches(numbers, _UNBLOCK_AT_ONCE):
            self._client.line_blocked_remove({"linenumber": line, "receptor": ",".join(some)})

    def blocked(self, line: str, numbers: Sequence[str]) -> set[str]:
        """Those of the numbers that a line of ours cannot text, in E.164."""
        found: set[str] = set()
        for some in _batches(numbers, _BLOCK_PAGE):
            asked = {"linenumber": line, "receptor": ",".join(some)}
            for entry in dicts(self._client.line_blocked("exists", asked)):
                if str(entry.get("status")).lower() == _BLOCKED:
                    found.add(international(entry.get("number") or entry.get("receptor")))
        return found & {international(number) for number in numbers} - {""}

    def sent_to(self, receptor: str, start: datetime, end: datetime) -> dict[str, DeliveryStatus]:
        """What this account sent to one number in at most a day, by the gateway's numbers.

        The only way to find a text that left without a number of ours.
        """
        ((number,),) = _batches([receptor], 1)
        asked = {"startdate": int(start.timestamp()), "enddate": int(end.timestamp())}
        entries = self._client.sms_statusbyreceptor({"receptor": number, **asked})
        return {
            provider_id: status
            for entry in dicts(entries)
            if (provider_id := _number(entry)) and (status := _status(entry))
        }

    def sends_nothing(self) -> bool:
        """Whether the account is in the gateway's own test mode, where every text is cancelled."""
        config = self._client.account_config({})  # type: ignore[no-untyped-call]
        return any(entry.get("debugmode") == "enabled" for entry in dicts(config))

    @classmethod
    def hear(cls, callback: Callback) -> News:
        inbound = cls.parse_inbound(callback.fields)
        return News(tuple(cls.parse_receipts(callback.fields)), (inbound,) if inbound else ())

    @classmethod
    def parse_receipts(cls, params: Mapping[str, object]) -> list[Receipt]:
        told = fields(params)
        provider_id, status = _number(told), _status(told)
        return [Receipt(provider_id, status)] if provider_id and status else []

    @classmethod
    def parse_inbound(cls, params: Mapping[str, object]) -> InboundText | None:
        return _inbound(fields(params), "from", "to")

    def _question(self, ids: Sequence[int] | Sequence[str]) -> str:
        if len(ids) > self.max_statuses:
            raise RequestRefused(Reason.BAD_BATCH)
        return _joined(ids)


def _matched(
    texts: Sequence[OutgoingText], entries: Iterable[Mapping[str, object]]
) -> list[Accepted]:
    """Give each entry to the text it answers; raise unless every text has exactly one of its own.

    Entries are matched by the id they echo, else by receptor, never by position: a gateway that
    drops one entry would shift all the others onto the wrong clients.
    """
    by_receptor = {national(text.receptor): text for text in texts}
    by_id = {text.local_id: text for text in texts}
    answers: list[Accepted] = []
    strange = False
    for entry in entries:
        local_id = whole_number(entry.get("localid"))
        text = by_id.get(local_id or 0) or by_receptor.get(national(entry.get("receptor")))
        if text is None or not _echoes(entry, text):
            strange = strange or _says_something_else(entry)
        elif provider_id := _number(entry):
            answers.append(accepted_entry(text, provider_id, entry))
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


def _batches(numbers: Iterable[str], size: int) -> list[list[str]]:
    """The numbers as the gateway dials them, so many at a time.

    Raises `MessageRefused` for one it cannot reach, before any of them is asked about.
    """
    found = list(map(national, numbers))
    if "" in found:
        raise MessageRefused(Reason.BAD_RECEPTOR)
    return [found[start : start + size] for start in range(0, len(found), size)]


def _echoes(entry: Mapping[str, object], text: OutgoingText) -> bool:
    """Whether an entry repeats our receptor and our text.

    A service line may add its opt-out words behind the text, so the echo may go on after ours.
    """
    message = entry.get("message")
    if not isinstance(message, str) or national(entry.get("receptor")) != national(text.receptor):
        return False
    return _plain(message).startswith(_plain(text.text))


def _says_something_else(entry: Mapping[str, object]) -> bool:
    """A readable entry that is not ours is an alarm; one with gaps only leaves us unknowing."""
    return isinstance(entry.get("message"), str) and bool(entry.get("receptor"))


def _plain(text: str) -> str:
    return " ".join(text.translate(_SPELLINGS).split())


def accepted_entry(text: OutgoingText, provider_id: str, entry: Mapping[str, object]) -> Accepted:
    """What an entry says of a text that it answers."""
    status = _status(entry) or DeliveryStatus.UNRECOGNISED
    cost = whole_number(entry.get("cost"))
    believable = cost is not None and 0 <= cost < _HIGHEST_COST
    return Accepted(text.local_id, provider_id, status, cost if believable else None)


def _finding(entry: Mapping[str, object]) -> Found | NotFound | None:
    """Only a plain 100 means "not there"; an entry with gaps means nothing at all."""
    status, provider_id = _status(entry), _number(entry)
    if status is DeliveryStatus.UNKNOWN_ID:
        return NotFound()
    return Found(provider_id, status) if provider_id and status else None


def _status(entry: Mapping[str, object]) -> DeliveryStatus | None:
    code = whole_number(entry.get("status"))
    return None if code is None else _STATUSES.get(code, DeliveryStatus.UNRECOGNISED)


def _number(entry: Mapping[str, object]) -> str:
    """The gateway's number of a message, or empty."""
    return message_number(entry.get("messageid"))


def _is_id(provider_id: str) -> bool:
    return message_number(provider_id) == provider_id != ""


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _inbound(
    entry: Mapping[str, object], sender: str, line: str, at: datetime | None = None
) -> InboundText | None:
    """A text that has a number, a sender and words; the callback and the inbox name them apart."""
    provider_id, number = _number(entry), written(entry.get(sender))
    if not provider_id or not number or entry.get("message") is None:
        return None
    words = entry["message"] if isinstance(entry["message"], str) else written(entry["message"])
    return InboundText(provider_id, number, written(entry.get(line)), words, at)
