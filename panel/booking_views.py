"""The link by which a client books alone: reception hands it out, where a text does not.

Whoever has a page's address acts as the client there, so it is shown once, after a press, and who
took it stands in the client's file.
"""

from __future__ import annotations

import datetime as dt

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django_stubs_ext import StrPromise

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from panel import visibility
from panel.pages import way_back
from patients.models import ClientEvent, Treatment
from sessions_app import booking
from sessions_app.booking import Standing, Why
from sessions_app.links import LASTS, Purpose
from sessions_app.models import Session

#: What keeps a client from booking alone, for reception.
WHY: dict[str, StrPromise] = {
    Why.SWITCHED_OFF: _("Booking by link is switched off in the clinic's settings."),
    Why.CRISIS: _("A crisis hold stands: a person finds the time with this client."),
    Why.SEVERAL: _(
        "Several people take part in these sessions: a person finds the time with them."
    ),
    Why.ENDED: _("This treatment has ended; take it up again first."),
    Why.INACTIVE: _("The therapist or the service is switched off."),
    Why.OFTEN: _("This client has booked by link three times within a day already."),
    Why.NO_TIME: _(
        "The therapist has no free time within three weeks, or no working hours are entered."
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view(*RECEPTION)
def treatment_link(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    mine = visibility.treatments(request.membership)
    treatment = get_object_or_404(mine.select_related("client", "therapist", "service"), pk=pk)
    back = way_back(request, clinic_url(request.clinic, "panel:client", treatment.client_id))
    anchor = booking.anchor_of(treatment)
    hindrance = _hindrance(treatment, anchor, now)
    context = {"treatment": treatment, "client": treatment.client, "back": back}
    context |= {"hindrance": hindrance, "days": LASTS[Purpose.BOOKING].days}
    if request.method == "POST" and anchor is not None and not hindrance:
        context["link"] = _hand_out(request, treatment, anchor, now)
    refused = request.method == "POST" and bool(hindrance)
    return render(request, "panel/treatment_link.html", context, status=409 if refused else 200)


def _hindrance(treatment: Treatment, anchor: Session | None, now: dt.datetime) -> StrPromise | str:
    """Why a link would be of no use now; empty when it would be."""
    if anchor is None:
        return _("No session has been booked yet; book the first one yourself.")
    found = booking.outlook(treatment, anchor, now)
    if found.standing is Standing.BOOKED:
        return _("The next session is booked already; the client books one at a time.")
    return WHY.get(found.why, "")


def _hand_out(
    request: ClinicRequest, treatment: Treatment, anchor: Session, now: dt.datetime
) -> str:
    page = booking.hand_out(anchor, treatment.client, now=now)
    ClientEvent.objects.create(
        clinic_id=treatment.clinic_id,
        client=treatment.client,
        treatment=treatment,
        kind=ClientEvent.Kind.HANDED_OUT,
        at=now,
        by=request.user,
    )
    return page.address
