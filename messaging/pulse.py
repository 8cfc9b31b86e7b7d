"""How the engine is, in a few numbers: what alarms watch."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min

from messaging.models import Heartbeat, Message, ProviderAccount, State


@dataclass(frozen=True, slots=True)
class Pulse:
    """Moments in UTC; None where there is nothing to tell. Needs a hat that sees what is asked."""

    #: Texts that could leave, or that a sender holds, and since when the oldest one could.
    due: int
    oldest_due_at: dt.datetime | None
    #: Texts of which nobody knows whether they have left.
    unclear: int
    #: Accounts that refuse us at present.
    accounts_resting: int
    #: By part: when it last finished a round, on the wall clock.
    beats: dict[str, dt.datetime]


def take(now: dt.datetime) -> Pulse:
    """Each number is read from a partial index, so it costs what is due, not what is kept.

    What waits in a clinic that was stopped is not late: somebody wants it to wait.
    """
    waiting = Message.objects.filter(
        state__in=(State.QUEUED, State.CLAIMED), attempt_at__lte=now, clinic__paused_at=None
    ).aggregate(due=Count("*"), oldest=Min("attempt_at"))
    return Pulse(
        due=waiting["due"],
        oldest_due_at=waiting["oldest"],
        unclear=Message.objects.filter(state=State.UNKNOWN).count(),
        accounts_resting=ProviderAccount.objects.filter(active=True, paused_at__lte=now).count(),
        beats=dict(Heartbeat.objects.values_list("part", "at")),
    )
