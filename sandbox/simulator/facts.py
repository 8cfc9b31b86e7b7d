"""What is so in the simulated world: read back from the tables after each thing people do.

The outbox, the rules' statements and the rhythms are no part of it: those are on trial.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from clinic.models import Clinic, Closure, Service
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.models import Rule
from patients.models import Client, ContactPerson, Purpose, Treatment
from sandbox.simulator.almanac import Almanac, Night
from sessions_app.models import ClientLink, Participant, Session, SessionChange


@dataclass(frozen=True, slots=True)
class Around:
    """A contact person."""

    id: int
    phone: str
    sessions: bool
    follow_up: bool

    def reads(self, purpose: str) -> bool:
        return self.sessions if purpose == "transactional" else self.follow_up


@dataclass(slots=True)
class Person:
    """A client's file."""

    id: int
    phone: str
    consents: frozenset[str]
    muted_at: dt.datetime | None
    muted_until: dt.date | None
    crisis: bool
    deceased: bool
    texts_from: dt.time | None
    texts_until: dt.time | None
    own_texts: bool
    around: tuple[Around, ...]

    def readers(self, purpose: str) -> dict[int | None, str]:
        """Who reads the client's texts of this purpose, each with a number; None is the client."""
        told = {it.id: it.phone for it in self.around if it.reads(purpose)}
        return ({None: self.phone} if self.own_texts else {}) | told

    def has_stopped(self, phone: str) -> bool:
        """Whether whoever reads at this number gets nothing but what is about sessions."""
        if phone == self.phone:
            return "follow_up" not in self.consents
        return not any(it.follow_up for it in self.around if it.phone == phone)

    def numbers(self) -> set[str]:
        return {self.phone, *(it.phone for it in self.around)}


@dataclass(frozen=True, slots=True)
class Change:
    kind: str
    revision: int
    at: dt.datetime
    tell: bool
    cancels: bool


@dataclass(slots=True)
class Visit:
    """A session, with who takes part and what was changed."""

    id: int
    therapist: int
    service: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    state: str
    revision: int
    booked_at: dt.datetime
    recorded_at: dt.datetime | None
    clients: list[int] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def is_coming(self) -> bool:
        return self.state in ("scheduled", "confirmed")

    @property
    def is_open(self) -> bool:
        return self.is_coming or self.state == "arrived"


@dataclass(frozen=True, slots=True)
class RuleFacts:
    id: int
    key: str
    enabled: bool
    active_since: dt.datetime


@dataclass(slots=True)
class House:
    """One clinic with all that is in it."""

    id: int
    name: str
    almanac: Almanac
    night: Night
    live_since: dt.datetime | None
    paused: bool
    #: Grows with every change of what is here.
    version: int = 0
    rules: dict[str, RuleFacts] = field(default_factory=dict)
    #: Days of silence and usual days between sessions, by service.
    services: dict[int, tuple[int | None, int]] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    visits: dict[int, Visit] = field(default_factory=dict)
    visits_of: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    #: State and end of the pause of the newest treatment: by client, therapist, service.
    treatments: dict[tuple[int, int, int], tuple[str, dt.date | None]] = field(default_factory=dict)
    #: And its planned ending: by which day, after how many sessions.
    plans: dict[tuple[int, int, int], tuple[dt.date | None, int | None]] = field(
        default_factory=dict
    )
    #: Clients and sessions whose page of choices has an answer.
    answered: set[tuple[int, int]] = field(default_factory=set)

    def night_of(self, person: Person) -> Night:
        """The clinic's quiet hours, or all but the client's own hours."""
        return Night(person.texts_until or self.night.begins, person.texts_from or self.night.ends)


class Facts:
    """All houses. `settings`, `people` and `phone` read anew what may have changed."""

    def __init__(self) -> None:
        self.houses: dict[int, House] = {}

    def house_of(self, client_id: int) -> House:
        return next(house for house in self.houses.values() if client_id in house.people)

    def settings(self, clinic_id: int) -> House:
        """The clinic's own row, rules, services and closed days."""
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            clinic = Clinic.objects.get(pk=clinic_id)
            house = self.houses.setdefault(clinic_id, _house(clinic))
            house.live_since, house.paused = clinic.live_since, clinic.paused_at is not None
            house.almanac.closures = list(
                Closure.objects.filter(clinic=clinic_id).values_list("first_day", "last_day")
            )
            house.rules = {
                key: RuleFacts(pk, key, enabled, max(since, numbers or since))
                for pk, key, enabled, since, numbers in Rule.objects.filter(
                    clinic=clinic_id
                ).values_list("pk", "key", "enabled", "active_since", "numbers_since")
            }
            house.services = {
                pk: (lapse, rhythm)
                for pk, lapse, rhythm in Service.objects.filter(clinic=clinic_id).values_list(
                    "pk", "lapse_days", "rhythm_days"
                )
            }
        house.version += 1
        return house

    def people(self, clinic_id: int, client_ids: Iterable[int] | None = None) -> None:
        """These clients' files and all their sessions; everybody's when nobody is named."""
        house = self.houses[clinic_id]
        house.version += 1
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            ids = sorted(
                client_ids
                if client_ids is not None
                else Client.objects.filter(clinic=clinic_id).values_list("pk", flat=True)
            )
            for row in Client.objects.filter(pk__in=ids).prefetch_related("contacts"):
                house.people[row.pk] = _person(row)
            _read_visits(house, ids)
            _read_turns(house, ids)

    def phone(self, phone: str) -> set[int]:
        """Everybody's who has this number, in every clinic; returns the clinics."""
        found: dict[int, list[int]] = defaultdict(list)
        for house in self.houses.values():
            found[house.id] += [p.id for p in house.people.values() if phone in p.numbers()]
        for clinic_id, ids in found.items():
            if ids:
                self.people(clinic_id, ids)
        return {clinic_id for clinic_id, ids in found.items() if ids}


def _house(clinic: Clinic) -> House:
    return House(
        id=clinic.pk,
        name=clinic.name,
        almanac=Almanac(ZoneInfo(clinic.timezone)),
        night=Night(clinic.quiet_from, clinic.quiet_to),
        live_since=clinic.live_since,
        paused=False,
    )


def _person(row: Client) -> Person:
    return Person(
        id=row.pk,
        phone=row.phone,
        consents=frozenset(p for p in Purpose.values if row.consents_to(p)),
        muted_at=row.muted_at,
        muted_until=row.muted_until,
        crisis=row.crisis_since is not None,
        deceased=row.deceased_at is not None,
        texts_from=row.texts_from,
        texts_until=row.texts_until,
        own_texts=row.own_texts,
        around=tuple(_around(it) for it in row.contacts.all()),
    )


def _around(row: ContactPerson) -> Around:
    follow_up = row.gets_follow_up and row.stopped_at is None
    return Around(row.pk, row.phone, row.gets_sessions, follow_up)


def _read_visits(house: House, client_ids: list[int]) -> None:
    mine = Participant.objects.filter(client__in=client_ids).values_list("session", flat=True)
    ids = {*mine, *(v for c in client_ids for v in house.visits_of[c])}
    for client_id in client_ids:
        house.visits_of[client_id].clear()
    for row in Session.objects.filter(pk__in=ids).order_by("pk"):
        house.visits[row.pk] = _visit(row)
    theirs = Participant.objects.filter(session__in=ids).order_by("pk")
    for session_id, client_id in theirs.values_list("session", "client"):
        house.visits[session_id].clients.append(client_id)
        house.visits_of[client_id].add(session_id)
    for change in SessionChange.objects.filter(session__in=ids).order_by("at", "pk"):
        house.visits[change.session_id].changes.append(_change(change))


def _visit(row: Session) -> Visit:
    names = ("starts_at", "ends_at", "state", "revision", "booked_at", "recorded_at")
    said: dict[str, Any] = {name: getattr(row, name) for name in names}
    return Visit(id=row.pk, therapist=row.therapist_id, service=row.service_id, **said)


def _change(row: SessionChange) -> Change:
    cancels = row.after.get("state") == "cancelled"
    return Change(row.kind, row.revision, row.at, row.tell, cancels)


def _read_turns(house: House, client_ids: list[int]) -> None:
    for row in Treatment.objects.filter(client__in=client_ids).order_by("pk"):
        place = (row.client_id, row.therapist_id, row.service_id)
        house.treatments[place] = (row.state, row.paused_until)
        house.plans[place] = (row.ends_on, row.ends_after)
    answers = ClientLink.objects.filter(
        client__in=client_ids, purpose="choices", answered_at__isnull=False
    )
    house.answered.update(answers.values_list("client", "session"))
