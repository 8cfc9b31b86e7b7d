"""Who gets a client's texts: parents, a spouse, the client. The work of reception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Membership
from clinic.toasts import done
from panel import visibility
from panel.care_views import FORM_METHODS, client_or_404
from patients import contacts
from patients.contact_forms import ContactForm
from patients.models import Client, ContactPerson


@dataclass(frozen=True, slots=True)
class Around:
    """One person around a client, and whose own file has the same number."""

    contact: ContactPerson
    files: list[Client]


def people_around(client: Client, member: Membership) -> dict[str, Any]:
    """The client's contact persons, and whose contact person the client is, as far as one may know."""
    known = visibility.clients(member)
    people = list(client.contacts.all()) if client.contact_words else []
    files = _files_of({it.phone for it in people} - {""}, known.exclude(pk=client.pk))
    stands_for = known.filter(contacts__phone=client.phone).exclude(pk=client.pk).distinct()
    return {
        "around": [Around(it, files.get(it.phone, [])) for it in people],
        "unread": not client.own_texts and not any(it.gets_sessions for it in people),
        "stands_for": list(stands_for.order_by("sort_key", "pk")) if client.phone else [],
    }


def _files_of(phones: set[str], known: Any) -> dict[str, list[Client]]:
    found: dict[str, list[Client]] = {}
    for client in known.filter(phone__in=phones).order_by("sort_key", "pk") if phones else ():
        found.setdefault(client.phone, []).append(client)
    return found


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def contact_new(request: ClinicRequest, pk: int) -> HttpResponse:
    return _form(request, client_or_404(request, pk), None)


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def contact_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    contact = _contact_or_404(request, pk)
    return _form(request, contact.client, contact)


@require_POST
@clinic_view(*RECEPTION)
def contact_remove(request: ClinicRequest, pk: int) -> HttpResponse:
    contact = _contact_or_404(request, pk)
    contacts.remove(contact, now=timezone.now(), by=request.user)
    done(request, _("%(who)s gets no more texts.") % {"who": contact.name})
    return _back(request, contact.client)


@require_POST
@clinic_view(*RECEPTION)
def client_own_texts(request: ClinicRequest, pk: int) -> HttpResponse:
    client = client_or_404(request, pk)
    wanted = request.POST.get("wanted") == "on"
    if wanted != client.own_texts:
        contacts.set_own_texts(client, wanted, now=timezone.now(), by=request.user)
        said = _("%(client)s gets texts.") if wanted else _("%(client)s gets no texts.")
        done(request, said % {"client": client.addressed})
    return _back(request, client)


def _form(request: ClinicRequest, client: Client, contact: ContactPerson | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = ContactForm(data, instance=contact, client=client)
    if form.is_bound and form.is_valid() and form.keep(now=timezone.now(), by=request.user):
        done(request, _("Saved: %(who)s.") % {"who": form.instance.name})
        return _back(request, client)
    context = {
        "form": form,
        "client": client,
        "contact": contact,
        "back": clinic_url(request.clinic, "panel:client", client.pk),
    }
    status = 422 if form.is_bound else 200
    return render(request, "panel/contact_form.html", context, status=status)


def _contact_or_404(request: ClinicRequest, pk: int) -> ContactPerson:
    of_mine = ContactPerson.objects.filter(client__in=visibility.clients(request.membership))
    found: ContactPerson = get_object_or_404(of_mine.select_related("client__clinic"), pk=pk)
    return found


def _back(request: ClinicRequest, client: Client) -> HttpResponse:
    return redirect(clinic_url(request.clinic, "panel:client", client.pk) + "#readers")
