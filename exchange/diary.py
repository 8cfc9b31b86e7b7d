"""Therapists' and rooms' time: which of the sessions to come would stand where another stands already.

Pure. The database has the last word (`therapist_is_in_one_place`, `room_is_used_once`); this finds the clash first, so
that a row can be refused by name and the good ones still go in.
"""

import datetime as dt
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of one therapist's or room's time. `taker` says who has it; only its caller knows how."""

    whose: Hashable
    starts_at: dt.datetime
    ends_at: dt.datetime
    taker: Any

    @property
    def time(self) -> tuple[Hashable, dt.datetime, dt.datetime]:
        return self.whose, self.starts_at, self.ends_at


@dataclass(slots=True)
class Diary:
    """The taken time of each; slots of one therapist, or room, never overlap."""

    _days: dict[Hashable, tuple[list[dt.datetime], list[Slot]]] = field(default_factory=dict)

    def clash(self, slot: Slot) -> Slot | None:
        """A slot that overlaps; ends and starts may touch."""
        starts, slots = self._days.get(slot.whose, ([], []))
        at = bisect_left(starts, slot.ends_at)
        # Slots do not overlap one another, so only the last one that starts early enough can.
        if at and slots[at - 1].ends_at > slot.starts_at:
            return slots[at - 1]
        return None

    def take(self, slot: Slot) -> Slot | None:
        """Take the time if it is free; else return the slot that is in the way."""
        if other := self.clash(slot):
            return other
        starts, slots = self._days.setdefault(slot.whose, ([], []))
        at = bisect_left(starts, slot.starts_at)
        starts.insert(at, slot.starts_at)
        slots.insert(at, slot)
        return None


@dataclass(frozen=True, slots=True)
class Wish:
    """A session of the list: the slot it wants, None when it needs none, and the one it has."""

    wanted: Slot | None
    held: Slot | None = None

    @property
    def stays(self) -> bool:
        """It has what it wants already, so nothing can take that from it."""
        if not self.wanted or not self.held:
            return False
        return self.wanted.time == self.held.time


def settle(wishes: Sequence[Wish], others: Iterable[Slot]) -> Mapping[int, Slot]:
    """The wishes that cannot be granted, by index, each with the slot in its way.

    Earlier wishes win. A session whose move is refused stays where it was, which may put it in the
    way of another wish: so the wishes are gone through again until no more of them fall. Two
    sessions may swap places.
    """
    unmoved = [wish.wanted for wish in wishes if wish.wanted and wish.stays]
    others = [*others, *unmoved]
    refused: dict[int, Slot] = {}
    while True:
        diary = Diary()
        kept = [w.held for n, w in enumerate(wishes) if n in refused and w.held]
        for slot in (*others, *kept):
            diary.take(slot)
        fallen = {
            n: other
            for n, wish in enumerate(wishes)
            if n not in refused
            and wish.wanted
            and not wish.stays
            and (other := diary.take(wish.wanted))
        }
        if not fallen:
            return refused
        refused.update(fallen)
        if not any(wishes[n].held for n in fallen):
            return refused
