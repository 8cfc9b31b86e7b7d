"""WhatsApp's Cloud API as a world of its own: templates, windows, limits, and what becomes of texts.

Pure as `sandbox.gateway` is: `now` is an argument, every change is an event that the journal keeps.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.faults import MODES, Fault

WINDOW: Final = timedelta(hours=24)
#: To one recipient a message per six seconds, of which a few dozen may be borrowed from the future.
_PAIR: Final = timedelta(seconds=6)
_BURST: Final = 45
_IRAN: Final = "98"
_NO_WHATSAPP: Final = 131026
#: The end of a number decides here, too; any other receives and reads its texts.
_FATES: Final = {"0006": ("failed",), "0011": ("sent",), "0001": (), "0026": ("failed",)}
_CALLS_KEPT: Final = 10_000

Event = dict[str, Any]


class GraphError(Exception):
    """The call is answered with this error and changes nothing."""

    def __init__(self, code: int, status: int = 400, subcode: int | None = None) -> None:
        super().__init__(code)
        self.code, self.status, self.subcode = code, status, subcode


@dataclass(slots=True)
class GraphFault(Fault):
    """As `Fault`; a code is one of Meta's, `http` the status beside it."""

    http: int = 400

    def __post_init__(self) -> None:
        if self.mode not in MODES or self.times < 1:
            raise ValueError(f"no such fault: {self.mode!r}; known are {', '.join(MODES)}")


@dataclass(slots=True)
class WhatsAppOptions:
    """How it behaves; everything may be changed while it runs. An empty URL means no webhooks."""

    callback_url: str = ""
    app_secret: str = "sandbox"  # noqa: S105 - of nobody's app
    bad_tokens: tuple[str, ...] = ()
    #: "name/language" and how many values it takes.
    templates: dict[str, int] = field(default_factory=dict)
    any_template: bool = False  # take every name with any number of values
    serves_iran: bool = False  # else numbers of +98 get a 200 and then fail, as Meta's rules say
    reads: bool = True
    to_carrier: float = 1.0  # seconds from acceptance to each state
    to_phone: float = 3.0
    to_eyes: float = 8.0
    duplicate: bool = False  # every webhook arrives twice
    shuffled: bool = False  # the latest news first
    batched: bool = False  # all that is due in one webhook
    without_wa_id: bool = False  # as for people who show no number


@dataclass(slots=True)
class Sent:
    """An accepted message. Its states follow from the time."""

    id: str
    number_id: str
    receptor: str = field(repr=False)  # digits, with the country's
    body: str = field(repr=False)
    template: str
    callback_data: str
    at: datetime

    def changes(self, options: WhatsAppOptions) -> Iterator[tuple[datetime, str, int]]:
        """Everything that will have happened to it: when, the word, and the code of a failure."""
        unserved = self.receptor.startswith(_IRAN) and not options.serves_iran
        fate = ("failed",) if unserved else _FATES.get(self.receptor[-4:], _all(options))
        waits = {"sent": options.to_carrier, "failed": options.to_carrier}
        waits |= {"delivered": options.to_phone, "read": options.to_eyes}
        for word in fate:
            code = _NO_WHATSAPP if word == "failed" else 0
            yield self.at + timedelta(seconds=waits[word]), word, code

    def word(self, now: datetime, options: WhatsAppOptions) -> str:
        happened = [word for moment, word, _ in self.changes(options) if moment <= now]
        return happened[-1] if happened else "accepted"


@dataclass(slots=True)
class Written:
    """A message from a phone."""

    id: str
    number_id: str
    sender: str = field(repr=False)
    body: str = field(repr=False)
    at: datetime
    kind: str = "text"  # or button


@dataclass(frozen=True, slots=True)
class GraphCall:
    """A call that arrived; `code` is 0 for a success."""

    at: datetime
    verb: str
    code: int
    fault: str = ""


class WhatsApp:
    """All phone numbers of one app. Not locked: the server lets one call in at a time."""

    def __init__(
        self, options: WhatsAppOptions, record: Callable[[Event], None] | None = None
    ) -> None:
        self.options = options
        self.sent: dict[str, Sent] = {}
        self.written: list[Written] = []
        self.calls: deque[GraphCall] = deque(maxlen=_CALLS_KEPT)
        self.told: set[tuple[str, str]] = set()
        self.version = 0
        self._faults: list[GraphFault] = []
        self._heard: dict[str, datetime] = {}
        self._borrowed: dict[str, datetime] = {}
        self._numbers = itertools.count(1)
        self._record = record or (lambda _: None)

    def add_fault(self, fault: GraphFault) -> None:
        self._faults.append(fault)

    def take_fault(self) -> GraphFault | None:
        if not self._faults:
            return None
        fault = self._faults[0]
        fault.times -= 1
        if not fault.times:
            self._faults.pop(0)
        return fault

    def accept(self, draft: Sent, values: int | None) -> Sent:
        """Take a message; `values` counts those of a template. Raises `GraphError`."""
        self._check_limits(draft)
        if values is None:
            heard = self._heard.get(draft.receptor)
            if heard is None or draft.at - heard > WINDOW:
                raise GraphError(131047)
        elif not self.options.any_template:
            wanted = self.options.templates.get(draft.template)
            if wanted is None:
                raise GraphError(132001, 404)
            if wanted != values:
                raise GraphError(132000)
        self._do({"event": "wa_text", **_plain(asdict(draft))})
        return self.sent[draft.id]

    def receive(self, sender: str, body: str, now: datetime, kind: str = "text") -> Written:
        """A phone writes, to the number that last wrote to it; this opens its window."""
        numbers = [each.number_id for each in self.sent.values() if each.receptor == sender]
        written = Written(self.new_id(), numbers[-1] if numbers else "0", sender, body, now, kind)
        self._do({"event": "wa_written", **_plain(asdict(written))})
        return self.written[-1]

    def new_id(self) -> str:
        return f"wamid.SANDBOX{next(self._numbers):016d}"

    def untold(self, now: datetime) -> Iterator[tuple[datetime, Sent | Written, str, int]]:
        """What no webhook has told yet, in the order it happened: when, of what, word and code."""
        news: list[tuple[datetime, Sent | Written, str, int]] = [
            (moment, sent, word, code)
            for sent in self.sent.values()
            for moment, word, code in sent.changes(self.options)
        ]
        news += [(written.at, written, "written", 0) for written in self.written]
        for each in sorted(news, key=lambda change: change[0]):
            if each[0] <= now and (each[1].id, each[2]) not in self.told:
                yield each

    def mark_told(self, about: str, word: str) -> None:
        self._do({"event": "wa_told", "id": about, "word": word})

    def replay(self, events: Iterable[Event]) -> None:
        """Rebuild the world from what was recorded; what is no event of ours is passed over."""
        for event in events:
            with suppress(KeyError, TypeError, ValueError):
                self._apply(event)

    def _check_limits(self, draft: Sent) -> None:
        free_at = max(self._borrowed.get(draft.receptor, draft.at), draft.at)
        if free_at - draft.at >= _PAIR * _BURST:
            raise GraphError(131056)
        self._borrowed[draft.receptor] = free_at + _PAIR

    def _do(self, event: Event) -> None:
        self._apply(event)
        self._record(event)

    def _apply(self, event: Event) -> None:
        values = {name: value for name, value in event.items() if name != "event"}
        if event["event"] == "wa_told":
            self.told.add((values["id"], values["word"]))
        elif event["event"] == "wa_text":
            sent = Sent(**_typed(values))
            self.sent[sent.id] = sent
        elif event["event"] == "wa_written":
            written = Written(**_typed(values))
            self.written.append(written)
            self._heard[written.sender] = written.at
        else:
            return
        self._numbers = itertools.count(len(self.sent) + len(self.written) + 1)
        self.version += 1


def _all(options: WhatsAppOptions) -> tuple[str, ...]:
    return ("sent", "delivered", "read") if options.reads else ("sent", "delivered")


def _plain(record: Event) -> Event:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in record.items()}


def _typed(event: Event) -> Event:
    return {**event, "at": datetime.fromisoformat(event["at"])}
