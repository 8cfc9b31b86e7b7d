"""What happens to a session: book, move, cancel, restore, record, undo.

Every action locks the session's row first, so that a sender holding it `FOR SHARE` has finished or
has not begun, and leaves one `SessionChange` behind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from clinic.models import Room, Service, Therapist, User
from patients.actions import ensure_treatment
from patients.models import Client, Via
from sessions_app import rhythm
from sessions_app.models import (
    CancelledBy,
    Participant,
    Session,
    SessionChange,
    State,
)
from sessions_app.queries import clash_of

#: Sent inside the transaction with `session`, `change` and `now`; rooms to the left listen.
session_changed = Signal()

Kind = SessionChange.Kind

#: What `undo` can put back, and how it is kept in JSON.
TRACKED = (
    "therapist_id",
    "service_id",
    "room_id",
    "starts_at",
    "ends_at",
    "state",
    "cancelled_by",
    "recorded_at",
    "online_url",
)
OUTCOMES = (State.ARRIVED, State.ATTENDED, State.NO_SHOW, State.CONFIRMED, State.SCHEDULED)


#: Told from None, which takes the room away.
THE_SAME: Any = object()


class SessionError(ValueError):
    """The action is not possible; `str()` says why in the reader's language, naming nobody.

    `clash` is the session that is in the way, when one is: for whoever may see its client.
    """

    def __init__(
        self, message: str, field: str | None = None, clash: Session | None = None
    ) -> None:
        super().__init__(message)
        self.field = field
        self.clash = clash


def book(
    *,
    clients: Iterable[Client],
    therapist: Therapist,
    service: Service,
    starts_at: dt.datetime,
    duration: dt.timedelta | None = None,
    now: dt.datetime,
    by: User | None = None,
    source: str = Session.Source.PANEL,
    via: str = Via.PANEL,
    tell: bool = True,
    **fields: Any,
) -> Session:
    """Book a session for one client or several.

    Raises SessionError: a clash, nobody, somebody who has died, no length.

    `tell` marks the change for the rules that confirm it by text; here and below. An imported
    booking is never confirmed.
    """
    people = list(clients)
    if not people:
        raise SessionError(_("Choose at least one client."), "clients")
    _refuse_deceased(client.pk for client in people)
    length = _length(duration or dt.timedelta(minutes=service.duration_minutes))
    session = Session(
        therapist=therapist,
        service=service,
        starts_at=starts_at,
        ends_at=starts_at + length,
        booked_at=now,
        source=source,
        **fields,
    )
    with transaction.atomic():
        _save(session)
        Participant.objects.bulk_create(Participant(session=session, client=c) for c in people)
        for client in _in_order(people):
            ensure_treatment(
                client, therapist, service, now=now, by=by, via=via, resume=starts_at > now
            )
        tell = tell and source != Session.Source.IMPORT
        _note(session, Kind.BOOKED, {}, now, by, via=via, tell=tell)
    return session


def move(
    session: Session,
    *,
    starts_at: dt.datetime,
    duration: dt.timedelta | None = None,
    therapist: Therapist | None = None,
    room: Room | None = THE_SAME,
    now: dt.datetime,
    by: User | None = None,
    tell: bool = False,
) -> Session:
    """Give an open session another time, length, therapist or room.

    A new start is a new promise: the revision rises, and a confirmation of the old one is void. So
    is anything else that the client is told of: they are told of each change, and not reminded of
    the one before.
    """
    with transaction.atomic():
        session, before = _hold(session)
        if not session.is_open:
            raise SessionError(_("Only a session that is still open can be moved."))
        length = _length(duration or session.duration)
        if starts_at != session.starts_at:
            session.state = State.SCHEDULED
        session.starts_at, session.ends_at = starts_at, starts_at + length
        session.therapist = therapist or session.therapist
        session.room = session.room if room is THE_SAME else room
        after = snapshot(session)
        tell = tell and after != before
        if tell or after["starts_at"] != before["starts_at"]:
            session.revision += 1
            session.booked_at = now
        _save(session)
        for client in _in_order(session.clients.all()):
            ensure_treatment(
                client,
                session.therapist,
                session.service,
                now=now,
                by=by,
                resume=session.starts_at > now,
            )
        _note(session, Kind.MOVED, before, now, by, tell=tell)
    return session


def cancel(
    session: Session,
    *,
    by_whom: str = CancelledBy.CLINIC,
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
    tell: bool = False,
) -> Session:
    with transaction.atomic():
        session, before = _hold(session)
        if session.state == State.CANCELLED:
            raise SessionError(_("This session is already cancelled."))
        session.state, session.cancelled_by, session.recorded_at = State.CANCELLED, by_whom, now
        _save(session)
        _note(session, Kind.CANCELLED, before, now, by, via=via, tell=tell)
    return session


def restore(
    session: Session, *, now: dt.datetime, by: User | None = None, tell: bool = False
) -> Session:
    """Take a cancellation back. The revision rises: what was cancelled with it stays cancelled."""
    with transaction.atomic():
        session, before = _hold(session)
        if session.state != State.CANCELLED:
            raise SessionError(_("Only a cancelled session can be restored."))
        _reopen(session, now)
        _save(session)
        _note(session, Kind.RESTORED, before, now, by, tell=tell)
    return session


def record(
    session: Session,
    outcome: str,
    *,
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> Session:
    """Record confirmed, arrived, attended or no-show, or take it back to scheduled.

    An outcome may be corrected at any time: a wrong no-show is worse than a late one.
    """
    with transaction.atomic():
        session, before = _hold(session)
        _refuse_outcome(session, outcome, now)
        session.state = outcome
        session.recorded_at = now if outcome in (State.ATTENDED, State.NO_SHOW) else None
        _save(session)
        _note(session, Kind.OUTCOME, before, now, by, via=via)
    return session


def edit(
    session: Session,
    *,
    clients: Iterable[Client],
    service: Service,
    online_url: str = "",
    now: dt.datetime,
    by: User | None = None,
) -> Session:
    """Change who comes, for which service and by which link; the promise of time stands.

    The revision stays: whoever was told keeps what they were told, and whoever is new to the
    session earns a reminder of their own.
    """
    people = list(clients)
    if not people:
        raise SessionError(_("Choose at least one client."), "clients")
    with transaction.atomic():
        session, before = _hold(session)
        if session.state == State.CANCELLED:
            raise SessionError(_("This session is cancelled; restore it first."))
        before["clients"] = _set_participants(session, [client.pk for client in people])
        _refuse_deceased({client.pk for client in people} - set(before["clients"]))
        session.service, session.online_url = service, online_url
        _save(session)
        for client in _in_order(people):
            ensure_treatment(
                client,
                session.therapist,
                service,
                now=now,
                by=by,
                resume=session.starts_at > now,
            )
        _note(session, Kind.EDITED, before, now, by)
    return session


def undo(
    session: Session,
    *,
    change: SessionChange | None = None,
    now: dt.datetime,
    by: User | None = None,
) -> Session:
    """Put back what the last change changed; with `change`, only while that is still the last.

    A booking named by `change` is taken back by cancelling it. A start put back is a move like any
    other, and so is an un-cancel: the revision rises, never falls, because a text about the undone
    time may be out already. The client is told only where the change itself has been told by now.
    Raises SessionError when there is nothing to undo, or when somebody has changed the session
    since.
    """
    with transaction.atomic():
        session, before = _hold(session)
        last = session.changes.first()
        if change is not None and last is not None and change.pk != last.pk:
            raise SessionError(_("The session has been changed again since; look at it first."))
        if change is not None and change.kind == Kind.BOOKED:
            return cancel(session, now=now, by=by, tell=_is_told(change, now))
        if last is None or last.kind in (Kind.BOOKED, Kind.UNDONE) or not last.before:
            raise SessionError(_("There is nothing to undo."))
        told = _is_told(last, now)
        restarts = last.before["starts_at"] != before["starts_at"]
        if told or restarts or session.state == State.CANCELLED:
            session.revision += 1
            session.booked_at = now
        _put_back(session, last.before)
        if "clients" in last.before:
            before["clients"] = _set_participants(session, last.before["clients"])
        _save(session)
        _note(session, Kind.UNDONE, before, now, by, tell=told)
    return session


#: A change is told only after this, so that a slip can be undone in silence. The rules of a new
#: clinic wait as long.
TIME_TO_UNDO = dt.timedelta(minutes=3)


def _is_told(change: SessionChange, now: dt.datetime) -> bool:
    """Whether the client has read of a change by now, and so must read that it is taken back."""
    return change.tell and change.at + TIME_TO_UNDO <= now


def _refuse_outcome(session: Session, outcome: str, now: dt.datetime) -> None:
    if outcome not in OUTCOMES:
        raise SessionError(_("This is not an outcome."))
    if session.state == State.CANCELLED:
        raise SessionError(_("This session is cancelled; restore it first."))
    if outcome in (State.ATTENDED, State.NO_SHOW) and session.starts_at > now:
        raise SessionError(_("The session has not started yet."))


def _refuse_deceased(clients: Iterable[int]) -> None:
    """Asked of the database: the form was perhaps opened before."""
    if Client.objects.filter(pk__in=list(clients), deceased_at__isnull=False).exists():
        raise SessionError(
            _("The death of this client is recorded; no session can be booked."), "clients"
        )


def _reopen(session: Session, now: dt.datetime) -> None:
    session.state, session.cancelled_by, session.recorded_at = State.SCHEDULED, "", None
    session.revision += 1
    session.booked_at = now


def _hold(session: Session) -> tuple[Session, dict[str, Any]]:
    """Lock the row and read it anew, with what it was."""
    held = Session.objects.select_for_update(of=("self",), no_key=True).get(pk=session.pk)
    return held, snapshot(held)


def snapshot(session: Session) -> dict[str, Any]:
    """The tracked fields as JSON: times as ISO 8601 in UTC."""
    return {name: _plain(getattr(session, name)) for name in TRACKED}


def _plain(value: Any) -> Any:
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value


def _put_back(session: Session, before: dict[str, Any]) -> None:
    for name in TRACKED:
        value = before[name]
        if name.endswith("_at") and value:
            value = dt.datetime.fromisoformat(value)
        setattr(session, name, value)


def _set_participants(session: Session, wanted: list[int]) -> list[int]:
    """Make these clients the session's; those who were are returned."""
    present = list(session.participants.values_list("client_id", flat=True))
    session.participants.exclude(client_id__in=wanted).delete()
    Participant.objects.bulk_create(
        Participant(session=session, client_id=pk) for pk in wanted if pk not in present
    )
    return present


def _in_order(people: Iterable[Client]) -> list[Client]:
    """By number, or two bookings for a couple could each wait for a treatment the other begins."""
    return sorted(people, key=lambda client: client.pk)


def _length(duration: dt.timedelta) -> dt.timedelta:
    if not dt.timedelta(minutes=5) <= duration <= dt.timedelta(hours=12):
        raise SessionError(_("A session lasts from 5 minutes to 12 hours."), "duration")
    return duration


def _save(session: Session) -> None:
    try:
        with transaction.atomic():
            session.save()
    except IntegrityError as error:
        if refusal := _clash(session, str(error)):
            raise refusal from None
        raise


def _clash(session: Session, said: str) -> SessionError | None:
    """What a constraint's refusal means to people; None for one that means nothing to them."""
    if "therapist_is_in_one_place" in said:
        return clash_error("starts_at", clash_of(session, therapist=session.therapist_id))
    if "room_is_used_once" in said:
        return clash_error("room", clash_of(session, room=session.room_id))
    return None


def clash_error(field: str, other: Session | None) -> SessionError:
    """The therapist (`starts_at`) or the `room` is taken; by `other`, if that can be told."""
    if field == "room":
        return SessionError(_("The room is taken then."), "room", other)
    return SessionError(_("The therapist already has a session at that time."), "starts_at", other)


def _note(
    session: Session,
    kind: str,
    before: dict[str, Any],
    now: dt.datetime,
    by: User | None,
    *,
    via: str = Via.PANEL,
    tell: bool = False,
) -> None:
    after = snapshot(session)
    if "clients" in before:
        after["clients"] = list(session.participants.values_list("client_id", flat=True))
    changed = {k: v for k, v in after.items() if before.get(k) != v}
    change = SessionChange.objects.create(
        session=session,
        kind=kind,
        revision=session.revision,
        before=before,
        after=changed,
        at=now,
        by=by,
        via=via,
        tell=tell,
    )
    present = session.participants.values_list("client_id", flat=True)
    rhythm.refresh([*present, *before.get("clients", ())])
    session_changed.send(Session, session=session, change=change, now=now)
