"""Settings: the days on which the clinic does not work."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import jalali
from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.closures import closed_days, last_year, months_of, of_year, past, when
from clinic.forms import ClosureForm
from clinic.links import clinic_url
from clinic.models import Closure
from clinic.toasts import done

FORM_METHODS = ["GET", "HEAD", "POST"]
PAST_ROWS = 30


@require_safe
@clinic_view(*MANAGERS)
def closures(request: ClinicRequest) -> HttpResponse:
    """The coming days of one Jalali year; with `?past` what is over, page by page."""
    today = jalali.local_day(timezone.now(), request.clinic.timezone)
    page = _past_page(request, today) if "past" in request.GET else _year_page(request, today)
    return render(request, "clinic/closures.html", page)


def _past_page(request: ClinicRequest, today: dt.date) -> dict[str, Any]:
    page = Paginator(past(today), PAST_ROWS).get_page(request.GET.get("page"))
    return {"is_past": True, "months": months_of(page), "page_obj": page}


def _year_page(request: ClinicRequest, today: dt.date) -> dict[str, Any]:
    this_year, last = jalali.jalali(today).year, last_year(today)
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and this_year <= int(asked) <= last else this_year
    return {
        "year": year,
        "previous": year - 1 if year > this_year else None,
        "following": year + 1 if year < last else None,
        "months": months_of(of_year(year, since=today)),
    }


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def closure_edit(request: ClinicRequest, pk: int | None = None) -> HttpResponse:
    closure = get_object_or_404(Closure, pk=pk) if pk else Closure()
    form = ClosureForm(request.POST or None, instance=closure)
    if form.is_bound and form.is_valid():
        saved = form.save()
        said = _("«%(name)s» is saved: %(when)s.")
        done(request, said % {"name": saved.name, "when": when(saved)})
        return redirect(_list_around(request, saved))
    return render(request, "clinic/closure.html", {"form": form})


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def closure_delete(request: ClinicRequest, pk: int) -> HttpResponse:
    closure = get_object_or_404(Closure, pk=pk)
    back = _list_around(request, closure)
    if request.method != "POST":
        return render(request, "confirm.html", _deletion_question(closure, back))
    closure.delete()
    still = closed_days(closure.first_day, closure.last_day)
    open_again = (closure.last_day - closure.first_day).days + 1 > len(still)
    said = (
        _("«%(name)s» is deleted; the clinic works on that day.")
        if open_again
        else _("«%(name)s» is deleted. The clinic stays closed: a Friday, or another entry.")
    )
    done(request, said % {"name": closure.name})
    return redirect(back)


def _deletion_question(closure: Closure, back: str) -> dict[str, object]:
    text = (
        _("The clinic then works on this public holiday, and it is not entered again by itself.")
        if closure.kind == Closure.Kind.HOLIDAY
        else _("The clinic then works on these days, unless a Friday or another entry closes them.")
    )
    return {
        "question": _("Delete «%(name)s», %(when)s?")
        % {"name": closure.name, "when": when(closure)},
        "text": text,
        "label": _("Delete"),
        "back": back,
        "danger": True,
    }


def _list_around(request: ClinicRequest, closure: Closure) -> str:
    """The list as it shows this entry: its year, or the past."""
    today = jalali.local_day(timezone.now(), request.clinic.timezone)
    here = clinic_url(request.clinic, "settings:closures")
    if closure.last_day < today:
        return f"{here}?past"
    year = jalali.jalali(max(closure.first_day, today)).year
    return here if year == jalali.jalali(today).year else f"{here}?year={year}"
