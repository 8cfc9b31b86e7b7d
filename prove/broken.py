"""The engine's guarantees, each broken on purpose: a proof that cannot fail proves nothing."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from django.db import connection

import messaging.receipts
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import delivery, outbox
from messaging.judge import Verdict, look
from messaging.models import Message, State
from messaging.providers.base import Accepted, OutgoingText, Receipt
from messaging.providers.kavenegar import Kavenegar
from messaging.receipts import ENDINGS


def send_again_what_hung() -> None:
    """What most queues do: a lease that ran out while sending means that nothing was sent."""
    real = outbox.sweep

    def sweep(now: dt.datetime) -> Counter[str]:
        Message.objects.filter(state=State.SENDING, lease_until__lte=now).update(
            state=State.QUEUED, state_at=now, holder="", lease_until=None
        )
        return real(now)

    outbox.sweep = sweep


def believe_the_first_look() -> None:
    """The world is looked at when a text is written, and not again when it leaves."""
    seen: dict[int, Verdict] = {}

    def look_once(messages: Iterable[Message], now: dt.datetime) -> list[tuple[Message, Verdict]]:
        looked = look(messages, now)
        return [(message, seen.setdefault(message.pk, verdict)) for message, verdict in looked]

    outbox.look = look_once  # type: ignore[attr-defined]


def sleep_unawares() -> None:
    """The clock is not looked at again before a text is handed over."""
    real = delivery._Round._send  # noqa: SLF001  (from the look at the world to the record)

    def send(self: delivery._Round, call: delivery.Call) -> Counter[str]:
        kept, began = self._clock, self._clock()
        self._clock = lambda: began
        try:
            return real(self, call)
        finally:
            self._clock = kept

    delivery._Round._send = send  # type: ignore[method-assign]  # noqa: SLF001


def make_new_ids() -> None:
    """The gateway is given another id at each attempt."""
    real = Kavenegar.send

    def send(self: Kavenegar, texts: Sequence[OutgoingText]) -> list[Accepted]:
        mine = {secrets.randbits(50): text.local_id for text in texts}
        renamed = [replace(t, local_id=pk) for t, pk in zip(texts, mine, strict=True)]
        return [replace(taken, local_id=mine[taken.local_id]) for taken in real(self, renamed)]

    Kavenegar.send = send  # type: ignore[method-assign]


def believe_every_receipt() -> None:
    """The latest news wins, whatever was known."""

    def apply(
        kind: str, account_id: int | None, receipts: Iterable[Receipt], *, now: dt.datetime
    ) -> int:
        for receipt in receipts:
            if receipt.status in ENDINGS:
                state, reason = ENDINGS[receipt.status]
                Message.objects.filter(provider_id=receipt.provider_id).update(
                    state=state, reason=reason, state_at=now
                )
        return 0

    messaging.receipts.apply = apply


def let_any_state_follow() -> None:
    """The database no longer keeps the table of states."""
    _as_owner("DROP TRIGGER IF EXISTS message_keeps_its_life ON messaging_message")


def let_occasions_repeat() -> None:
    """The key that makes a duplicate unrepresentable is gone."""
    _as_owner("ALTER TABLE messaging_message DROP CONSTRAINT IF EXISTS message_once_per_occasion")


def _as_owner(statement: str) -> None:
    with wear(Hat.OWNER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
        cursor.execute(statement)


#: What a process can be started with, by name.
BROKEN: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        send_again_what_hung,
        believe_the_first_look,
        sleep_unawares,
        make_new_ids,
        believe_every_receipt,
    )
}
