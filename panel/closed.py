"""A word to whoever books on a day on which the clinic is closed. It is allowed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.access import ClinicRequest
from clinic.closures import closed_days
from sessions_app.models import Session


def warn_of_closed_day(request: ClinicRequest, session: Session) -> None:
    """Say so when the clinic is closed on the day of a session just booked or moved."""
    if said := word_for_moment(session.starts_at, request.clinic.timezone):
        messages.warning(request, said)


def word_for_form(form: Any, tz: str) -> str:
    """The same, about the day that the form proposes or that was typed; nothing for no date."""
    try:
        return word_for_moment(form["day"].value(), tz)
    except jalali.DateError:
        return ""


def word_for_moment(day_or_moment: object, tz: str) -> str:
    """Why the clinic is closed on that day; nothing when it works."""
    day = jalali.parse_date(day_or_moment, tz)
    closed = closed_days(day, day)
    if day not in closed:
        return ""
    if not closed[day]:
        return _("The clinic is closed on Fridays; make sure that the day is meant.")
    words = {"day": jalali.day_name_date(day), "name": closed[day]}
    return _("The clinic is closed on %(day)s (%(name)s); make sure that it is meant.") % words
