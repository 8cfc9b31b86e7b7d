"""What goes wrong: gateways that fail, processes that die, beats that stop. Drawn from the seed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from sandbox.simulator.facts import House

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
#: After the end of a trouble everything that waited for it has had its next try.
AFTERMATH = 20 * MINUTE

#: One call, or a few, of sending: the sandbox's own modes and what they are given.
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("accept_then_drop", {}),
    ("drop", {}),
    ("half", {}),
    ("empty", {}),
    ("null_entries", {}),
    ("missing_entry", {}),
    ("html", {}),
    ("redirect", {}),
    ("wrong_text", {}),
    ("wrong_receptor", {}),
    ("delay", {"seconds": 30.0}),
    ("code", {"code": 409}),
    ("code", {"code": 451}),
    ("code", {"code": 402}),
)
#: What lasts for a while.
OUTAGES = ("no_credit", "bad_key", "refused", "beat_dead", "busy")
#: What can happen between two steps of the engine.
MISHAPS = ("kill_before", "kill_after", "second_drain", "world", "zombie")


@dataclass(slots=True)
class Mishap:
    """At the `number`-th commit of a module in this tick."""

    kind: str
    module: str
    number: int


@dataclass(slots=True)
class Troubles:
    """Spans of time in which something was wrong, as the one who made them knows it."""

    spans: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)
    stops: dict[int, list[tuple[dt.datetime, dt.datetime | None]]] = field(default_factory=dict)
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def note(self, start: dt.datetime, end: dt.datetime) -> None:
        self.spans.append((start, end + AFTERMATH))

    def note_stop(self, house: House) -> None:
        """Keep account of a clinic's stops."""
        spans = self.stops.setdefault(house.id, [])
        standing = bool(spans) and spans[-1][1] is None
        if house.paused and not standing:
            spans.append((self.now, None))
        elif not house.paused and standing:
            spans[-1] = (spans[-1][0], self.now + AFTERMATH)

    def explains(self, house: House, moment: dt.datetime) -> bool:
        if any(start <= moment <= end for start, end in self.spans):
            return True
        stops = self.stops.get(house.id, [])
        return any(start <= moment and (end is None or moment <= end) for start, end in stops)

    @property
    def are_over(self) -> bool:
        return not any(start <= self.now <= end for start, end in self.spans)


class Mischief:
    """Draws what goes wrong. Nothing, unless it was asked for."""

    def __init__(self, rng: Random, wanted: bool) -> None:
        self.rng, self.wanted = rng, wanted

    def of_tick(self) -> list[Mishap]:
        if not self.wanted or self.rng.random() > 0.3:
            return []
        kind = self.rng.choice(MISHAPS)
        module = (
            "delivery"
            if kind != "kill_before"
            else self.rng.choice(("delivery", "delivery", "planner", "lookups"))
        )
        return [Mishap(kind, module, self.rng.choice((1, 2, 3, 4, 4, 5, 5, 6, 7, 8, 9)))]

    def of_day(self, days: int, opened: dt.datetime) -> list[tuple[dt.datetime, str]]:
        """When the calls fail, and when something lasting begins, over all the days."""
        found: list[tuple[dt.datetime, str]] = []
        for n in range(days if self.wanted else 0):
            calls = self.rng.randrange(2, 7)
            found += [(self._moment(opened, n), "call") for _ in range(calls)]
            if self.rng.random() < 0.5:
                found.append((self._moment(opened, n), self.rng.choice(OUTAGES)))
        return found

    def _moment(self, opened: dt.datetime, day: int) -> dt.datetime:
        return opened + dt.timedelta(days=day) + self.rng.randrange(0, 13 * 60) * MINUTE


Story = Callable[[str], None]
