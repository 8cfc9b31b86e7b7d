"""The calendar as a grid of time: one column a therapist, a room or a day; rows of five minutes.

Positions are row numbers; `calendar-rows.css` has a class for each, because the pages' policy lets
no style stand in the markup.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from clinic import jalali
from clinic.hours import Span, without
from panel.lines import look_of
from sessions_app.models import Session, State

#: Minutes of a row: the step of the clock to which a session can be seen to start.
ROW = 5
#: A place to book stands at every half hour.
STEP = 30
#: What is shown of a day on which nothing calls for more, in hours.
USUAL_FROM, USUAL_UNTIL = 8, 20
HOURS = 24
#: Sessions that overlap stand this many steps aside at most.
LANES = 3


@dataclass(frozen=True, slots=True)
class Block:
    """One session in its place."""

    session: Session
    look: str
    at: int
    rows: int
    lane: int
    #: Still to come: it can be dragged.
    movable: bool


@dataclass(frozen=True, slots=True)
class Shade:
    """Time in which nobody is received, and why; no words for what lies beside the hours."""

    at: int
    rows: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """A free half hour that somebody can be booked into."""

    at: int
    rows: int
    clock: dt.time

    @property
    def param(self) -> str:
        return f"{self.clock:%H:%M}"


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names whose it is in addresses; `day` whose day."""

    title: str
    sub: str
    day: dt.date
    param: str
    therapist: int | None = None
    room: int | None = None
    is_today: bool = False
    #: What closes the day; None when it is open, and empty on a mere Friday.
    closed: str | None = None
    shades: list[Shade] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hour:
    at: int
    clock: dt.time


@dataclass(frozen=True, slots=True)
class Frame:
    """The hours that are shown, on the clinic's clock."""

    first: int
    last: int
    tz: str

    @classmethod
    def around(cls, spans: Iterable[Span], tz: str) -> Frame:
        """The usual hours of a day, and more where one of these needs it."""
        edges = [(jalali.local(it.start, tz), jalali.local(it.end, tz)) for it in spans]
        starts = [start.hour for start, _end in edges]
        ends = [
            HOURS if end.date() > start.date() else end.hour + bool(end.minute)
            for start, end in edges
        ]
        return cls(min([USUAL_FROM, *starts]), max([USUAL_UNTIL, *ends]), tz)

    @property
    def rows(self) -> int:
        return (self.last - self.first) * 60 // ROW

    @property
    def hours(self) -> list[Hour]:
        return [
            Hour((hour - self.first) * 60 // ROW, dt.time(hour))
            for hour in range(self.first, self.last)
        ]

    def whole(self, day: dt.date) -> Span:
        """What is shown of a day."""
        start = jalali.combine(day, dt.time(self.first), self.tz)
        end = jalali.end_of_day(day, self.tz)
        if self.last < HOURS:
            end = jalali.combine(day, dt.time(self.last), self.tz)
        return Span(start, end)

    def row(self, moment: dt.datetime, day: dt.date) -> int:
        """The row of a moment of that day, kept within what is shown."""
        local = jalali.local(moment, self.tz)
        if local.date() != day:
            return 0 if local.date() < day else self.rows
        at = ((local.hour - self.first) * 60 + local.minute) // ROW
        return min(max(at, 0), self.rows)

    def place(self, span: Span, day: dt.date) -> tuple[int, int]:
        """The first row, and how many: one at least, or nobody could click it."""
        at, until = self.row(span.start, day), self.row(span.end, day)
        return min(at, self.rows - 1), max(until - at, 1)


def span_of(session: Session) -> Span:
    return Span(session.starts_at, session.ends_at)


def blocks_of(
    sessions: Sequence[Session], day: dt.date, frame: Frame, *, now: dt.datetime
) -> list[Block]:
    """Sessions of one column, by time, that are not cancelled; what overlaps stands aside."""
    found: list[Block] = []
    for session in sessions:
        if session.state == State.CANCELLED:
            continue
        at, rows = frame.place(span_of(session), day)
        taken = {other.lane for other in found if other.at + other.rows > at}
        lane = next((n for n in range(LANES) if n not in taken), LANES - 1)
        movable = session.is_open and session.starts_at > now
        found.append(Block(session, look_of(session, now), at, rows, lane, movable))
    return found


def shades_of(working: Sequence[Span] | None, day: dt.date, frame: Frame) -> list[Shade]:
    """What lies beside working hours; nothing when no hours have been told."""
    if working is None:
        return []
    return [Shade(*frame.place(it, day)) for it in without([frame.whole(day)], working)]


def openings_of(
    blocks: Iterable[Block], day: dt.date, frame: Frame, *, now: dt.datetime
) -> Iterator[Opening]:
    """Half hours in which nobody is, from now on."""
    taken = {row for block in blocks for row in range(block.at, block.at + block.rows)}
    rows = STEP // ROW
    for at in range(0, frame.rows, rows):
        clock = dt.time(frame.first + at * ROW // 60, at * ROW % 60)
        if jalali.combine(day, clock, frame.tz) >= now and taken.isdisjoint(range(at, at + rows)):
            yield Opening(at, rows, clock)
