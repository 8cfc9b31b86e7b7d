"""Decisions about one client: stops, own hours, a death, and the turns of a treatment.

Reception decides what concerns texts. Treatments are also their therapist's to pause and to end,
and whoever sees a client may record a death. Crises are in `panel.crisis_views`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.templatetags.peygir import persian_digits
from clinic.toasts import done
from panel import visibility
from panel.pages import way_back, with_next
from patients import care
from patients.care_forms import CareForm, EndingForm, HoursForm, NoteForm, UntilForm
from patients.models import Client, ClientEvent, Treatment
from sessions_app.queries import visits_of

FORM_METHODS = ["GET", "HEAD", "POST"]
Kind = ClientEvent.Kind
#: Takes what was typed, with `now` and `by`.
Act = Callable[..., ClientEvent]


@dataclass(frozen=True, slots=True)
class Ask:
    """How a decision is asked for, on a page or in a dialog."""

    question: str
    text: str
    label: str
    icon: str
    danger: bool = False


# -- Texts -------------------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def client_mute(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    ask = Ask(
        question=_("Stop all automated texts"),
        text=_(
            "Nothing is sent to %(client)s by itself, reminders included, until the day you set."
        )
        % {"client": person.addressed},
        label=_("Stop the texts"),
        icon="bell-off",
    )
    form = UntilForm(_data(request), initial={"until": person.muted_until})
    return decide(request, person, form, ask, partial(care.mute, person))


@require_POST
@clinic_view(*RECEPTION)
def client_unmute(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    return _at_once(request, person, partial(care.unmute, person))


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def client_hours(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    clinic = request.clinic
    ask = Ask(
        question=_("Own hours for texts"),
        text=_(
            "The clinic's are from %(start)s to %(end)s. Both fields empty: the same for this one."
        )
        % {"start": _clock(clinic.quiet_to), "end": _clock(clinic.quiet_from)},
        label=_("Save the hours"),
        icon="clock",
    )
    form = HoursForm(_data(request), client=person)
    return decide(request, person, form, ask, partial(care.set_hours, person))


# -- Death -------------------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@clinic_view()
def client_died(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    ask = Ask(
        question=_("Record the death of %(client)s?") % {"client": person.addressed},
        text=_(
            "From this moment on nothing is sent to this client and nobody is asked to call."
            " Sessions that are booked stay until you cancel them; no text tells of it."
        ),
        label=_("Record the death"),
        icon="check",
    )
    form = NoteForm(_data(request))
    return decide(request, person, form, ask, partial(care.record_death, person))


@require_http_methods(FORM_METHODS)
@clinic_view()
def client_not_died(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    ask = Ask(
        question=_("Was the death of %(client)s recorded by mistake?")
        % {"client": person.addressed},
        text=_(
            "Texts that fall due from now on are sent again; what fell due meanwhile stays unsent."
            " Calls that were closed stand on the call list again."
        ),
        label=_("Take it back"),
        icon="arrow-back-up",
    )
    form = NoteForm(_data(request))
    return decide(request, person, form, ask, partial(care.undo_death, person))


# -- Treatments --------------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@clinic_view()
def treatment_pause(request: ClinicRequest, pk: int) -> HttpResponse:
    treatment = _treatment_or_404(request, pk)
    ask = Ask(
        question=_("Pause the treatment"),
        text=_("%(treatment)s. Nobody asks the client to come back before that day.")
        % {"treatment": _named(treatment)},
        label=_("Pause it"),
        icon="player-pause",
    )
    form = UntilForm(_data(request), initial={"until": treatment.paused_until})
    act = partial(care.pause_treatment, treatment)
    return decide(request, treatment.client, form, ask, act)


@require_POST
@clinic_view()
def treatment_resume(request: ClinicRequest, pk: int) -> HttpResponse:
    treatment = _treatment_or_404(request, pk)
    act = partial(care.resume_treatment, treatment)
    return _at_once(request, treatment.client, act)


@require_http_methods(FORM_METHODS)
@clinic_view()
def treatment_complete(request: ClinicRequest, pk: int) -> HttpResponse:
    treatment = _treatment_or_404(request, pk)
    ask = Ask(
        question=_("Has the treatment come to its good end?"),
        text=_("%(treatment)s. Afterwards nobody asks why the client does not come.")
        % {"treatment": _named(treatment)},
        label=_("Finish it well"),
        icon="checks",
    )
    act = partial(care.complete_treatment, treatment)
    return decide(request, treatment.client, NoteForm(_data(request)), ask, act)


@require_http_methods(FORM_METHODS)
@clinic_view()
def treatment_drop(request: ClinicRequest, pk: int) -> HttpResponse:
    treatment = _treatment_or_404(request, pk)
    ask = Ask(
        question=_("Was the treatment given up?"),
        text=_("%(treatment)s. It counts as ended without a plan; nobody asks any more.")
        % {"treatment": _named(treatment)},
        label=_("Given up"),
        icon="circle-x",
    )
    act = partial(care.drop_treatment, treatment)
    return decide(request, treatment.client, NoteForm(_data(request)), ask, act)


@require_http_methods(FORM_METHODS)
@clinic_view()
def treatment_ending(request: ClinicRequest, pk: int) -> HttpResponse:
    treatment = _treatment_or_404(request, pk)
    so_far = visits_of(treatment)
    ask = Ask(
        question=_("When is the treatment to end?"),
        text=_(
            "%(treatment)s; sessions so far: %(n)s. At the planned ending nobody asks the client why"
            " they do not come; your call list asks you whether it ended well or goes on."
        )
        % {"treatment": _named(treatment), "n": persian_digits(so_far)},
        label=_("Save the plan"),
        icon="calendar-event",
    )
    planned = {"ends_on": treatment.ends_on, "ends_after": treatment.ends_after}
    form = EndingForm(_data(request), initial=planned, so_far=so_far)
    return decide(request, treatment.client, form, ask, partial(care.plan_ending, treatment))


@require_POST
@clinic_view()
def event_undo(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take a decision back, named by its number; a therapist only their own."""
    now = timezone.now()
    events = visibility.events(request.membership)
    if visibility.is_therapist(request.membership):
        events = events.filter(by=request.user)
    event = get_object_or_404(
        events.select_related("client__clinic", "treatment__client__clinic"), pk=pk
    )
    try:
        care.undo(event, now=now, by=request.user)
    except care.CareError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Undone."))
    return redirect(way_back(request, clinic_url(request.clinic, "panel:client", event.client_id)))


# -- What all of them do -----------------------------------------------------------------------


def client_or_404(request: ClinicRequest, pk: int) -> Client:
    mine = visibility.clients(request.membership).select_related("clinic", "therapist", "service")
    found: Client = get_object_or_404(mine, pk=pk)
    return found


def undo_address(request: ClinicRequest, event: ClientEvent, back: str) -> str:
    return with_next(clinic_url(request.clinic, "panel:event_undo", event.pk), back)


def _treatment_or_404(request: ClinicRequest, pk: int) -> Treatment:
    mine = visibility.treatments(request.membership)
    found: Treatment = get_object_or_404(
        mine.select_related("client__clinic", "therapist", "service"), pk=pk
    )
    return found


def _data(request: ClinicRequest) -> Any:
    return request.POST if request.method == "POST" else None


def decide(
    request: ClinicRequest, person: Client, form: CareForm, ask: Ask, act: Act, **context: Any
) -> HttpResponse:
    """Ask, or do what was answered: the page of the form, or the way back with an undo."""
    now = timezone.now()
    back = way_back(request, clinic_url(request.clinic, "panel:client", person.pk))
    if form.is_bound and form.is_valid():
        event = form.attempt(lambda given: act(**given, now=now, by=request.user))
        if event is not None:
            _say(request, person, event, back)
            return redirect(back)
    context |= {"form": form, "ask": ask, "client": person, "back": back}
    return render(
        request, "panel/client_decide.html", context, status=422 if form.is_bound else 200
    )


def _at_once(request: ClinicRequest, person: Client, act: Act) -> HttpResponse:
    back = way_back(request, clinic_url(request.clinic, "panel:client", person.pk))
    try:
        event = act(now=timezone.now(), by=request.user)
    except care.CareError as error:
        messages.error(request, str(error))
    else:
        _say(request, person, event, back)
    return redirect(back)


def _say(request: ClinicRequest, person: Client, event: ClientEvent, back: str) -> None:
    said = {
        Kind.MUTED: _("No automated text goes to %(client)s any more."),
        Kind.UNMUTED: _("%(client)s gets texts again."),
        Kind.CRISIS: _("A crisis hold stands for %(client)s; no automated text goes out."),
        Kind.CRISIS_OVER: _("The crisis hold of %(client)s was lifted."),
        Kind.EMERGENCY: _("The emergency text to %(client)s is on its way."),
        Kind.DIED: _("The death of %(client)s is recorded. Nothing is sent any more."),
        Kind.NOT_DIED: _("Taken back. %(client)s gets texts again that fall due from now on."),
        Kind.HOURS: _("The hours for texts to %(client)s were saved."),
        Kind.PAUSED: _("The treatment of %(client)s is paused."),
        Kind.RESUMED: _("The treatment of %(client)s goes on."),
        Kind.COMPLETED: _("The treatment of %(client)s was finished well."),
        Kind.DROPPED: _("The treatment of %(client)s was recorded as given up."),
        Kind.PLANNED: _("The planned ending for %(client)s was saved."),
    }[Kind(event.kind)]
    undoable = event.kind not in (Kind.CRISIS, Kind.CRISIS_OVER, Kind.EMERGENCY)
    undo = undo_address(request, event, back) if undoable else ""
    done(request, said % {"client": person.addressed}, undo=undo)


def _named(treatment: Treatment) -> str:
    return _("%(service)s with %(therapist)s") % {
        "service": treatment.service,
        "therapist": treatment.therapist,
    }


def _clock(time: Any) -> str:
    return persian_digits(f"{time:%H:%M}")
