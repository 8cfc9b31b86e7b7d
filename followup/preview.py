"""What will be sent, and what will not and why: the planner's question asked with a later time."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.models import Clinic
from followup.models import Kind, Rule
from followup.occasions import Offset, offsets_of, statement, statement_of_few, values
from followup.planner import EPOCH, OVERLAP, QUARTER
from messaging.judge import (
    BUDGET_SPAN,
    GONE,
    INVITATION_SPAN,
    Verdict,
    World,
    judge,
    objections_to,
    with_world,
)
from messaging.models import Message, ProviderAccount, Reason, State, Template
from messaging.render import parts_of
from patients.models import Client, ContactPerson, Purpose
from sessions_app.models import Session


class WhyNot(TextChoices):
    """Why an occasion that a person might expect makes no message at all, beside `Reason`."""

    BEFORE_LIVE = "before_live", _("it fell due before the rule or the clinic was switched on")


@dataclass(frozen=True, slots=True)
class Preview:
    """One future text, or one that will not be. `state` is what it would become at `due_at`."""

    client: Client
    contact: ContactPerson | None
    session: Session
    rule: Rule
    recipient: str
    text: str
    state: str
    reason: str
    due_at: dt.datetime
    useful_until: dt.datetime

    @property
    def rule_key(self) -> str:
        return self.rule.key

    @property
    def will_be_sent(self) -> bool:
        return self.state == State.QUEUED

    @property
    def reason_words(self) -> str:
        for reasons in (Reason, WhyNot):
            if self.reason in reasons.values:
                return str(reasons(self.reason).label)
        return ""

    @property
    def parts(self) -> int:
        return parts_of(self.text)


#: The client, and the contact person who reads it in their place or beside them.
Reader = tuple[int, int | None]


class Row(NamedTuple):
    session_id: int
    client_id: int
    rule_id: int
    recipient: str
    due_at: dt.datetime
    useful_until: dt.datetime
    expects: str
    invites: bool
    why_not: str
    before_live: bool
    falls_at: dt.datetime
    contact_id: int | None


SELECT = """
SELECT DISTINCT ON (o.session_id, o.rule_id, o.recipient)
       o.session_id, o.client_id, o.rule_id, o.recipient, o.due_at, o.useful_until, o.expects,
       o.invites, o.why_not,
       coalesce(o.falls_at < o.active_since OR o.falls_at < o.live_since, false) AS before_live,
       o.falls_at, o.contact_id
  FROM occasions o
 WHERE o.due_at > %(from)s AND o.due_at <= %(until)s AND o.clinic_id = %(clinic)s
   AND o.why_not <> 'not_meant'
   AND (%(rule)s::bigint IS NULL OR o.rule_id = %(rule)s)
   -- What waits and was no occasion when the planner passed it will not be found any more.
   AND NOT EXISTS (
       SELECT 1 FROM followup_watermark w
        WHERE w.kind = o.kind AND o.due_at > w.scanned_to
          AND o.falls_at <= date_bin(%(quarter)s, w.scanned_to, %(epoch)s) - %(overlap)s)
   AND NOT EXISTS (
       SELECT 1 FROM messaging_message m
        WHERE m.clinic_id = o.clinic_id AND m.session_id = o.session_id
          AND m.rule_number = o.rule_id AND m.revision = o.revision AND m.recipient = o.recipient)
 ORDER BY o.session_id, o.rule_id, o.recipient, o.why_not <> '', NOT o.consents, o.client_id,
          o.contact_id NULLS FIRST
"""
SESSIONS = "s.clinic_id = %(clinic)s AND s.state IN ('scheduled', 'confirmed', 'cancelled')"
#: How long a text may wait for a working day: what fell due before may still be due later.
LONGEST_WAIT = dt.timedelta(days=15)


def upcoming(
    clinic: Clinic,
    since: dt.datetime,
    until: dt.datetime,
    *,
    client: Client | None = None,
    session: Session | None = None,
    rule: Rule | None = None,
) -> list[Preview]:
    """What falls due after `since` and up to `until` and is not in the outbox yet.

    Of a client or a session alone it is one statement in place of one for each kind of rule.

    The caller's scope must be the clinic's. Only what follows from the schedule as it stands: a
    thank-you appears once its session is recorded. Cancelled sessions and late bookings are listed
    with their reason: a person who asks "why did nothing go" asks about exactly those.
    """
    on = Rule.objects.filter(clinic=clinic, enabled=True)
    on = on.filter(pk=rule.pk) if rule else on
    rules = {r.pk: r for r in on}
    asked = {
        "clinic": clinic.pk,
        "client": client.pk if client else None,
        "session": session.pk if session else None,
        "rule": rule.pk if rule else None,
        "from": since,
        "overlap": OVERLAP,
        "quarter": QUARTER,
        "epoch": EPOCH,
    }
    kinds = offsets_of(rules.values())
    if client or session:
        rows = _rows_of_few(kinds, since, until, asked)
    else:
        rows = [row for kind, of in kinds.items() for row in _rows(kind, of, since, until, asked)]
    # In the order in which the sender will meet them: by their due time, then as they were planned.
    order = {pk: Kind.values.index(rule.kind) for pk, rule in rules.items()}
    rows.sort(key=lambda r: (r.due_at, r.falls_at, order[r.rule_id], r.session_id, r.rule_id))
    return _Forecast.of(clinic, rows, rules, since).previews(rows)


def _rows(
    kind: str,
    wanted: set[Offset],
    since: dt.datetime,
    until: dt.datetime,
    asked: dict[str, Any],
) -> list[Row]:
    back = since if kind == Kind.BEFORE_SESSION else since - LONGEST_WAIT
    with connection.cursor() as cursor:
        cursor.execute(
            statement(kind, wanted, coming=SESSIONS) + SELECT,
            {**values(kind, back, until), **asked},
        )
        return [Row(*row) for row in cursor.fetchall()]


#: Of the client or the session that is asked about, or of both.
FEW = """
    (%(client)s::bigint IS NULL OR few.client_id = %(client)s)
AND (%(session)s::bigint IS NULL OR few.session_id = %(session)s)
"""


def _rows_of_few(
    kinds: Mapping[str, set[Offset]], since: dt.datetime, until: dt.datetime, asked: dict[str, Any]
) -> list[Row]:
    if not kinds:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            statement_of_few(kinds, FEW, coming=SESSIONS) + SELECT,
            {**values("", since - LONGEST_WAIT, until), **asked},
        )
        return [Row(*row) for row in cursor.fetchall()]


#: States of a text that has not left yet.
WAITING = (State.QUEUED, State.CLAIMED)


@dataclass(slots=True)
class _Forecast:
    """All that the verdicts look at, loaded at once, and the texts foreseen so far."""

    clinic: Clinic
    since: dt.datetime
    rules: Mapping[int, Rule]
    sessions: Mapping[int, Session]
    clients: Mapping[int, Client]
    contacts: Mapping[int, ContactPerson]
    #: Whose own number each is.
    owners: Mapping[str, set[int]]
    world: World
    #: When each reader was, or will have been, sent what counts against the budget.
    spent: dict[Reader, list[dt.datetime]]
    #: Channels whose account turns away texts with a link.
    without_links: frozenset[str] = frozenset()
    invited: dict[Reader, list[dt.datetime]] = field(default_factory=lambda: defaultdict(list))
    #: How many texts of a rule a reader has had, or will have.
    had: Counter[tuple[Reader, str]] = field(default_factory=Counter)
    #: What is in the outbox of these clients and will leave among the texts foreseen.
    waiting: deque[Message] = field(default_factory=deque)

    @classmethod
    def of(
        cls, clinic: Clinic, rows: Sequence[Row], rules: Mapping[int, Rule], since: dt.datetime
    ) -> _Forecast:
        clients = Client.objects.in_bulk({r.client_id for r in rows})
        people = {r.contact_id for r in rows if r.contact_id}
        sessions = Session.objects.select_related("therapist", "service")
        wordings = defaultdict(list)
        for template in Template.objects.filter(clinic=clinic) if rows else ():
            wordings[clinic.pk, template.key].append(template)
        forecast = cls(
            clinic,
            since,
            rules,
            sessions.in_bulk({r.session_id for r in rows}),
            clients,
            ContactPerson.objects.in_bulk(people) if people else {},
            _owners({r.recipient for r in rows} - {""}),
            World(wordings, {}),
            defaultdict(list),
            channels_without_links(clinic) if rows else frozenset(),
        )
        if clients:
            forecast._remember()
        return forecast

    def previews(self, rows: Iterable[Row]) -> list[Preview]:
        return [self._preview(row) for row in rows]

    def _remember(self) -> None:
        theirs = Message.objects.filter(client__in=list(self.clients))
        gone = theirs.filter(state__in=GONE)
        had = gone.order_by().values_list("client_id", "contact_id", "rule_key")
        for client_id, contact_id, key, n in had.annotate(n=Count("*")):
            self.had[(client_id, contact_id), key] = n
        counted = Q(state__in=GONE, due_at__gt=self.since - INVITATION_SPAN - LONGEST_WAIT)
        counted &= ~Q(purpose=Purpose.TRANSACTIONAL)
        waiting = []
        told = theirs.filter(counted | Q(state__in=WAITING)).values_list(
            "pk", "state", "client_id", "contact_id", "attempted_at", "due_at", "invites"
        )
        for pk, state, client_id, contact_id, attempted_at, due_at, invites in told:
            if state in WAITING:
                waiting.append(pk)
            else:
                self._count((client_id, contact_id), attempted_at or due_at, invites=invites)
        if waiting:
            messages = with_world(Message.objects.filter(pk__in=waiting), self.since)
            self.waiting.extend(messages.order_by("due_at", "id"))
            self.world = World(self.world.wordings, objections_to(waiting, self.since))

    def _count(self, reader: Reader, at: dt.datetime, *, invites: bool) -> None:
        self.spent[reader].append(at)
        if invites:
            self.invited[reader].append(at)

    def _preview(self, row: Row) -> Preview:
        self._let_leave(row.due_at)
        rule = self.rules[row.rule_id]
        message = self._as_planned(row, rule)
        verdict = judge(message, self.world, row.due_at)
        state = State.QUEUED if verdict.may_leave else verdict.state
        reason = verdict.reason
        if row.why_not or row.before_live:
            state, reason = State.SKIPPED, row.why_not or WhyNot.BEFORE_LIVE
        else:
            self._leave(message, verdict, row.due_at)
        return Preview(
            client=message.client,
            contact=message.contact,
            session=self.sessions[row.session_id],
            rule=rule,
            recipient=row.recipient,
            text=verdict.text,
            state=state.value,
            reason=str(reason),
            due_at=row.due_at,
            useful_until=row.useful_until,
        )

    def _let_leave(self, until: dt.datetime) -> None:
        """What was planned earlier leaves first among what is due at the same time."""
        while self.waiting and self.waiting[0].due_at <= until:
            message = self.waiting.popleft()
            at = max(message.due_at, self.since)
            self._place(message, at)
            self._leave(message, judge(message, self.world, at), at)

    def _leave(self, message: Message, verdict: Verdict, at: dt.datetime) -> None:
        """Remember a text that will have left by then, or would have in shadow mode."""
        if not (verdict.may_leave or verdict.state == State.SHADOW):
            return
        reader = _reader_of(message)
        self.had[reader, message.rule_key] += 1
        if message.purpose != Purpose.TRANSACTIONAL:
            invites = verdict.wording is not None and verdict.wording.invites
            self._count(reader, at, invites=invites)

    def _as_planned(self, row: Row, rule: Rule) -> Message:
        """The message the planner would make, never saved: what the judge needs to look at."""
        session = self.sessions[row.session_id]
        message = Message(
            clinic=self.clinic,
            client=self.clients[row.client_id],
            contact=self.contacts[row.contact_id] if row.contact_id else None,
            session=session,
            rule_key=rule.key,
            purpose=rule.purpose,
            channel=rule.channel,
            revision=session.revision,
            recipient=row.recipient,
            expects=row.expects,
            invites=row.invites,
            due_at=row.due_at,
            planned_at=row.due_at,
            useful_until=row.useful_until,
        )
        message.still_participant = True  # type: ignore[attr-defined]
        message.links_refused = rule.channel in self.without_links  # type: ignore[attr-defined]
        others = self.owners.get(row.recipient, set()) - {row.client_id}
        message.shared_phone = bool(others)  # type: ignore[attr-defined]
        self._place(message, row.due_at)
        return message

    def _place(self, message: Message, at: dt.datetime) -> None:
        """What the judge asks the outbox, answered for a moment to come."""
        reader = _reader_of(message)
        values = {
            "turn": self.had[reader, message.rule_key],
            "recent_texts": _within(self.spent[reader], at, BUDGET_SPAN),
            "invited_lately": _within(self.invited[reader], at, INVITATION_SPAN),
        }
        for name, value in values.items():
            setattr(message, name, value)


def _within(moments: Iterable[dt.datetime], at: dt.datetime, span: dt.timedelta) -> int:
    return sum(at - span < moment <= at for moment in moments)


def channels_without_links(clinic: Clinic) -> frozenset[str]:
    accounts = ProviderAccount.objects.filter(clinic=clinic, active=True, refuses_links=True)
    return frozenset(accounts.values_list("channel", flat=True))


def _reader_of(message: Message) -> Reader:
    return message.client_id, message.contact_id


def _owners(phones: Iterable[str]) -> Mapping[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    owners = Client.objects.filter(phone__in=list(phones)).values_list("phone", "pk")
    for phone, pk in owners.order_by():
        found[phone].add(pk)
    return found
