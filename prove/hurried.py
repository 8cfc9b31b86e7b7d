"""Worker and beat as they are, but with short waits: `celery -A prove.hurried`.

A proof of minutes cannot wait for leases of minutes. Only these times differ; a lease this short
makes the engine doubt more often than it would, never less.
"""

from __future__ import annotations

import datetime as dt

import django

from config.celery import app

django.setup()

from messaging import claiming, delivery, lookups, outbox  # noqa: E402  (models come after the set-up)

claiming.LEASE = dt.timedelta(seconds=6)
for module in (outbox, delivery, lookups):
    module.ASK_AFTER = dt.timedelta(seconds=2)  # type: ignore[attr-defined]
app.conf.beat_schedule = {
    "plan": {"task": "followup.plan", "schedule": 2.0, "options": {"expires": 10}},
    "drain": {"task": "messaging.drain", "schedule": 1.0, "options": {"expires": 10}},
    "look-after": {"task": "messaging.look_after", "schedule": 2.0, "options": {"expires": 10}},
}

__all__ = ["app"]
