"""The call list: what waits for a person, what came of each try, and the long silent.

It is the work of reception and managers. Therapists read on their clients' pages what is asked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Membership
from clinic.templatetags.peygir import number
from clinic.toasts import done
from followup import silent
from panel import visibility
from panel.care_views import client_or_404, undo_address
from panel.pages import page_of, way_back, with_next
from patients import care
from sessions_app import care_tasks
from sessions_app.models import CareAttempt, CareTask, Rhythm
from sessions_app.task_forms import AttemptForm, CallForm

FORM_METHODS = ["GET", "HEAD", "POST"]
OPEN, CLOSED = "open", "closed"
Outcome = CareTask.Outcome
#: One click on the line; the rest stand in its menu, «later» with a form of its own.
AT_HAND = (Outcome.NO_ANSWER, Outcome.DONE)
IN_MENU = (Outcome.NOT_NOW, Outcome.FINISHED, Outcome.ELSEWHERE, Outcome.WRONG_NUMBER)


@dataclass(frozen=True, slots=True)
class Call:
    """A task as one line: who, why, and what has been tried; the newest try first."""

    task: CareTask
    attempts: list[CareAttempt]
    readable: bool
    is_due: bool

    @property
    def unanswered(self) -> int:
        return sum(attempt.outcome == Outcome.NO_ANSWER for attempt in self.attempts)


def calls_of(tasks: Any, *, member: Membership, now: dt.datetime) -> list[Call]:
    """Lines for tasks loaded by `with_attempts`."""
    return [
        Call(
            task=task,
            attempts=list(task.attempts.all()),
            readable=visibility.reads_task(member, task),
            is_due=task.due_at <= now,
        )
        for task in tasks
    ]


def with_attempts(tasks: QuerySet[CareTask]) -> QuerySet[CareTask]:
    """Loads client, session with therapist and service, and the tries: two queries in all."""
    tries = CareAttempt.objects.select_related("by").order_by("-at", "-id")
    return tasks.select_related(
        "client", "session__therapist", "session__service", "created_by", "closed_by"
    ).prefetch_related(Prefetch("attempts", queryset=tries))


# -- The list ----------------------------------------------------------------------------------


@require_safe
@clinic_view(*RECEPTION)
def tasks(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    everything = visibility.tasks(request.membership)
    state = CLOSED if request.GET.get("state") == CLOSED else OPEN
    shown = care_tasks.closed(everything) if state == CLOSED else care_tasks.still_open(everything)
    counts = care_tasks.by_kind(shown)
    kind = request.GET.get("kind", "")
    if kind in CareTask.Kind.values:
        shown = shown.filter(kind=kind)
    page = page_of(request, with_attempts(shown))
    context = {
        "page_obj": page,
        "calls": calls_of(page, member=request.membership, now=now),
        "state": state,
        "kind": kind,
        "kinds": [
            (k, k.label, counts.get(k, 0)) for k in CareTask.Kind if k in counts or k == kind
        ],
        "total": sum(counts.values()),
        "back": request.get_full_path(),
        **_acts(request, now),
    }
    return render(request, "panel/tasks.html", context)


@require_safe
@clinic_view(*RECEPTION)
def task(request: ClinicRequest, pk: int) -> HttpResponse:
    form = AttemptForm(tz=request.clinic.timezone, initial=_asked(request))
    return _task_page(request, _task_or_404(request, pk), form)


@require_POST
@clinic_view(*RECEPTION)
def task_attempt(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    loaded = _task_or_404(request, pk)
    form = AttemptForm(request.POST, tz=request.clinic.timezone)
    if not form.is_valid() or form.record(loaded, now=now, by=request.user) is None:
        if request.htmx:
            messages.error(request, _first_error(form))
            return redirect(_way_back(request, pk))
        return _task_page(request, loaded, form)
    _say(request, loaded, form.cleaned_data["outcome"], now)
    pause = _offered_pause(request, loaded, form.cleaned_data["outcome"])
    if pause and request.htmx:
        return HttpResponseClientRedirect(pause)
    return redirect(pause or _way_back(request, pk))


@require_POST
@clinic_view(*RECEPTION)
def task_reopen(request: ClinicRequest, pk: int) -> HttpResponse:
    loaded = _task_or_404(request, pk)
    try:
        care_tasks.reopen(loaded, now=timezone.now(), by=request.user)
    except care_tasks.TaskError as error:
        messages.error(request, str(error))
    else:
        done(request, _("%(client)s is on the call list again.") % {"client": loaded.client})
    return redirect(_way_back(request, pk))


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def client_call(request: ClinicRequest, pk: int) -> HttpResponse:
    """Put a client on the call list by hand."""
    now = timezone.now()
    person = client_or_404(request, pk)
    back = way_back(request, clinic_url(request.clinic, "panel:client", pk))
    data = request.POST if request.method == "POST" else None
    today = jalali.local_day(now, request.clinic.timezone)
    form = CallForm(data, tz=request.clinic.timezone, initial={"day": today})
    if form.is_bound and form.is_valid():
        made = form.open(person, now=now, by=request.user)
        if made is not None:
            when = jalali.relative(made.due_at, now, tz=request.clinic.timezone)
            said = _("%(client)s is on the call list: %(when)s.")
            done(request, said % {"client": person, "when": when})
            return redirect(back)
    context = {"form": form, "client": person, "back": back}
    return render(request, "panel/client_call.html", context, status=422 if form.is_bound else 200)


# -- The long silent ---------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def tasks_silent(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    found = silent.long_silent(request.clinic, now)
    if request.method == "POST":
        _settle_silent(request, found, now)
        return redirect(way_back(request, clinic_url(request.clinic, "panel:tasks_silent")))
    page = page_of(request, found)
    context = {
        "page_obj": page,
        "state": "silent",
        "back": request.get_full_path(),
        "total": page.paginator.count,
    }
    return render(request, "panel/tasks_silent.html", context)


def _settle_silent(request: ClinicRequest, found: QuerySet[Rhythm], now: dt.datetime) -> None:
    """Put the ticked ones on the call list, or end the treatments of the one whose button it is."""
    for name, planned in (("finish", True), ("drop", False)):
        if request.POST.get(name, "").isdecimal():
            one = found.filter(client=int(request.POST[name])).first()
            return _end_silent(request, one, planned=planned, now=now)
    ticked = [int(pk) for pk in request.POST.getlist("clients") if pk.isdecimal()]
    chosen = list(found.filter(client__in=ticked))
    for rhythm in chosen:
        silent.put_on_call_list(rhythm, now=now, by=request.user)
    if not chosen:
        messages.warning(request, _("Tick those who are to be called."))
        return None
    said = ngettext(
        "%(n)s client is on the call list now.",
        "%(n)s clients are on the call list now.",
        len(chosen),
    )
    return done(request, said % {"n": number(len(chosen))})


def _end_silent(
    request: ClinicRequest, rhythm: Rhythm | None, *, planned: bool, now: dt.datetime
) -> None:
    if rhythm is None:
        messages.warning(request, _("This client is no longer on the list."))
        return
    try:
        events = silent.settle(rhythm, planned=planned, now=now, by=request.user)
    except care.CareError as error:
        messages.error(request, str(error))
        return
    said = (
        _("%(client)s: recorded as finished.")
        if planned
        else _("%(client)s: recorded as given up.")
    )
    # Several treatments have several ways back; they stand on the client's page.
    undo = undo_address(request, events[0], _silent_list(request)) if len(events) == 1 else ""
    done(request, said % {"client": rhythm.client}, undo=undo)


def _silent_list(request: ClinicRequest) -> str:
    return clinic_url(request.clinic, "panel:tasks_silent")


# -- What all of them do -----------------------------------------------------------------------


def _task_or_404(request: ClinicRequest, pk: int) -> CareTask:
    mine = visibility.tasks(request.membership)
    found: CareTask = get_object_or_404(with_attempts(mine).select_related("clinic"), pk=pk)
    return found


def _task_page(request: ClinicRequest, loaded: CareTask, form: AttemptForm) -> HttpResponse:
    now = timezone.now()
    context = {
        "call": calls_of([loaded], member=request.membership, now=now)[0],
        "form": form,
        "wrong_number": care_tasks.wrong_number(loaded.client),
        "back": way_back(request, clinic_url(request.clinic, "panel:tasks")),
        **_acts(request, now),
    }
    return render(request, "panel/task.html", context, status=422 if form.is_bound else 200)


def _acts(request: ClinicRequest, now: dt.datetime) -> dict[str, Any]:
    tomorrow = jalali.local_day(now, request.clinic.timezone) + dt.timedelta(days=1)
    return {"at_hand": AT_HAND, "in_menu": IN_MENU, "tomorrow": tomorrow}


def _asked(request: ClinicRequest) -> dict[str, str]:
    outcome = request.GET.get("outcome", "")
    return {"outcome": outcome} if outcome in Outcome.values else {}


def _way_back(request: ClinicRequest, pk: int) -> str:
    return way_back(request, clinic_url(request.clinic, "panel:task", pk))


def _first_error(form: AttemptForm) -> str:
    return str(next(iter(form.errors.values()))[0])


def _say(request: ClinicRequest, task: CareTask, outcome: str, now: dt.datetime) -> None:
    if task.closed_at is None:
        when = jalali.relative(task.due_at, now, tz=request.clinic.timezone)
        said = _("%(client)s: noted; call again %(when)s.")
        return done(request, said % {"client": task.client, "when": when})
    undo = with_next(
        clinic_url(request.clinic, "panel:task_reopen", task.pk), _way_back(request, task.pk)
    )
    said = _("%(client)s: noted as «%(outcome)s».")
    if outcome == Outcome.NO_ANSWER:
        said = _("%(client)s did not answer for the third time; the task is closed.")
    return done(
        request, said % {"client": task.client, "outcome": Outcome(outcome).label}, undo=undo
    )


def _offered_pause(request: ClinicRequest, task: CareTask, outcome: str) -> str:
    """Who does not want to go on now may want to later: the page on which a pause is set."""
    going_on = [t for t in care_tasks.treatments_of(task) if t.state == "active"]
    if outcome != Outcome.NOT_NOW or not going_on:
        return ""
    address = clinic_url(request.clinic, "panel:treatment_pause", going_on[0].pk)
    return with_next(address, _way_back(request, task.pk))
