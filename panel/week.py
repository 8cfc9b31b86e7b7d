"""The week, Saturday first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from clinic import jalali
from clinic.access import ClinicRequest
from clinic.closures import closed_days
from panel import visibility
from panel.lines import look_of
from panel.pages import day_param
from sessions_app.models import Session
from sessions_app.queries import between, with_people


@dataclass(frozen=True, slots=True)
class Slot:
    session: Session
    look: str


@dataclass(frozen=True, slots=True)
class Day:
    day: dt.date
    param: str
    slots: list[Slot]
    is_today: bool
    is_closed: bool
    #: What closes it; empty on a working day, and on a mere Friday.
    holiday: str


def week_page(request: ClinicRequest, days: list[dt.date], now: dt.datetime) -> dict[str, Any]:
    """Every session of the week that the member may see, as a list for each day."""
    tz = request.clinic.timezone
    sessions = visibility.sessions(request.membership)
    start, end = jalali.start_of_day(days[0], tz), jalali.end_of_day(days[-1], tz)
    of: dict[dt.date, list[Slot]] = {day: [] for day in days}
    for session in with_people(between(sessions, start, end)):
        slot = Slot(session, look_of(session, now))
        of[jalali.local_day(session.starts_at, tz)].append(slot)
    today = jalali.local_day(now, tz)
    closed = closed_days(days[0], days[-1])
    return {
        "days": [
            Day(day, day_param(day), slots, day == today, day in closed, closed.get(day, ""))
            for day, slots in of.items()
        ]
    }
