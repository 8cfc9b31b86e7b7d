"""Celery's part of the clinic's own room."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from clinic import holidays


@shared_task(name="clinic.keep_holidays")
def keep_holidays() -> dict[str, int]:
    """Public holidays of four years ahead, for every clinic in Iran."""
    return {"entered": holidays.keep_holidays(timezone.now())}
