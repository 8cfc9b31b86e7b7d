"""sms.ir: one text to many numbers, states by asking, an inbox that is read once.

It knows no id of ours: a text whose answer is lost can neither be found nor repeated.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice, repeat
from typing import Final

from messaging.providers.base import (
    Accepted,
    AccountInfo,
    Callback,
    DeliveryStatus,
    Found,
    InboundText,
    MessageRefused,
    News,
    NotFound,
    OutcomeUnknown,
    OutgoingText,
    Provider,
    ProviderError,
    Reason,
    Receipt,
    RequestRefused,
)
from messaging.providers.batches import national_receptors
from messaging.providers.smsir_client import BAD_NUMBER, BLACKLISTED, NOT_FOUND, SmsIrClient
from messaging.providers.values import (
    dicts,
    fields,
    message_number,
    moment,
    parsed,
    whole_number,
    written,
)
from messaging.providers.wire import CONNECT_SECONDS, READ_SECONDS

DEFAULT_BASE_URL: Final = "https://api.sms.ir"

_STATES: Final = {
    1: DeliveryStatus.DELIVERED,
    2: DeliveryStatus.UNDELIVERED,
    3: DeliveryStatus.SENT,
    # "Not reached the carrier" may still change: called failed, it could cost a second text.
    4: DeliveryStatus.ACCEPTED,
    5: DeliveryStatus.SENT,
    6: DeliveryStatus.FAILED,
    7: DeliveryStatus.BLOCKED,
}
_INBOX_PAGE: Final = 100
_MOST_NEWS: Final = 100  # of one callback
_HIGHEST_COST: Final = 2**31  # in Rial, for one text; it has to fit where costs are kept


class SmsIr(Provider):
    """One sms.ir account.

    `sender` is the line, which the gateway demands. It counts cost and credit in texts, not in
    money: `rial_per_credit` is the price of one, 0 where nobody has said it; then neither is told.
    Raises `ValueError` for settings that cannot work.
    """

    name = "smsir"
    counts_texts = True
    address_setting = "SMSIR_BASE_URL"
    dedupes = False
    can_look_up = False
    max_batch = 100
    max_statuses = 20  # each is a call of its own
    resend_window = timedelta()
    look_up_window = timedelta()
    status_window = timedelta(hours=48)  # how long states are told is not documented

    def __init__(
        self,
        *,
        api_key: str,
        sender: str,
        base_url: str = DEFAULT_BASE_URL,
        rial_per_credit: int = 0,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._client = SmsIrClient(
            api_key, base_url, connect_seconds=connect_seconds, read_seconds=read_seconds
        )
        if not message_number(sender):
            raise ValueError("the sms.ir line is a number")
        self._line = int(sender)
        self._rial_per_credit = rial_per_credit

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    @property
    def is_loopback(self) -> bool:
        return self._client.is_loopback

    def send(self, texts: Sequence[OutgoingText]) -> list[Accepted]:
        receptors = national_receptors(texts, self.max_batch)
        pack = self._client.post(
            "send/bulk",
            {
                "lineNumber": self._line,
                "messageText": texts[0].text,
                "mobiles": receptors,
                "sendDateTime": None,
            },
        )
        return _matched(texts, pack, self._rial_per_credit)

    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        """Nothing: no id of ours is known there."""
        return {}

    def statuses(self, provider_ids: Sequence[str]) -> dict[str, DeliveryStatus]:
        """One call for each: those told before a call fails are kept, unless it is the first."""
        if len(provider_ids) > self.max_statuses:
            raise RequestRefused(Reason.BAD_BATCH)
        told: dict[str, DeliveryStatus] = {}
        for provider_id in filter(_is_id, provider_ids):
            try:
                status = self._status(provider_id)
            except ProviderError:
                if told:
                    break
                raise
            if status:
                told[provider_id] = status
        return told

    def _status(self, provider_id: str) -> DeliveryStatus | None:
        try:
            report = self._client.get(f"send/{provider_id}")
        except RequestRefused as refusal:
            if refusal.code == NOT_FOUND:
                return DeliveryStatus.UNKNOWN_ID
            raise
        for entry in dicts(report):
            if message_number(entry.get("messageId")) == provider_id:
                return _state(entry.get("deliveryState"))
        return None

    def account(self) -> AccountInfo:
        credit = _quantity(self._client.get("credit"))
        if credit is None:
            raise OutcomeUnknown(Reason.INCOMPLETE)
        if credit <= 0:
            return AccountInfo(0)
        return AccountInfo(_rial(credit, self._rial_per_credit, 2**63))

    def receive(self, line: str) -> list[InboundText]:
        """The unread texts to all lines of the account: the gateway does not tell them apart."""
        entries = self._client.get(f"receive/latest?count={_INBOX_PAGE}")
        told = (_inbound(fields(entry)) for entry in dicts(entries))
        return [text for text in told if text]

    @classmethod
    def hear(cls, callback: Callback) -> News:
        """The gateway documents no callback: what its reports look like is what is understood."""
        told = [fields(callback.fields)]
        told += islice(map(fields, dicts(parsed(callback.body))), _MOST_NEWS)
        inbound = filter(None, map(_inbound, told))
        return News(tuple(filter(None, map(_receipt, told))), tuple(inbound))


def _matched(texts: Sequence[OutgoingText], pack: object, rial_per_credit: int) -> list[Accepted]:
    """Each text its number, by position: the gateway repeats neither recipient nor text.

    Raises unless every text has one. 0 is a recipient who refuses, null a number or text that
    cannot be: those are refused, the others accepted all the same.
    """
    ids = pack.get("messageIds") if isinstance(pack, dict) else None
    if not isinstance(pack, dict) or not isinstance(ids, list) or len(ids) != len(texts):
        raise OutcomeUnknown(Reason.INCOMPLETE)
    refusals = [code for each in ids if (code := _refusal(each))]
    costs = _shares(_quantity(pack.get("cost")), len(ids) - len(refusals), rial_per_credit)
    accepted = [
        Accepted(text.local_id, number, DeliveryStatus.ACCEPTED, next(costs))
        for text, number in zip(texts, _unlike(ids), strict=True)
        if number
    ]
    if len(accepted) == len(texts):
        return accepted
    if len(accepted) + len(refusals) < len(texts):
        raise OutcomeUnknown(Reason.INCOMPLETE, accepted=accepted)
    raise MessageRefused(Reason.REFUSED, refusals[0], accepted)


def _unlike(ids: Sequence[object]) -> list[str]:
    """The gateway's numbers; empty where there is none, and where one stands for several texts."""
    numbers = [message_number(each) for each in ids]
    count = Counter(numbers)
    return [number if count[number] == 1 else "" for number in numbers]


def _refusal(number: object) -> int:
    """The code for a text that got no number; 0 for one that did, and for what says nothing."""
    if number is None:
        return BAD_NUMBER
    return BLACKLISTED if whole_number(number) == 0 else 0


def _shares(cost: float | None, count: int, rial_per_credit: int) -> Iterator[int | None]:
    """A pack's cost in Rial over its texts, the first a Rial dearer where it does not divide."""
    total = None if cost is None else _rial(cost, rial_per_credit, _HIGHEST_COST)
    if total is None or count < 1:
        return repeat(None)
    share, rest = divmod(total, count)
    return chain(repeat(share + 1, rest), repeat(share))


def _rial(credit: float, rial_per_credit: int, highest: int) -> int | None:
    """Credit as money; None where its price is unknown and where no such sum can be."""
    sum_rial = credit * rial_per_credit
    return round(sum_rial) if rial_per_credit and 0 <= sum_rial < highest else None


def _quantity(value: object) -> float | None:
    """A decimal number as the gateway writes it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _state(code: object) -> DeliveryStatus | None:
    number = whole_number(code)
    return None if number is None else _STATES.get(number, DeliveryStatus.UNRECOGNISED)


def _is_id(provider_id: str) -> bool:
    return message_number(provider_id) == provider_id != ""


def _receipt(told: Mapping[str, object]) -> Receipt | None:
    provider_id, status = message_number(told.get("messageid")), _state(told.get("deliverystate"))
    return Receipt(provider_id, status) if provider_id and status else None


def _inbound(told: Mapping[str, object]) -> InboundText | None:
    """A text with a sender and words, its fields by their names in small letters."""
    sender, line, text = (
        written(told.get("mobile")),
        written(told.get("number")),
        told.get("messagetext"),
    )
    if not sender or not isinstance(text, str) or "deliverystate" in told:
        return None
    at = told.get("receiveddatetime")
    number = message_number(told.get("receivereturnid")) or _digest(sender, line, text, at)
    return InboundText(number, sender, line, text, moment(at))


def _digest(*told: object) -> str:
    """A number for a text that came without one: the same text gets the same again."""
    return hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:32]
