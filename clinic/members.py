"""Who works in a clinic and as what. A clinic always keeps an owner."""

from __future__ import annotations

from clinic.models import Membership, Role, Therapist


class LastOwner(Exception):
    """The clinic would be left without an owner."""


class OwnersOnly(Exception):
    """Only an owner may make, change or remove an owner."""


def grantable(by: Membership) -> list[str]:
    """The roles this person may give."""
    return [role for role in Role.values if role != Role.OWNER or by.role == Role.OWNER]


def change(member: Membership, *, role: str, therapist: Therapist | None, by: Membership) -> None:
    """Give a member another role. Raises OwnersOnly or LastOwner."""
    if Role.OWNER in (role, member.role):
        _require_owner(by)
    if role != Role.OWNER:
        _keep_an_owner(member)
    member.role, member.therapist = role, therapist
    member.save(update_fields=["role", "therapist"])


def remove(member: Membership, *, by: Membership) -> None:
    """End a membership; the account and what the person did stay. Raises OwnersOnly, LastOwner."""
    if member.role == Role.OWNER:
        _require_owner(by)
    _keep_an_owner(member)
    member.delete()


def _require_owner(by: Membership) -> None:
    if by.role != Role.OWNER:
        raise OwnersOnly


def _keep_an_owner(member: Membership) -> None:
    """Locks every owner of the clinic: two owners removing each other must not both succeed."""
    owners = Membership.objects.select_for_update().filter(role=Role.OWNER).order_by("pk")
    if list(owners.values_list("pk", flat=True)) == [member.pk]:
        raise LastOwner
