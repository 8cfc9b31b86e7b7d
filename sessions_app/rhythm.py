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
from django.db.models.signals import post_save
from django.dispatch import receiver

from clinic.models import Clinic, Service
from clinic.tenancy import EVERYWHERE, Hat, wear

log = structlog.get_logger(__name__)

#: The client's own gap and hour are taken from the sessions of this many last visits.
RECENT = 11
#: Nobody is asked earlier than this, unless the service says so; in days.
SHORTEST_LAPSE = 21
#: What the column holds; a client who comes once in thirty years has no rhythm.
LONGEST_LAPSE = 32_767

# Two changes at once, each blind to the other's uncommitted session, would compute from half the
# truth, and the later would overwrite the earlier. So every row is made and held before anybody
# looks: the one who waits looks afterwards, in a statement of its own. The price is that two
# changes about one client wait for each other until the first has committed.
MAKE = """
INSERT INTO sessions_app_rhythm (clinic_id, client_id, attended, lapse_days)
SELECT cl.clinic_id, cl.id, 0, %(shortest)s
  FROM patients_client cl
 WHERE {whose}
   AND NOT EXISTS (SELECT 1 FROM sessions_app_rhythm r WHERE r.client_id = cl.id)
 ORDER BY cl.id
ON CONFLICT DO NOTHING
"""
HOLD = """
SELECT 1 FROM sessions_app_rhythm r
 WHERE r.client_id IN (SELECT cl.id FROM patients_client cl WHERE {whose})
 ORDER BY r.client_id FOR NO KEY UPDATE
"""
# Always by way of the client's own places. After a first import PostgreSQL knows nothing of the tables
# yet, takes the attended sessions for few, and would read all of them for every client: minutes.
VISITS = """
    sessions_app_participant p CROSS JOIN LATERAL (
        SELECT x.* FROM sessions_app_session x WHERE x.id = p.session_id OFFSET 0) s"""
# Gaps are counted in local calendar days, so that a session an hour earlier or later in the day
# does not change them.
REFRESH = """
UPDATE sessions_app_rhythm r
   SET last_attended_at = found.last_attended_at, last_attended_id = found.last_attended_id,
       next_session_at = found.next_session_at, next_session_id = found.next_session_id,
       gap_middle_at = found.gap_middle_at, attended = found.attended,
       median_gap_days = found.median_gap_days, usual_minute = found.usual_minute,
       lapse_days = found.lapse_days
  FROM (
SELECT cl.id AS client_id, last.starts_at AS last_attended_at, last.id AS last_attended_id,
       coming.starts_at AS next_session_at, coming.id AS next_session_id,
       last.starts_at + (coming.starts_at - last.starts_at) / 2 AS gap_middle_at,
       (SELECT count(*) FROM {visits}
         WHERE p.client_id = cl.id AND s.state = 'attended') AS attended,
       habit.median_gap AS median_gap_days, habit.usual_minute,
       coalesce(service.lapse_days,
                least(%(longest)s, greatest(%(shortest)s, ceil(3 * habit.median_gap))))
           AS lapse_days
  FROM patients_client cl
  JOIN clinic_clinic c ON c.id = cl.clinic_id
  LEFT JOIN LATERAL (
       SELECT s.id, s.starts_at, s.service_id
         FROM {visits}
        WHERE p.client_id = cl.id AND s.state = 'attended'
        ORDER BY s.starts_at DESC, s.id DESC LIMIT 1) last ON true
  LEFT JOIN LATERAL (
       SELECT s.id, s.starts_at
         FROM {visits}
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
                         FROM {visits}
                        WHERE p.client_id = cl.id AND s.state = 'attended'
                        ORDER BY s.starts_at DESC LIMIT %(recent)s) visits) steps) habit
 WHERE {whose}) found
 WHERE r.client_id = found.client_id
   AND (r.last_attended_at, r.last_attended_id, r.next_session_at, r.next_session_id,
        r.gap_middle_at, r.attended, r.median_gap_days, r.usual_minute, r.lapse_days)
       IS DISTINCT FROM
       (found.last_attended_at, found.last_attended_id, found.next_session_at,
        found.next_session_id, found.gap_middle_at, found.attended,
        found.median_gap_days, found.usual_minute, found.lapse_days)
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
        for statement in (MAKE, HOLD, REFRESH):
            cursor.execute(statement.format(whose=whose, visits=VISITS), {**limits, **values})
        return int(cursor.rowcount)


@receiver(post_save, sender=Service, dispatch_uid="rhythm.of_service")
def _follow_service(sender: type[Service], instance: Service, created: bool, **_: Any) -> None:
    if not created:
        refresh_service(instance)
