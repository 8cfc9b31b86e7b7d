"""Settings: the clinic itself, its therapists, its services."""

from __future__ import annotations

from typing import Any

from django.forms import ModelForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.forms import ClinicForm, RoomForm, ServiceForm, TherapistForm
from clinic.links import clinic_url
from clinic.models import Room, Service, Therapist
from clinic.toasts import done

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def clinic(request: ClinicRequest) -> HttpResponse:
    form = ClinicForm(request.POST or None, instance=request.clinic)
    if form.is_bound and form.is_valid():
        form.save()
        done(request, _("The clinic's details are saved."))
        return redirect(clinic_url(request.clinic, "settings:clinic"))
    if form.is_bound:
        # A refused form has already written into the row that the page's frame shows.
        request.clinic.refresh_from_db()
    return _page(request, "clinic/settings_clinic.html", form)


@require_safe
@clinic_view(*MANAGERS)
def therapists(request: ClinicRequest) -> HttpResponse:
    context = {"therapists": Therapist.objects.order_by("-active", "sort_key", "id")}
    return render(request, "clinic/therapists.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def therapist_edit(request: ClinicRequest, pk: int | None = None) -> HttpResponse:
    therapist = get_object_or_404(Therapist, pk=pk) if pk else Therapist()
    form = TherapistForm(request.POST or None, instance=therapist)
    return _edit(request, form, "clinic/therapist.html", "settings:therapists")


@require_POST
@clinic_view(*MANAGERS)
def therapist_on(request: ClinicRequest, pk: int) -> HttpResponse:
    return _switch(request, Therapist, pk, "therapist", active=True)


@require_POST
@clinic_view(*MANAGERS)
def therapist_off(request: ClinicRequest, pk: int) -> HttpResponse:
    return _switch(request, Therapist, pk, "therapist", active=False)


@require_safe
@clinic_view(*MANAGERS)
def services(request: ClinicRequest) -> HttpResponse:
    context = {"services": Service.objects.order_by("-active", "sort_key", "id")}
    return render(request, "clinic/services.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def service_edit(request: ClinicRequest, pk: int | None = None) -> HttpResponse:
    service = get_object_or_404(Service, pk=pk) if pk else Service()
    form = ServiceForm(request.POST or None, instance=service)
    return _edit(request, form, "clinic/service.html", "settings:services")


@require_POST
@clinic_view(*MANAGERS)
def service_on(request: ClinicRequest, pk: int) -> HttpResponse:
    return _switch(request, Service, pk, "service", active=True)


@require_POST
@clinic_view(*MANAGERS)
def service_off(request: ClinicRequest, pk: int) -> HttpResponse:
    return _switch(request, Service, pk, "service", active=False)


@require_safe
@clinic_view(*MANAGERS)
def rooms(request: ClinicRequest) -> HttpResponse:
    context = {"rooms": Room.objects.order_by("-active", "sort_key", "id")}
    return render(request, "clinic/rooms.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def room_edit(request: ClinicRequest, pk: int | None = None) -> HttpResponse:
    room = get_object_or_404(Room, pk=pk) if pk else Room()
    form = RoomForm(request.POST or None, instance=room)
    return _edit(request, form, "clinic/room.html", "settings:rooms")


@require_POST
@clinic_view(*MANAGERS)
def room_on(request: ClinicRequest, pk: int) -> HttpResponse:
    return _switch(request, Room, pk, "room", active=True)


@require_POST
@clinic_view(*MANAGERS)
def room_off(request: ClinicRequest, pk: int) -> HttpResponse:
    return _switch(request, Room, pk, "room", active=False)


def _edit(request: ClinicRequest, form: ModelForm[Any], template: str, back: str) -> HttpResponse:
    if form.is_bound and form.is_valid():
        saved = form.save()
        done(request, _("«%(name)s» is saved.") % {"name": saved.name})
        return redirect(clinic_url(request.clinic, back))
    return _page(request, template, form)


def _switch(
    request: ClinicRequest, model: Any, pk: int, name: str, *, active: bool
) -> HttpResponse:
    row = get_object_or_404(model, pk=pk)
    row.active = active
    row.save(update_fields=["active"])
    said = _("«%(name)s» can be chosen again.") if active else _("«%(name)s» is switched off.")
    back = f"settings:{name}_{'off' if active else 'on'}"
    done(request, said % {"name": row.name}, undo=clinic_url(request.clinic, back, pk))
    return redirect(clinic_url(request.clinic, f"settings:{name}s"))


def _page(request: ClinicRequest, template: str, form: ModelForm[Any]) -> HttpResponse:
    return render(request, template, {"form": form})
