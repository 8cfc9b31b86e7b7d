"""What every gateway must be able to say, in words that name no gateway.

Providers know nothing of the database: they take plain values, talk, and answer in the types below.
No error carries a text, a phone number, a key or an address, not even in its chain of causes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar


class DeliveryStatus(StrEnum):
    """Where a text is, as far as the gateway knows."""

    ACCEPTED = "accepted"  # queued or scheduled at the gateway
    SENT = "sent"  # handed to the carrier
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"  # phone off or out of reach
    FAILED = "failed"  # the carrier refused it
    CANCELLED = "cancelled"  # at the gateway; its test mode says so too
    BLOCKED = "blocked"  # the recipient refuses texts of this line
    UNKNOWN_ID = "unknown_id"  # "no such message" or forgotten: says nothing about delivery
    UNRECOGNISED = "unrecognised"  # a word we have not learnt

    @property
    def is_final(self) -> bool:
        """Nothing further is to be expected."""
        return self in _FINAL

    @property
    def is_state(self) -> bool:
        """Whether it says anything at all; what does not must never overwrite what is known."""
        return self not in (DeliveryStatus.UNKNOWN_ID, DeliveryStatus.UNRECOGNISED)


_FINAL = frozenset(
    {
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.FAILED,
        DeliveryStatus.CANCELLED,
        DeliveryStatus.BLOCKED,
    }
)


class ErrorKind(StrEnum):
    """What the sender may do after an error, the only question that matters to it."""

    NOT_ACCEPTED = "not_accepted"  # certainly not accepted: try later, with the same id
    MESSAGE = "message"  # this text or recipient can never be accepted
    ACCOUNT = "account"  # pause the account until a person has mended it
    BUG = "bug"  # we asked wrongly: failed, and ours to repair
    UNKNOWN = "unknown"  # it may have been accepted: ask before anything else
    MISMATCH = "mismatch"  # the gateway answered with another message: a person must look


class Reason(StrEnum):
    """What happened, as a closed set: the only words an error says."""

    REFUSED = "refused"  # by the gateway, with a code
    UNCLEAR = "unclear"  # a code that does not say whether anything was taken
    NOT_CONNECTED = "not_connected"
    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    REDIRECTED = "redirected"
    TOO_LONG = "too_long"  # an answer that does not end
    UNREADABLE = "unreadable"  # no JSON, or not the agreed envelope
    INCOMPLETE = "incomplete"  # a readable answer without all we asked for
    BAD_BATCH = "bad_batch"  # too many, none, one recipient twice or several texts in one call
    BAD_RECEPTOR = "bad_receptor"  # a number this gateway cannot reach
    BAD_TEXT = "bad_text"  # characters that cannot be written
    NOT_APPROVED = "not_approved"  # no wording that this gateway has approved was given
    LINKS_REFUSED = "links_refused"  # this account may send no links; the text may go without
    WRONG_ECHO = "wrong_echo"


class Approval(StrEnum):
    """Whether a gateway takes only wordings it has approved beforehand."""

    NEVER = "never"
    OUTSIDE_WINDOW = "outside_window"  # unless the recipient has written within `WINDOW`
    ALWAYS = "always"


#: WhatsApp's customer service window: after a person's words anything may be written to them.
WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ApprovedText:
    """A wording by the name under which the gateway has approved it, and its values in order."""

    name: str
    values: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text to one recipient. `local_id` is our row id, the key against duplicates."""

    local_id: int
    receptor: str = field(repr=False)  # E.164; of an e-mail its address
    text: str = field(repr=False)
    approved: ApprovedText | None = None
    #: For e-mail: whose letter it is, and where its reader can stop such letters.
    sender_name: str = ""
    stop_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has taken the text and given it a number. `cost_rial` covers all its parts."""

    local_id: int
    provider_id: str
    status: DeliveryStatus
    cost_rial: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The gateway has a message under our id."""

    provider_id: str
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway says that it has no message under our id."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """News of one text, told by the gateway itself. Not in order, and perhaps twice.

    `local_id` is our own id where the gateway repeats it: it settles even a text whose answer never
    arrived. `code` is the gateway's own reason for a failure.
    """

    provider_id: str
    status: DeliveryStatus
    local_id: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text from a phone to one of our lines, as the gateway tells it. Neither signed nor in order.

    `sender` is the number as the gateway writes it, perhaps none that a person can have. `at` is
    in UTC, None where the gateway does not say.
    """

    provider_id: str
    sender: str = field(repr=False)
    line: str
    text: str = field(repr=False)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """A request to one of our callback addresses, as it came from who knows whom.

    `fields` are those of the query and of a form body, `headers` by their names in small letters.
    """

    fields: Mapping[str, object] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class News:
    """What a callback told."""

    receipts: tuple[Receipt, ...] = ()
    inbound: tuple[InboundText, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What is left on the account; `expires_at` is in UTC. None where the gateway does not say."""

    credit_rial: int | None
    expires_at: datetime | None = None


class ProviderError(Exception):
    """A call that did not end well; `kind` says what may be done about it.

    `code` is the gateway's own code, or the HTTP status where there was no readable one.
    `accepted` are the texts of the batch that were taken all the same; `kind` speaks of the rest.
    """

    kind: ClassVar[ErrorKind]

    def __init__(
        self, reason: Reason, code: int | None = None, accepted: Iterable[Accepted] = ()
    ) -> None:
        self.reason = reason
        self.code = code
        self.accepted = tuple(accepted)
        super().__init__(reason, code, self.accepted)

    def __str__(self) -> str:
        code = "" if self.code is None else f" [{self.code}]"
        return f"{self.kind}: {self.reason}{code}"


class NotAccepted(ProviderError):
    kind = ErrorKind.NOT_ACCEPTED


class MessageRefused(ProviderError):
    """For a batch it does not say which text was at fault; none was accepted."""

    kind = ErrorKind.MESSAGE


class AccountRefused(ProviderError):
    kind = ErrorKind.ACCOUNT


class RequestRefused(ProviderError):
    kind = ErrorKind.BUG


class OutcomeUnknown(ProviderError):
    kind = ErrorKind.UNKNOWN


class EchoMismatch(ProviderError):
    """The gateway echoed another receptor or text than ours.

    That is what an id used twice looks like (a restored backup, a second installation on the same
    account): our text has not left, and a look-up by id would find the other message. Therefore
    never looked up and never re-sent.
    """

    kind = ErrorKind.MISMATCH


class Provider(ABC):
    """A gateway account that texts can be handed to. Safe to share between threads."""

    name: ClassVar[str]
    channel: ClassVar[str] = "sms"  # a value of messaging.models.Channel
    approval: ClassVar[Approval] = Approval.NEVER
    counts_texts: ClassVar[bool] = False  # costs in texts, not money: takes `rial_per_credit`
    address_setting: ClassVar[str]  # the Django setting that holds its base address
    calls_per_second: ClassVar[float] = (
        5.0  # sends, over all workers; no gateway publishes a figure
    )
    dedupes: ClassVar[bool]  # a second send with the same local_id returns the first message
    can_look_up: ClassVar[bool]  # it can be asked about a local_id
    max_batch: ClassVar[int]  # texts in one send
    max_statuses: ClassVar[int]  # ids in one question
    # Ages, counted from the first attempt. `resend_window` is the narrower: an answer of "not
    # found" must still be trustworthy when the second copy leaves.
    resend_window: ClassVar[timedelta]
    look_up_window: ClassVar[timedelta]
    status_window: ClassVar[timedelta]

    @property
    @abstractmethod
    def is_loopback(self) -> bool:
        """Whether nothing handed to it can leave this machine."""

    @abstractmethod
    def send(self, texts: Sequence[OutgoingText]) -> list[Accepted]:
        """Hand over one text to several recipients in one call, answered in the same order.

        All texts are equal, all receptors differ, at most `max_batch`. Raises `ProviderError`;
        those in its `accepted` were taken nevertheless.
        """

    @abstractmethod
    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        """Ask what became of our ids. An id absent from the answer is still unknown."""

    @abstractmethod
    def statuses(self, provider_ids: Sequence[str]) -> dict[str, DeliveryStatus]:
        """Ask where texts are. Ids the gateway did not speak of are absent."""

    @abstractmethod
    def account(self) -> AccountInfo:
        """What is left on the account."""

    @classmethod
    @abstractmethod
    def hear(cls, callback: Callback) -> News:
        """The news in a callback; none in anything else. Never raises, whatever the bytes."""

    @classmethod
    def is_genuine(cls, callback: Callback, app_secret: str) -> bool:  # noqa: ARG003
        """Whether the gateway itself signed it; True for gateways that sign nothing."""
        return True

    @classmethod
    def greeting(cls, callback: Callback, verify_token: str) -> str | None:  # noqa: ARG003
        """What to answer a gateway that tries an address out; None where it is no such call."""
        return None

    def receive(self, line: str) -> list[InboundText]:
        """What came in on a line and was not fetched yet, a page at a time; empty at the end.

        The gateway gives a text once: what is not kept is lost. Always empty where there is no inbox.
        """
        return []

    def opted_out(self, line: str, since: datetime) -> list[str]:
        """Who has told the gateway since then to be texted no more by a line, in E.164.

        Always empty where the gateway keeps no such list. Asking twice gives the same numbers.
        """
        return []
