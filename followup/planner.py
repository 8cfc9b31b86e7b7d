"""The schedule is the plan: each tick reads the sessions and queues what is due now.

Nothing is planned ahead, so nothing can go stale: a moved or cancelled session needs no clean-up,
an edited rule no re-plan, a late booking no special case. `occasions` is the one statement both
the planner and the preview are made of.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db import connection
from django.utils import timezone

from clinic.models import Clinic
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.models import Kind, Rule, Watermark

#: How far each scan looks back behind the last one: what committed late, was booked in the quiet
#: hours its reminder was pulled before, or got its phone number afterwards. A day costs 0.1 s.
OVERLAP = dt.timedelta(days=1)
#: Reminders due in quiet hours go in these last minutes before them.
LAST_MINUTES = dt.timedelta(minutes=10)
#: Before the quiet hours themselves: one tick and one drain must still fit.
MARGIN = dt.timedelta(minutes=2)
LONGEST_SPREAD = dt.timedelta(hours=1)

# Sessions are reached through the few distinct leads, given as VALUES: each is one range of the
# partial index `session_coming`. A plain join with the rules would read every future session.
OCCASIONS = """
WITH leads(minutes) AS (VALUES {leads}),
timed AS (
    SELECT s.id AS session_id, s.clinic_id, s.revision, s.starts_at, s.booked_at, s.state,
           r.id AS rule_id, r.key, r.purpose, r.channel, r.template_id, r.active_since,
           r.notice_minutes, c.live_since, c.timezone, c.quiet_from, c.quiet_to,
           s.starts_at - r.useful_minutes * interval '1 minute' AS useful_until,
           s.starts_at - leads.minutes * interval '1 minute' AS nominal,
           -- The same session always gets the same second, whoever asks and however often.
           mod(s.id * 7919, greatest(r.spread_minutes * 60, 1)) * interval '1 second' AS spread,
           mod(s.id * 7919, %(places)s) * interval '1 second' AS place_in_last_minutes
      FROM leads
      JOIN sessions_app_session s
        ON s.starts_at > %(since)s - %(longest_spread)s + leads.minutes * interval '1 minute'
       AND s.starts_at <= %(until)s + %(reach)s + leads.minutes * interval '1 minute'
      JOIN followup_rule r
        ON r.clinic_id = s.clinic_id AND r.lead_minutes = leads.minutes
       AND r.kind = 'before_session' AND r.enabled
      JOIN clinic_clinic c ON c.id = s.clinic_id
     WHERE {sessions}
),
occasions AS (
    SELECT t.*, p.client_id, cl.phone AS recipient,
           CASE WHEN is_quiet(nominal, timezone, quiet_from, quiet_to)
                THEN quiet_since(nominal, timezone, quiet_from)
                     - %(last_minutes)s * interval '1 second' + place_in_last_minutes
                WHEN is_quiet(nominal + spread, timezone, quiet_from, quiet_to)
                THEN quiet_since(nominal + spread, timezone, quiet_from)
                     - %(last_minutes)s * interval '1 second' + place_in_last_minutes
                ELSE nominal + spread
           END AS due_at,
           CASE t.purpose WHEN 'transactional' THEN cl.consent_transactional
                          WHEN 'follow_up' THEN cl.consent_follow_up
                          WHEN 'motivation' THEN cl.consent_motivation
                          ELSE cl.consent_campaign END AS consents,
           t.booked_at > t.starts_at - t.notice_minutes * interval '1 minute' AS booked_late
      FROM timed t
      JOIN sessions_app_participant p ON p.session_id = t.session_id
      JOIN patients_client cl ON cl.id = p.client_id
)
"""

# The duplicate is unrepresentable (`message_once_per_occasion`); NOT EXISTS only spares the
# sequence a number, and the log a conflict, for each occasion planned before.
INSERT = """
INSERT INTO messaging_message
       (clinic_id, rule_number, rule_key, purpose, channel, template_id, client_id, session_id,
        revision, recipient, due_at, useful_until, planned_at, state, reason, state_at, attempt_at,
        attempts, holder, text, provider, provider_id, provider_code, negative_lookups)
SELECT o.clinic_id, o.rule_id, o.key, o.purpose, o.channel, o.template_id, o.client_id,
       o.session_id, o.revision, o.recipient, o.due_at, o.useful_until, %(now)s,
       CASE WHEN o.useful_until <= %(now)s THEN 'missed' ELSE 'queued' END,
       CASE WHEN o.useful_until <= %(now)s THEN 'too_late' ELSE '' END,
       %(now)s, o.due_at, 0, '', '', '', '', '', 0
  FROM occasions o
 WHERE o.due_at > %(since)s AND o.due_at <= %(until)s
   -- No ghosts: only what fell due after the rule was switched on and the clinic went live.
   AND o.due_at >= o.active_since AND (o.live_since IS NULL OR o.due_at >= o.live_since)
   AND NOT o.booked_late
   AND NOT EXISTS (
       SELECT 1 FROM messaging_message m
        WHERE m.clinic_id = o.clinic_id AND m.session_id = o.session_id
          AND m.rule_number = o.rule_id AND m.revision = o.revision AND m.recipient = o.recipient)
 -- Of two clients with one phone, the one who consents is told. And the order is total, so that
 -- two planners at once meet each other's rows in the same order and cannot deadlock.
 ORDER BY o.due_at, o.session_id, o.rule_id, NOT o.consents, o.client_id
ON CONFLICT DO NOTHING
RETURNING state
"""

COMING = "s.state IN ('scheduled', 'confirmed')"


def plan(now: dt.datetime) -> Counter[str]:
    """Queue every reminder that fell due up to `now`, across clinics; returns counts.

    Safe to run twice at once and after any pause: it scans on from its watermark with an overlap,
    and what is past its useful time becomes MISSED, shown and not sent.
    """
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        since = _since(now)
        with connection.cursor() as cursor:
            counts = _insert(cursor, since, now)
        _remember(now)
    return counts


def _remember(now: dt.datetime) -> None:
    mark = Watermark(kind=Kind.BEFORE_SESSION, scanned_to=now, finished_at=timezone.now())
    Watermark.objects.bulk_create(
        [mark],
        update_conflicts=True,
        unique_fields=["kind"],
        update_fields=["scanned_to", "finished_at"],
    )


def _insert(cursor: Any, since: dt.datetime, now: dt.datetime) -> Counter[str]:
    leads = _leads()
    if not leads:
        return Counter()
    statement = occasions_sql(leads, COMING) + INSERT
    cursor.execute(statement, {"now": now, **bounds(since, now)})
    states = Counter(state for (state,) in cursor.fetchall())
    return Counter(planned=states["queued"], missed=states["missed"])


def bounds(since: dt.datetime, until: dt.datetime) -> dict[str, Any]:
    """The parameters of `OCCASIONS`: what falls due after `since` and up to `until`."""
    return {
        "since": since,
        "until": until,
        "reach": _longest_quiet() + LAST_MINUTES,
        "longest_spread": LONGEST_SPREAD,
        "last_minutes": int(LAST_MINUTES.total_seconds()),
        "places": int((LAST_MINUTES - MARGIN).total_seconds()),
    }


def occasions_sql(leads: list[int], sessions: str) -> str:
    return OCCASIONS.format(leads=_values(leads), sessions=sessions)


def _since(now: dt.datetime) -> dt.datetime:
    """From the watermark, or from the first rule's beginning where there is none yet."""
    mark = Watermark.objects.filter(kind=Kind.BEFORE_SESSION).first()
    if mark is not None:
        return min(mark.scanned_to, now) - OVERLAP
    first = Rule.objects.order_by("active_since").values_list("active_since", flat=True).first()
    return min(first or now, now) - OVERLAP


def _leads() -> list[int]:
    rules = Rule.objects.filter(enabled=True, kind=Kind.BEFORE_SESSION).order_by()
    return sorted(rules.values_list("lead_minutes", flat=True).distinct())


def _values(leads: list[int]) -> str:
    return ", ".join(f"({int(lead)})" for lead in leads)


def _longest_quiet() -> dt.timedelta:
    """How far before its nominal time a reminder can be pulled: the longest night of any clinic."""
    nights = Clinic.objects.order_by().values_list("quiet_from", "quiet_to").distinct()
    return max((_span(start, end) for start, end in nights), default=dt.timedelta(0))


def _span(start: dt.time, end: dt.time) -> dt.timedelta:
    minutes = (end.hour - start.hour) * 60 + end.minute - start.minute
    return dt.timedelta(minutes=minutes % (24 * 60))
