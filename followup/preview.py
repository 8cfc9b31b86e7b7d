"""What will be sent, and what will not and why: the planner's question asked with a later time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.models import Clinic
from followup.models import Kind, Rule
from followup.planner import bounds, occasions_sql
from messaging.judge import judge
from messaging.models import Message, Reason, State
from messaging.render import parts_of
from patients.models import Client
from sessions_app.models import Session


class WhyNot(TextChoices):
    """Why an occasion that a person might expect will make no message at all."""

    BOOKED_LATE = "booked_late", _("booked or moved too shortly before it")
    BEFORE_LIVE = "before_live", _("it fell due before the rule or the clinic was switched on")


@dataclass(frozen=True, slots=True)
class Preview:
    """One future text, or one that will not be. `state` is what it would become at `due_at`."""

    client: Client
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


SELECT = """
SELECT DISTINCT ON (o.session_id, o.rule_id, o.recipient)
       o.session_id, o.client_id, o.rule_id, o.recipient, o.due_at, o.useful_until, o.booked_late,
       o.due_at < o.active_since OR o.due_at < o.live_since AS before_live
  FROM occasions o
 WHERE o.due_at > %(since)s AND o.due_at <= %(until)s AND o.clinic_id = %(clinic)s
   AND (%(client)s::bigint IS NULL OR o.client_id = %(client)s)
   AND NOT EXISTS (
       SELECT 1 FROM messaging_message m
        WHERE m.clinic_id = o.clinic_id AND m.session_id = o.session_id
          AND m.rule_number = o.rule_id AND m.revision = o.revision AND m.recipient = o.recipient)
 ORDER BY o.session_id, o.rule_id, o.recipient, NOT o.consents, o.client_id
"""
DUE_AT = 4
SESSIONS = "s.clinic_id = %(clinic)s AND s.state IN ('scheduled', 'confirmed', 'cancelled')"


def upcoming(
    clinic: Clinic, since: dt.datetime, until: dt.datetime, *, client: Client | None = None
) -> list[Preview]:
    """What falls due after `since` and up to `until` and is not in the outbox yet.

    The caller's scope must be the clinic's. Cancelled sessions and late bookings are listed with
    their reason: a person who asks "why did nothing go" asks about exactly those.
    """
    enabled = Rule.objects.filter(kind=Kind.BEFORE_SESSION, enabled=True)
    rules = {r.pk: r for r in enabled.select_related("template")}
    rows = _rows(clinic, since, until, client, sorted({r.lead_minutes for r in rules.values()}))
    sessions = Session.objects.select_related("therapist", "service").in_bulk({r[0] for r in rows})
    clients = Client.objects.in_bulk({r[1] for r in rows})
    shared = _shared_phones(clients)
    return [
        _judged(clinic, sessions[row[0]], clients[row[1]], rules[row[2]], row, shared)
        for row in rows
    ]


def _rows(
    clinic: Clinic, since: dt.datetime, until: dt.datetime, client: Client | None, leads: list[int]
) -> list[tuple[Any, ...]]:
    if not leads:
        return []
    values = {"clinic": clinic.pk, "client": client and client.pk, **bounds(since, until)}
    with connection.cursor() as cursor:
        cursor.execute(occasions_sql(leads, SESSIONS) + SELECT, values)
        return sorted(cursor.fetchall(), key=lambda row: (row[DUE_AT], row[0], row[1]))


def _shared_phones(clients: dict[int, Client]) -> set[str]:
    """Phones among these clients' that more than one client of the clinic has."""
    phones = {c.phone for c in clients.values() if c.phone}
    owners = Client.objects.filter(phone__in=phones).values_list("phone", flat=True)
    seen: set[str] = set()
    return {phone for phone in owners if phone in seen or seen.add(phone)}  # type: ignore[func-returns-value]


def _judged(
    clinic: Clinic,
    session: Session,
    client: Client,
    rule: Rule,
    row: tuple[Any, ...],
    shared: set[str],
) -> Preview:
    recipient, due_at, useful_until, booked_late, before_live = row[3:]
    message = _as_planned(clinic, session, client, rule, recipient, due_at, useful_until)
    message.shared_phone = recipient in shared  # type: ignore[attr-defined]
    verdict = judge(message, due_at)
    state = State.QUEUED if verdict.may_leave else verdict.state
    reason = verdict.reason
    if booked_late or before_live:
        state, reason = State.SKIPPED, WhyNot.BOOKED_LATE if booked_late else WhyNot.BEFORE_LIVE
    return Preview(
        client=client,
        session=session,
        rule=rule,
        recipient=recipient,
        text=verdict.text,
        state=state.value,
        reason=str(reason),
        due_at=due_at,
        useful_until=useful_until,
    )


def _as_planned(
    clinic: Clinic,
    session: Session,
    client: Client,
    rule: Rule,
    recipient: str,
    due_at: dt.datetime,
    useful_until: dt.datetime,
) -> Message:
    """The message the planner would make, never saved: what the judge needs to look at."""
    message = Message(
        clinic=clinic,
        client=client,
        session=session,
        template=rule.template,
        purpose=rule.purpose,
        revision=session.revision,
        recipient=recipient,
        due_at=due_at,
        useful_until=useful_until,
    )
    message.still_participant = message.is_wanted = True  # type: ignore[attr-defined]
    return message
