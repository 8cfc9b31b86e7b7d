"""One-time ways in: a staff member by a manager, an owner by `create_clinic`.

The link is shown once and mailed; the database keeps its hash. Every function here works in the
scope of one clinic; `clinic.directory` finds that clinic from the link.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from clinic import directory
from clinic.models import Directory, Invitation, Membership, Role, Therapist, User

LIFETIME = dt.timedelta(days=7)


class Standing(StrEnum):
    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and its link, which nobody can show again."""

    invitation: Invitation
    link: str


def invite(
    email: str,
    role: str,
    *,
    now: dt.datetime,
    therapist: Therapist | None = None,
    invited_by: User | None = None,
) -> Invited:
    """Invite a person into the clinic in scope; an open invitation of theirs is replaced."""
    email = email.strip().lower()
    token = directory.new_token()
    with transaction.atomic():
        Invitation.objects.filter(email=email, accepted_at=None, revoked_at=None).update(
            revoked_at=now
        )
        invitation = Invitation.objects.create(
            email=email,
            role=role,
            therapist=therapist,
            invited_by=invited_by,
            token_hash=directory.publish(token, Directory.Purpose.INVITATION),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    return Invited(invitation, link_of(token, role))


def link_of(token: str, role: str) -> str:
    """The address to hand over; an owner's says welcome."""
    name = "welcome" if role == Role.OWNER else "invitation"
    return f"{settings.PUBLIC_URL}{reverse(name, args=[token])}"


def renew(invitation: Invitation, *, now: dt.datetime, invited_by: User) -> Invited:
    """A fresh link for the same person and role; the old one stops working."""
    return invite(
        invitation.email,
        invitation.role,
        now=now,
        therapist=invitation.therapist,
        invited_by=invited_by,
    )


def revoke(invitation: Invitation, *, now: dt.datetime) -> None:
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(
        revoked_at=now
    )


def standing(invitation: Invitation, now: dt.datetime) -> Standing:
    if invitation.accepted_at:
        return Standing.USED
    if invitation.revoked_at:
        return Standing.REVOKED
    return Standing.EXPIRED if invitation.expires_at <= now else Standing.OPEN


def by_token(token: str) -> Invitation | None:
    """The invitation of the clinic in scope behind a link."""
    return (
        Invitation.objects.select_related("clinic", "therapist")
        .filter(token_hash=directory.token_hash(token))
        .first()
    )


def register(invitation: Invitation, *, full_name: str, password: str, now: dt.datetime) -> User:
    """Make the account of an invited person. The link came by their mail, so it is verified.

    Raises IntegrityError when an account of this e-mail appeared meanwhile.
    """
    user = User.objects.create_user(
        invitation.email, password, full_name=full_name, date_joined=now
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def accept(invitation: Invitation, user: User, *, now: dt.datetime) -> bool:
    """Make `user` a member; False when the link was used or withdrawn a moment before.

    The compare-and-swap on the invitation lets exactly one of two clicks through.
    """
    with transaction.atomic():
        taken = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now
        ).update(accepted_at=now)
        if not taken:
            return False
        Membership.objects.get_or_create(
            user=user,
            defaults={
                "clinic_id": invitation.clinic_id,
                "role": invitation.role,
                "therapist": invitation.therapist,
                "created_at": now,
            },
        )
    return True
