"""The page for the day on which a therapist is not there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Therapist
from clinic.templatetags.peygir import number
from clinic.toasts import done
from panel import away
from panel.away_forms import MOVE, AwayForm
from panel.pages import asked_day, day_link, day_param
from sessions_app.models import SessionChange

FORM_METHODS = ["GET", "HEAD", "POST"]
#: A day has fewer sessions; more numbers in an address are no work of ours.
_MOST = 100


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def therapist_away(request: ClinicRequest, pk: int) -> HttpResponse:
    """What becomes of the sessions of `?day=`, today unless it says another."""
    now, tz = timezone.now(), request.clinic.timezone
    therapist, today = get_object_or_404(Therapist, pk=pk), jalali.local_day(now, tz)
    day, understood = asked_day(request, "day", today)
    if not understood:
        messages.warning(request, _("That day could not be read; this is today."))
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
    sessions: list[Any],
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
    if wanted["absent"]:
        away.note_absence(therapist, day, wanted["reason"], now=now, by=request.user, tz=tz)
    _say(request, result, moved=wanted["do"] == MOVE, day=day)
    return redirect(day_link(request.clinic, "panel:today", day))


@require_POST
@clinic_view(*RECEPTION)
def away_undo(request: ClinicRequest) -> HttpResponse:
    """Take back the changes that the address names, all of one act."""
    now, tz = timezone.now(), request.clinic.timezone
    named = request.GET.get("changes", "").split(".")[:_MOST]
    ids = [int(it) for it in named if it.isascii() and it.isdecimal() and len(it) < 19]  # noqa: PLR2004
    kinds = (SessionChange.Kind.CANCELLED, SessionChange.Kind.MOVED, SessionChange.Kind.BOOKED)
    changes = SessionChange.objects.filter(pk__in=ids, kind__in=kinds).select_related("session")
    result = away.undo_all(changes.order_by("pk"), now=now, by=request.user, tz=tz)
    if result.changes:
        done(request, _("Undone."))
    _say_refused(request, result)
    day, _understood = asked_day(request, "day", jalali.local_day(now, tz))
    return redirect(day_link(request.clinic, "panel:today", day))


def _say(request: ClinicRequest, result: away.Result, *, moved: bool, day: dt.date) -> None:
    if count := len(result.changes):
        said = (
            ngettext("%(n)s session was moved.", "%(n)s sessions were moved.", count)
            if moved
            else ngettext("%(n)s session was cancelled.", "%(n)s sessions were cancelled.", count)
        )
        named = ".".join(str(change.pk) for change in result.changes)
        undo = clinic_url(request.clinic, "panel:away_undo")
        done(
            request,
            said % {"n": number(count)},
            undo=f"{undo}?day={day_param(day)}&changes={named}",
        )
    _say_refused(request, result)


def _say_refused(request: ClinicRequest, result: away.Result) -> None:
    for session, why in result.refused:
        people = _(" and ").join(str(client) for client in session.clients.all())
        messages.warning(
            request,
            _("The session of %(clients)s stayed as it was: %(why)s")
            % {"clients": people, "why": why},
        )
