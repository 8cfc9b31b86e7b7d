"""Settings: who works here, and how a new person comes in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import invitations, mail, members as people
from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.forms import InvitationForm, RoleForm
from clinic.invitations import Invited
from clinic.links import clinic_url
from clinic.models import Invitation, Membership, Role
from clinic.toasts import done

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_safe
@clinic_view(*MANAGERS)
def members(request: ClinicRequest) -> HttpResponse:
    context = {
        "members": Membership.objects.select_related("user", "therapist").order_by(
            "user__full_name", "pk"
        ),
        "invitations": Invitation.objects.filter(accepted_at=None, revoked_at=None)
        .select_related("therapist")
        .order_by("-created_at"),
        "now": timezone.now(),
    }
    return render(request, "clinic/members.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def member(request: ClinicRequest, pk: int) -> HttpResponse:
    found = _member(pk)
    initial = {"role": found.role, "therapist": found.therapist_id}
    form = RoleForm(request.POST or None, by=request.membership, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            people.change(found, **form.cleaned_data, by=request.membership)
        except (people.LastOwner, people.OwnersOnly) as refusal:
            form.add_error(None, _why_not(refusal))
        else:
            done(request, _("The role of %(name)s is saved.") % {"name": found.user})
            return redirect(clinic_url(request.clinic, "settings:members"))
    context = {"form": form, "member": found}
    return render(request, "clinic/member.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def member_remove(request: ClinicRequest, pk: int) -> HttpResponse:
    found = _member(pk)
    back = clinic_url(request.clinic, "settings:members")
    if request.method != "POST":
        return render(request, "confirm.html", _removal_question(found, back))
    try:
        people.remove(found, by=request.membership)
    except (people.LastOwner, people.OwnersOnly) as refusal:
        messages.error(request, _why_not(refusal))
        return redirect(back)
    if found.user_id == request.user.pk:
        return redirect("clinics")
    done(request, _("%(name)s is no longer a member.") % {"name": found.user})
    return redirect(back)


def _member(pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user"), pk=pk)


def _removal_question(found: Membership, back: str) -> dict[str, object]:
    return {
        "question": _("Remove %(name)s from the clinic?") % {"name": found.user},
        "text": _(
            "This person can no longer open the clinic's panel. What they recorded stays, and you"
            " can invite them again."
        ),
        "label": _("Remove"),
        "back": back,
        "danger": True,
    }


def _why_not(refusal: Exception) -> str:
    if isinstance(refusal, people.LastOwner):
        return _("A clinic needs an owner. Make somebody else an owner first.")
    return _("Only an owner may make, change or remove an owner.")


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def invite(request: ClinicRequest) -> HttpResponse:
    form = InvitationForm(
        request.POST or None, by=request.membership, initial={"role": Role.RECEPTIONIST}
    )
    if form.is_bound and form.is_valid():
        invited = invitations.invite(
            **form.cleaned_data, now=timezone.now(), invited_by=request.user
        )
        return _hand_over(request, invited)
    return render(request, "clinic/invite.html", {"form": form})


@require_POST
@clinic_view(*MANAGERS)
def renew(request: ClinicRequest, pk: int) -> HttpResponse:
    found = _open_invitation(request, pk)
    return _hand_over(
        request, invitations.renew(found, now=timezone.now(), invited_by=request.user)
    )


@require_POST
@clinic_view(*MANAGERS)
def revoke(request: ClinicRequest, pk: int) -> HttpResponse:
    found = _open_invitation(request, pk)
    invitations.revoke(found, now=timezone.now())
    done(request, _("The invitation of %(email)s is withdrawn.") % {"email": found.email})
    return redirect(clinic_url(request.clinic, "settings:members"))


def _open_invitation(request: ClinicRequest, pk: int) -> Invitation:
    """404 for one that is closed, and for an owner's when the asker may not make owners."""
    return get_object_or_404(
        Invitation,
        pk=pk,
        accepted_at=None,
        revoked_at=None,
        role__in=people.grantable(request.membership),
    )


def _hand_over(request: ClinicRequest, invited: Invited) -> HttpResponse:
    """Mail the link and show it once: a clinic's mail is often slow, or lands in junk."""
    mailed = mail.send(
        "invitation",
        invited.invitation.email,
        {"invitation": invited.invitation, "clinic": request.clinic, "link": invited.link},
    )
    context = {"invitation": invited.invitation, "link": invited.link, "mailed": mailed}
    response = render(request, "clinic/invited.html", context)
    add_never_cache_headers(response)
    return response
