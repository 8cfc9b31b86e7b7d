"""One client with two files: finding the second one, and joining it to the first."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.toasts import done
from panel import joining
from panel.care_views import FORM_METHODS, client_or_404
from panel.pages import list_or_page
from patients import merging
from patients.models import Client
from patients.twins import Twin, found_by, twins_of
from sessions_app.models import Participant


@require_safe
@clinic_view(*RECEPTION)
def client_twins(request: ClinicRequest, pk: int) -> HttpResponse:
    """Which other file may be the same person's: proposals, or whoever is looked for."""
    person = client_or_404(request, pk)
    typed = request.GET.get("q", "").strip()
    twins = found_by(person, typed) if typed else twins_of(person)
    context = {"client": person, "typed": typed, "rows": _with_sessions(twins)}
    part, whole = "panel/client_twin_list.html", "panel/client_twins.html"
    return list_or_page(request, "twin-list", part, whole, context)


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def client_merge(request: ClinicRequest, pk: int, other: int) -> HttpResponse:
    """What would become of two files, and joining them; `pk` is the one that goes on."""
    now = timezone.now()
    kept, lost = client_or_404(request, pk), client_or_404(request, other)
    if kept.pk == lost.pk:
        return redirect(clinic_url(request.clinic, "panel:client_twins", pk))
    taken = {name for name in merging.FIELDS if request.POST.get(name) == "lost"}
    if request.method == "POST" and _merged(request, kept, lost, taken):
        return redirect(clinic_url(request.clinic, "panel:client", kept.pk))
    context = {
        "client": kept,
        "lost": lost,
        "rows": joining.rows_of(kept, lost, taken),
        "counts": merging.counts(lost),
        "consequences": list(joining.consequences(kept, lost, now)),
    }
    status = 409 if request.method == "POST" else 200
    return render(request, "panel/client_merge.html", context, status=status)


def _merged(request: ClinicRequest, kept: Client, lost: Client, taken: set[str]) -> bool:
    try:
        merging.merge(kept, lost, taken=taken, now=timezone.now(), by=request.user)
    except merging.MergeError as error:
        messages.error(request, str(error))
        return False
    done(request, _("The two files are one now."))
    return True


def _with_sessions(twins: list[Twin]) -> list[tuple[Twin, int]]:
    """Each with the number of its sessions: by it people know which file is in use."""
    places = Participant.objects.filter(client__in=[twin.client.pk for twin in twins])
    counted = dict(places.order_by().values_list("client").annotate(Count("id")))
    return [(twin, counted.get(twin.client.pk, 0)) for twin in twins]
