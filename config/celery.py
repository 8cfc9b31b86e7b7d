"""Worker and beat. Tasks carry no message: each tick looks at the database itself."""

from __future__ import annotations

import os
from typing import Any

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure(postgres=True, redis=True)

from celery import Celery  # noqa: E402  (settings read what ensure set)
from celery.schedules import crontab  # noqa: E402
from celery.signals import beat_init, worker_init  # noqa: E402
from kombu.transport.redis import Channel, Transport  # noqa: E402

# What a worker has not acknowledged when it loses Redis it puts back at once, and what it ends
# afterwards it acknowledges, both over the connection that is gone; and kombu's AttributeError for
# that ended the worker for good. There is nothing to put back, since the next tick is a message like
# the lost one, and the error is one of the connection.
Channel.do_restore = False
Transport.connection_errors += (AttributeError,)

app = Celery("peygir")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
NIGHTLY = crontab(hour=22, minute=30)  # UTC: two in the morning in Tehran
# `expires` below the interval: after a worker's pause old ticks fall away instead of piling up.
app.conf.beat_schedule = {
    "plan": {"task": "followup.plan", "schedule": 60.0, "options": {"expires": 55}},
    "drain": {"task": "messaging.drain", "schedule": 15.0, "options": {"expires": 14}},
    "look-after": {"task": "messaging.look_after", "schedule": 60.0, "options": {"expires": 55}},
    "forget": {"task": "exchange.forget", "schedule": 3600.0, "options": {"expires": 3000}},
    "rhythms": {
        "task": "sessions_app.check_rhythms",
        "schedule": NIGHTLY,
        "options": {"expires": 36000},
    },
    "digests": {"task": "panel.send_digests", "schedule": 300.0, "options": {"expires": 290}},
    "holidays": {
        "task": "clinic.keep_holidays",
        "schedule": NIGHTLY,
        "options": {"expires": 36000},
    },
}


@worker_init.connect
@beat_init.connect
def _refuse_unsafe_database(**_: Any) -> None:
    from clinic.entry import refuse_unsafe_database

    refuse_unsafe_database()
