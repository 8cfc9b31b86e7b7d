"""The page for the day on which a therapist is not there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.models import Therapist, TimeOff
from clinic.templatetags.peygir import number
from clinic.toasts import done
from panel import away
from panel.away_forms import MOVE, AwayForm
from panel.pages import asked_day, day_link, day_param
from panel.several import Result, say_refused, undo_address
from sessions_app.models import Session

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def therapist_away(request: ClinicRequest, pk: int) -> HttpResponse:
    """What becomes of the sessions of `?day=`, today unless it says another."""
    now, tz = timezone.now(), request.clinic.timezone
    therapist, today = get_object_or_404(Therapist, pk=pk), jalali.local_day(now, tz)
    day = asked_day(request, "day", today, _("That day could not be read; this is today."))
    sessions = away.open_sessions(therapist, day, now=now, tz=tz)
    form = AwayForm(request.POST or None, sessions=sessions, day=day, today=today)
    if form.is_bound and form.is_valid():
        return _carry_out(request, therapist, day, sessions, form, now)
    ticked = {str(it) for it in form["sessions"].value() or ()}
    context = {
        "therapist": therapist,
        "day": day,
        "param": day_param(day),
        "form": form,
        "rows": [(session, str(session.pk) in ticked) for session in sessions],
        "back": day_link(request.clinic, "panel:today", day),
    }
    return render(request, "panel/away.html", context, status=422 if form.is_bound else 200)


def _carry_out(
    request: ClinicRequest,
    therapist: Therapist,
    day: dt.date,
    sessions: list[Session],
    form: AwayForm,
    now: dt.datetime,
) -> HttpResponse:
    wanted, tz = form.cleaned_data, request.clinic.timezone
    chosen = [session for session in sessions if session.pk in wanted["sessions"]]
    common: dict[str, Any] = {"tell": wanted["tell"], "now": now, "by": request.user, "tz": tz}
    if wanted["do"] == MOVE:
        result = away.move_all(chosen, wanted["to_day"], **common)
    else:
        result = away.cancel_all(chosen, **common)
    absence = None
    if wanted["absent"]:
        reason = wanted["reason"]
        absence = away.note_absence(therapist, day, reason, now=now, by=request.user, tz=tz)
    _say(request, result, day, moved=wanted["do"] == MOVE, absence=absence)
    return redirect(day_link(request.clinic, "panel:today", day))


def _say(
    request: ClinicRequest,
    result: Result,
    day: dt.date,
    *,
    moved: bool,
    absence: TimeOff | None,
) -> None:
    if count := len(result.changed):
        said = (
            ngettext("%(n)s session was moved.", "%(n)s sessions were moved.", count)
            if moved
            else ngettext("%(n)s session was cancelled.", "%(n)s sessions were cancelled.", count)
        )
        undo = undo_address(request, result.changed, day, absence=absence)
        done(request, said % {"n": number(count)}, undo=undo)
    say_refused(request, result)
