"""A planned list of sessions goes into the diary, in batches, with the history of each session."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from exchange.bulk import BATCH, in_batches, update_many
from exchange.reasons import ConflictError
from exchange.session_plan import Candidate, Progress, SessionPlan
from patients.models import Treatment
from sessions_app.actions import TRACKED, session_changed, snapshot
from sessions_app.models import Participant, Session, SessionChange, State

_SAVED = (*(name.removesuffix("_id") for name in TRACKED), "revision", "booked_at", "session_no")
_OPEN = (Treatment.State.ACTIVE, Treatment.State.PAUSED)
_NEWS = dt.timedelta(days=2)
Kind = SessionChange.Kind


def save_sessions(plan: SessionPlan, *, now: dt.datetime, progress: Progress) -> None:
    """Write the plan. Raises ConflictError when a session changed since it was planned.

    The history names no person (`by`): that is how a state a list brought is told from one that
    somebody recorded here. Who imported what is kept with the upload.
    """
    total, done = len(plan.new) + len(plan.changed), 0
    with connection.cursor() as cursor:
        # Sessions may swap places, and the two may be in different batches: `check_keys` looks.
        cursor.execute("SET CONSTRAINTS therapist_is_in_one_place, room_is_used_once DEFERRED")
    for batch in in_batches(sorted(plan.changed, key=lambda candidate: candidate.session.pk)):
        _change(batch, now)
        done += len(batch)
        progress("saved", done, total)
    for batch in in_batches(plan.new):
        _create(batch, now)
        done += len(batch)
        progress("saved", done, total)
    _begin_treatments(plan.new, now)


def _create(batch: Sequence[Candidate], now: dt.datetime) -> None:
    Session.objects.bulk_create([candidate.session for candidate in batch])
    _add_participants(batch)
    SessionChange.objects.bulk_create(
        [_history(candidate, Kind.BOOKED, now) for candidate in batch]
    )


def _change(batch: Sequence[Candidate], now: dt.datetime) -> None:
    _refuse_changed_meanwhile(batch)
    update_many(Session, [candidate.session for candidate in batch], _SAVED)
    _add_participants(batch)
    changes = [_history(candidate, _kind(candidate), now) for candidate in batch]
    SessionChange.objects.bulk_create(changes)
    for candidate, change in zip(batch, changes, strict=True):
        if _is_news(candidate, now):
            session_changed.send(Session, session=change.session, change=change, now=now)


def _is_news(candidate: Candidate, now: dt.datetime) -> bool:
    """Whether anybody can still act on it. Of a year's history thousands of rows may change."""
    starts = (candidate.session.starts_at, dt.datetime.fromisoformat(candidate.before["starts_at"]))
    return max(starts) > now - _NEWS


def _refuse_changed_meanwhile(batch: Iterable[Candidate]) -> None:
    """Lock the rows, in the order in which everybody locks them, and see them as planned.

    Locking all known sessions while the list is being read would hold up reception and the
    sender for as long; the price of not doing so is this error, and importing once more.
    """
    planned = {c.session.pk: (c.before, c.before_revision) for c in batch}
    held = Session.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=planned)
    found = {s.pk: (snapshot(s), s.revision) for s in held.order_by("pk")}
    if found != planned:
        raise ConflictError


def _add_participants(batch: Iterable[Candidate]) -> None:
    Participant.objects.bulk_create(
        [Participant(session=c.session, client=client) for c in batch for client in c.joining],
        batch_size=BATCH,
    )


def _history(candidate: Candidate, kind: str, now: dt.datetime) -> SessionChange:
    after = snapshot(candidate.session)
    return SessionChange(
        session=candidate.session,
        kind=kind,
        revision=candidate.session.revision,
        before=candidate.before,
        after={name: new for name, new in after.items() if candidate.before.get(name) != new},
        at=now,
    )


def _kind(candidate: Candidate) -> str:
    """What happened, most weighty first; the history's line tells the rest."""
    before, after = candidate.before, snapshot(candidate.session)
    if before["state"] != after["state"]:
        if State.CANCELLED in (before["state"], after["state"]):
            return Kind.CANCELLED if after["state"] == State.CANCELLED else Kind.RESTORED
        if before["starts_at"] == after["starts_at"]:
            return Kind.OUTCOME
    if any(before[name] != after[name] for name in ("starts_at", "ends_at", "therapist_id")):
        return Kind.MOVED
    return Kind.EDITED


def _begin_treatments(candidates: Sequence[Candidate], now: dt.datetime) -> None:
    """What booking does: a session begins its client's treatment, unless one covers it already."""
    wanted: dict[tuple[int, int, int], dt.datetime] = {}
    for candidate in candidates:
        session = candidate.session
        if session.state == State.CANCELLED:
            continue
        for client in candidate.clients:
            course = (client.pk, session.therapist_id, session.service_id)
            wanted[course] = min(wanted.get(course, now), session.starts_at)
    ends = _ends_of_treatments({client for client, _therapist, _service in wanted})
    Treatment.objects.bulk_create(
        [
            Treatment(client_id=client, therapist_id=who, service_id=what, started_at=start)
            for (client, who, what), start in sorted(wanted.items())
            if not any(end is None or end >= start for end in ends[client, who, what])
        ],
        batch_size=BATCH,
    )


def _ends_of_treatments(clients: Iterable[int]) -> dict[Any, list[dt.datetime | None]]:
    """For each course the ends of its treatments; None for one that is open."""
    ends: dict[Any, list[dt.datetime | None]] = defaultdict(list)
    for batch in in_batches(clients):
        rows = Treatment.objects.filter(client__in=batch).values_list(
            "client_id", "therapist_id", "service_id", "state", "ended_at"
        )
        for client, who, what, state, ended_at in rows:
            ends[client, who, what].append(None if state in _OPEN else ended_at)
    return ends
