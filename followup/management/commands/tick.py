"""`tick`: all scans and all deliveries due, in this process."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from clinic.commands import JsonCommand
from followup.planner import plan
from messaging.delivery import drain
from messaging.lookups import look_after


class Command(JsonCommand):
    help = "Plan what is due and deliver it. Safe to run beside beat, and several at once."

    def answer(self, now: dt.datetime, **options: Any) -> dict[str, Any]:
        # Look-ups first: what they put back into the queue still leaves in this tick.
        planned = plan(now)
        look_after(now)
        return as_json(planned + drain(self.clock, budget_seconds=3600))


def as_json(counts: Counter[str]) -> dict[str, Any]:
    numbers = ("planned", "sent", "failed", "unknown", "missed")
    skipped = {
        key.removeprefix("skipped:"): n for key, n in counts.items() if key.startswith("skipped:")
    }
    return {**{key: counts[key] for key in numbers}, "skipped": skipped}
