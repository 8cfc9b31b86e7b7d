"""News from the gateways about texts that have left: callbacks and polls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import structlog
from django.db.models import F

from messaging import chains
from messaging.models import Channel, Message, Reason, State
from messaging.providers import provider_class
from messaging.providers.base import DeliveryStatus, Receipt

log = structlog.get_logger(__name__)

_LONGEST_CODE = 20
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

    Receipts are not in order and may come twice: a final state is never left, an unknown number
    changes nothing, and an account speaks of its own messages only.
    """
    return sum(_apply_one(kind, account_id, receipt, now) for receipt in receipts)


def _apply_one(kind: str, account_id: int | None, receipt: Receipt, now: dt.datetime) -> int:
    arrived = _settle_unanswered(kind, account_id, receipt, now)
    ending = _ending(kind, receipt.status)
    if ending is None:
        return arrived
    state, reason = ending
    news: dict[str, object] = (
        {"provider_code": receipt.code[:_LONGEST_CODE]} if receipt.code else {}
    )
    told = Message.objects.filter(
        provider=kind, provider_id=receipt.provider_id, account=account_id, state=State.SENT
    )
    ids = list(told.values_list("pk", flat=True))
    changed = told.update(
        state=state,
        reason=reason,
        state_at=now,
        delivered_at=now if state == State.DELIVERED else None,
        ask_at=None,
        **news,
    )
    if not changed:
        log.info("receipt_changed_nothing", gateway=kind, status=receipt.status)
    elif state == State.UNDELIVERED:
        chains.go_on(ids, now)
    return max(arrived, changed)


def _settle_unanswered(
    kind: str, account_id: int | None, receipt: Receipt, now: dt.datetime
) -> int:
    """A gateway that speaks of our id has taken the text, whatever became of its answer.

    Guarantee: by compare-and-swap with the sender, who may be settling the same row at this moment:
    whoever comes second changes nothing, and both say *sent*. The price: the cost that only the
    answer tells is not known of a text whose webhook was faster.
    """
    if receipt.local_id is None or not receipt.provider_id or not receipt.status.is_state:
        return 0
    unanswered = Message.objects.filter(
        pk=receipt.local_id,
        provider=kind,
        account=account_id,
        state__in=(State.UNKNOWN, State.SENDING),
    )
    return unanswered.update(
        state=State.SENT,
        reason="",
        state_at=now,
        sent_at=F("attempted_at"),
        provider_id=receipt.provider_id,
        provider_code="",
        holder="",
        lease_until=None,
        ask_at=None,
    )


def _ending(kind: str, status: DeliveryStatus) -> tuple[State, str] | None:
    ending = ENDINGS.get(status)
    came_back = ending and ending[0] == State.UNDELIVERED
    if came_back and provider_class(kind).channel == Channel.EMAIL:
        return State.UNDELIVERED, Reason.BOUNCED
    return ending
