"""A session as one line of a list: who, with whom, how it stands, and what may be done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from clinic import jalali
from clinic.models import Membership
from messaging.models import Message
from panel import visibility
from patients.models import Client
from sessions_app.models import COMING_STATES, Session, State


@dataclass(frozen=True, slots=True)
class Outcome:
    """One button: what it records, and how it looks."""

    value: str
    label: Promise | str
    icon: str


CONFIRMED = Outcome("confirmed", pgettext_lazy("button", "confirmed"), "circle-check")
ARRIVED = Outcome("arrived", pgettext_lazy("button", "arrived"), "door-enter")
ATTENDED = Outcome("attended", pgettext_lazy("button", "attended"), "checks")
NO_SHOW = Outcome("no_show", pgettext_lazy("button", "did not come"), "user-x")


@dataclass(frozen=True, slots=True)
class Line:
    session: Session
    clients: list[Client]
    #: The latest message about the present promise of time, one for each client.
    messages: list[Message]
    #: A key of `clinic.states.SESSION`.
    look: str
    outcomes: list[Outcome]
    #: Whether the member may do more than record: move, cancel, restore.
    manageable: bool
    is_past: bool
    #: Still to begin: its client can be told of a change.
    is_ahead: bool

    @property
    def is_open(self) -> bool:
        return self.session.is_open

    @property
    def is_cancelled(self) -> bool:
        return bool(self.session.state == State.CANCELLED)

    @property
    def is_recorded(self) -> bool:
        return self.session.state in (State.ATTENDED, State.NO_SHOW)


def lines_of(
    sessions: Iterable[Session], *, member: Membership, now: dt.datetime, tz: str
) -> list[Line]:
    """Lines for sessions loaded by `sessions_app.queries.with_people`, with one query more."""
    sessions = list(sessions)
    told = _latest_messages(visibility.messages(member), sessions)
    manageable = not visibility.is_therapist(member)
    return [
        Line(
            session=session,
            clients=[participant.client for participant in session.participants.all()],
            messages=told.get(session.pk, []),
            look=look_of(session, now),
            outcomes=outcomes_of(session, now, tz),
            manageable=manageable,
            is_past=session.ends_at <= now,
            is_ahead=session.starts_at > now,
        )
        for session in sessions
    ]


def look_of(session: Session, now: dt.datetime) -> str:
    if session.is_unrecorded(now):
        return "unrecorded"
    if session.state == State.CANCELLED and session.cancelled_by:
        ending = "late" if session.cancelled_by == "late" else f"by_{session.cancelled_by}"
        return f"cancelled_{ending}"
    return str(session.state)


def outcomes_of(session: Session, now: dt.datetime, tz: str) -> list[Outcome]:
    """What may be recorded at this moment, the likeliest first."""
    begun = session.starts_at <= now
    if session.state in COMING_STATES:
        is_today = jalali.local_day(session.starts_at, tz) == jalali.local_day(now, tz)
        offered = [CONFIRMED] if session.state == State.SCHEDULED and not begun else []
        offered += [ARRIVED] if is_today and session.ends_at > now else []
        return offered + ([ATTENDED, NO_SHOW] if begun else [])
    if session.state == State.ARRIVED:
        return [ATTENDED] if begun else []
    # A wrong record is corrected, at any time.
    return {State.ATTENDED.value: [NO_SHOW], State.NO_SHOW.value: [ATTENDED]}.get(session.state, [])


def _latest_messages(
    messages: QuerySet[Message], sessions: list[Session]
) -> dict[int, list[Message]]:
    rows = messages.filter(
        session__in=[session.pk for session in sessions], revision=F("session__revision")
    ).order_by("session_id", "client_id", "-due_at", "-id")
    found: dict[int, list[Message]] = {}
    for message in rows.defer("life", "text").distinct("session_id", "client_id"):
        found.setdefault(message.session_id or 0, []).append(message)
    return found


@dataclass(frozen=True, slots=True)
class Cancelling:
    """Ways to cancel that share an answer to whether the client is told, unless it is changed."""

    choices: tuple[tuple[str, Promise | str], ...]
    tells: bool


#: Who cancelled knows it; whom the clinic cancels must hear of it.
CANCELLINGS = (
    Cancelling(
        (
            ("client", _("the client cancelled")),
            ("late", _("the client cancelled late")),
        ),
        tells=False,
    ),
    Cancelling((("clinic", _("the clinic cancelled")),), tells=True),
)
