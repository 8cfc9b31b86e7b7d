"""What changes a clinic as a whole."""

from __future__ import annotations

import datetime as dt

import structlog

from clinic.models import Clinic, User

log = structlog.get_logger(__name__)


def pause_texts(clinic: Clinic, *, by: User, now: dt.datetime) -> bool:
    """Let nothing leave but what safety needs, until `resume_texts`; False when it is so already.

    What waits meanwhile keeps its useful time, and is missed when that passes.
    """
    # Of two who stop it at once the first one's name stays.
    paused = Clinic.objects.filter(pk=clinic.pk, paused_at=None).update(paused_at=now, paused_by=by)
    return _noted("texts_paused", clinic, bool(paused), by, now)


def resume_texts(clinic: Clinic, *, by: User, now: dt.datetime) -> bool:
    """Let texts leave again; False when nothing stood in their way."""
    stopped = Clinic.objects.filter(pk=clinic.pk, paused_at__isnull=False)
    resumed = stopped.update(paused_at=None, paused_by=None)
    return _noted("texts_resumed", clinic, bool(resumed), by, now)


def _noted(event: str, clinic: Clinic, changed: bool, by: User, now: dt.datetime) -> bool:
    """Who and when, for whoever asks later: the row keeps the present stop only."""
    clinic.refresh_from_db(fields=["paused_at", "paused_by"])
    if changed:
        log.info(event, clinic=clinic.pk, by=by.pk, at=now.isoformat())
    return changed
