"""Who may be the same person under a second file: proposals, for somebody to decide."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.text import fold
from patients.models import Client
from patients.queries import search

#: Of common names there are more; whoever is not among these is looked for.
MOST = 20


class Likeness(TextChoices):
    """What two files have in common, the weightiest first."""

    PHONE = "phone", _("the same phone")
    EMAIL = "email", _("the same e-mail")
    NAME = "name", _("the same name")
    NEAR = "near", _("nearly the same name")


@dataclass(frozen=True, slots=True)
class Twin:
    client: Client
    likenesses: tuple[Likeness, ...] = ()


def twins_of(person: Client) -> list[Twin]:
    """Those who share a phone, an e-mail address or a name with the client; the likeliest first.

    Of a phone alone a whole family is proposed: it is for people to know them.
    """
    reached = Q(phone=person.phone or None) | Q(email__iexact=person.email or None)
    found = {c.pk: c for c in _others(person).filter(reached).order_by("sort_key", "id")[:MOST]}
    named = {c.pk: c for c in search(_others(person), person.full_name)[:MOST]}
    twins = [
        Twin(client, _likenesses(person, client, near=client.pk in named))
        for client in (found | named).values()
    ]
    return sorted(twins, key=lambda twin: [like not in twin.likenesses for like in Likeness])


def found_by(person: Client, typed: str) -> list[Twin]:
    """Whoever fits what was typed, but for the client."""
    fitting = search(_others(person), typed)[:MOST]
    return [Twin(client, _likenesses(person, client, near=False)) for client in fitting]


def _others(person: Client) -> QuerySet[Client]:
    others: QuerySet[Client] = Client.objects.exclude(pk=person.pk)
    return others.select_related("therapist")


def _likenesses(person: Client, other: Client, *, near: bool) -> tuple[Likeness, ...]:
    same_name = _same_name(person, other)
    shared = {
        Likeness.PHONE: bool(person.phone) and person.phone == other.phone,
        Likeness.EMAIL: bool(person.email) and person.email.lower() == other.email.lower(),
        Likeness.NAME: same_name,
        Likeness.NEAR: near and not same_name,
    }
    return tuple(like for like, holds in shared.items() if holds)


def _same_name(person: Client, other: Client) -> bool:
    """However it is spaced, and whichever part of it stands first."""
    mine, theirs = (fold(client.full_name).split() for client in (person, other))
    return sorted(mine) == sorted(theirs) or "".join(mine) == "".join(theirs)
