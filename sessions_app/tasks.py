"""Celery's part of keeping the rhythms."""

from __future__ import annotations

from celery import shared_task

from sessions_app import rhythm


@shared_task(name="sessions_app.check_rhythms")
def check_rhythms() -> dict[str, int]:
    return dict(rhythm.check())
