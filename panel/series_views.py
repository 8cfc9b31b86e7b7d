"""The second step of booking several sessions: every clash is seen, and solved, before anything is saved."""

from __future__ import annotations

import datetime as dt

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.templatetags.peygir import number
from clinic.toasts import done
from panel.choosing import choice_of_clients
from panel.closed import word_for_form
from panel.pages import day_link
from panel.several import undo_address
from sessions_app.forms import BookingForm
from sessions_app.models import Session
from sessions_app.series_forms import SeriesForm


def series_page(
    request: ClinicRequest, booking: BookingForm, form: SeriesForm | None = None
) -> HttpResponse:
    """The sessions one by one; `booking` is valid."""
    shown = form or _series_form(request, booking)
    context = {
        "form": shown,
        "plan": shown.plan,
        "carried": _carried(booking, request.POST),
        "back": clinic_url(request.clinic, "panel:calendar"),
    }
    status = 422 if shown.is_bound else 200
    return render(request, "panel/session_series.html", context, status=status)


@require_POST
@clinic_view(*RECEPTION)
def session_series(request: ClinicRequest) -> HttpResponse:
    """Book what is ticked."""
    now, tz = timezone.now(), request.clinic.timezone
    booking = BookingForm(request.POST, tz=tz)
    if not booking.is_valid() or not booking.repeats:
        return _first_step(request, booking)
    form = _series_form(request, booking, request.POST)
    tell = booking.cleaned_data["tell"]
    booked = form.book(tell=tell, now=now, by=request.user) if form.is_valid() else []
    if not booked:
        return series_page(request, booking, form)
    day = jalali.local_day(booked[0].starts_at, tz)
    _say(request, booked, day)
    return redirect(day_link(request.clinic, "panel:calendar_week", day, "week"))


def _series_form(
    request: ClinicRequest, booking: BookingForm, data: QueryDict | None = None
) -> SeriesForm:
    return SeriesForm(
        data,
        plan=booking.plan,
        days=booking.days,
        clock=booking.cleaned_data["time"],
        tz=request.clinic.timezone,
    )


def _first_step(request: ClinicRequest, booking: BookingForm) -> HttpResponse:
    """Something of the first step no longer holds: a service switched off, a client gone."""
    context = {
        "form": booking,
        "choice": choice_of_clients(request.POST),
        "closed": word_for_form(booking, request.clinic.timezone),
        "back": clinic_url(request.clinic, "panel:calendar"),
    }
    return render(request, "panel/session_book.html", context, status=422)


def _carried(booking: BookingForm, data: QueryDict) -> list[tuple[str, str]]:
    """What the second step brings along of the first."""
    return [(name, value) for name in booking.fields for value in data.getlist(name)]


def _say(request: ClinicRequest, booked: list[Session], day: dt.date) -> None:
    said = _("%(n)s sessions were booked, the first on %(when)s.")
    when = jalali.spoken(booked[0].starts_at, tz=request.clinic.timezone)
    undo = undo_address(request, booked, day)
    done(request, said % {"n": number(len(booked)), "when": when}, undo=undo)
