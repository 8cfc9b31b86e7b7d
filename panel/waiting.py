"""The waiting list beside a free time: whom it fits, told where a time is free or becomes so."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.utils.html import format_html
from django.utils.translation import gettext as _, ngettext

from clinic import jalali
from clinic.access import ClinicRequest
from clinic.links import clinic_url
from clinic.models import Service
from clinic.templatetags.peygir import number
from panel import visibility
from panel.pages import day_param
from sessions_app.forms import BookingForm
from sessions_app.models import Session, State, Wish
from sessions_app.waiting import Gap, who_fits

#: Nobody reads more names beside a form.
OFFERED = 6
#: Of a booking whose length nobody has told yet.
USUAL = dt.timedelta(minutes=50)


def fits_of_form(form: BookingForm, tz: str, now: dt.datetime) -> list[Wish]:
    """Whom the time that a new booking proposes fits; nobody once it has been sent off."""
    if form.is_bound:
        return []
    try:
        day = jalali.parse_date(form["day"].value(), tz)
        start = jalali.combine(day, jalali.parse_time(form["time"].value()), tz)
        therapist = int(form["therapist"].value())
    except (jalali.DateError, TypeError, ValueError):
        return []
    gap = Gap(therapist, start, start + _length(form), tz)
    return list(who_fits(gap)[:OFFERED]) if start > now else []


def vacancy_of(request: ClinicRequest, session: Session, now: dt.datetime) -> dict[str, Any] | None:
    """The time that a cancelled session left: how many it fits, and where it is booked."""
    free = session.state == State.CANCELLED and session.starts_at > now
    if not free or visibility.is_therapist(request.membership):
        return None
    tz = request.clinic.timezone
    if not (count := who_fits(Gap.of(session, tz)).count()):
        return None
    start = jalali.local(session.starts_at, tz)
    asked = f"day={day_param(start.date())}&time={start:%H:%M}&therapist={session.therapist_id}"
    address = f"{clinic_url(request.clinic, 'panel:session_book')}?{asked}"
    said = ngettext(
        "This time is free now; it fits %(n)s client on the waiting list.",
        "This time is free now; it fits %(n)s clients on the waiting list.",
        count,
    )
    return {"said": said % {"n": number(count)}, "url": address}


def say_vacancy(request: ClinicRequest, session: Session, now: dt.datetime) -> None:
    """After a cancellation, say whom the time fits."""
    if vacancy := vacancy_of(request, session, now):
        link = format_html('<a href="{}">{}</a>', vacancy["url"], _("See whom"))
        messages.info(request, format_html("{} {}", vacancy["said"], link))


def _length(form: BookingForm) -> dt.timedelta:
    service = Service.objects.filter(pk=form["service"].value() or 0).first()
    return dt.timedelta(minutes=service.duration_minutes) if service else USUAL
