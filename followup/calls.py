"""Where a text would be out of place, a person calls: the tasks that rules give rise to.

Found by the same statements as the texts, in the same transaction and scan; the occasion's name
makes each task once, however often it is found.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from followup.models import Kind
from followup.occasions import AFTER_SESSION, BY_INDEX, Offset, statement, values

#: Days after a session with nothing booked after which a text no longer does.
CALL_AFTER_DAYS = 7

# Like the text, but not with the rule's own offset: the call comes after it.
NO_NEXT_BOOKING = AFTER_SESSION.replace("{minutes}", f"({CALL_AFTER_DAYS * 1440})").replace(
    "AND r.offset_minutes = o.minutes", ""
)

INSERT = """
INSERT INTO sessions_app_caretask
       (clinic_id, kind, client_id, session_id, occasion, text, due_at, created_at, outcome)
SELECT DISTINCT ON (o.session_id, o.client_id)
       o.clinic_id, %(task)s, o.client_id, o.session_id, 'session:' || o.session_id, '',
       o.due_at, %(now)s, ''
  FROM occasions o
 WHERE o.falls_at > %(since)s AND o.falls_at <= %(until)s AND o.why_not = %(why_not)s
   AND o.falls_at >= o.active_since AND (o.live_since IS NULL OR o.falls_at >= o.live_since)
 ORDER BY o.session_id, o.client_id, o.due_at
ON CONFLICT DO NOTHING
"""

# The pause was agreed, so its end is no silence: nobody is texted, somebody asks how it is.
PAUSE_OVER = """
INSERT INTO sessions_app_caretask
       (clinic_id, kind, client_id, session_id, occasion, text, due_at, created_at, outcome)
SELECT tr.clinic_id, 'pause_over', tr.client_id, NULL,
       'pause:' || tr.id || ':' || tr.paused_until, '',
       (working_day(tr.paused_until, c.id) + time '10:00') AT TIME ZONE c.timezone, %(now)s, ''
  FROM patients_treatment tr
  JOIN clinic_clinic c ON c.id = tr.clinic_id
  JOIN patients_client cl ON cl.id = tr.client_id AND cl.deceased_at IS NULL
  LEFT JOIN sessions_app_rhythm a ON a.client_id = tr.client_id
 WHERE tr.state = 'paused'
   AND tr.paused_until > (%(since)s AT TIME ZONE 'UTC')::date - 2
   AND tr.paused_until <= (%(until)s AT TIME ZONE 'UTC')::date + 1
   AND tr.paused_until <= (%(until)s AT TIME ZONE c.timezone)::date
   AND a.next_session_id IS NULL
 ORDER BY tr.client_id, tr.id
ON CONFLICT DO NOTHING
"""

# Nor is a planned ending a silence: somebody asks whether it was a good one, or goes on. Found on its
# day, or when the last of its sessions is recorded; a plan that is changed is another occasion.
PLAN_OVER = """
INSERT INTO sessions_app_caretask
       (clinic_id, kind, client_id, session_id, occasion, text, due_at, created_at, outcome)
SELECT tr.clinic_id, 'plan_over', tr.client_id, NULL,
       concat_ws(':', 'plan', tr.id, coalesce(tr.ends_on::text, '-'), coalesce(tr.ends_after, 0)), '',
       (working_day(coalesce(come.day, today.day + 1), c.id) + time '10:00') AT TIME ZONE c.timezone,
       %(now)s, ''
  FROM (SELECT x.id AS treatment_id, x.ends_on AS day
          FROM patients_treatment x
         WHERE x.state IN ('active', 'paused') AND x.ends_on IS NOT NULL
           AND x.ends_on > (%(since)s AT TIME ZONE 'UTC')::date - 2
           AND x.ends_on <= (%(until)s AT TIME ZONE 'UTC')::date + 1
         UNION
        SELECT x.id, NULL
          FROM sessions_app_session s
          JOIN sessions_app_participant p ON p.session_id = s.id
          JOIN patients_treatment x
            ON x.clinic_id = s.clinic_id AND x.client_id = p.client_id
           AND x.therapist_id = s.therapist_id AND x.service_id = s.service_id
           AND x.state IN ('active', 'paused')
         WHERE s.state = 'attended' AND s.recorded_at > %(since)s AND s.recorded_at <= %(until)s
           AND x.ends_after <= (
               SELECT count(*)
                 FROM sessions_app_participant op JOIN sessions_app_session os ON os.id = op.session_id
                WHERE op.client_id = x.client_id AND os.state = 'attended'
                  AND os.therapist_id = x.therapist_id AND os.service_id = x.service_id)) come
  JOIN patients_treatment tr ON tr.id = come.treatment_id
  JOIN clinic_clinic c ON c.id = tr.clinic_id
  JOIN patients_client cl ON cl.id = tr.client_id AND cl.deceased_at IS NULL
  LEFT JOIN sessions_app_rhythm a ON a.client_id = tr.client_id
 CROSS JOIN LATERAL (SELECT (%(until)s AT TIME ZONE c.timezone)::date AS day) today
 WHERE (come.day IS NULL OR come.day <= today.day) AND a.next_session_id IS NULL
 ORDER BY tr.client_id, tr.id
ON CONFLICT DO NOTHING
"""


def plan(kind: str, wanted: set[Offset], since: dt.datetime, now: dt.datetime) -> None:
    """Open the tasks that a kind of rule gives rise to; needs the worker's hat.

    A pause or an ending was agreed with a person, so that neither asks a rule.
    """
    if kind == Kind.SILENT:
        with connection.cursor() as cursor:
            for agreed in (PAUSE_OVER, PLAN_OVER):
                cursor.execute(BY_INDEX + agreed, {"since": since, "until": now, "now": now})
    elif kind == Kind.NO_SHOW and wanted:
        _open(kind, statement(kind, wanted), "second_no_show", since, now)
    elif kind == Kind.NO_NEXT_BOOKING and wanted:
        _open(kind, statement(kind, wanted, found=NO_NEXT_BOOKING), "", since, now)


def _open(kind: str, occasions: str, why_not: str, since: dt.datetime, now: dt.datetime) -> None:
    task: dict[str, Any] = {"task": kind, "why_not": why_not, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(BY_INDEX + occasions + INSERT, {**values(kind, since, now), **task})
