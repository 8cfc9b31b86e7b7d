"""News from the gateways about texts that have left: callbacks and polls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import structlog

from messaging.models import Message, Reason, State
from messaging.providers.base import DeliveryStatus, Receipt

log = structlog.get_logger(__name__)

#: What a gateway's final word makes of a sent message. Anything else changes nothing.
ENDINGS = {
    DeliveryStatus.DELIVERED: (State.DELIVERED, ""),
    DeliveryStatus.UNDELIVERED: (State.UNDELIVERED, Reason.CARRIER),
    DeliveryStatus.FAILED: (State.UNDELIVERED, Reason.CARRIER),
    DeliveryStatus.CANCELLED: (State.UNDELIVERED, Reason.REFUSED),
    DeliveryStatus.BLOCKED: (State.UNDELIVERED, Reason.BLOCKED),
}


def apply(
    kind: str, account_id: int | None, receipts: Iterable[Receipt], *, now: dt.datetime
) -> int:
    """Move messages forward by what a gateway account says; returns how many changed.

    Receipts are neither signed nor in order and may come twice: only *sent* moves, a final state is
    never left, an unknown number changes nothing, and an account speaks of its own messages only.
    """
    return sum(_apply_one(kind, account_id, receipt, now) for receipt in receipts)


def _apply_one(kind: str, account_id: int | None, receipt: Receipt, now: dt.datetime) -> int:
    ending = ENDINGS.get(receipt.status)
    if ending is None:
        return 0
    state, reason = ending
    changed = Message.objects.filter(
        provider=kind, provider_id=receipt.provider_id, account=account_id, state=State.SENT
    ).update(
        state=state,
        reason=reason,
        state_at=now,
        delivered_at=now if state == State.DELIVERED else None,
        ask_at=None,
    )
    if not changed:
        log.info("receipt_changed_nothing", gateway=kind, status=receipt.status)
    return changed
