"""The waiting list: who would come sooner, or at all, if a time became free."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.toasts import done
from panel.choosing import choice_of_clients, is_finding
from panel.pages import page_of, way_back, with_next
from patients.models import Client
from sessions_app import waiting as places
from sessions_app.models import Session, Wish
from sessions_app.queries import next_starts
from sessions_app.waiting_forms import WishForm

FORM_METHODS = ["GET", "HEAD", "POST"]
SETTLED = "settled"


@require_safe
@clinic_view(*RECEPTION)
def waiting(request: ClinicRequest) -> HttpResponse:
    which = SETTLED if request.GET.get("which") == SETTLED else "open"
    wishes = Wish.objects.select_related("client", "therapist", "session", "closed_by")
    shown = places.settled(wishes) if which == SETTLED else places.still_open(wishes)
    page = page_of(request, shown)
    context = {
        "page_obj": page,
        "rows": _rows(list(page)),
        "which": which,
        "state": "waiting",
        "back": request.get_full_path(),
    }
    return render(request, "panel/waiting.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def waiting_new(request: ClinicRequest) -> HttpResponse:
    finding = is_finding(request.POST)
    data = request.POST if request.method == "POST" and not finding else None
    choice = choice_of_clients(request.POST or request.GET)
    initial = _typed(request) if finding else _proposed(choice.chosen)
    form = WishForm(data, initial=initial)
    if form.is_bound and form.is_valid():
        wish = form.save(now=timezone.now(), by=request.user)
        _say(request, wish, _("%(client)s is on the waiting list."))
        return redirect(_way_back(request))
    return _form_page(request, form, choice=choice)


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def waiting_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    wish = _wish_or_404(pk)
    form = WishForm(request.POST or None, wish=wish)
    if form.is_bound and form.is_valid():
        form.save(now=timezone.now(), by=request.user)
        done(request, _("The wish is saved."))
        return redirect(_way_back(request))
    return _form_page(request, form, wish=wish)


@require_POST
@clinic_view(*RECEPTION)
def waiting_close(request: ClinicRequest, pk: int) -> HttpResponse:
    wish = _wish_or_404(pk)
    places.close(wish, now=timezone.now(), by=request.user)
    undo = with_next(clinic_url(request.clinic, "panel:waiting_reopen", pk), _way_back(request))
    _say(request, wish, _("%(client)s is off the waiting list."), undo=undo)
    return redirect(_way_back(request))


@require_POST
@clinic_view(*RECEPTION)
def waiting_reopen(request: ClinicRequest, pk: int) -> HttpResponse:
    wish = _wish_or_404(pk)
    places.reopen(wish)
    _say(request, wish, _("%(client)s is on the waiting list again."))
    return redirect(_way_back(request))


def _rows(wishes: list[Wish]) -> list[tuple[Wish, Any]]:
    """Each with the start of what the client has booked already."""
    ahead = next_starts(Session.objects.all(), {it.client_id for it in wishes}, timezone.now())
    return [(wish, ahead.get(wish.client_id)) for wish in wishes]


def _form_page(request: ClinicRequest, form: WishForm, **more: Any) -> HttpResponse:
    context = {"form": form, "back": _way_back(request), **more}
    return render(request, "panel/waiting_form.html", context, status=422 if form.is_bound else 200)


def _typed(request: ClinicRequest) -> dict[str, Any]:
    """What stood in the form when it went to look for a client."""
    return {**request.POST.dict(), "weekdays": request.POST.getlist("weekdays")}


def _proposed(chosen: list[Client]) -> dict[str, Any]:
    return {"therapist": chosen[0].therapist_id} if len(chosen) == 1 else {}


def _wish_or_404(pk: int) -> Wish:
    wish: Wish = get_object_or_404(Wish.objects.select_related("client"), pk=pk)
    return wish


def _way_back(request: ClinicRequest) -> str:
    return way_back(request, clinic_url(request.clinic, "panel:waiting"))


def _say(request: ClinicRequest, wish: Wish, said: str, undo: str = "") -> None:
    done(request, said % {"client": wish.client}, undo=undo)
