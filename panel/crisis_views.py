"""A client in danger: the hold, its end, and the clinic's emergency text.

Whoever sees a client may set a hold and send the text; only managers and the client's therapists
lift a hold.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.models import Role, User
from messaging import emergency
from messaging.emergency import EmergencyError
from panel.care_views import FORM_METHODS, Ask, client_or_404, decide
from patients import care
from patients.care_forms import CareForm, CrisisForm, NoteForm
from patients.models import Client, ClientEvent


@require_http_methods(FORM_METHODS)
@clinic_view()
def client_crisis(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    ask = Ask(
        question=_("Set a crisis hold for %(client)s?") % {"client": person.addressed},
        text=_(
            "From this moment on no automated text goes to this client, reminders included. Somebody"
            " must stay in touch in person until a manager or the therapist lifts the hold."
        ),
        label=_("Set the crisis hold"),
        icon="alert-triangle",
        danger=True,
    )
    form = CrisisForm(_data(request))
    shown = _shown(person, timezone.now())
    if not shown["text"]:
        del form.fields["emergency"]
    return decide(request, person, form, ask, partial(_hold, request, person), **shown)


def _hold(
    request: ClinicRequest,
    person: Client,
    *,
    emergency: bool = False,
    now: dt.datetime,
    by: User,
    **given: Any,
) -> ClientEvent:
    """The hold stands, whatever comes of the text."""
    event = care.hold_for_crisis(person, now=now, by=by, **given)
    if emergency:
        try:
            _send(person, now=now, by=by)
        except EmergencyError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _said_of_text(person))
    return event


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS, Role.THERAPIST)
def client_crisis_over(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    ask = Ask(
        question=_("Lift the crisis hold of %(client)s?") % {"client": person.addressed},
        text=_("Texts that fall due from now on are sent again. Write who decided it, and why."),
        label=_("Lift the hold"),
        icon="circle-check",
    )
    form = NoteForm(_data(request))
    form.fields["note"].required = True
    return decide(request, person, form, ask, partial(care.lift_crisis, person))


@require_http_methods(FORM_METHODS)
@clinic_view()
def client_emergency(request: ClinicRequest, pk: int) -> HttpResponse:
    person = client_or_404(request, pk)
    ask = Ask(
        question=_("Send the emergency text to %(client)s?") % {"client": person.addressed},
        text=_(
            "It leaves at once, also at night and during a crisis hold. It takes no call's place:"
            " somebody must stay in touch in person."
        ),
        label=_("Send it now"),
        icon="send",
        danger=True,
    )
    shown = _shown(person, timezone.now())
    act = partial(_send, person)
    return decide(request, person, CareForm(_data(request)), ask, act, **shown)


def _send(person: Client, *, now: dt.datetime, by: User) -> ClientEvent:
    emergency.send(person, now=now, by=by)
    sent: ClientEvent = ClientEvent.objects.filter(
        client=person, kind=ClientEvent.Kind.EMERGENCY
    ).latest("at", "id")
    return sent


def _shown(person: Client, now: dt.datetime) -> dict[str, str]:
    """The text as it would leave, or why none can."""
    try:
        return {"text": emergency.ready(person, now=now), "trouble": ""}
    except EmergencyError as error:
        return {"text": "", "trouble": str(error)}


def _said_of_text(person: Client) -> str:
    return _("The emergency text to %(client)s is on its way.") % {"client": person.addressed}


def _data(request: ClinicRequest) -> Any:
    return request.POST if request.method == "POST" else None
