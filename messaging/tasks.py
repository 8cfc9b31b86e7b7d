"""Celery's part: no task carries a message."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from messaging import delivery, lookups


@shared_task(name="messaging.drain")
def drain() -> dict[str, int]:
    return dict(delivery.drain(timezone.now))


@shared_task(name="messaging.look_after")
def look_after() -> dict[str, int]:
    return dict(lookups.look_after(timezone.now()))
