"""The schedule is the plan: each tick reads the sessions and queues what is due now.

Nothing is planned ahead, so nothing can go stale: a moved or cancelled session needs no clean-up,
an edited rule no re-plan, a late booking no special case. The statements are in
`followup.occasions`, their conditions in `followup.conditions`; the preview is made of the same.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.db import connection
from django.utils import timezone

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup import calls
from followup.models import Kind, Rule, Watermark
from followup.occasions import BY_INDEX, Offset, offsets, statement, values

#: How far the first tick of every quarter of an hour looks back: what committed late, was booked in
#: the quiet hours its reminder was pulled before, or got its phone number afterwards.
OVERLAP = dt.timedelta(days=1)
QUARTER = dt.timedelta(minutes=15)
#: And how far behind the last one the ticks between: what committed a little late. A day at every
#: tick would cost the same again and again, and find nothing.
LATELY = dt.timedelta(minutes=5)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# The duplicate is unrepresentable (`message_once_per_occasion`); NOT EXISTS only spares the
# sequence a number, and the log a conflict, for each occasion planned before.
INSERT = """
INSERT INTO messaging_message
       (clinic_id, rule_number, rule_key, purpose, priority, channel, "then", occasion, client_id,
        contact_id, session_id, revision, recipient, expects, invites, due_at, useful_until, planned_at, state, reason,
        state_at, attempt_at, attempts, holder, text, provider, provider_id, provider_code,
        negative_lookups)
SELECT o.clinic_id, o.rule_id, o.key, o.purpose,
       CASE o.purpose WHEN 'transactional' THEN 1 ELSE 2 END, o.channel, o."then", '', o.client_id,
       o.contact_id, o.session_id, o.revision, o.recipient, o.expects,
       o.invites, o.due_at, o.useful_until, %(now)s,
       CASE WHEN o.useful_until <= %(now)s THEN 'missed' ELSE 'queued' END,
       CASE WHEN o.useful_until <= %(now)s THEN 'too_late' ELSE '' END,
       %(now)s, o.due_at, 0, '', '', '', '', '', 0
  FROM occasions o
 WHERE o.falls_at > %(since)s AND o.falls_at <= %(until)s AND o.why_not = ''
   -- No ghosts: only what fell due after the rule was switched on and the clinic went live.
   AND o.falls_at >= o.active_since AND (o.live_since IS NULL OR o.falls_at >= o.live_since)
   AND NOT EXISTS (
       SELECT 1 FROM messaging_message m
        WHERE m.clinic_id = o.clinic_id AND m.session_id = o.session_id
          AND m.rule_number = o.rule_id AND m.revision = o.revision AND m.recipient = o.recipient)
 -- Of two clients with one phone, the one who consents is told. And the order is total, so that
 -- two planners at once meet each other's rows in the same order and cannot deadlock.
 ORDER BY o.due_at, o.session_id, o.rule_id, NOT o.consents, o.client_id,
          o.contact_id NULLS FIRST
ON CONFLICT DO NOTHING
RETURNING state
"""


def plan(now: dt.datetime) -> Counter[str]:
    """Queue every text and open every call that fell due up to `now`, across clinics.

    Returns counts. Safe to run twice at once and after any pause: each kind scans on from its own
    watermark with an overlap, in a transaction of its own, and what is past its useful time becomes
    MISSED, shown and not sent. What became true only afterwards is found for a day, within a quarter
    of an hour.
    """
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        by_kind = offsets(Rule.objects.filter(enabled=True))
        starts = _starts(now)
    counts = Counter[str]()
    for kind in Kind.values:
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            counts += _plan_kind(kind, by_kind[kind], starts[kind], now)
    return counts


def _plan_kind(
    kind: str, wanted: set[Offset], since: dt.datetime, now: dt.datetime
) -> Counter[str]:
    counts = _insert(kind, wanted, since, now) if wanted else Counter[str]()
    calls.plan(kind, wanted, since, now)
    _remember(kind, now)
    return counts


def _insert(kind: str, wanted: set[Offset], since: dt.datetime, now: dt.datetime) -> Counter[str]:
    with connection.cursor() as cursor:
        planned = BY_INDEX + statement(kind, wanted) + INSERT
        cursor.execute(planned, {"now": now, **values(kind, since, now)})
        states = Counter(state for (state,) in cursor.fetchall())
    return Counter(planned=states["queued"], missed=states["missed"])


def _starts(now: dt.datetime) -> dict[str, dt.datetime]:
    """Where each kind's scan begins; before the first rule there is nothing to find."""
    marks = dict(Watermark.objects.values_list("kind", "scanned_to"))
    first = Rule.objects.order_by("active_since").values_list("active_since", flat=True).first()
    return {kind: start_of_scan(marks.get(kind, first or now), now) for kind in Kind.values}


def start_of_scan(mark: dt.datetime, now: dt.datetime) -> dt.datetime:
    """The moment after which a tick at `now` looks; `mark` is how far the last one came.

    Guarantee: what is true at some moment, and fell due in the day before it, is found by the first
    tick of the next quarter of an hour at the latest. For a mark is written together with what was
    planned: where one lies in a quarter, a scan within it has looked back a day; and the next that
    does so begins a day before that quarter, not before its own. A clock that has not gone on, or
    went back, proves nothing, and the day is looked at again. The price: a phone that is filled in
    more than five minutes after its text fell due waits for the quarter.
    """
    if mark < now and quarter_of(mark) == quarter_of(now):
        return mark - LATELY
    return quarter_of(min(mark, now)) - OVERLAP


def quarter_of(moment: dt.datetime) -> dt.datetime:
    return moment - (moment - EPOCH) % QUARTER


def _remember(kind: str, now: dt.datetime) -> None:
    mark = Watermark(kind=kind, scanned_to=now, finished_at=timezone.now())
    Watermark.objects.bulk_create(
        [mark],
        update_conflicts=True,
        unique_fields=["kind"],
        update_fields=["scanned_to", "finished_at"],
    )
