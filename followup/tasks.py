"""Celery's part of planning."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from followup import planner


@shared_task(name="followup.plan")
def plan() -> dict[str, int]:
    return dict(planner.plan(timezone.now()))
