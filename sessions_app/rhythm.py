"""How each client comes: the maintained columns of `Rhythm`, and their nightly check.

Finding the silent through them is several hundred times cheaper than asking the history; keeping
them costs well under a millisecond for each change of a session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import structlog
from django.db import connection

from clinic.models import Clinic, Service
from clinic.tenancy import EVERYWHERE, Hat, wear

log = structlog.get_logger(__name__)

#: The client's own gap and hour are taken from the sessions of this many last visits.
RECENT = 11
#: Nobody is asked earlier than this, unless the service says so; in days.
SHORTEST_LAPSE = 21
LONGEST_LAPSE = 365

# Gaps are counted in local calendar days, so that a session an hour earlier or later in the day
# does not change them.
REFRESH = """
INSERT INTO sessions_app_rhythm AS r
       (clinic_id, client_id, last_attended_at, last_attended_id, next_session_at, next_session_id,
        gap_middle_at, attended, median_gap_days, usual_minute, lapse_days)
SELECT cl.clinic_id, cl.id, last.starts_at, last.id, coming.starts_at, coming.id,
       last.starts_at + (coming.starts_at - last.starts_at) / 2,
       (SELECT count(*) FROM sessions_app_participant p JOIN sessions_app_session s
            ON s.id = p.session_id
         WHERE p.client_id = cl.id AND s.state = 'attended'),
       habit.median_gap, habit.usual_minute,
       least(%(longest)s, coalesce(
           service.lapse_days, greatest(%(shortest)s, ceil(3 * habit.median_gap)), %(shortest)s))
  FROM patients_client cl
  JOIN clinic_clinic c ON c.id = cl.clinic_id
  LEFT JOIN LATERAL (
       SELECT s.id, s.starts_at, s.service_id
         FROM sessions_app_participant p JOIN sessions_app_session s ON s.id = p.session_id
        WHERE p.client_id = cl.id AND s.state = 'attended'
        ORDER BY s.starts_at DESC, s.id DESC LIMIT 1) last ON true
  LEFT JOIN LATERAL (
       SELECT s.id, s.starts_at
         FROM sessions_app_participant p JOIN sessions_app_session s ON s.id = p.session_id
        WHERE p.client_id = cl.id AND s.state IN ('scheduled', 'confirmed', 'arrived')
          AND (last.starts_at IS NULL OR s.starts_at > last.starts_at)
        ORDER BY s.starts_at, s.id LIMIT 1) coming ON true
  LEFT JOIN clinic_service service ON service.id = last.service_id
  CROSS JOIN LATERAL (
       SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS median_gap,
              mode() WITHIN GROUP (ORDER BY minute) AS usual_minute
         FROM (SELECT here::date - lag(here::date) OVER (ORDER BY here) AS gap,
                      (extract(hour FROM here) * 60 + extract(minute FROM here))::int AS minute
                 FROM (SELECT s.starts_at AT TIME ZONE c.timezone AS here
                         FROM sessions_app_participant p
                         JOIN sessions_app_session s ON s.id = p.session_id
                        WHERE p.client_id = cl.id AND s.state = 'attended'
                        ORDER BY s.starts_at DESC LIMIT %(recent)s) visits) steps) habit
 WHERE {whose}
 ORDER BY cl.id
ON CONFLICT (clinic_id, client_id) DO UPDATE
   SET last_attended_at = excluded.last_attended_at, last_attended_id = excluded.last_attended_id,
       next_session_at = excluded.next_session_at, next_session_id = excluded.next_session_id,
       gap_middle_at = excluded.gap_middle_at, attended = excluded.attended,
       median_gap_days = excluded.median_gap_days, usual_minute = excluded.usual_minute,
       lapse_days = excluded.lapse_days
 WHERE (r.last_attended_at, r.last_attended_id, r.next_session_at, r.next_session_id,
        r.gap_middle_at, r.attended, r.median_gap_days, r.usual_minute, r.lapse_days)
       IS DISTINCT FROM
       (excluded.last_attended_at, excluded.last_attended_id, excluded.next_session_at,
        excluded.next_session_id, excluded.gap_middle_at, excluded.attended,
        excluded.median_gap_days, excluded.usual_minute, excluded.lapse_days)
RETURNING clinic_id
"""
THESE = "cl.id = ANY(%(clients)s)"
# Without a session there is nothing to keep.
OF_CLINIC = """cl.clinic_id = %(clinic)s
   AND EXISTS (SELECT 1 FROM sessions_app_participant p WHERE p.client_id = cl.id)"""


def refresh(client_ids: Iterable[int]) -> int:
    """Bring these clients' rows in line with their sessions; returns how many were not."""
    ids = sorted(set(client_ids))
    return _run(THESE, clients=ids) if ids else 0


def refresh_clinic(clinic_id: int) -> int:
    """The same for all clients of a clinic who ever had a session: after an import, and nightly."""
    return _run(OF_CLINIC, clinic=clinic_id)


def refresh_service(service: Service) -> int:
    """The same for the clients whose last visit was for a service: its lapse has changed."""
    whose = (
        "cl.id IN (SELECT x.client_id FROM sessions_app_rhythm x JOIN sessions_app_session s"
        " ON s.id = x.last_attended_id WHERE s.service_id = %(service)s)"
    )
    return _run(whose, service=service.pk)


def check() -> Counter[str]:
    """Recompute every clinic's rows and mend what differs; each mended one is a defect elsewhere.

    One short transaction a clinic. Returns the number of clinics and of rows that were wrong.
    """
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        clinic_ids = list(Clinic.objects.order_by("pk").values_list("pk", flat=True))
    counts = Counter(clinics=len(clinic_ids), wrong=0)
    for clinic_id in clinic_ids:
        with wear(Hat.WORKER, clinic_id=clinic_id):
            wrong = refresh_clinic(clinic_id)
        if wrong:
            log.error("rhythm_was_wrong", clinic=clinic_id, rows=wrong)
        counts["wrong"] += wrong
    return counts


def _run(whose: str, **values: Any) -> int:
    limits = {"recent": RECENT, "shortest": SHORTEST_LAPSE, "longest": LONGEST_LAPSE}
    with connection.cursor() as cursor:
        cursor.execute(REFRESH.format(whose=whose), {**limits, **values})
        return int(cursor.rowcount)
