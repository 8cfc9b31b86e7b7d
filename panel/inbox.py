"""The inbox as people read it: conversations in a list, and one as on a phone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db.models import Count, Min, Q, QuerySet

from clinic.models import Membership
from clinic.text import ascii_digits, clean
from messaging import by_hand, inbox
from messaging.models import Channel, Message, Reply, State
from panel import visibility
from patients.models import Client, ContactPerson
from patients.queries import owners_of, search

#: Channels whose texts stand on the phone itself.
ON_THE_PHONE = (Channel.SMS, Channel.WHATSAPP)
#: What has reached the phone or may have; of what a person wrote everything is shown.
WENT = (
    State.CLAIMED,
    State.SENDING,
    State.SENT,
    State.DELIVERED,
    State.UNDELIVERED,
    State.UNKNOWN,
    State.FAILED,
)
#: So much of a conversation is shown; the rest is on the client's page.
SHOWN = 60
_FEWEST_DIGITS = 4
Waits = tuple[int, dt.datetime | None]
_NOTHING: Waits = (0, None)


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list."""

    reply: Reply
    last: Reply
    #: Since when the longest waiting text waits; None where nothing does.
    since: dt.datetime | None
    #: Whose file has the number, or who is said to write from it.
    clients: list[Client]
    waiting: int

    @property
    def is_stranger(self) -> bool:
        return not self.clients


@dataclass(frozen=True, slots=True)
class Said:
    """One bubble: a `reply` of theirs or a `message` of ours."""

    at: dt.datetime
    reply: Reply | None = None
    message: Message | None = None
    #: Whom ours was written for, where several share the phone.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    phone: str
    #: The last reply that is shown: what is closed is closed up to it.
    last: Reply
    said: list[Said]
    #: Whose file has the number.
    owners: list[Client]
    #: Who is said to write from a number that is on nobody's file.
    attached: Client | None
    waiting: list[Reply]
    has_more: bool

    @property
    def people(self) -> list[Client]:
        return self.owners or ([self.attached] if self.attached else [])

    @property
    def living(self) -> list[Client]:
        return [client for client in self.people if client.deceased_at is None]


def listed(member: Membership, *, everything: bool, typed: str) -> QuerySet[Reply]:
    """One reply of each conversation: the longest waiting, or of all the newest."""
    mine = visibility.inbox(member)
    rows = inbox.latest(mine) if everything else inbox.longest_waiting(mine)
    return rows.filter(phone__in=_found(member, typed).values("phone")) if typed else rows


def _found(member: Membership, typed: str) -> QuerySet[Reply]:
    """Replies by who wrote, from which number, or what."""
    people = search(visibility.clients(member), typed).order_by()
    numbers = ContactPerson.objects.filter(client__in=people.values("pk")).exclude(phone="")
    fits = Q(phone__in=people.exclude(phone="").values("phone")) | Q(client__in=people.values("pk"))
    fits |= Q(phone__in=numbers.order_by().values("phone"))
    digits = re.sub(r"\D", "", ascii_digits(typed)).lstrip("0")
    if len(digits) >= _FEWEST_DIGITS:
        fits |= Q(phone__contains=digits)
    return visibility.inbox(member).filter(fits | Q(text__icontains=clean(typed)))


def rows_of(replies: Iterable[Reply], member: Membership) -> list[Row]:
    """Rows for a page of replies, with three queries whatever its length."""
    page = list(replies)
    phones = {reply.phone for reply in page}
    mine = visibility.inbox(member).filter(phone__in=phones)
    newest = mine.order_by("phone", "-received_at", "-id").distinct("phone")
    last = {reply.phone: reply for reply in newest.select_related("client")}
    waits, owners = _waits(inbox.waiting(mine)), owners_of(phones)
    return [
        Row(
            reply=reply,
            last=last.get(reply.phone, reply),
            since=waits.get(reply.phone, _NOTHING)[1],
            clients=owners.get(reply.phone) or _attached(last.get(reply.phone, reply)),
            waiting=waits.get(reply.phone, _NOTHING)[0],
        )
        for reply in page
    ]


def _waits(waiting: QuerySet[Reply]) -> dict[str, Waits]:
    """How many wait from each number, and since when."""
    counts = waiting.order_by().values_list("phone").annotate(Count("id"), Min("received_at"))
    return {phone: (n, since) for phone, n, since in counts}


def _attached(reply: Reply) -> list[Client]:
    return [reply.client] if reply.client else []


def conversation(reply: Reply, member: Membership) -> Conversation:
    """All that was said between the clinic and the reply's number, the oldest first."""
    mine = visibility.inbox(member).filter(phone=reply.phone)
    newest = mine.select_related("client__clinic", "closed_by").order_by("-received_at", "-id")
    replies = list(newest[: SHOWN + 1])
    owners = owners_of([reply.phone]).get(reply.phone, [])
    attached = replies[0].client
    people = owners or ([attached] if attached else [])
    texts = _texts(reply.phone, people, member)
    said = _in_order(replies, texts, names=len(people) > 1)
    return Conversation(
        phone=reply.phone,
        last=replies[0],
        said=said[-SHOWN:],
        owners=owners,
        attached=attached,
        waiting=list(inbox.waiting(mine).order_by("received_at", "id")),
        has_more=len(said) > SHOWN,
    )


def _texts(phone: str, people: Sequence[Client], member: Membership) -> list[Message]:
    """Ours to this number. By the people, whose messages an index knows, and then by the number."""
    sent = visibility.messages(member).filter(
        Q(state__in=WENT) | Q(rule_key=by_hand.KEY),
        client__in=[client.pk for client in people],
        recipient=phone,
        channel__in=ON_THE_PHONE,
    )
    newest = sent.select_related("client", "written_by").defer("life").order_by("-due_at", "-id")
    return list(newest[: SHOWN + 1]) if people else []


def _in_order(replies: Iterable[Reply], texts: Iterable[Message], *, names: bool) -> list[Said]:
    theirs = [Said(reply.received_at, reply=reply) for reply in replies]
    ours = [
        Said(m.sent_at or m.due_at, message=m, name=str(m.client) if names else "") for m in texts
    ]
    return sorted([*theirs, *ours], key=attrgetter("at"))
