"""`GET /healthz` and `GET /metrics`: is this installation doing its work?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.models import Watermark
from messaging.pulse import Pulse, take

#: What is told beside the parts, and what it means; null where there is nothing to tell.
NUMBERS = {
    "planner_age_seconds": "Since the kind of rule scanned longest ago was scanned",
    "sender_age_seconds": "Since a sender last finished a round",
    "inquirer_age_seconds": "Since the gateways were last asked",
    "oldest_due_seconds": "How long the oldest text that could leave has waited",
    "due": "Texts that could leave and have not",
    "unclear": "Texts that may or may not have left",
    "accounts_resting": "Gateway accounts that refuse us",
}
#: Seconds for each part to answer; whoever asks has about ten.
PATIENCE = 3


class HealthMiddleware:
    """Answers before hosts, sessions and hats are looked at: a broken database is an answer too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            body = health(timezone.now())
            return JsonResponse(body, status=200 if body["status"] == "ok" else 503)
        if request.path == "/metrics" and may_read_metrics(request):
            return HttpResponse(metrics(timezone.now()), content_type=CONTENT_TYPE_LATEST)
        return self.get_response(request)


def health(now: dt.datetime) -> dict[str, Any]:
    """The state of the parts. Ages are whole seconds; null when there is nothing to measure.

    An old planner or an old due message does not make it 503: a restart by an orchestrator cures a
    dead database connection, never a slow gateway. Alarms should watch the two ages.
    """
    database, numbers = _database(now)
    broker = _broker()
    healthy = database == broker == "ok"
    return {
        "status": "ok" if healthy else "unavailable",
        "database": database,
        "broker": broker,
        **numbers,
    }


def _database(now: dt.datetime) -> tuple[str, dict[str, int | None]]:
    try:
        return "ok", _numbers(*look(now), now)
    except Error:  # also of a connection that was closed behind our back
        connection.close()
        return "unavailable", dict.fromkeys(NUMBERS)


def look(now: dt.datetime) -> tuple[Pulse, dt.datetime | None]:
    """The engine's pulse, and when the kind of rule scanned longest ago was scanned."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        _be_quick()
        scanned = Watermark.objects.order_by("finished_at").values_list("finished_at", flat=True)
        return take(now), scanned.first()


def _numbers(pulse: Pulse, scanned: dt.datetime | None, now: dt.datetime) -> dict[str, int | None]:
    return {
        "planner_age_seconds": _age(now, scanned),
        "sender_age_seconds": _age(now, pulse.beats.get("sender")),
        "inquirer_age_seconds": _age(now, pulse.beats.get("inquirer")),
        "oldest_due_seconds": _age(now, pulse.oldest_due_at),
        "due": pulse.due,
        "unclear": pulse.unclear,
        "accounts_resting": pulse.accounts_resting,
    }


def may_read_metrics(request: HttpRequest) -> bool:
    """Whoever has the token; without one in the settings, only this machine itself.

    The numbers name nobody, but say how much an installation does. To all others there is no such
    page. Behind a proxy every request seems to come from this machine: hence the header.
    """
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode()
        return constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and not forwarded


def metrics(now: dt.datetime) -> bytes:
    """The same numbers for Prometheus, read anew at each scrape: every process says the same."""
    registry = CollectorRegistry()
    database, numbers = _database(now)
    healthy = {"database": database, "broker": _broker()}
    up = Gauge("peygir_up", "1 while a part answers", ["part"], registry=registry)
    for part, state in healthy.items():
        up.labels(part).set(state == "ok")
    for name, value in numbers.items():
        if value is not None:
            Gauge(f"peygir_{name}", NUMBERS[name], registry=registry).set(value)
    return generate_latest(registry)


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
