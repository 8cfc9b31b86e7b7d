"""What is tried next when a text certainly did not arrive.

A message whose channel has failed for good gives rise to one of the next channel in its chain. It is
a message like any other: asked everything again, in nobody's quiet hours, never after its useful
time. What is unclear gives rise to nothing, for it may have arrived.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from messaging.models import Reason

#: Why a text cannot go by its channel, though by another it might.
OF_THE_CHANNEL = frozenset(
    {
        Reason.NO_PHONE,
        Reason.NO_EMAIL,
        Reason.NOT_MOBILE,
        Reason.NOT_SERVED,
        Reason.NO_APPROVED,
        Reason.NO_ACCOUNT,
        Reason.LINKS_REFUSED,
    }
)

# "Once" is the unique key's: the occasion names the message that failed. A receipt told twice, or a
# person and a receipt at once, make one.
GO_ON = """
INSERT INTO messaging_message
       (clinic_id, rule_number, rule_key, expects, invites, purpose, priority, channel, "then",
        instead_of, occasion, client_id, contact_id, session_id, revision, recipient, due_at, useful_until,
        planned_at, state, reason, state_at, attempt_at, attempts, holder, text, provider,
        provider_id, provider_code, negative_lookups)
SELECT m.clinic_id, m.rule_number, m.rule_key, m.expects, m.invites, m.purpose, m.priority,
       m."then"[1], m."then"[2:], m.id, 'after:' || m.id, m.client_id, m.contact_id, m.session_id, m.revision,
       CASE m."then"[1] WHEN 'email' THEN coalesce(ct.email, cl.email)
                        ELSE coalesce(ct.phone, cl.phone) END, m.due_at, m.useful_until,
       %(now)s, 'queued', '', %(now)s, %(now)s, 0, '', '', '', '', '', 0
  FROM messaging_message m
  JOIN patients_client cl ON cl.id = m.client_id
  LEFT JOIN patients_contactperson ct ON ct.id = m.contact_id
 WHERE m.id = ANY(%(ids)s) AND cardinality(m."then") > 0 AND m.useful_until > %(now)s
 ORDER BY m.id
ON CONFLICT DO NOTHING
"""


def go_on(ids: Sequence[int], now: dt.datetime) -> int:
    """Queue what makes up for these failed messages, where their chains go on; returns how many."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(GO_ON, {"ids": list(ids), "now": now})
        return int(cursor.rowcount)
