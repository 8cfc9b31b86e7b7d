"""Celery's part of the staff's screens."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from panel import digest


@shared_task(name="panel.send_digests")
def send_digests() -> dict[str, int]:
    return dict(digest.send_due(timezone.now()))
