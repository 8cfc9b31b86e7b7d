"""`GET /healthz`: is this installation doing its work?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.models import Watermark
from messaging.outbox import oldest_due

#: Seconds for each part to answer; whoever asks has about ten.
PATIENCE = 3


class HealthMiddleware:
    """Answers before hosts, sessions and hats are looked at: a broken database is an answer too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path != "/healthz":
            return self.get_response(request)
        body = health(timezone.now())
        return JsonResponse(body, status=200 if body["status"] == "ok" else 503)


def health(now: dt.datetime) -> dict[str, Any]:
    """The state of the parts. Ages are whole seconds; null when there is nothing to measure.

    An old planner or an old due message does not make it 503: a restart by an orchestrator cures a
    dead database connection, never a slow gateway. Alarms should watch the two ages.
    """
    database, ages = _database(now)
    broker = _broker()
    healthy = database == broker == "ok"
    return {
        "status": "ok" if healthy else "unavailable",
        "database": database,
        "broker": broker,
        **ages,
    }


def _database(now: dt.datetime) -> tuple[str, dict[str, int | None]]:
    ages: dict[str, int | None] = {"planner_age_seconds": None, "oldest_due_seconds": None}
    try:
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            _be_quick()
            scanned = Watermark.objects.order_by("finished_at").values_list(
                "finished_at", flat=True
            )
            ages["planner_age_seconds"] = _age(now, scanned.first())
            ages["oldest_due_seconds"] = _age(now, oldest_due(now))
    except Error:  # also of a connection that was closed behind our back
        connection.close()
        return "unavailable", ages
    return "ok", ages


def _be_quick() -> None:
    """A table that a migration holds is no reason to keep the asker waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{PATIENCE}s"])


def _broker() -> str:
    # A connection of its own, that waits for nobody and tries once. It writes: a broker that is
    # full, or another's copy, takes no task either.
    broker = Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        broker.set("peygir:healthz", 1, ex=10)
    except (RedisError, OSError):
        return "unavailable"
    finally:
        broker.close()
    return "ok"


def _age(now: dt.datetime, since: dt.datetime | None) -> int | None:
    return None if since is None else max(0, int((now - since).total_seconds()))
