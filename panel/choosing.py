"""Choosing clients in a form: the chosen ones and what the search finds, as tick boxes.

It works without scripts: the search is a step of the form, which comes back with what was typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import QueryDict

from patients.models import Client
from patients.queries import search

OFFERED = 8


@dataclass(frozen=True, slots=True)
class Choice:
    typed: str
    chosen: list[Client]
    found: list[Client]
    #: The search has more than what is offered.
    more: bool


def choice_of_clients(data: QueryDict | None = None, ids: Iterable[int] = ()) -> Choice:
    """What the form's data says is ticked and searched for; or just these ticked."""
    typed = data.get("find", "").strip() if data else ""
    ticked = {int(pk) for pk in data.getlist("clients") if pk.isdecimal()} if data else set(ids)
    chosen = list(Client.objects.filter(pk__in=ticked))
    found: list[Client] = []
    if typed:
        found = list(search(Client.objects.exclude(pk__in=ticked), typed)[: OFFERED + 1])
    return Choice(typed, chosen, found[:OFFERED], more=len(found) > OFFERED)


def is_finding(data: QueryDict) -> bool:
    """Whether a form came only to look for a client: the button, or Enter in the search."""
    typed = data.get("find", "").strip()
    return data.get("step") == "find" or (bool(typed) and typed != data.get("found", ""))
