"""The channel that ends with a person: a text becomes a task for reception."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from messaging import outbox
from messaging.judge import Verdict
from messaging.models import Channel, Message
from messaging.providers.base import Accepted, DeliveryStatus
from sessions_app.care_tasks import open_task
from sessions_app.models import CareTask


def take(ids: Sequence[int], *, holder: str, now: dt.datetime) -> Counter[str]:
    """Give claimed messages to reception, one task for each, in the caller's transaction.

    The re-check is the same as for a text; the task says what the client was to be told. Opening it
    and noting that it is open are one commit, so nothing can be unclear here.
    """
    ready, counts = outbox.begin_handing_over(ids, holder=holder, now=now)
    taken = [Accepted(m.pk, str(_task(m, v, now).pk), DeliveryStatus.SENT) for m, v in ready]
    counts["sent"] += outbox.accepted(taken, holder=holder, now=now, ask=False)
    return counts


def _task(message: Message, verdict: Verdict, now: dt.datetime) -> CareTask:
    return open_task(
        CareTask.Kind.INSTEAD if message.instead_of else CareTask.Kind.CALL,
        message.client,
        session=message.session,
        text=verdict.text,
        occasion=f"message:{message.pk}",
        due_at=now,
        now=now,
    )


def is_for_reception(message: Message) -> bool:
    return message.channel == Channel.CALL
