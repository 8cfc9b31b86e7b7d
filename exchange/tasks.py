"""Celery's part of the imports."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from clinic.tenancy import EVERYWHERE, Hat, wear
from exchange.models import forget_old


@shared_task(name="exchange.forget")
def forget() -> dict[str, int]:
    """Let go of uploaded lists that nobody confirmed within a day."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        return {"forgotten": forget_old(timezone.now())}
