"""From the session in the diary to the text at the gateway: the planner's tick and a drain that speaks
real HTTP with the stand-in, which runs in a process of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bench.data import NOW
from bench.measure import median, timed
from bench.server import Bench
from bench.workers import Workers, gateway, workers
from followup import planner

TIMES = 3
#: Minutes of the day of a thousand clinics; fewer clinics need longer to owe as many texts.
MINUTES = 15
LONGEST = 60
#: Of the reminders' wordings: without a placeholder a whole batch is one call.
WITHOUT_PLACEHOLDERS = """
UPDATE messaging_template SET body = 'فردا منتظرتان هستیم. به امید دیدار.'
 WHERE key IN ('reminder_24h', 'reminder_72h')
"""


def measure(bench: Bench, clinics: int) -> dict[str, Any]:
    """Part after part of the day is planned and sent; each is committed."""
    part = dt.timedelta(minutes=min(LONGEST, MINUTES * 1000 / clinics))
    with gateway() as address, workers(1, "http", KAVENEGAR_BASE_URL=address) as senders:
        singles = _parts(bench, senders, NOW, part)
        bench.admin(WITHOUT_PLACEHOLDERS)
        batches = _parts(bench, senders, NOW + TIMES * part, part)
    return {"each text its own, with its link": singles, "batches of equal texts": batches}


def _parts(
    bench: Bench, senders: Workers, since: dt.datetime, part: dt.timedelta
) -> dict[str, Any]:
    runs = [_part(senders, since + n * part) for n in range(1, TIMES + 1)]
    bench.admin("VACUUM messaging_message")
    return {
        "texts": sum(texts for texts, _, _ in runs),
        "planning ms": round(1000 * median([planning for _, planning, _ in runs])),
        "sending ms": round(1000 * median([sending for _, _, sending in runs])),
        "texts/s": round(median([texts / (plan + send) for texts, plan, send in runs])),
        "texts/s, sending alone": round(median([texts / sending for texts, _, sending in runs])),
    }


def _part(senders: Workers, until: dt.datetime) -> tuple[int, float, float]:
    planning = timed(lambda: planner.plan(until))
    sent, sending = senders.drain(1, at=until)
    if not sent:
        raise RuntimeError("nothing was sent in a part of the day")
    return sent, planning, sending
