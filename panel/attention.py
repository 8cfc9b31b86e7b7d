"""What waits for a person: calls, replies, crisis holds, texts that went wrong, unrecorded sessions.

`panel.waits` counts the same for every page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from clinic.models import Membership
from messaging import inbox
from messaging.models import Message, Reply
from panel import visibility
from panel.lines import Line, lines_of
from panel.waits import Waits, troubled
from patients.models import Client
from patients.queries import out_of_reach, owners_of
from sessions_app import care_tasks
from sessions_app.models import CareTask, Participant, Session
from sessions_app.queries import coming, unrecorded, with_people

SHOWN = 20
#: The call list and the inbox have pages of their own; here stand those that have waited longest.
CALLS = TALKS = 5
AHEAD = dt.timedelta(days=3)
#: So long a booking by link is news.
FRESH = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Unreachable:
    client: Client
    session: Session


@dataclass(frozen=True, slots=True)
class Talk:
    """What waits in the inbox from one number, and whose number it is."""

    reply: Reply
    clients: list[Client]


@dataclass(frozen=True, slots=True)
class Attention:
    crises: list[Client]
    #: How many there are of each in all, of which the first are listed.
    waits: Waits
    talks: list[Talk]
    calls: list[CareTask]
    messages: list[Message]
    unrecorded: list[Line]
    unreachable: list[Unreachable]
    #: News, not work: what clients have lately booked alone, by link.
    by_link: list[Line]

    @property
    def total(self) -> int:
        return self.waits.total + len(self.crises) + len(self.unreachable)


def attention(member: Membership, waits: Waits, *, now: dt.datetime, tz: str) -> Attention:
    sessions = visibility.sessions(member)
    lost = troubled(visibility.messages(member), now)
    talks = _talks(member)
    open_ends = unrecorded(sessions, now)
    calls = _calls(member, now)
    return Attention(
        crises=list(_in_crisis(visibility.clients(member))[:SHOWN]),
        waits=waits,
        talks=_with_owners(talks[:TALKS]),
        calls=list(calls[:CALLS]),
        messages=list(lost[:SHOWN]),
        unrecorded=lines_of(with_people(open_ends)[:SHOWN], member=member, now=now, tz=tz),
        unreachable=_unreachable(sessions, now),
        by_link=lines_of(_by_link(sessions, now), member=member, now=now, tz=tz),
    )


def _by_link(sessions: QuerySet[Session], now: dt.datetime) -> QuerySet[Session]:
    """What clients have booked since yesterday, the last one first."""
    online = coming(sessions, now).filter(source=Session.Source.ONLINE, booked_at__gt=now - FRESH)
    return with_people(online).order_by("-booked_at", "-id")[:SHOWN]


def _in_crisis(clients: QuerySet[Client]) -> QuerySet[Client]:
    return clients.filter(crisis_since__isnull=False, deceased_at=None)


def _talks(member: Membership) -> QuerySet[Reply]:
    """One reply of each conversation that waits; to answer is the work of reception."""
    if visibility.is_therapist(member):
        return Reply.objects.none()
    return inbox.longest_waiting(visibility.inbox(member))


def _with_owners(replies: Iterable[Reply]) -> list[Talk]:
    page = list(replies)
    owners = owners_of(reply.phone for reply in page)
    return [Talk(reply, owners.get(reply.phone, [])) for reply in page]


def _calls(member: Membership, now: dt.datetime) -> QuerySet[CareTask]:
    """What is due on the call list; a therapist's login has no such list."""
    if visibility.is_therapist(member):
        return CareTask.objects.none()
    return care_tasks.due(visibility.tasks(member), now).select_related("client", "session")


def _unreachable(sessions: QuerySet[Session], now: dt.datetime) -> list[Unreachable]:
    """Clients expected within three days whom no text can reach, the soonest first, each once."""
    soon = coming(sessions, now).filter(starts_at__lte=now + AHEAD).order_by()
    expected = Client.objects.filter(participations__session__in=soon, deceased_at=None)
    found: dict[int, Unreachable] = {}
    # Most can be reached, and then nothing more is asked.
    if mute := {client.pk for client in out_of_reach(expected.order_by().distinct())}:
        for place in _places(mute, soon):
            found.setdefault(place.client_id, Unreachable(place.client, place.session))
    return list(found.values())


def _places(clients: Collection[int], sessions: QuerySet[Session]) -> QuerySet[Participant]:
    places = Participant.objects.filter(client__in=clients, session__in=sessions)
    return places.select_related("client", "session").order_by(
        "session__starts_at", "session_id", "id"
    )
