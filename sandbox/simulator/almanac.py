"""The simulator's own calendar of a clinic: quiet hours and working days, in plain Python.

Written from the table of the rules and not from the product's SQL, so that each can convict the
other.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

FRIDAY = 4
TEN = dt.time(10)
_LONGEST_CLOSURE = 120


@dataclass(frozen=True, slots=True)
class Night:
    """Hours in which nothing is sent: from `begins` until `ends`, mostly past midnight."""

    begins: dt.time
    ends: dt.time

    def holds(self, clock: dt.time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


@dataclass(slots=True)
class Almanac:
    """Instants are aware; days and clocks are the clinic's local ones."""

    timezone: ZoneInfo
    #: First and last day of each closure.
    closures: list[tuple[dt.date, dt.date]] = field(default_factory=list)

    def local(self, moment: dt.datetime) -> dt.datetime:
        """What the clinic's clock shows, as a naive time."""
        return moment.astimezone(self.timezone).replace(tzinfo=None)

    def instant(self, local: dt.datetime) -> dt.datetime:
        return local.replace(tzinfo=self.timezone).astimezone(dt.UTC)

    def at(self, day: dt.date, clock: dt.time) -> dt.datetime:
        return self.instant(dt.datetime.combine(day, clock))

    def is_closed(self, day: dt.date) -> bool:
        return day.weekday() == FRIDAY or any(first <= day <= last for first, last in self.closures)

    def is_quiet(self, moment: dt.datetime, night: Night) -> bool:
        return night.holds(self.local(moment).time())

    def nightfall(self, moment: dt.datetime, night: Night) -> dt.datetime:
        """When the quiet hours around a moment began."""
        here = self.local(moment)
        day = here.date() - dt.timedelta(days=here.time() < night.begins)
        return self.at(day, night.begins)

    def after_quiet(self, moment: dt.datetime, night: Night) -> dt.datetime:
        here = self.local(moment)
        if not night.holds(here.time()):
            return moment
        day = here.date() + dt.timedelta(days=here.time() >= night.ends)
        return self.at(day, night.ends)

    def working_day(self, day: dt.date) -> dt.date:
        last = day + dt.timedelta(days=_LONGEST_CLOSURE)
        while day < last and self.is_closed(day):
            day += dt.timedelta(days=1)
        return day

    def working_moment(self, moment: dt.datetime, night: Night) -> dt.datetime:
        """When a text that can wait may go: awake, and on a working day (from ten after a closed
        one)."""
        for _ in range(_LONGEST_CLOSURE):
            day = self.local(moment).date()
            if self.is_closed(day):
                moment = self.at(self.working_day(day), TEN)
            elif self.is_quiet(moment, night):
                moment = self.after_quiet(moment, night)
            else:
                break
        return moment

    def usual_moment(self, moment: dt.datetime, minute: int | None) -> dt.datetime:
        """The first working day's usual minute, kept inside 10:00 to 19:00, from a moment on."""
        usual = dt.timedelta(minutes=min(max(600 if minute is None else minute, 600), 1140))
        here = self.local(moment)
        midnight = dt.datetime.combine(here.date(), dt.time())
        day = here.date() + dt.timedelta(days=midnight + usual < here)
        return self.instant(dt.datetime.combine(self.working_day(day), dt.time()) + usual)

    def holds_back(self, moment: dt.datetime, due_at: dt.datetime) -> bool:
        """Whether what can wait must: closed today, or until this morning and waiting since."""
        here = self.local(moment)
        if self.is_closed(here.date()):
            return True
        waited = self.local(due_at).date() < here.date()
        return here.time() < TEN and waited and self.is_closed(here.date() - dt.timedelta(days=1))
