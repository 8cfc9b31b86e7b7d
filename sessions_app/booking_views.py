"""The client's page for booking a time, `/b/<token>`, and what was booked for the phone's calendar."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from clinic import jalali
from sessions_app import booking, client_calendar
from sessions_app.booking import NotNow, Situation, Standing, Taken
from sessions_app.client_pages import READ, Visit, back, client_page, show, whole_number
from sessions_app.links import Purpose

#: So many days with free times stand open on the page; later ones are unfolded.
NEAR_DAYS = 5


@client_page(Purpose.BOOKING)
def book(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method != "POST":
        return _page(request, visit)
    act = {"book": _book, "call_me": _call_me}.get(request.POST.get("do", ""))
    if act is None:
        return _page(request, visit, HTTPStatus.BAD_REQUEST)
    try:
        return act(request, visit)
    except NotNow:
        return _page(request, visit, HTTPStatus.CONFLICT, trouble="changed")
    except Taken:
        return _page(request, visit, HTTPStatus.CONFLICT, trouble="taken")


@client_page(Purpose.BOOKING, READ)
def calendar(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What is booked as a file; where nothing is, the page says what there is instead."""
    found = booking.situation(visit.link, visit.now)
    if found.coming is None:
        return _page(request, visit, HTTPStatus.GONE)
    response = HttpResponse(
        client_calendar.event(found.coming), content_type=client_calendar.CONTENT_TYPE
    )
    response["Content-Disposition"] = 'attachment; filename="calendar.ics"'
    return response


def _book(request: HttpRequest, visit: Visit) -> HttpResponse:
    start = _start(request)
    if start is None:
        return _page(request, visit, HTTPStatus.UNPROCESSABLE_ENTITY, trouble="none")
    revision = whole_number(request, "revision")
    booking.take(visit.link, start, revision=revision or 0, now=visit.now)
    return back(request)


def _call_me(request: HttpRequest, visit: Visit) -> HttpResponse:
    booking.call_me(visit.link, now=visit.now)
    return back(request)


def _start(request: HttpRequest) -> dt.datetime | None:
    """What the page sent as the chosen time; None for what is no moment, or one of no zone."""
    try:
        start = dt.datetime.fromisoformat(request.POST.get("start", ""))
        return start.astimezone(dt.UTC) if start.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _page(
    request: HttpRequest, visit: Visit, status: int = HTTPStatus.OK, trouble: str = ""
) -> HttpResponse:
    found = booking.situation(visit.link, visit.now)
    days = _days(found)
    context = {
        "standing": found.standing.value,
        "coming": found.coming,
        "session_page": _session_page(visit, found),
        "near": days[:NEAR_DAYS],
        "later": days[NEAR_DAYS:],
        "tomorrow": visit.today + dt.timedelta(days=1),
        "called": found.standing in _CALLING and booking.waits_for_call(visit.link),
        "trouble": trouble,
        "sent": request.POST.get("start", ""),
        "days_ahead": _days_ahead(visit, found),
    }
    return show(request, visit, "booking", status, **context)


_CALLING = (Standing.OPEN, Standing.CALL)


def _days(found: Situation) -> list[tuple[dt.date, list[tuple[str, dt.datetime]]]]:
    """Each day with its starts, as they are sent and as they are."""
    offered = found.choice.days if found.choice else {}
    return [(day, [(_sent(start), start) for start in offered[day]]) for day in sorted(offered)]


def _sent(start: dt.datetime) -> str:
    return f"{start.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}"


def _session_page(visit: Visit, found: Situation) -> str:
    """Where the booked session can be called off, if its page has been published."""
    return booking.address_of(found.coming, visit.link.client) if found.coming else ""


def _days_ahead(visit: Visit, found: Situation) -> int | None:
    if found.coming is None:
        return None
    return (jalali.local_day(found.coming.starts_at, visit.clinic.timezone) - visit.today).days
