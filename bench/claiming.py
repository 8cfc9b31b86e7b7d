"""Claiming, the re-check, writing, settling: the product's own drain with a gateway that answers at
once, by one, two and four processes on one queue; and what a single claim costs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bench.data import NOW
from bench.measure import median, ms, taken_back
from bench.server import Bench
from bench.workers import Workers, workers
from messaging.claiming import claim

#: The standing clock of the senders.
SENT_AT = NOW + dt.timedelta(minutes=30)
PROCESSES = (1, 2, 4)
#: A gateway of this machine, which may be given any number; nobody listens there.
NOWHERE = "http://127.0.0.1:9"
#: What falls due in the worst minute of 10,000 clinics; here it is a thousand that owe it.
PEAK = 33
#: So many, or fewer where there are few clinics, are sent in a round.
MOST = 6000
#: Of texts that are each their own: one call each, so that a few tell enough.
OWN = 200
#: The senders commit; more rounds would only make the tables longer.
ROUNDS = 3

#: Without a placeholder every text is the same, and two hundred leave in one call.
EQUAL = "bench_equal"
WORDING = """
INSERT INTO messaging_template (clinic_id, key, invites, plain, approved_name, body, updated_at)
SELECT id, 'bench_equal', false, false, '', 'فردا منتظرتان هستیم. به امید دیدار.', created_at
  FROM clinic_clinic
"""
# Reminders of coming sessions; `occasion` tells one queue from the next.
QUEUE = """
SET session_replication_role = replica;
INSERT INTO messaging_message
       (clinic_id, rule_number, rule_key, expects, invites, purpose, channel, client_id, session_id,
        revision, recipient, due_at, useful_until, planned_at, state, reason, state_at, attempt_at,
        attempts, holder, text, provider, provider_id, provider_code, negative_lookups, priority,
        "then", occasion)
SELECT s.clinic_id, r.id, %(wording)s, 'coming', false, 'transactional', 'sms', p.client_id, s.id,
       s.revision, cl.phone, %(now)s, s.starts_at, %(now)s, 'queued', '', %(now)s, %(now)s, 0, '',
       '', '', '', '', 0, 1, '{}', %(name)s
  FROM sessions_app_session s
  JOIN sessions_app_participant p ON p.session_id = s.id
  JOIN patients_client cl ON cl.id = p.client_id
  JOIN followup_rule r ON r.clinic_id = s.clinic_id AND r.key = 'reminder_24h'
 WHERE s.state IN ('scheduled', 'confirmed') AND s.starts_at > %(now)s::timestamptz + interval '1 day'
   AND s.booked_at <= s.starts_at - r.notice_minutes * interval '1 minute'
 ORDER BY s.id LIMIT %(count)s;
"""


def fill(bench: Bench, count: int, name: str, wording: str, database: str = "peygir") -> None:
    """Let so many texts be due, of all clinics in equal shares."""
    values = {"now": NOW, "count": count, "name": name, "wording": wording}
    bench.admin(QUEUE, values, database=database)


def measure(bench: Bench, clinics: int) -> dict[str, Any]:
    bench.admin(WORDING)
    equal = min(MOST, 80 * clinics)
    own = min(OWN, 20 * clinics)
    found: dict[str, Any] = {"one claim": _one_claim(bench, PEAK * clinics)}
    with workers(max(PROCESSES), "at-once", KAVENEGAR_BASE_URL=NOWHERE) as senders:
        found["equal texts"] = _rates(bench, senders, EQUAL, equal)
        found["each text its own"] = _rates(bench, senders, "reminder_24h", own)
    return found


def _one_claim(bench: Bench, queued: int) -> dict[str, Any]:
    fill(bench, queued, "one claim", EQUAL)
    bench.admin("ANALYZE messaging_message")
    claims = [taken_back(lambda: claim(SENT_AT, "bench")) for _ in range(9)][2:]
    bench.admin("DELETE FROM messaging_message WHERE occasion = 'one claim'")
    bench.admin("VACUUM messaging_message")
    return {"queued": queued, "ms": ms(claims), "claims/s": round(1 / median(claims))}


def _rates(bench: Bench, senders: Workers, wording: str, count: int) -> dict[str, Any]:
    """Texts in a second by the number of processes; the first round is for nothing."""
    rates: dict[int, list[float]] = {n: [] for n in PROCESSES}
    for turn in range(-1, ROUNDS):
        for n in PROCESSES[:: 1 if turn % 2 else -1]:
            fill(bench, count if turn >= 0 else count // 4, f"{wording} {n} {turn}", wording)
            bench.admin("CHECKPOINT")
            sent, seconds = senders.drain(n, at=SENT_AT)
            if not sent:
                raise RuntimeError("nothing has left")
            if turn >= 0:
                rates[n].append(sent / seconds)
    per_second = {str(n): round(median(each)) for n, each in rates.items()}
    return {
        "texts": count,
        "texts/s by processes": per_second,
        "two/one": round(median(rates[2]) / median(rates[1]), 2),
        "most/one": round(median(rates[max(PROCESSES)]) / median(rates[1]), 2),
    }
