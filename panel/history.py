"""A session's changes in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clinic import jalali
from clinic.models import Room, Service, Therapist, User
from patients.models import Client, Via
from sessions_app.models import CancelledBy, Session, SessionChange, State
from sessions_app.queries import clients_named_in, history


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: what it was, what became of what, who and when."""

    pk: int
    kind: str
    title: str
    details: list[str]
    at: dt.datetime
    by: User | None


def entries_of(session: Session, tz: str) -> list[Entry]:
    return in_words(list(history(session)), tz)


def in_words(changes: Iterable[SessionChange], tz: str) -> list[Entry]:
    """Each change told; names are loaded for all of them at once, with four queries at most."""
    changes = list(changes)
    names = _Names(changes)
    return [
        Entry(
            pk=change.pk,
            kind=change.kind,
            title=_title(change),
            details=_details(change, names, tz),
            at=change.at,
            by=change.by,
        )
        for change in changes
    ]


class _Names:
    """Therapists, services and clients that the changes mention, by id."""

    def __init__(self, changes: list[SessionChange]) -> None:
        self.clients: dict[int, Client] = clients_named_in(changes)
        self.therapists: dict[int, Therapist] = _mentioned(Therapist, "therapist_id", changes)
        self.services: dict[int, Service] = _mentioned(Service, "service_id", changes)
        rooms: Mapping[Any, Any] = _mentioned(Room, "room_id", changes)
        self.rooms = {**rooms, None: _("no room")}

    def people(self, ids: Iterable[int]) -> str:
        return _(" and ").join(str(self.clients[pk]) for pk in ids if pk in self.clients)


def _mentioned(
    model: type[Therapist | Service | Room], key: str, changes: list[SessionChange]
) -> dict[int, Any]:
    ids = {c.before[key] for c in changes if key in c.after and c.before.get(key)}
    ids |= {c.after[key] for c in changes if c.after.get(key) and c.before}
    return model.objects.in_bulk(ids) if ids else {}


def _title(change: SessionChange) -> str:
    if change.kind == SessionChange.Kind.BOOKED and change.via == Via.LINK:
        return _("booked by the client alone, by link")
    if change.kind == SessionChange.Kind.OUTCOME:
        return str(State(change.after["state"]).label) if "state" in change.after else _("recorded")
    return str(SessionChange.Kind(change.kind).label)


def _details(change: SessionChange, names: _Names, tz: str) -> list[str]:
    before, after = change.before, change.after
    if not before:
        return []
    told = []
    if "starts_at" in after:
        told.append(_became(_moment(before["starts_at"], tz), _moment(after["starts_at"], tz)))
    elif "ends_at" in after:
        told.append(_("now ends at %(time)s") % {"time": _clock(after["ends_at"], tz)})
    if "therapist_id" in after:
        told.append(_became(*_pair(names.therapists, change, "therapist_id")))
    if "service_id" in after:
        told.append(_became(*_pair(names.services, change, "service_id")))
    if "room_id" in after:
        told.append(_became(*_pair(names.rooms, change, "room_id")))
    if "clients" in after:
        told.append(_became(names.people(before["clients"]), names.people(after["clients"])))
    if after.get("cancelled_by"):
        told.append(str(CancelledBy(after["cancelled_by"]).label))
    if change.kind == SessionChange.Kind.UNDONE and "state" in after:
        told.append(_became(State(before["state"]).label, State(after["state"]).label))
    return told


def _became(was: object, now: object) -> str:
    return _("from %(was)s to %(now)s") % {"was": was, "now": now}


def _pair(names: Mapping[Any, Any], change: SessionChange, key: str) -> tuple[object, object]:
    return names.get(change.before.get(key), "?"), names.get(change.after[key], "?")


def _moment(iso: str, tz: str) -> str:
    return jalali.spoken(dt.datetime.fromisoformat(iso), tz=tz)


def _clock(iso: str, tz: str) -> str:
    return jalali.time(dt.datetime.fromisoformat(iso), tz=tz)
