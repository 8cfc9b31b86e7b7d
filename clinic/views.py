"""Pages outside a clinic: the door, the switcher, and the way in by a link."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from clinic import directory, invitations
from clinic.access import MANAGERS
from clinic.forms import WelcomeForm
from clinic.invitations import Standing
from clinic.links import clinic_url
from clinic.models import Directory, Invitation, Membership, User
from clinic.tenancy import Hat, wear


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Straight to work: the one clinic, or the choice between several."""
    mine = _memberships()
    if len(mine) == 1:
        return redirect(clinic_url(mine[0].clinic, "panel:today"))
    return redirect("clinics")


@require_safe
@login_required
def clinics(request: HttpRequest) -> HttpResponse:
    return render(request, "clinic/clinics.html", {"memberships": _memberships()})


def _memberships() -> list[Membership]:
    return list(Membership.objects.select_related("clinic").order_by("clinic__name"))


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: Any, token: str) -> HttpResponse:
    """The page behind an invitation's link. Only POST uses it up: mail scanners open links too."""
    clinic_id = directory.resolve(token, Directory.Purpose.INVITATION)
    if clinic_id is None:
        response = render(request, "clinic/invitation_unknown.html", status=404)
    else:
        with wear(Hat.WEB, clinic_id=clinic_id, user_id=request.user.pk):
            response = _invited(request, token, timezone.now())
    add_never_cache_headers(response)
    return response


def _invited(request: Any, token: str, now: dt.datetime) -> HttpResponse:
    found = invitations.by_token(token)
    if found is None:
        return render(request, "clinic/invitation_unknown.html", status=404)
    standing = invitations.standing(found, now)
    if standing is not Standing.OPEN:
        context = {"invitation": found, "standing": standing.value}
        return render(request, "clinic/invitation_closed.html", context, status=410)
    if request.user.is_authenticated:
        return _join(request, found, now)
    if User.objects.filter(email=found.email).exists():
        return render(request, "clinic/invitation_sign_in.html", {"invitation": found})
    return _welcome(request, found, now)


def _join(request: Any, found: Invitation, now: dt.datetime) -> HttpResponse:
    if request.user.email != found.email:
        return render(request, "clinic/invitation_other.html", {"invitation": found})
    if request.method != "POST":
        return render(request, "clinic/invitation_join.html", {"invitation": found})
    return _enter(request, found, request.user, now)


def _welcome(request: Any, found: Invitation, now: dt.datetime) -> HttpResponse:
    form = WelcomeForm(request.POST or None, email=found.email)
    if request.method != "POST" or not form.is_valid():
        context = {"invitation": found, "form": form}
        return render(request, "clinic/invitation_welcome.html", context)
    name, password = form.cleaned_data["full_name"], form.cleaned_data["password1"]
    try:
        with transaction.atomic():
            user = invitations.register(found, full_name=name, password=password, now=now)
    except IntegrityError:
        return redirect(request.path)  # a second click; the first one made the account
    login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return _enter(request, found, user, now)


def _enter(request: Any, found: Invitation, user: User, now: dt.datetime) -> HttpResponse:
    if not invitations.accept(found, user, now=now):
        return redirect(request.path)
    begins = found.role in MANAGERS and not found.clinic.is_live
    return redirect(clinic_url(found.clinic, "panel:first_steps" if begins else "panel:today"))
