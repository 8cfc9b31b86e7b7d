"""Who comes when: the weekly rhythm of every client, and what becomes of each appointment.

The same for the same first week, so that a later start can go on where the first one ended.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique

from clinic import jalali
from panel.demo.people import (
    THERAPISTS,
    Person,
    Rhythm,
    ServiceFacts,
    TherapistFacts,
    everybody,
)

PAST_WEEKS = 10
#: When no therapist has an hour of his own.
EVENING = dt.time(20, 0)
_SEED = 1473
_MOVED_OF_100 = 6
_THURSDAY = 5  # the door closes at noon
_CONFIRMS_OF_100 = 35


@unique
class Fate(Enum):
    """What becomes of an appointment; the number is how many of a hundred."""

    ATTENDED = 76
    NO_SHOW = 8
    CANCELLED_BY_CLIENT = 5
    CANCELLED_LATE = 3
    CANCELLED_BY_CLINIC = 2
    UNRECORDED = 6


#: Days before the session, and the hour, at which reception hears of it.
_CANCELLED = {
    Fate.CANCELLED_BY_CLIENT: (2, dt.time(11, 20)),
    Fate.CANCELLED_BY_CLINIC: (1, dt.time(10, 10)),
    Fate.CANCELLED_LATE: (0, dt.time(8, 35)),
}


@dataclass(frozen=True, slots=True)
class Appointment:
    people: tuple[Person, ...]
    starts_at: dt.datetime
    fate: Fate
    #: Agreed for the evening of that day at first, and moved to its own time two days before.
    moves: bool
    confirms: bool

    @property
    def therapist(self) -> TherapistFacts:
        return self.people[0].therapist

    @property
    def service(self) -> ServiceFacts:
        return self.people[0].service

    @property
    def ends_at(self) -> dt.datetime:
        return self.starts_at + dt.timedelta(minutes=self.service.minutes)

    @property
    def day(self) -> dt.date:
        return jalali.local_day(self.starts_at)

    def cancelled_at(self) -> dt.datetime | None:
        """When its cancellation is told, if it is cancelled."""
        days_before, clock = _CANCELLED.get(self.fate, (None, None))
        if days_before is None or clock is None:
            return None
        return jalali.combine(self.day - dt.timedelta(days=days_before), clock)

    def agreed_start(self) -> dt.datetime:
        """The start as it was first agreed."""
        return jalali.combine(self.day, EVENING) if self.moves else self.starts_at

    @property
    def number(self) -> str:
        """A session number as clinics' own lists have it."""
        return f"{self.people[0].file_no}-{self.starts_at:%y%m%d}"


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's own weekday and hour. `parity`: every other week only, the even or the odd."""

    people: tuple[Person, ...]
    weekday: int
    clock: dt.time
    parity: int | None

    def is_used(self, week: int) -> bool:
        if self.parity is not None:
            return week % 2 == self.parity
        person = self.people[0]
        if person.rhythm == Rhythm.NEW:
            return week >= PAST_WEEKS - 2 - person.file_no % 3
        if person.rhythm == Rhythm.ENDED:
            return week < PAST_WEEKS - 3 - person.file_no % 4
        return True


def appointments(first_saturday: dt.date, weeks: int) -> list[Appointment]:
    """All appointments of `weeks` weeks from a Saturday, in the order of their starts."""
    places = list(_places())
    evenings: set[tuple[TherapistFacts, dt.date]] = set()
    found = []
    for week in range(weeks):
        # A generator of its own, so that one week does not depend on how many there are.
        chance = random.Random(_SEED + week)  # noqa: S311  (a story, not a secret)
        for place in places:
            fate, moves, confirms = _drawn(chance)
            if not place.is_used(week):
                continue
            day = first_saturday + dt.timedelta(days=7 * week + place.weekday)
            evening = (place.people[0].therapist, day)
            moves = moves and evening not in evenings and place.weekday != _THURSDAY
            if moves:
                evenings.add(evening)
            start = jalali.combine(day, place.clock)
            found.append(Appointment(place.people, start, fate, moves, confirms))
    return sorted(found, key=lambda appointment: appointment.starts_at)


def _places() -> Iterator[Place]:
    chance = random.Random(_SEED)  # noqa: S311
    hours = {therapist: _hours(therapist, chance) for therapist in THERAPISTS}
    halves: dict[TherapistFacts, tuple[int, dt.time]] = {}
    people = everybody()
    for person in people:
        if person.partner is not None or person.rhythm == Rhythm.FREE:
            continue
        together = (person, *(p for p in people if p.partner == person.file_no))
        if person.rhythm != Rhythm.FORTNIGHTLY:
            yield Place(together, *hours[person.therapist].pop(), parity=None)
        elif half := halves.pop(person.therapist, None):
            yield Place(together, *half, parity=1)
        else:
            halves[person.therapist] = half = hours[person.therapist].pop()
            yield Place(together, *half, parity=0)


def _hours(therapist: TherapistFacts, chance: random.Random) -> list[tuple[int, dt.time]]:
    """The therapist's hours, the most wanted last: the later in the day."""
    hours = [
        (rank, chance.random(), weekday, dt.time.fromisoformat(clock))
        for weekday, clocks in therapist.hours.items()
        for rank, clock in enumerate(clocks.split())
    ]
    return [(weekday, clock) for _, _, weekday, clock in sorted(hours)]


def _drawn(chance: random.Random) -> tuple[Fate, bool, bool]:
    fate = chance.choices(list(Fate), weights=[fate.value for fate in Fate])[0]
    moves = chance.randrange(100) < _MOVED_OF_100
    return fate, moves, chance.randrange(100) < _CONFIRMS_OF_100
