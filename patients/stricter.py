"""Of two files of one client, what either of them forbids is forbidden."""

from __future__ import annotations

import datetime as dt
from typing import Any

from clinic import jalali
from patients.models import Client, Purpose
from patients.queries import is_muted

CONSENTS = tuple(f"consent_{purpose.value}" for purpose in Purpose)


def of(kept: Client, lost: Client, now: dt.datetime) -> dict[str, Any]:
    """What holds for both as one: refusals, stops, a crisis hold, a death and the care of either."""
    consents = {name: getattr(kept, name) and getattr(lost, name) for name in CONSENTS}
    return {
        **consents,
        **_mute(kept, lost, now),
        "crisis_since": _first(kept.crisis_since, lost.crisis_since),
        "deceased_at": _first(kept.deceased_at, lost.deceased_at),
        "discreet": kept.discreet or lost.discreet,
        "own_texts": kept.own_texts and lost.own_texts,
    }


def _mute(kept: Client, lost: Client, now: dt.datetime) -> dict[str, Any]:
    """Of two stops the one that lasts longer; one without an end lasts longest."""
    today = jalali.local_day(now, kept.clinic.timezone)
    standing = [client for client in (kept, lost) if is_muted(client, today)]
    if not standing:
        return {"muted_at": kept.muted_at, "muted_until": kept.muted_until}
    days = [client.muted_until for client in standing]
    return {
        "muted_at": _first(*(client.muted_at for client in standing)),
        "muted_until": None if None in days else max(day for day in days if day),
    }


def _first(*moments: dt.datetime | None) -> dt.datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
