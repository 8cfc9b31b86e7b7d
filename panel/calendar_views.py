"""The calendar: the day of all therapists or rooms, the week of one, and what a drop would do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Room, Therapist
from panel import visibility
from panel.calendar_days import Calendar, day_by_room, day_by_therapist, week_of_one
from panel.moving import proposal_of
from panel.pages import asked_day, day_param, way_back
from panel.week import week_page
from sessions_app.models import Session, State
from sessions_app.queries import between, with_people

BY_THERAPIST, BY_ROOM = GROUPINGS = "therapist", "room"
A_WEEK = dt.timedelta(days=7)
A_DAY = dt.timedelta(days=1)


@require_safe
@clinic_view()
def calendar(request: ClinicRequest) -> HttpResponse:
    """One day, a column for each therapist or room."""
    now, tz = timezone.now(), request.clinic.timezone
    today = jalali.local_day(now, tz)
    day = asked_day(request, "day", today, _("That day could not be read; this is today."))
    grouping = _grouping(request)
    context = {
        **_around(request, day, today, A_DAY),
        "day": day,
        "this_day": day_param(day),
        "is_now": day == today,
        "grouping": grouping,
        "has_rooms": Room.objects.filter(active=True).exists(),
        "calendar": _day(request, day, grouping, now),
    }
    return render(request, "panel/calendar_day.html", context)


@require_safe
@clinic_view()
def calendar_week(request: ClinicRequest) -> HttpResponse:
    """The week of one therapist as a grid; of all of them as lists."""
    now, tz = timezone.now(), request.clinic.timezone
    today = jalali.local_day(now, tz)
    day = asked_day(
        request, "week", today, _("That day could not be read; this is the present week.")
    )
    therapists = list(Therapist.objects.filter(active=True))
    chosen = _chosen(request, therapists)
    days = jalali.week_of(day)
    context = {
        **_around(request, days[0], today, A_WEEK),
        "first": days[0],
        "last": days[-1],
        "this_week": day_param(days[0]),
        "is_now": today in days,
        "therapists": therapists,
        "chosen": chosen,
    }
    if chosen is None:
        context |= week_page(request, days, now)
        return render(request, "panel/calendar_list.html", context)
    context["calendar"] = week_of_one(request.membership, chosen, day, now=now, tz=tz)
    return render(request, "panel/calendar_week.html", context)


@require_safe
@clinic_view()
def calendar_print(request: ClinicRequest) -> HttpResponse:
    """The day on paper, a table for each therapist; phones only when they are asked for."""
    now, tz = timezone.now(), request.clinic.timezone
    day = asked_day(request, "day", jalali.local_day(now, tz))
    start, end = jalali.start_of_day(day, tz), jalali.end_of_day(day, tz)
    sessions = between(visibility.sessions(request.membership), start, end)
    expected = with_people(sessions.exclude(state=State.CANCELLED))
    tables: dict[Therapist, list[Session]] = {}
    for session in expected.order_by("therapist__sort_key", "therapist_id", "starts_at", "id"):
        tables.setdefault(session.therapist, []).append(session)
    context = {
        "day": day,
        "this_day": day_param(day),
        "tables": tables.items(),
        "phones": request.GET.get("phones") == "1",
        "printed_at": now,
        "reception": not visibility.is_therapist(request.membership),
    }
    return render(request, "panel/calendar_print.html", context)


@require_safe
@clinic_view(*RECEPTION)
def session_move_ask(request: ClinicRequest, pk: int) -> HttpResponse:
    """What a move would do, and whether the client shall read of it; asked after a drop."""
    now, tz = timezone.now(), request.clinic.timezone
    session = get_object_or_404(with_people(visibility.sessions(request.membership)), pk=pk)
    proposal = proposal_of(session, request.GET, now=now, tz=tz)
    if proposal is None:
        return HttpResponseBadRequest()
    context = {
        "session": session,
        "proposal": proposal,
        "back": way_back(request, clinic_url(request.clinic, "panel:calendar")),
    }
    return render(request, "panel/session_move_ask.html", context)


def _day(request: ClinicRequest, day: dt.date, grouping: str, now: dt.datetime) -> Calendar:
    tz = request.clinic.timezone
    if grouping == BY_ROOM:
        return day_by_room(request.membership, day, now=now, tz=tz)
    everybody = request.GET.get("all") == "1"
    return day_by_therapist(request.membership, day, now=now, tz=tz, everybody=everybody)


def _around(
    request: ClinicRequest, first: dt.date, today: dt.date, step: dt.timedelta
) -> dict[str, Any]:
    """What every view of the calendar links to."""
    return {
        "previous": day_param(first - step),
        "following": day_param(first + step),
        "today": day_param(today),
        "reception": not visibility.is_therapist(request.membership),
        "back": request.get_full_path(),
    }


def _grouping(request: ClinicRequest) -> str:
    asked = request.GET.get("by", "")
    allowed = asked in GROUPINGS and not visibility.is_therapist(request.membership)
    return asked if allowed else BY_THERAPIST


def _chosen(request: ClinicRequest, therapists: list[Therapist]) -> Therapist | None:
    """Whose week is asked for; a therapist's login sees its own."""
    member = request.membership
    asked = request.GET.get("therapist", "")
    if visibility.is_therapist(member):
        asked = str(member.therapist_id or "")
    return next((it for it in therapists if str(it.pk) == asked), None)
