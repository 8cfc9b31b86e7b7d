"""The page of a silent client, `/p/<token>`."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from clinic.jalali import DateError, add_months, day_month, gregorian, jalali, month_title
from followup import client_choices
from followup.client_choices import Choice, NotNow, Standing
from patients.care import CareError
from sessions_app import booking
from sessions_app.client_pages import Visit, back, client_page, onward, show, whole_number
from sessions_app.links import Purpose


@client_page(Purpose.CHOICES)
def choices(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method != "POST":
        return _page(request, visit)
    chosen = request.POST.get("do", "")
    if chosen not in list(Choice):
        return _page(request, visit, HTTPStatus.BAD_REQUEST)
    try:
        until = until_of(request, visit.today) if chosen == Choice.PAUSE else None
        client_choices.choose(visit.link, Choice(chosen), until=until, now=visit.now)
    except NotNow:
        visit.link.refresh_from_db(fields=["answer", "answered_at"])
        return _page(request, visit, HTTPStatus.CONFLICT)
    except CareError as error:
        return _page(request, visit, HTTPStatus.UNPROCESSABLE_ENTITY, error=str(error))
    if chosen == Choice.CONTINUE and client_choices.leads_to_booking(visit.link, visit.now):
        page = booking.hand_out(visit.session, visit.link.client, now=visit.now)
        return onward(request, page.path)
    return back(request)


def until_of(request: HttpRequest, today: dt.date) -> dt.date:
    """The first day after the break: so many months ahead, or a day of a Jalali month."""
    months = dict(client_choices.breaks(today))
    ahead = whole_number(request, "months")
    if ahead in months:
        return months[ahead]
    try:
        year, month = map(int, request.POST.get("month", "").split("-"))
        return gregorian(year, month, int(request.POST.get("day", "")))
    except (ValueError, DateError, OverflowError):
        raise CareError(_("There is no such day; choose another one.")) from None


def _page(
    request: HttpRequest, visit: Visit, status: int = HTTPStatus.OK, error: str = ""
) -> HttpResponse:
    now = client_choices.situation(visit.link, visit.now)
    answer = visit.link.answer if now.standing is Standing.CHOSEN else ""
    context: dict[str, Any] = {
        "standing": now.standing.value,
        "coming": now.coming,
        "offered": [choice.value for choice in now.offered],
        # What was answered before a break that is over is asked anew.
        "answer": answer,
        "leads": bool(now.offered) and client_choices.leads_to_booking(visit.link, visit.now),
        "until": client_choices.break_of(visit.link),
        **break_days(request, visit.today),
        "error": error,
    }
    return show(request, visit, "choices", status, **context)


def break_days(request: HttpRequest, today: dt.date) -> dict[str, Any]:
    """What `client/break_days.html` offers: breaks at hand, and every day of a year."""
    return {
        "breaks": [(n, day_month(day)) for n, day in client_choices.breaks(today)],
        "months": _months(today),
        "days": range(1, 32),
        "sent": request.POST,
    }


def _months(today: dt.date) -> list[tuple[str, str]]:
    """This Jalali month and the twelve after it, as sent and as said."""
    firsts = [add_months(today, n) for n in range(client_choices.LONGEST_BREAK + 1)]
    return [(f"{jalali(day).year}-{jalali(day).month}", month_title(day)) for day in firsts]
