"""What further workers do, minute by minute, until nothing changes any more."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import delivery, lookups, receipts
from messaging.providers.base import DeliveryStatus, Receipt
from prove.gateway import Gateway

MINUTE = dt.timedelta(minutes=1)
#: Past the lease, two look-ups, every back-off of a gateway that is well again, and a first poll.
MINUTES = 20


def carry_on(gateway: Gateway, since: dt.datetime) -> dt.datetime:
    """Deliver and ask, a minute at a time; returns the moment it ended at."""
    for n in range(1, MINUTES + 1):
        moment = since + n * MINUTE
        gateway.set_clock(moment)
        delivery.drain(_standing(moment))
        lookups.look_after(moment)
    return moment


def hear(gateway: Gateway, now: dt.datetime, seed: int = 1) -> None:
    """The gateway's news of every text, *delivered* the first of them; then twice, in any order."""
    chance = random.Random(seed)  # noqa: S311  (an order, not a secret)
    numbers = [text.provider_id for text in gateway.texts()]
    first = [Receipt(number, DeliveryStatus.DELIVERED) for number in numbers]
    then = [Receipt(number, status) for number in numbers for status in DeliveryStatus] * 2
    chance.shuffle(then)
    for receipt in first + then:
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            receipts.apply("kavenegar", None, [receipt], now=now)


def _standing(moment: dt.datetime) -> Callable[[], dt.datetime]:
    return lambda: moment
