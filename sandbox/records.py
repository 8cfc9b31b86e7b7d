"""What the gateway remembers. All times are aware, in UTC."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sandbox.codes import Status

#: The end of a number decides what becomes of a text to it; any other number receives its texts.
FATES: Final = {
    "0001": Status.QUEUED,  # stays in the queue for ever
    "0005": Status.SENT_TOO,  # handed over, and nothing is heard of it again
    "0006": Status.FAILED,
    "0011": Status.UNDELIVERED,
    "0014": Status.BLOCKED,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long after its time a text reaches the carrier, and the phone."""

    to_carrier: timedelta = timedelta(seconds=2)
    to_phone: timedelta = timedelta(seconds=6)


@dataclass(slots=True)
class Options:
    """How the gateway behaves; everything may be changed while it runs."""

    credit_rial: int = 50_000_000
    tariff_rial: int = 2_000
    default_line: str = "10004346"
    lines: tuple[str, ...] = ()  # ours; empty takes any
    bad_keys: tuple[str, ...] = ()
    inactive_keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    templates: dict[str, str] = field(default_factory=lambda: {"code": "کد شما: %token"})
    pace: Pace = field(default_factory=Pace)
    error_inside_200: bool = False  # answer every refusal with HTTP 200
    select_allowed: bool = False  # our address is on the account's list
    links_allowed: bool = True
    only_receptor: str = ""  # a trial account texts its owner alone
    default_key: str = "sandbox"  # the account of replies to nobody's text


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that passed the checks of its form."""

    receptor: str
    body: str
    sender: str
    send_at: datetime
    parts: int
    local_id: int | None = None
    hidden: bool = False
    instant: bool = False  # a template message: handed over at once
    silent: bool = False  # no callback tells of it: its sender asks


@dataclass(slots=True)
class Text:
    """An accepted text. Its status is not kept: it follows from the time."""

    id: int
    account: str
    receptor: str = field(repr=False)
    body: str = field(repr=False)
    sender: str
    local_id: int | None
    accepted_at: datetime
    send_at: datetime
    parts: int
    cost: int
    hidden: bool = False
    instant: bool = False
    silent: bool = False
    blocked: bool = False
    debug: bool = False
    cancelled_at: datetime | None = None

    def status_at(self, now: datetime, pace: Pace) -> Status:
        status = Status.SCHEDULED if now < self.send_at else Status.QUEUED
        for moment, changed in self.changes(pace):
            if moment <= now:
                status = changed
        return status

    def changes(self, pace: Pace) -> Iterator[tuple[datetime, Status]]:
        """Everything that will have happened to the text, with its time."""
        if self.cancelled_at or self.debug:
            yield self.cancelled_at or self.accepted_at, Status.CANCELLED
            return
        fate = self.fate
        handed_over = self.send_at + (timedelta() if self.instant else pace.to_carrier)
        if fate is Status.BLOCKED:
            yield handed_over, fate
        elif fate is not Status.QUEUED:
            yield handed_over, Status.SENT if self.id % 2 else Status.SENT_TOO
            if fate is not Status.SENT_TOO:
                yield max(self.send_at + pace.to_phone, handed_over), fate

    @property
    def fate(self) -> Status:
        if self.blocked:
            return Status.BLOCKED
        return FATES.get(self.receptor[-4:], Status.DELIVERED)

    @property
    def refunded(self) -> bool:
        return self.cancelled_at is not None or self.fate is Status.BLOCKED


@dataclass(slots=True)
class Inbound:
    """A text from a phone to one of our lines. `answer` is the HTTP status of its callback.

    A silent one has no callback: it waits in the inbox.
    """

    id: int
    account: str
    sender: str = field(repr=False)
    receptor: str
    body: str = field(repr=False)
    received_at: datetime
    read: bool = False
    answer: int | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A number that takes no texts from one of our lines."""

    line: str
    receptor: str = field(repr=False)
    reason: int
    blocked_at: datetime


@dataclass(slots=True)
class Account:
    """What belongs to one API key; the key itself is not kept."""

    name: str
    spent: int = 0
    by_local_id: dict[int, Text] = field(default_factory=dict)
    blocks: dict[tuple[str, str], Block] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that arrived. `code` is the return code meant for it, whatever `fault` made of it."""

    at: datetime
    method: str
    verb: str
    code: int
    local_ids: tuple[int, ...] = ()
    receptors: int = 0
    fault: str = ""


def account_name(key: str) -> str:
    """A name for an account that does not give its key away."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]
