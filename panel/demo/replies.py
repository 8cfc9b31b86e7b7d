"""What clients wrote back in the week since the opening, through the door that gateways knock at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from itertools import count

from django.db.models import QuerySet

from clinic.tenancy import EVERYWHERE
from messaging import inbox, replies
from messaging.models import Message, Reply
from messaging.providers.base import InboundText
from panel.demo.days import Event, Reception
from patients.models import Client, Purpose
from sessions_app.models import COMING_STATES

HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
GATEWAY, LINE = "kavenegar", "10004346"
THANKS = "ممنون از یادآوری‌تان."
LATER = ("سلام، می‌شود جلسه‌ام را یک ساعت دیرتر بگذارید؟", "اگر نشد همان ساعت خودم می‌آیم.")
LATE = "سلام. ده دقیقه دیر می‌رسم، ببخشید."
_SETTLED = "تلفنی صحبت کردیم."


def events(reception: Reception, opened: dt.datetime, now: dt.datetime) -> Iterator[Event]:
    """A yes each day, a thank-you that was settled, and in the last hours what still waits."""
    numbers = count(1)
    for day in range(1, 7):
        at = opened + dt.timedelta(days=day, hours=4)
        yield at, partial(_write, reception, numbers, ("۱",), 0)
    at = opened + dt.timedelta(days=3, hours=5)
    yield at, partial(_write, reception, numbers, (THANKS,), 1)
    yield at + HOUR, partial(_settle, reception)
    yield now - 110 * MINUTE, partial(_write, reception, numbers, LATER, 2)
    yield now - 25 * MINUTE, partial(_write, reception, numbers, (LATE,), 3)


def _write(
    reception: Reception, numbers: Iterator[int], words: tuple[str, ...], who: int, now: dt.datetime
) -> None:
    """The client who was reminded last, or some before, writes from their phone."""
    with reception.at_work():
        # Each once, the last one first.
        phones = list(dict.fromkeys(_reminded(now)))
    if len(phones) > who:
        texts = [
            InboundText(f"demo-{next(numbers)}", phones[who], LINE, text, now + n * MINUTE)
            for n, text in enumerate(words)
        ]
        replies.receive(GATEWAY, None, EVERYWHERE, texts, now=now + len(words) * MINUTE)


def _reminded(now: dt.datetime) -> QuerySet[Message, str]:
    """Phones that a text about a coming session has just gone to."""
    told = Message.objects.filter(
        purpose=Purpose.TRANSACTIONAL,
        sent_at__range=(now - 36 * HOUR, now),
        session__state__in=COMING_STATES,
        session__starts_at__gt=now,
        client__in=Client.objects.filter(crisis_since=None, deceased_at=None),
    )
    return told.order_by("-sent_at", "-id").values_list("recipient", flat=True)


def _settle(reception: Reception, now: dt.datetime) -> None:
    with reception.at_work():
        for reply in list(inbox.longest_waiting(Reply.objects.all())):
            inbox.close(reply, Reply.Ending.SETTLED, note=_SETTLED, now=now, by=reception.user)
