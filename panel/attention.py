"""What waits for a person: texts that went wrong, sessions nobody recorded, unreachable clients."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from clinic.models import Membership
from messaging.models import Message, State
from panel import visibility
from panel.lines import Line, lines_of
from patients.models import Client
from patients.queries import has_usable_phone
from sessions_app.models import Session
from sessions_app.queries import coming, unrecorded, with_people

SHOWN = 20
#: A text that failed longer ago than this can no longer be mended by a call.
RECENT = dt.timedelta(days=3)
AHEAD = dt.timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Unreachable:
    client: Client
    session: Session


@dataclass(frozen=True, slots=True)
class Attention:
    messages: list[Message]
    messages_total: int
    unrecorded: list[Line]
    unrecorded_total: int
    unreachable: list[Unreachable]

    @property
    def total(self) -> int:
        return self.messages_total + self.unrecorded_total + len(self.unreachable)


def attention(member: Membership, *, now: dt.datetime, tz: str) -> Attention:
    sessions = visibility.sessions(member)
    troubled = _troubled(visibility.messages(member), now)
    open_ends = unrecorded(sessions, now)
    return Attention(
        messages=list(troubled[:SHOWN]),
        messages_total=troubled.count(),
        unrecorded=lines_of(with_people(open_ends)[:SHOWN], member=member, now=now, tz=tz),
        unrecorded_total=open_ends.count(),
        unreachable=_unreachable(sessions, now),
    )


def _troubled(messages: QuerySet[Message], now: dt.datetime) -> QuerySet[Message]:
    """Unknown ones until somebody settles them; failed and undelivered ones for three days."""
    lost = Q(state__in=(State.FAILED, State.UNDELIVERED), due_at__gte=now - RECENT)
    found = messages.filter(Q(state=State.UNKNOWN) | lost).select_related("client", "session")
    return found.order_by("-due_at", "-id")


def _unreachable(sessions: QuerySet[Session], now: dt.datetime) -> list[Unreachable]:
    """Clients expected within three days whom no text can reach, the soonest first, each once."""
    soon = with_people(coming(sessions, now).filter(starts_at__lte=now + AHEAD))
    found: dict[int, Unreachable] = {}
    for session in soon:
        for participant in session.participants.all():
            if not has_usable_phone(participant.client):
                found.setdefault(participant.client_id, Unreachable(participant.client, session))
    return list(found.values())
