"""Taking due messages from the queue: fair between clinics, urgent ones first, each by one sender."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from messaging.accounts import REST

BATCH = 200
#: So many times the batch is looked at, so that as many senders at once each find their own.
REACH = 8
#: And so many of each clinic at least.
LEAST = 4
#: Longer than a drain and the slowest call in it: a holder past this is dead, not slow.
LEASE = dt.timedelta(seconds=120)

#: Goes before the claim, for the rest of its transaction. The queue is mostly empty when PostgreSQL
#: takes its statistics, so it expects one row in it, and then any index of the queue seems as good as
#: another: among 3,500 due texts of fifty clinics a claim read 390,000 pages instead of 17,000. Where
#: sorting is shunned, only `message_due` has the order that each hop asks for.
IN_ORDER = "SET LOCAL enable_sort = off;"
# The clinics with something queued, by a loose index scan: one hop of `message_due` for each. Of
# every clinic a few of its most urgent, then one of each clinic before the second of any: a clinic's
# thousand texts do not delay another's reminder. Many more are looked at than taken, because rows
# that other senders hold are skipped.
# MATERIALIZED, because the choice must be made once: joined as a subquery it may stand inside a
# nested loop, and each round of it, finding its first rows changed by this very statement, would
# take others, past the limit.
# What was chosen is found again by its id: `state || ''` hides the state from the queue's indexes.
CLAIM = """
WITH RECURSIVE waiting AS (
    (SELECT clinic_id FROM messaging_message WHERE state = 'queued' ORDER BY clinic_id LIMIT 1)
    UNION ALL
    SELECT (SELECT m.clinic_id FROM messaging_message m
             WHERE m.state = 'queued' AND m.clinic_id > w.clinic_id
             ORDER BY m.clinic_id LIMIT 1)
      FROM waiting w WHERE w.clinic_id IS NOT NULL),
clinics AS MATERIALIZED (
    SELECT c.id, c.timezone,
           is_quiet(%(now)s, c.timezone, c.quiet_from, c.quiet_to) AS quiet,
           c.paused_at IS NOT NULL OR c.monthly_cap_rial IS NOT NULL AND coalesce((
               SELECT sp.rial FROM messaging_spending sp
                WHERE sp.clinic_id = c.id AND sp.starts_at <= %(now)s AND sp.ends_at > %(now)s),
               0) >= c.monthly_cap_rial AS stopped
      FROM waiting w JOIN clinic_clinic c ON c.id = w.clinic_id),
candidates AS (
    SELECT due.*, row_number() OVER (
               PARTITION BY c.id ORDER BY due.priority, due.attempt_at, due.id) AS round
      FROM clinics c
     CROSS JOIN LATERAL (
           SELECT m.id, m.priority, m.attempt_at
             FROM messaging_message m
             JOIN patients_client cl ON cl.id = m.client_id
            WHERE m.clinic_id = c.id AND m.state = 'queued' AND m.attempt_at <= %(now)s
              AND (m.priority = 0 OR NOT c.quiet AND NOT c.stopped
                   AND (cl.texts_from IS NULL
                        OR NOT is_quiet(%(now)s, c.timezone, cl.texts_until, cl.texts_from))
                   AND (m.purpose = 'transactional'
                        OR NOT is_held_back(%(now)s, c.timezone, m.due_at, c.id)))
              AND (SELECT coalesce(bool_or(a.paused_at IS NULL OR a.paused_at <= %(rested)s), true)
                     FROM messaging_provideraccount a
                    WHERE a.clinic_id = c.id AND a.channel = m.channel AND a.active)
            ORDER BY m.priority, m.attempt_at, m.id
            LIMIT (SELECT greatest(%(least)s, %(reach)s / greatest(count(*), 1)) FROM waiting)
           ) due),
claimed AS MATERIALIZED (
    SELECT m.id
      FROM (SELECT * FROM candidates ORDER BY priority, round, attempt_at, id LIMIT %(reach)s) due
      JOIN messaging_message m ON m.id = due.id
     WHERE m.state || '' = 'queued'
     ORDER BY due.priority, due.round, due.attempt_at, due.id
     LIMIT %(limit)s
       FOR UPDATE OF m SKIP LOCKED)
UPDATE messaging_message m
   SET state = 'claimed', state_at = %(now)s, holder = %(holder)s, lease_until = %(lease)s
  FROM claimed
 WHERE m.id = claimed.id
RETURNING m.id
"""


def claim(now: dt.datetime, holder: str, limit: int = BATCH) -> list[int]:
    """Take up to `limit` due messages under a lease; no other sender gets the same ones.

    Safety first, then what is about booked sessions, then the rest; among equals each clinic in
    turn. Quiet hours, the clinic's and the client's own, closed days for what can wait, a clinic
    that was stopped and one whose limit is spent are kept here, at the last door: whatever waited,
    and for whatever reason, nothing leaves in them. An account that refused us rests, and its texts
    with it, unless a standby carries them.
    """
    values: dict[str, Any] = {
        "now": now,
        "holder": holder,
        "lease": now + LEASE,
        "rested": now - REST,
        "limit": limit,
        "reach": limit * REACH,
        "least": LEAST,
    }
    with connection.cursor() as cursor:
        cursor.execute(IN_ORDER + CLAIM, values)
        return [row[0] for row in cursor.fetchall()]
