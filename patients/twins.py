"""Who may be the same person under a second file: proposals, for somebody to decide."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from patients import kinship
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
    named = Q(pk__in=_namesakes(person)[:MOST])
    found = _others(person).filter(reached | named).order_by("sort_key", "id")
    twins = [Twin(client, _likenesses(person, client)) for client in found[: 2 * MOST]]
    return sorted(twins, key=lambda twin: [like not in twin.likenesses for like in Likeness])


def found_by(person: Client, typed: str) -> list[Twin]:
    """Whoever fits what was typed, but for the client."""
    fitting = search(_others(person), typed)[:MOST]
    return [Twin(client, _likenesses(person, client)) for client in fitting]


def _others(person: Client) -> QuerySet[Client]:
    others: QuerySet[Client] = Client.objects.exclude(pk=person.pk)
    return others.select_related("therapist")


def _namesakes(person: Client) -> list[int]:
    """Those of the same or nearly the same name; the same one first.

    The database proposes whoever shares a word, because names are near only when a whole part of
    them agrees: so no similarity has to be reckoned for every row.
    """
    mine = _name(person)
    shared = Q(pk=None)
    for word in kinship.words_of(mine):
        shared |= Q(search_text__contains=word)
    sharing = Client.objects.filter(shared).exclude(pk=person.pk).order_by("sort_key", "id")
    people = list(sharing.only("clinic_id", "first_name", "last_name", "gender"))
    same = [it.pk for it in people if kinship.is_same(mine, _name(it))]
    return list(dict.fromkeys([*same, *(it.pk for it in people if _is_near(person, it))]))


def _likenesses(person: Client, other: Client) -> tuple[Likeness, ...]:
    mine, theirs = _name(person), _name(other)
    same_name = kinship.is_same(mine, theirs)
    shared = {
        Likeness.PHONE: bool(person.phone) and person.phone == other.phone,
        Likeness.EMAIL: bool(person.email) and person.email.lower() == other.email.lower(),
        Likeness.NAME: same_name,
        Likeness.NEAR: not same_name and _is_near(person, other),
    }
    return tuple(like for like, holds in shared.items() if holds)


def _is_near(person: Client, other: Client) -> bool:
    """Not of a brother and a sister, whose names often differ by a letter."""
    genders = {person.gender, other.gender} - {""}
    return len(genders) < 2 and kinship.is_near(_name(person), _name(other))  # noqa: PLR2004


def _name(client: Client) -> kinship.Name:
    return client.first_name, client.last_name
