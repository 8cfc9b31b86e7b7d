"""Settings: when a therapist receives clients, and when not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import jalali
from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.hours_forms import HoursForm, TimeOffForm
from clinic.links import clinic_url
from clinic.models import Therapist, TimeOff
from clinic.toasts import done

FORM_METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True, slots=True)
class Away:
    row: TimeOff
    when: str


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def therapist_hours(request: ClinicRequest, pk: int) -> HttpResponse:
    therapist = get_object_or_404(Therapist, pk=pk)
    form = HoursForm(request.POST or None, therapist=therapist)
    if form.is_bound and form.is_valid():
        form.save()
        done(request, _("The hours of «%(name)s» are saved.") % {"name": therapist.name})
        return redirect(clinic_url(request.clinic, "settings:therapist_hours", pk))
    return _page(request, therapist, form=form)


@require_POST
@clinic_view(*MANAGERS)
def time_off_new(request: ClinicRequest, pk: int) -> HttpResponse:
    therapist = get_object_or_404(Therapist, pk=pk)
    form = TimeOffForm(request.POST, therapist=therapist, tz=request.clinic.timezone)
    if not form.is_valid():
        return _page(request, therapist, time_off=form)
    saved = form.save(now=timezone.now(), by=request.user)
    said = _("«%(name)s» is away: %(when)s.")
    when = spoken(saved, request.clinic.timezone)
    done(request, said % {"name": therapist.name, "when": when})
    return redirect(clinic_url(request.clinic, "settings:therapist_hours", pk))


@require_POST
@clinic_view(*MANAGERS)
def time_off_delete(request: ClinicRequest, pk: int) -> HttpResponse:
    away = get_object_or_404(TimeOff.objects.select_related("therapist"), pk=pk)
    when, therapist = spoken(away, request.clinic.timezone), away.therapist
    away.delete()
    said = _("«%(name)s» is there again: %(when)s.")
    done(request, said % {"name": therapist.name, "when": when})
    return redirect(clinic_url(request.clinic, "settings:therapist_hours", therapist.pk))


def _page(request: ClinicRequest, therapist: Therapist, **forms: Any) -> HttpResponse:
    tz, now = request.clinic.timezone, timezone.now()
    context = {
        "therapist": therapist,
        "form": forms.get("form") or HoursForm(therapist=therapist),
        "time_off": forms.get("time_off") or TimeOffForm(therapist=therapist, tz=tz),
        "away": [Away(row, spoken(row, tz)) for row in therapist.time_off.filter(ends_at__gt=now)],
    }
    return render(request, "clinic/therapist_hours.html", context)


def spoken(away: TimeOff, tz: str) -> str:
    """«شنبه ۷ آذر», «شنبه ۷ آذر تا دوشنبه ۹ آذر», or with the hours where it is not whole days."""
    first, last = jalali.local_day(away.starts_at, tz), _last_day(away, tz)
    whole = (away.starts_at, away.ends_at) == (
        jalali.start_of_day(first, tz),
        jalali.end_of_day(last, tz),
    )
    if whole and first == last:
        return jalali.day_name_date(first)
    if whole:
        start, end = jalali.day_name_date(first), jalali.day_name_date(last)
    elif first == last:
        start, end = jalali.spoken(away.starts_at, tz=tz), jalali.time(away.ends_at, tz=tz)
    else:
        start, end = jalali.spoken(away.starts_at, tz=tz), jalali.spoken(away.ends_at, tz=tz)
    return _("%(first)s to %(last)s") % {"first": start, "last": end}


def _last_day(away: TimeOff, tz: str) -> dt.date:
    """A day that ends at midnight is not the next one."""
    return jalali.local_day(away.ends_at - dt.timedelta(microseconds=1), tz)
