"""Which texts there must be: the table of the default rules, in plain Python.

Every occasion has bounds for the moment it falls due, since a spread of some minutes is left to the
product, and the exact end of its use.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from sandbox.simulator.facts import Change, House, Person, RuleFacts, Visit

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
#: Before quiet hours, what they would swallow is pulled into these last minutes.
PULLED = (10 * MINUTE, 2 * MINUTE)
#: Nobody is told of a change before: it may be a slip.
UNTOLD = 3 * MINUTE
RECENT_VISITS = 11
SHORTEST_LAPSE = 21
LONGEST_LAPSE = 32_767

Key = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class Reminder:
    """Times before the start; `spread` makes it up to so much later."""

    lead: dt.timedelta
    useful: dt.timedelta
    notice: dt.timedelta
    spread: dt.timedelta = dt.timedelta()


REMINDERS = {
    "reminder_72h": Reminder(72 * HOUR, 24 * HOUR, 72 * HOUR),
    "reminder_24h": Reminder(24 * HOUR, 3 * HOUR, 24 * HOUR, 10 * MINUTE),
    "reminder_3h": Reminder(3 * HOUR, HOUR, 6 * HOUR),
}
#: The least days, how many lapses, in their order; and the days after the last one.
SILENT = {"silent_1": (0, 1), "silent_2": (45, 2), "silent_3": (90, 4)}
AFTER_LAST = 30
PURPOSES = {
    "thank_you": "follow_up",
    "no_show": "follow_up",
    "no_next_booking": "follow_up",
    "motivation_gap": "motivation",
    "motivation_mid": "motivation",
    **dict.fromkeys(SILENT, "follow_up"),
}
#: What must be true of the session when the text leaves.
STATES = {
    "thank_you": ("attended",),
    "no_show": ("no_show",),
    "no_next_booking": ("attended",),
    "motivation_mid": ("attended",),
    **dict.fromkeys(SILENT, ("attended",)),
    "cancelled": ("cancelled",),
}
COMING = ("scheduled", "confirmed")


@dataclass(frozen=True, slots=True)
class Occasion:
    """One text that is to be. `falls`: when it comes to be planned; `due`: when it may leave."""

    house: int
    rule: str
    key: Key
    client: int
    falls: tuple[dt.datetime, dt.datetime]
    due: tuple[dt.datetime, dt.datetime]
    until: dt.datetime


def purpose_of(rule: str) -> str:
    return PURPOSES.get(rule, "transactional")


class Oracle:
    """The occasions of one house at this moment, as its facts are."""

    def __init__(self, house: House) -> None:
        self.house = house

    def of_visit(self, visit: Visit) -> Iterator[Occasion]:
        """What a session itself gives rise to, for everybody who reads of those who take part."""
        for person in self._people(visit):
            for kind in (
                self._reminders,
                self._changes,
                self._thanks,
                self._no_show,
                self._half_way,
            ):
                yield from _to_readers(kind(visit, person), person)

    def of_person(self, person: Person) -> Iterator[Occasion]:
        """What follows from how a client comes, or no longer does."""
        last, coming = self.last_and_next(person)
        if last is None or person.deceased:
            return
        if coming is None:
            yield from _to_readers(self._no_next(last, person), person)
            yield from _to_readers(self._silent(last, person), person)
        else:
            yield from _to_readers(self._long_gap(last, coming, person), person)

    def last_and_next(self, person: Person) -> tuple[Visit | None, Visit | None]:
        """The last attended session, and the earliest later one that is still open."""
        mine = self._visits_of(person)
        attended = [v for v in mine if v.state == "attended"]
        last = attended[-1] if attended else None
        later = (v for v in mine if v.is_open and (not last or v.starts_at > last.starts_at))
        return last, next(later, None)

    def ends_it(self, visit: Visit, person: Person, at: dt.datetime) -> bool:
        """Whether the treatment is paused at that moment, or over."""
        place = (person.id, visit.therapist, visit.service)
        state, until = self.house.treatments.get(place, ("active", None))
        if state == "paused":
            return until is None or until > self.house.almanac.local(at).date()
        return state in ("completed", "dropped")

    def plan_is_over(self, visit: Visit, person: Person, at: dt.datetime) -> bool:
        """Whether the treatment has come to its planned ending at that moment."""
        place = (person.id, visit.therapist, visit.service)
        ends_on, ends_after = self.house.plans.get(place, (None, None))
        same = [v for v in self._visits_of(person) if v.state == "attended"]
        came = [v for v in same if (v.therapist, v.service) == place[1:]]
        by_day = ends_on is not None and ends_on <= self.house.almanac.local(at).date()
        return by_day or (ends_after is not None and ends_after <= len(came))

    def missed_before(self, visit: Visit, person: Person) -> bool:
        told = [v for v in self._visits_of(person) if v.state in ("attended", "no_show")]
        before = [v for v in told if v.starts_at < visit.starts_at]
        return bool(before) and before[-1].state == "no_show"

    def _people(self, visit: Visit) -> list[Person]:
        people = (self.house.people[client] for client in visit.clients)
        return [person for person in people if not person.deceased]

    def _visits_of(self, person: Person) -> list[Visit]:
        mine = [self.house.visits[pk] for pk in self.house.visits_of[person.id]]
        return sorted(mine, key=lambda visit: (visit.starts_at, visit.id))

    def _reminders(self, visit: Visit, person: Person) -> Iterator[Occasion]:
        if not visit.is_coming:
            return
        for key, it in REMINDERS.items():
            rule = self._on(key)
            if rule and visit.booked_at <= visit.starts_at - it.notice:
                when = self._pulled(visit.starts_at - it.lead, it.spread, person)
                yield self._occasion(rule, visit, person, when, when, visit.starts_at - it.useful)

    def _pulled(
        self, at: dt.datetime, spread: dt.timedelta, person: Person
    ) -> tuple[dt.datetime, dt.datetime]:
        almanac, night = self.house.almanac, self.house.night_of(person)
        if almanac.is_quiet(at, night):
            dusk = almanac.nightfall(at, night)
            return dusk - PULLED[0], dusk - PULLED[1]
        if spread and almanac.is_quiet(at + spread, night):
            dusk = almanac.nightfall(at + spread, night)
            return min(at, dusk - PULLED[0]), max(at, dusk)
        return at, at + spread

    def _changes(self, visit: Visit, person: Person) -> Iterator[Occasion]:
        for change in visit.changes:
            rule = self._rule_of_change(visit, change)
            at = change.at + UNTOLD
            if rule is None or (rule.key == "booked" and visit.starts_at <= at):
                continue
            until = at + HOUR if rule.key == "booked" else visit.starts_at
            due = self.house.almanac.after_quiet(at, self.house.night_of(person))
            yield self._occasion(rule, visit, person, (at, at), (due, due), until)

    def _rule_of_change(self, visit: Visit, change: Change) -> RuleFacts | None:
        """The rule that tells a change, where it is still to be told."""
        if not change.tell or visit.state not in (*COMING, "cancelled"):
            return None
        if (visit.state == "cancelled") != change.cancels or not _stands(visit, change):
            return None
        usual = "booked" if change.kind == "booked" else "moved"
        return self._on("cancelled" if change.cancels else usual)

    def _thanks(self, visit: Visit, person: Person) -> Iterator[Occasion]:
        rule = self._on("thank_you")
        if rule and visit.state == "attended" and visit.recorded_at:
            until = visit.ends_at + 48 * HOUR
            if visit.recorded_at <= until:
                at = max(visit.recorded_at, visit.ends_at)
                yield self._waiting(rule, visit, person, at, until)

    def _no_show(self, visit: Visit, person: Person) -> Iterator[Occasion]:
        rule = self._on("no_show")
        if rule and visit.state == "no_show" and visit.recorded_at:
            if self.missed_before(visit, person):
                return
            at = visit.recorded_at + 2 * HOUR
            yield self._waiting(rule, visit, person, at, at + DAY)

    def _half_way(self, visit: Visit, person: Person) -> Iterator[Occasion]:
        rule = self._on("motivation_mid")
        if not rule or visit.state != "attended" or self._ordinal(visit, person) != 4:
            return
        at = max(visit.ends_at + 3 * DAY, visit.recorded_at or visit.ends_at)
        if not self.ends_it(visit, person, at):
            yield self._waiting(rule, visit, person, at, visit.ends_at + 7 * DAY)

    def _ordinal(self, visit: Visit, person: Person) -> int:
        same = [
            v
            for v in self._visits_of(person)
            if v.state == "attended"
            and (v.therapist, v.service) == (visit.therapist, visit.service)
            and (v.starts_at, v.id) <= (visit.starts_at, visit.id)
        ]
        return len(same)

    def _no_next(self, last: Visit, person: Person) -> Iterator[Occasion]:
        rule = self._on("no_next_booking")
        if not rule or (person.id, last.id) in self.house.answered:
            return
        at = max(last.ends_at + 2 * DAY, last.recorded_at or last.ends_at)
        if not self.ends_it(last, person, at) and not self.plan_is_over(last, person, at):
            yield self._waiting(rule, last, person, at, last.ends_at + 6 * DAY)

    def _silent(self, last: Visit, person: Person) -> Iterator[Occasion]:
        if (person.id, last.id) in self.house.answered:
            return
        lapse, minute = self.lapse(last, person), self._usual_minute(person)
        live = self.house.live_since
        if live and last.starts_at + lapse * DAY < live:
            return  # silent already when the clinic went live: for a person to look at
        days = {key: max(floor, math.ceil(n * lapse)) for key, (floor, n) in SILENT.items()}
        for key, after in days.items():
            rule = self._on(key)
            at = last.starts_at + after * DAY
            if rule is None or self.ends_it(last, person, at):
                continue
            if self.plan_is_over(last, person, at):
                continue
            until = min((d for d in days.values() if d > after), default=after + AFTER_LAST)
            night = self.house.night_of(person)
            usual = self.house.almanac.usual_moment(at, minute)
            due = self.house.almanac.working_moment(usual, night)
            ends = last.starts_at + until * DAY
            yield self._occasion(rule, last, person, (at, at), (due, due), ends)

    def lapse(self, last: Visit, person: Person) -> int:
        """Days of silence after which the clinic asks."""
        own = self.house.services[last.service][0]
        if own is not None:
            return own
        gap = self._median_gap(person)
        return min(LONGEST_LAPSE, max(SHORTEST_LAPSE, math.ceil(3 * gap) if gap else 0))

    def _recent(self, person: Person) -> list[dt.datetime]:
        """When the client came, on the clinic's clock, oldest first."""
        starts = [v.starts_at for v in self._visits_of(person) if v.state == "attended"]
        return [self.house.almanac.local(start) for start in starts[-RECENT_VISITS:]]

    def _median_gap(self, person: Person) -> float | None:
        days = [moment.date() for moment in self._recent(person)]
        gaps = [(b - a).days for a, b in pairwise(days)]
        return float(median(gaps)) if gaps else None

    def _usual_minute(self, person: Person) -> int | None:
        """The commonest; of several as common, the earliest."""
        minutes = [moment.hour * 60 + moment.minute for moment in self._recent(person)]
        return max(sorted(set(minutes)), key=minutes.count) if minutes else None

    def _long_gap(self, last: Visit, coming: Visit, person: Person) -> Iterator[Occasion]:
        rule = self._on("motivation_gap")
        middle = last.starts_at + (coming.starts_at - last.starts_at) / 2
        if rule is None or coming.booked_at > middle or self.ends_it(coming, person, middle):
            return
        gap = self._median_gap(person)
        rhythm = gap if gap is not None else self.house.services[coming.service][1]
        if coming.starts_at - last.starts_at > 1.5 * rhythm * DAY:
            until = coming.starts_at - 2 * DAY
            yield self._waiting(rule, coming, person, middle, until)

    def _on(self, key: str) -> RuleFacts | None:
        rule = self.house.rules.get(key)
        return rule if rule and rule.enabled else None

    def _waiting(
        self, rule: RuleFacts, visit: Visit, person: Person, at: dt.datetime, until: dt.datetime
    ) -> Occasion:
        due = self.house.almanac.working_moment(at, self.house.night_of(person))
        return self._occasion(rule, visit, person, (at, at), (due, due), until)

    def _occasion(
        self,
        rule: RuleFacts,
        visit: Visit,
        person: Person,
        falls: tuple[dt.datetime, dt.datetime],
        due: tuple[dt.datetime, dt.datetime],
        until: dt.datetime,
    ) -> Occasion:
        key = (rule.id, visit.id, visit.revision, person.phone)
        return Occasion(self.house.id, rule.key, key, person.id, falls, due, until)


def _to_readers(occasions: Iterable[Occasion], person: Person) -> Iterator[Occasion]:
    """One for each number at which somebody reads it; without any, one that shows that."""
    for it in occasions:
        numbers = {*person.readers(purpose_of(it.rule)).values()} - {""}
        for number in sorted(numbers) or [""]:
            yield replace(it, key=(*it.key[:3], number))


def _stands(visit: Visit, change: Change) -> bool:
    """Whether a change is the session's last, but for what was put right before it could be told.

    What was undone at once is as if it had never been; another change that is told speaks for itself.
    """
    if visit.revision == change.revision:
        return True
    later = visit.changes[visit.changes.index(change) + 1 :]
    soon = [c for c in later if c.at <= change.at + UNTOLD]
    if change.kind not in ("booked", "moved") or not soon:
        return False
    if soon[0].kind == "undone" or any(c.tell for c in soon):
        return False
    return visit.revision == max(c.revision for c in soon)


__all__ = ["Occasion", "Oracle", "purpose_of"]
