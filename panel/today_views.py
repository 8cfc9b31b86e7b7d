"""Today: the home of reception."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import jalali
from clinic.access import ClinicRequest, clinic_view
from clinic.closures import closed_days
from panel import visibility
from panel.attention import attention
from panel.lines import CANCELLINGS, Line, lines_of
from panel.pages import asked_day, day_param
from panel.waits import waits_of
from sessions_app.models import Session
from sessions_app.queries import between, with_people

BY_THERAPIST, BY_TIME, BY_ROOM = GROUPINGS = "therapist", "time", "room"


@dataclass(frozen=True, slots=True)
class Group:
    """The day of one therapist, or of one room; or the whole day, with no title."""

    key: int | None
    title: str
    lines: list[Line]


@require_safe
@clinic_view()
def today(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    this_day = jalali.local_day(now, request.clinic.timezone)
    day = asked_day(request, "day", this_day, _("That day could not be read; this is today."))
    return render(request, "panel/today.html", _page(request, day, now))


def _page(request: ClinicRequest, day: dt.date, now: dt.datetime) -> dict[str, Any]:
    tz = request.clinic.timezone
    lines = lines_of(_sessions_of(request, day), member=request.membership, now=now, tz=tz)
    grouping = _grouping(request)
    closed = closed_days(day, day)
    return {
        "day": day,
        "is_closed": day in closed,
        "holiday": closed.get(day, ""),
        "is_today": day == jalali.local_day(now, tz),
        "previous": day_param(day - dt.timedelta(days=1)),
        "following": day_param(day + dt.timedelta(days=1)),
        "this_day": day_param(day),
        "grouping": grouping,
        "can_be_away": day >= jalali.local_day(now, tz),
        "has_rooms": any(line.session.room_id for line in lines),
        "groups": _groups(lines, grouping),
        "expected": sum(not line.is_cancelled for line in lines),
        "attention": attention(request.membership, waits_of(request), now=now, tz=tz),
        "cancellings": CANCELLINGS,
        "back": request.get_full_path(),
        "live": True,
        "reception": not visibility.is_therapist(request.membership),
    }


def fragment(request: ClinicRequest, session: Session, now: dt.datetime) -> HttpResponse:
    """What an act changes on Today, for HTMX to put in place: line, attention, message."""
    tz, member = request.clinic.timezone, request.membership
    loaded = with_people(visibility.sessions(member)).filter(pk=session.pk)
    lines = lines_of(loaded, member=member, now=now, tz=tz)
    shown = jalali.local_day(session.starts_at, tz) == asked_day_of(request, now)
    context = {
        "lines": lines if shown else [],
        "attention": attention(member, waits_of(request), now=now, tz=tz),
        "cancellings": CANCELLINGS,
        "back": request.POST.get("next", ""),
        "grouping": request.POST.get("group", BY_THERAPIST),
        "live": True,
        "reception": not visibility.is_therapist(member),
    }
    return render(request, "panel/today_act.html", context)


def asked_day_of(request: ClinicRequest, now: dt.datetime) -> dt.date:
    """The day that the page shows on which somebody pressed a button."""
    this_day = jalali.local_day(now, request.clinic.timezone)
    try:
        return jalali.parse_date(request.POST.get("day", ""))
    except jalali.DateError:
        return this_day


def _sessions_of(request: ClinicRequest, day: dt.date) -> Any:
    tz = request.clinic.timezone
    start, end = jalali.start_of_day(day, tz), jalali.end_of_day(day, tz)
    return with_people(between(visibility.sessions(request.membership), start, end))


def _grouping(request: ClinicRequest) -> str:
    if visibility.is_therapist(request.membership):
        return BY_TIME
    asked = request.GET.get("group", "")
    return asked if asked in GROUPINGS else BY_THERAPIST


def _groups(lines: list[Line], grouping: str) -> list[Group]:
    if grouping == BY_TIME:
        return [Group(None, "", lines)] if lines else []
    of: dict[int | None, list[Line]] = {}
    for line in lines:
        of.setdefault(getattr(line.session, f"{grouping}_id"), []).append(line)
    heads = {pk: getattr(mine[0].session, grouping) for pk, mine in of.items()}
    order = sorted(of, key=lambda pk: (pk is None, heads[pk].sort_key if heads[pk] else ""))
    return [Group(pk, str(heads[pk] or _("no room")), of[pk]) for pk in order]
