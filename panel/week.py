"""The week, Saturday first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from clinic import jalali
from clinic.access import ClinicRequest
from clinic.closures import closed_days
from clinic.models import Therapist
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


def week_page(request: ClinicRequest, day: dt.date, now: dt.datetime) -> dict[str, Any]:
    days = jalali.week_of(day)
    therapists = list(Therapist.objects.filter(active=True))
    chosen = _chosen(request, therapists)
    return {
        "days": _days(request, days, chosen, now),
        "first": days[0],
        "last": days[-1],
        "previous": day_param(days[0] - dt.timedelta(days=7)),
        "following": day_param(days[0] + dt.timedelta(days=7)),
        "this_week": day_param(days[0]),
        "is_this_week": jalali.local_day(now, request.clinic.timezone) in days,
        "therapists": therapists,
        "chosen": chosen,
        "reception": not visibility.is_therapist(request.membership),
    }


def _chosen(request: ClinicRequest, therapists: list[Therapist]) -> Therapist | None:
    if visibility.is_therapist(request.membership):
        return None
    asked = request.GET.get("therapist", "")
    return next((t for t in therapists if str(t.pk) == asked), None)


def _days(
    request: ClinicRequest, days: list[dt.date], chosen: Therapist | None, now: dt.datetime
) -> list[Day]:
    tz = request.clinic.timezone
    sessions = visibility.sessions(request.membership)
    if chosen is not None:
        sessions = sessions.filter(therapist=chosen)
    start, end = jalali.start_of_day(days[0], tz), jalali.end_of_day(days[-1], tz)
    of: dict[dt.date, list[Slot]] = {day: [] for day in days}
    for session in with_people(between(sessions, start, end)):
        slot = Slot(session, look_of(session, now))
        of[jalali.local_day(session.starts_at, tz)].append(slot)
    today = jalali.local_day(now, tz)
    closed = closed_days(days[0], days[-1])
    return [
        Day(day, day_param(day), slots, day == today, day in closed, closed.get(day, ""))
        for day, slots in of.items()
    ]
