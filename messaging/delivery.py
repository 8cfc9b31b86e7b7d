"""Hand due messages to their gateways.

One HTTP call is: a short transaction that commits *sending* (`outbox.begin_sending`), the call
outside any transaction, and another that records its end. A process may die between any two
steps; what it leaves is swept to the queue when nothing can have left, and to *unknown* when
something may have.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import structlog

from clinic.tenancy import EVERYWHERE, Hat, Scope, wear
from messaging import outbox
from messaging.accounts import REST, Gateway, gateways_of, rest_account, wake_account
from messaging.judge import Verdict
from messaging.models import Message, Reason
from messaging.outbox import ASK_AFTER, Ready
from messaging.providers.base import Accepted, ErrorKind, OutgoingText, ProviderError

log = structlog.get_logger(__name__)

#: The time in UTC, asked anew; a moved clock stands still.
Clock = Callable[[], dt.datetime]
#: A drain stops after this and lets the next one go on, well inside the task's time limit.
BUDGET_SECONDS = 40.0
LONGEST_PAUSE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Call:
    """Messages for one HTTP call: equal text, one gateway. Without text: nothing may leave."""

    ids: list[int]
    text: str | None = field(repr=False)
    gateway: Gateway | None


def drain(clock: Clock, budget_seconds: float = BUDGET_SECONDS) -> Counter[str]:
    """Deliver what is due until nothing is left or the time is up; returns counts by result.

    Safe to run in any number of processes at once, to lose, and to repeat: the rows are the truth.
    `clock` gives the time in UTC and is asked before each call: a drain takes a while, and quiet
    hours may begin, or a lease end, in the middle of it.
    """
    holder = secrets.token_hex(8)
    deadline = time.monotonic() + budget_seconds
    with _worker():
        counts = outbox.sweep(clock())
    while time.monotonic() < deadline:
        with _worker():
            ids = outbox.claim(clock(), holder)
        if not ids:
            break
        counts += _deliver(ids, holder, clock, deadline)
    return counts


def _deliver(ids: Sequence[int], holder: str, clock: Clock, deadline: float) -> Counter[str]:
    counts = Counter[str]()
    with _worker():
        calls = list(_calls(outbox.drafts(ids, holder, clock())))
    refusing: set[Gateway] = set()
    for position, call in enumerate(calls):
        if time.monotonic() >= deadline:
            left = [i for c in calls[position:] for i in c.ids]
            with _worker():
                outbox.release(left, holder=holder, now=clock())
            break
        if call.gateway in refusing:
            with _worker():
                outbox.rest(call.ids, holder=holder, now=clock())
            continue
        counts += _one_call(call, holder, clock, refusing)
    return counts


def _calls(drafts: list[tuple[Message, Verdict]]) -> Iterator[Call]:
    """Group equal texts of one gateway, up to its batch, each receptor once a call.

    What has been tried before goes alone: a refused batch does not say which text was at fault.
    """
    gateways = gateways_of({m.clinic_id for m, _ in drafts})
    groups: dict[tuple[Gateway | None, str | None, int], list[Message]] = defaultdict(list)
    for message, verdict in drafts:
        gateway = gateways.get(message.clinic_id)
        alone = message.pk if message.attempts else 0
        text = verdict.text if verdict.may_leave else None
        groups[gateway, text, alone].append(message)
    for (gateway, text, _), messages in groups.items():
        for batch in _batches(messages, gateway):
            yield Call(batch, text, gateway)


def _batches(messages: list[Message], gateway: Gateway | None) -> Iterator[list[int]]:
    size = gateway.provider.max_batch if gateway else outbox.BATCH
    batches: list[dict[str, int]] = []
    for message in messages:
        key = message.recipient or str(message.pk)
        fitting = next((b for b in batches if key not in b and len(b) < size), None)
        if fitting is None:
            batches.append(fitting := {})
        fitting[key] = message.pk
    return (list(batch.values()) for batch in batches)


def _one_call(call: Call, holder: str, clock: Clock, refusing: set[Gateway]) -> Counter[str]:
    with _worker():
        ready, counts = outbox.begin_sending(
            call.ids, call.text, call.gateway, holder=holder, now=clock()
        )
    if not ready or call.gateway is None:
        return counts
    try:
        taken = call.gateway.provider.send([OutgoingText(r.id, r.recipient, r.text) for r in ready])
        error = None
    except ProviderError as raised:
        taken, error = list(raised.accepted), raised
        if raised.kind == ErrorKind.ACCOUNT:
            refusing.add(call.gateway)
    with _worker():
        return counts + _settle(call.gateway, ready, taken, error, holder, clock())


def _settle(
    gateway: Gateway,
    ready: list[Ready],
    taken: list[Accepted],
    error: ProviderError | None,
    holder: str,
    now: dt.datetime,
) -> Counter[str]:
    counts = Counter(sent=outbox.accepted(taken, holder=holder, now=now) if taken else 0)
    if taken:
        wake_account(gateway.account_id)
    if error is not None:
        done = {a.local_id for a in taken}
        rest = [r.id for r in ready if r.id not in done]
        log.warning(
            "messages_not_taken", gateway=gateway.kind, kind=error.kind, reason=error.reason,
            code=error.code, messages=rest[:20], count=len(rest),
        )  # fmt: skip
        counts += _after_error(gateway, rest, error, holder, now)
    return counts


def _after_error(
    gateway: Gateway, ids: list[int], error: ProviderError, holder: str, now: dt.datetime
) -> Counter[str]:
    """What an error allows: only what was certainly not accepted may be tried again."""
    code = "" if error.code is None else str(error.code)
    kind = error.kind
    if kind == ErrorKind.MESSAGE and len(ids) > 1:
        outbox.refused_for_now(ids, now, Reason.BUSY, code, holder=holder, now=now)
        return Counter()
    if kind in (ErrorKind.MESSAGE, ErrorKind.BUG):
        return Counter(failed=outbox.failed(ids, code, holder=holder, now=now))
    if kind == ErrorKind.ACCOUNT:
        rest_account(gateway.account_id, code, now)
        outbox.refused_for_now(ids, now + REST, Reason.ACCOUNT, code, holder=holder, now=now)
        return Counter()
    if kind == ErrorKind.NOT_ACCEPTED:
        at = now + _pause(ids)
        outbox.refused_for_now(ids, at, Reason.BUSY, code, holder=holder, now=now)
        return Counter()
    return _after_unclear_end(gateway, ids, error, code, holder, now)


def _after_unclear_end(
    gateway: Gateway, ids: list[int], error: ProviderError, code: str, holder: str, now: dt.datetime
) -> Counter[str]:
    mismatch = error.kind == ErrorKind.MISMATCH
    # Another message under our id: asking by that id again would find it again.
    can_ask = gateway.provider.can_look_up and not mismatch
    if mismatch:
        log.error("gateway_answered_with_another_message", gateway=gateway.kind, messages=ids)
    unknown = outbox.unclear(
        ids,
        Reason.ECHO if mismatch else Reason.NO_ANSWER,
        code,
        holder=holder,
        now=now,
        ask_at=now + ASK_AFTER if can_ask else None,
    )
    return Counter(unknown=unknown)


def _pause(ids: list[int]) -> dt.timedelta:
    """Back-off from the attempts so far, with a jitter taken from the id."""
    attempts = max(Message.objects.filter(pk__in=ids).values_list("attempts", flat=True))
    pause = min(dt.timedelta(seconds=30 * 2 ** min(attempts - 1, 6)), LONGEST_PAUSE)
    return pause + dt.timedelta(seconds=ids[0] % 15)


def _worker() -> AbstractContextManager[Scope]:
    return wear(Hat.WORKER, clinic_id=EVERYWHERE)
