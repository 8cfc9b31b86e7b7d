"""Sessions: the week, one session, and everything that can happen to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Role
from panel import visibility
from panel.choosing import choice_of_clients, is_finding
from panel.closed import warn_of_closed_day, word_for_form
from panel.history import Entry, entries_of
from panel.lines import CANCELLINGS, lines_of
from panel.pages import day_param, way_back, with_next
from panel.series_views import series_page
from panel.telling import say
from panel.today_views import fragment
from panel.waiting import fits_of_form, say_vacancy, vacancy_of
from patients.models import Client
from sessions_app import actions
from sessions_app.forms import (
    BookingForm,
    CancelForm,
    EditForm,
    MoveForm,
    OutcomeForm,
    RestoreForm,
    explain,
)
from sessions_app.models import Session, SessionChange
from sessions_app.queries import elsewhere, names_in, with_people

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_safe
@clinic_view()
def session(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    tz, member = request.clinic.timezone, request.membership
    loaded = get_object_or_404(with_people(visibility.sessions(member)), pk=pk)
    told = visibility.messages(member).filter(session=loaded).select_related("client")
    entries = entries_of(loaded, tz)
    context = {
        "line": lines_of([loaded], member=member, now=now, tz=tz)[0],
        "session": loaded,
        "history": entries,
        "undoable": _undoable(request, entries),
        "messages_of_session": told.order_by("-due_at", "-id"),
        "cancellings": CANCELLINGS,
        "back": request.path,
        "day": day_param(jalali.local_day(loaded.starts_at, tz)),
        "vacancy": vacancy_of(request, loaded, now),
        "reception": not visibility.is_therapist(member),
    }
    return render(request, "panel/session.html", context)


# -- Booking, moving, editing ------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def session_book(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    finding = is_finding(request.POST)
    data = request.POST if request.method == "POST" and not finding else None
    choice = choice_of_clients(request.POST or request.GET)
    initial = _initial(request.POST if finding else request.GET, choice.chosen)
    initial["tell"] = not finding or "tell" in request.POST
    form = BookingForm(data, tz=request.clinic.timezone, initial=initial)
    if form.is_bound and form.is_valid():
        if form.repeats:
            return series_page(request, form)
        booked = form.book(now=now, by=request.user)
        if booked is not None:
            _say_booked(request, booked, now)
            return redirect(clinic_url(request.clinic, "panel:session", booked.pk))
    context = {
        "form": form,
        "choice": choice,
        "closed": word_for_form(form, request.clinic.timezone),
        "fits": [] if choice.chosen else fits_of_form(form, request.clinic.timezone, now),
        "back": way_back(request, clinic_url(request.clinic, "panel:calendar")),
    }
    return render(request, "panel/session_book.html", context, status=_status(form))


@require_safe
@clinic_view(*RECEPTION)
def session_clients(request: ClinicRequest) -> HttpResponse:
    """The tick boxes under the search of the booking form, as one types."""
    choice = choice_of_clients(request.GET)
    return render(request, "panel/client_options.html", {"choice": choice})


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def session_move(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    tz = request.clinic.timezone
    loaded = get_object_or_404(with_people(visibility.sessions(request.membership)), pk=pk)
    here = clinic_url(request.clinic, "panel:session", pk)
    back = way_back(request, here)
    if not loaded.is_open:
        messages.error(request, _("Only a session that is still open can be moved."))
        return redirect(here)
    form = MoveForm(request.POST or None, session=loaded, tz=tz)
    if form.is_bound and form.is_valid():
        moved = form.move(now=now, by=request.user)
        if moved is not None:
            when = jalali.spoken(moved.starts_at, now=now, tz=tz)
            _say(request, moved, _("Moved to %(when)s.") % {"when": when}, back, now)
            warn_of_closed_day(request, moved)
            return redirect(back)
    context = {"form": form, "session": loaded, "back": back, "closed": word_for_form(form, tz)}
    return render(request, "panel/session_move.html", context, status=_status(form))


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def session_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    loaded = get_object_or_404(with_people(visibility.sessions(request.membership)), pk=pk)
    here = clinic_url(request.clinic, "panel:session", pk)
    present = [participant.client_id for participant in loaded.participants.all()]
    finding = is_finding(request.POST)
    data = request.POST if request.method == "POST" and not finding else None
    initial: dict[str, Any] = {"service": loaded.service_id, "online_url": loaded.online_url}
    if finding:
        initial |= request.POST.dict()
    form = EditForm(data, session=loaded, tz=request.clinic.timezone, initial=initial)
    if form.is_bound and form.is_valid():
        edited = form.edit(now=now, by=request.user)
        if edited is not None:
            _say(request, edited, _("The session was changed."), here, now)
            return redirect(here)
    choice = choice_of_clients(request.POST) if request.POST else choice_of_clients(ids=present)
    context = {"form": form, "session": loaded, "choice": choice, "back": here}
    return render(request, "panel/session_edit.html", context, status=_status(form))


# -- One click ---------------------------------------------------------------------------------


@require_POST
@clinic_view()
def session_record(request: ClinicRequest, pk: int) -> HttpResponse:
    form = OutcomeForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest()
    outcome = form.cleaned_data["outcome"]
    return _act(request, pk, partial(actions.record, outcome=outcome))


@require_POST
@clinic_view(*RECEPTION)
def session_cancel(request: ClinicRequest, pk: int) -> HttpResponse:
    form = CancelForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest()
    return _act(request, pk, partial(actions.cancel, **form.cleaned_data))


@require_POST
@clinic_view(*RECEPTION)
def session_restore(request: ClinicRequest, pk: int) -> HttpResponse:
    form = RestoreForm(request.POST)
    form.is_valid()
    return _act(request, pk, partial(actions.restore, tell=form.cleaned_data["tell"]))


@require_POST
@clinic_view()
def session_undo(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take a change back, named by its number: nobody undoes what somebody else did since."""
    now = timezone.now()
    changes = SessionChange.objects.filter(session__in=visibility.sessions(request.membership))
    if request.membership.role == Role.THERAPIST:
        changes = changes.filter(by=request.user, kind=SessionChange.Kind.OUTCOME)
    change = get_object_or_404(changes.select_related("session"), pk=pk)
    back = way_back(request, clinic_url(request.clinic, "panel:session", change.session_id))
    try:
        undone = actions.undo(change.session, change=change, now=now, by=request.user)
    except actions.SessionError as error:
        messages.error(request, explain(error, request.clinic.timezone))
    else:
        say(request, _("Undone."), undone, now)
    return redirect(back)


def _undoable(request: ClinicRequest, entries: list[Entry]) -> int | None:
    """The number of the last change, when the member may take it back."""
    kinds = SessionChange.Kind
    last = entries[0] if entries else None
    if last is None or last.kind in (kinds.BOOKED, kinds.UNDONE):
        return None
    if visibility.is_therapist(request.membership):
        return last.pk if last.kind == kinds.OUTCOME and last.by == request.user else None
    return last.pk


def _act(request: ClinicRequest, pk: int, act: Callable[..., Session]) -> HttpResponse:
    """Do it, say so with a way back, and return to where the button was."""
    now = timezone.now()
    loaded = get_object_or_404(visibility.sessions(request.membership), pk=pk)
    back = way_back(request, clinic_url(request.clinic, "panel:session", pk))
    try:
        loaded = act(loaded, now=now, by=request.user)
    except actions.SessionError as error:
        messages.error(request, explain(error, request.clinic.timezone))
    else:
        _say(request, loaded, _what_happened(loaded), back, now)
        say_vacancy(request, loaded, now)
    if request.htmx and request.POST.get("live"):
        return fragment(request, loaded, now)
    return redirect(back)


def _what_happened(session: Session) -> str:
    said = {
        "scheduled": _("%(client)s: back to scheduled."),
        "confirmed": _("%(client)s has confirmed."),
        "arrived": _("%(client)s has arrived."),
        "attended": _("The session of %(client)s was recorded as attended."),
        "no_show": _("%(client)s did not come; recorded."),
        "cancelled": _("The session of %(client)s was cancelled."),
    }
    return said[session.state] % {"client": names_in(session)}


def _say(request: ClinicRequest, session: Session, text: str, back: str, now: dt.datetime) -> None:
    """Say what was done, with the way back."""
    undo = clinic_url(request.clinic, "panel:session_undo", session.changes.all()[0].pk)
    say(request, text, session, now, undo=with_next(undo, back))


def _say_booked(request: ClinicRequest, booked: Session, now: dt.datetime) -> None:
    tz = request.clinic.timezone
    when = jalali.spoken(booked.starts_at, now=now, tz=tz)
    here = clinic_url(request.clinic, "panel:session", booked.pk)
    _say(request, booked, _("Booked for %(when)s.") % {"when": when}, here, now)
    warn_of_closed_day(request, booked)
    if booked.starts_at < now:
        messages.warning(request, _("This time has already passed; nobody will be reminded."))
    for other in elsewhere(booked):
        messages.warning(
            request,
            _("%(client)s also has a session with %(therapist)s at %(time)s.")
            % {
                "client": names_in(other),
                "therapist": other.therapist,
                "time": jalali.time(other.starts_at, tz=tz),
            },
        )


def _status(form: Any) -> int:
    return 422 if form.is_bound else 200


def _initial(source: QueryDict, clients: list[Client]) -> dict[str, Any]:
    """What the address proposes, or what was typed before looking for a client."""
    initial: dict[str, Any] = {
        name: source[name]
        for name in ("therapist", "service", "day", "time", "duration", "room", "online_url")
        if source.get(name)
    }
    initial |= _understood(initial)
    if clients and not initial.get("therapist"):
        initial["therapist"] = clients[0].therapist_id
    if clients and not initial.get("service"):
        initial["service"] = clients[0].service_id
    return initial


def _understood(initial: dict[str, Any]) -> dict[str, Any]:
    """Day and time of it that can be read: the fields then show them as people write them."""
    found: dict[str, Any] = {}
    for name, read in (("day", jalali.parse_date), ("time", jalali.parse_time)):
        with suppress(jalali.DateError):
            found |= {name: read(initial[name])} if name in initial else {}
    return found
