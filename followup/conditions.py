"""Why an occasion is none: the conditions of every kind of rule, written once.

The planner makes no message where `WHY_NOT` speaks, the preview shows what it says, and the
sender asks it again at the last moment, about messages that exist. All three join the same `WORLD`
to an occasion: `s` its session, `cl` the client, `r` the rule, `c` the clinic, `t` the treatment,
`a` the client's rhythm; and `at`, the moment asked about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from messaging.models import Reason

WORLD = """
JOIN clinic_clinic c ON c.id = cl.clinic_id
LEFT JOIN sessions_app_rhythm a ON a.client_id = cl.id
LEFT JOIN LATERAL (
    SELECT tr.state, tr.paused_until, tr.ends_on, tr.ends_after
      FROM patients_treatment tr
     WHERE tr.client_id = cl.id AND tr.therapist_id = s.therapist_id
       AND tr.service_id = s.service_id
     ORDER BY tr.id DESC LIMIT 1) t ON true
"""

ATTENDED_BEFORE = """EXISTS (
    SELECT 1 FROM sessions_app_participant bp JOIN sessions_app_session bs ON bs.id = bp.session_id
     WHERE bp.client_id = cl.id AND bs.state = 'attended' AND bs.starts_at < s.starts_at)"""

# The outcome before this one; what nobody recorded, or what was cancelled, says nothing.
MISSED_BEFORE = """'no_show' = (
    SELECT bs.state
      FROM sessions_app_participant bp JOIN sessions_app_session bs ON bs.id = bp.session_id
     WHERE bp.client_id = cl.id AND bs.state IN ('attended', 'no_show')
       AND bs.starts_at < s.starts_at
     ORDER BY bs.starts_at DESC, bs.id DESC LIMIT 1)"""

ANSWERED = """EXISTS (
    SELECT 1 FROM sessions_app_clientlink l
     WHERE l.client_id = cl.id AND l.session_id = s.id AND l.purpose = 'choices'
       AND l.answered_at IS NOT NULL)"""

# Whoever has come to a planned ending is not silent. Sessions are counted as the plan counts them:
# with this therapist, for this service.
PLAN_OVER = """(t.ends_on <= (at AT TIME ZONE c.timezone)::date
    OR t.ends_after IS NOT NULL AND t.ends_after <= (
    SELECT count(*)
      FROM sessions_app_participant bp JOIN sessions_app_session bs ON bs.id = bp.session_id
     WHERE bp.client_id = cl.id AND bs.state = 'attended'
       AND bs.therapist_id = s.therapist_id AND bs.service_id = s.service_id))"""

WHY_NOT = f"""CASE
    WHEN cl.deceased_at IS NOT NULL THEN 'deceased'
    WHEN cardinality(r.services) > 0 AND NOT s.service_id = ANY(r.services) THEN 'not_meant'
    WHEN cardinality(r.therapists) > 0 AND NOT s.therapist_id = ANY(r.therapists) THEN 'not_meant'
    WHEN r.audience = 'new' AND {ATTENDED_BEFORE} THEN 'not_meant'
    WHEN r.audience = 'returning' AND NOT {ATTENDED_BEFORE} THEN 'not_meant'
    WHEN r.kind = 'before_session'
         AND s.booked_at > s.starts_at - r.notice_minutes * interval '1 minute'
         THEN 'booked_late'
    WHEN r.kind = 'booked' AND s.starts_at <= at THEN 'session_started'
    WHEN r.kind = 'thanks'
         AND s.recorded_at > s.ends_at + r.notice_minutes * interval '1 minute'
         THEN 'recorded_late'
    WHEN r.kind = 'no_show' AND {MISSED_BEFORE} THEN 'second_no_show'
    WHEN r.kind IN ('no_next', 'silent', 'long_gap', 'mid_treatment') THEN CASE
        WHEN t.state = 'paused'
             AND coalesce(t.paused_until > (at AT TIME ZONE c.timezone)::date, true) THEN 'paused'
        WHEN t.state IN ('completed', 'dropped') THEN 'ended'
        WHEN r.kind = 'long_gap' AND a.next_session_id <> s.id THEN 'booked'
        WHEN r.kind = 'long_gap' AND a.gap_middle_at > at THEN 'seen_since'
        WHEN r.kind IN ('no_next', 'silent') AND a.next_session_id IS NOT NULL THEN 'booked'
        WHEN r.kind IN ('no_next', 'silent') AND a.last_attended_id <> s.id THEN 'seen_since'
        WHEN r.kind IN ('no_next', 'silent') AND {ANSWERED} THEN 'answered'
        WHEN r.kind IN ('no_next', 'silent') AND {PLAN_OVER} THEN 'plan_over'
        ELSE '' END
    ELSE '' END"""

# A rule that was deleted, switched off, or switched on again only after the message fell due.
OBJECTIONS = f"""
SELECT m.id,
       CASE WHEN r.id IS NULL OR NOT r.enabled OR r.active_since > m.due_at THEN 'rule_off'
            WHEN s.id IS NULL THEN ''
            ELSE {WHY_NOT} END AS why_not
  FROM messaging_message m
  CROSS JOIN (SELECT %(now)s::timestamptz AS at) moment
  JOIN patients_client cl ON cl.id = m.client_id
  LEFT JOIN followup_rule r ON r.clinic_id = m.clinic_id AND r.id = m.rule_number
  LEFT JOIN sessions_app_session s ON s.id = m.session_id
{WORLD}
 WHERE m.id = ANY(%(ids)s) AND m.rule_number IS NOT NULL
"""


def objections_of(ids: Sequence[int], now: dt.datetime) -> dict[int, str]:
    """Which of these messages their rules would not plan any more, and why."""
    with connection.cursor() as cursor:
        cursor.execute(OBJECTIONS, {"ids": list(ids), "now": now})
        return {pk: Reason(why).value for pk, why in cursor.fetchall() if why}
