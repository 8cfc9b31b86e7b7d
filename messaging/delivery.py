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
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import structlog

from clinic.tenancy import EVERYWHERE, Hat, Scope, wear
from messaging import claiming, gates, heartbeats, outbox, reception
from messaging.accounts import (
    REST,
    Carriers,
    Gateway,
    has_substitute,
    learn_links_are_refused,
    rest_account,
    wake_account,
)
from messaging.judge import Verdict
from messaging.models import Channel, Message, Reason
from messaging.outbox import ASK_AFTER
from messaging.providers.base import (
    Accepted,
    ErrorKind,
    OutgoingText,
    ProviderError,
    Reason as ProviderReason,
)
from messaging.stopping import stop_url

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
    to_reception: bool = False


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
            ids = claiming.claim(clock(), holder)
        if not ids:
            break
        counts += _Round(holder, clock, deadline).deliver(ids)
    with _worker():
        heartbeats.beat("sender")
    return counts


class _Round:
    """What one sender does with what it has claimed."""

    def __init__(self, holder: str, clock: Clock, deadline: float) -> None:
        self._holder, self._clock, self._deadline = holder, clock, deadline
        #: Accounts that have refused us in this round: nothing more is tried through them.
        self._refusing: set[Gateway] = set()
        #: When an account's next turn comes, on the monotonic clock.
        self._turns: dict[Gateway, float] = {}

    def deliver(self, ids: Sequence[int]) -> Counter[str]:
        counts = Counter[str]()
        with _worker():
            now = self._clock()
            drafts = outbox.drafts(ids, self._holder, now)
            carriers = Carriers({message.clinic_id for message, _ in drafts}, now)
            calls = deque(_calls(drafts, carriers))
            self._refusing |= {c.gateway for c in calls if c.gateway and carriers.rests(c.gateway)}
        while calls:
            if time.monotonic() >= self._deadline:
                self._release(calls)
                break
            call = self._next(calls)
            if call is not None:
                counts += self._make(call)
        return counts

    def _next(self, calls: deque[Call]) -> Call | None:
        """The next call whose gateway has a turn free; None after a wait in which none had.

        A gateway without a turn lets the others go first: it must not slow them down.
        """
        for _ in range(len(calls)):
            call = calls.popleft()
            if self._has_turn(call):
                return call
            calls.append(call)
        soonest = min(self._turns[call.gateway] for call in calls if call.gateway)
        time.sleep(max(0.0, min(soonest, self._deadline) - time.monotonic()))
        return None

    def _has_turn(self, call: Call) -> bool:
        gateway = call.gateway
        if gateway is None or call.text is None or gateway in self._refusing:
            return True
        if time.monotonic() < self._turns.get(gateway, 0):
            return False
        waits = gates.turn(gateway.key, gateway.calls_per_second)
        self._turns[gateway] = time.monotonic() + waits
        return not waits

    def _make(self, call: Call) -> Counter[str]:
        if call.to_reception:
            with _worker():
                return reception.take(call.ids, holder=self._holder, now=self._clock())
        gateway, now = call.gateway, self._clock()
        if gateway and gateway in self._refusing:
            with _worker():
                until = _after_rest(gateway, now)
            self._rest(call, until, Reason.ACCOUNT)
        elif (
            gateway
            and call.text is not None
            and (closed_until := gates.closed_until(gateway.key, now))
        ):
            self._rest(call, closed_until, Reason.BUSY)
        else:
            return self._send(call)
        return Counter()

    def _rest(self, call: Call, until: dt.datetime, reason: str) -> None:
        with _worker():
            outbox.rest(
                call.ids, holder=self._holder, now=self._clock(), until=until, reason=reason
            )

    def _release(self, calls: Iterable[Call]) -> None:
        left = [pk for call in calls for pk in call.ids]
        with _worker():
            outbox.release(left, holder=self._holder, now=self._clock())

    def _send(self, call: Call) -> Counter[str]:
        began = self._clock()
        with _worker():
            ready, counts = outbox.begin_sending(
                call.ids, call.text, call.gateway, holder=self._holder, now=began
            )
            ready = _with_stop_urls(ready) if _is_mail(call.gateway) else ready
        if not ready or call.gateway is None:
            return counts
        # Asleep since: the verdict is stale, others may have asked about these texts, and somebody
        # may have stopped them. What falls between this line and the call, its short time-outs bound.
        if (now := self._clock()) >= began + claiming.LEASE:
            self._put_back(ready, now)
            return counts
        return counts + self._hand_over(call.gateway, ready)

    def _put_back(self, texts: Iterable[OutgoingText], now: dt.datetime) -> None:
        ids = [text.local_id for text in texts]
        with _worker():
            outbox.refused_for_now(ids, now, "", "", holder=self._holder, now=now)

    def _hand_over(self, gateway: Gateway, texts: list[OutgoingText]) -> Counter[str]:
        error: ProviderError | None = None
        try:
            taken = gateway.provider.send(texts)
        except ProviderError as raised:
            taken, error = list(raised.accepted), raised
            if raised.kind == ErrorKind.ACCOUNT:
                self._refusing.add(gateway)
        ids = [text.local_id for text in texts]
        with _worker():
            return _settle(gateway, ids, taken, error, self._holder, self._clock())


def _is_mail(gateway: Gateway | None) -> bool:
    return gateway is not None and gateway.provider.channel == Channel.EMAIL


def _with_stop_urls(letters: list[OutgoingText]) -> list[OutgoingText]:
    """Each letter with the address where its reader can stop such letters."""
    messages = Message.objects.in_bulk([letter.local_id for letter in letters])
    whose = {pk: (m.clinic_id, m.client_id) for pk, m in messages.items()}
    return [replace(letter, stop_url=stop_url(*whose[letter.local_id])) for letter in letters]


def _after_rest(gateway: Gateway, now: dt.datetime) -> dt.datetime:
    """When a refused account's texts are tried again: at once where another carries them."""
    return now if has_substitute(gateway, now) else now + REST


def _calls(drafts: list[tuple[Message, Verdict]], carriers: Carriers) -> Iterator[Call]:
    """Group equal texts of one gateway, up to its batch, each receptor once a call.

    What has been tried before goes alone: a refused batch does not say which text was at fault.
    """
    groups: dict[tuple[Gateway | None, str | None, int], list[Message]] = defaultdict(list)
    for message, verdict in drafts:
        if reception.is_for_reception(message):
            yield Call([message.pk], None, None, to_reception=True)
            continue
        gateway = carriers.of(message)
        alone = message.pk if message.attempts else 0
        text = verdict.text if verdict.may_leave else None
        groups[gateway, text, alone].append(message)
    for (gateway, text, _), messages in groups.items():
        for batch in _batches(messages, gateway):
            yield Call(batch, text, gateway)


def _batches(messages: list[Message], gateway: Gateway | None) -> Iterator[list[int]]:
    size = gateway.provider.max_batch if gateway else claiming.BATCH
    batches: list[dict[str, int]] = []
    for message in messages:
        key = message.recipient or str(message.pk)
        fitting = next((b for b in batches if key not in b and len(b) < size), None)
        if fitting is None:
            batches.append(fitting := {})
        fitting[key] = message.pk
    return (list(batch.values()) for batch in batches)


def _settle(
    gateway: Gateway,
    ids: list[int],
    taken: list[Accepted],
    error: ProviderError | None,
    holder: str,
    now: dt.datetime,
) -> Counter[str]:
    counts = Counter(sent=outbox.accepted(taken, holder=holder, now=now) if taken else 0)
    if taken:
        wake_account(gateway.account_id)
    if error is None:
        gates.worked(gateway.key)
        return counts
    done = {a.local_id for a in taken}
    rest = [pk for pk in ids if pk not in done]
    log.warning(
        "messages_not_taken", gateway=gateway.kind, kind=error.kind, reason=error.reason,
        code=error.code, messages=rest[:20], count=len(rest),
    )  # fmt: skip
    return counts + _after_error(gateway, rest, error, holder, now)


def _after_error(
    gateway: Gateway, ids: list[int], error: ProviderError, holder: str, now: dt.datetime
) -> Counter[str]:
    """What an error allows: only what was certainly not accepted may be tried again."""
    code = "" if error.code is None else str(error.code)
    kind = error.kind
    if kind in (ErrorKind.NOT_ACCEPTED, ErrorKind.UNKNOWN):
        gates.failed(gateway.key, now)
    if kind == ErrorKind.MESSAGE and _may_try_again(gateway, ids, error):
        outbox.refused_for_now(ids, now, Reason.BUSY, code, holder=holder, now=now)
        return Counter()
    if kind in (ErrorKind.MESSAGE, ErrorKind.BUG):
        return Counter(failed=outbox.failed(ids, code, holder=holder, now=now))
    if kind == ErrorKind.ACCOUNT:
        rest_account(gateway, code, now)
        until = _after_rest(gateway, now)
        outbox.refused_for_now(ids, until, Reason.ACCOUNT, code, holder=holder, now=now)
        return Counter()
    if kind == ErrorKind.NOT_ACCEPTED:
        at = now + _pause(ids)
        outbox.refused_for_now(ids, at, Reason.BUSY, code, holder=holder, now=now)
        return Counter()
    return _after_unclear_end(gateway, ids, error, code, holder, now)


def _may_try_again(gateway: Gateway, ids: list[int], error: ProviderError) -> bool:
    """A batch is tried one by one; a text with a link, once more without it."""
    if error.reason == ProviderReason.LINKS_REFUSED and learn_links_are_refused(gateway):
        return True
    return len(ids) > 1


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
