"""What reception has to put in order: a client with two files, and a number on nobody's file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial

from clinic import jalali
from clinic.hours import usual_room
from clinic.tenancy import EVERYWHERE
from messaging import replies
from messaging.providers.base import InboundText
from panel.demo.days import Act, Event, Reception
from panel.demo.people import AMINI
from panel.demo.replies import GATEWAY, LINE
from panel.demo.words import NEW_NUMBER
from patients.forms import ClientForm
from patients.models import Client, Purpose
from patients.queries import next_file_no
from sessions_app import actions
from sessions_app.slots import free_spans

DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
#: The client whose second file a colleague began, with what she said on the phone that day.
TWICE = "پریسا نوری"
_AGAIN = {
    "first_name": "پریسا",
    "last_name": "نوري",  # as an Arabic keyboard writes it
    "gender": "female",
    "phone": "0910 000 7345",
    "email": "parisa.n@post.example",
    "consents": [Purpose.TRANSACTIONAL.value],
}
#: Who has given a new number since writing from the old one; without a session ahead, of which the
#: new number would be told again.
MOVED_ON = "فرزانه شهابی"
_NEW_PHONE = "+989350007346"


def events(
    reception: Reception, opened: dt.datetime, now: dt.datetime, tick: Act
) -> Iterator[Event]:
    called = opened + 3 * DAY + 190 * MINUTE
    yield called, partial(_begin_second_file, reception)
    yield called + 4 * MINUTE, tick
    yield now - 80 * MINUTE, partial(_write_from_old_number, reception)
    yield now - 45 * MINUTE, partial(_take_down_new_number, reception)


def _begin_second_file(reception: Reception, now: dt.datetime) -> None:
    """She calls for another therapist, and nobody looks whether she is known."""
    with reception.at_work():
        known = _named(TWICE)
        said = {
            **_AGAIN,
            "file_no": next_file_no(),
            "therapist": reception.therapists[AMINI.name].pk,
            "service": known.service_id,
        }
        form = ClientForm(said, now=now, tz=reception.clinic.timezone)
        if not form.is_valid() or reception.user is None:
            raise RuntimeError(f"the demonstration's second file: {form.errors.as_json()}")
        second = form.keep(by=reception.user)
        if second is not None:
            _book_first_session(reception, second, now)


def _book_first_session(reception: Reception, client: Client, now: dt.datetime) -> None:
    """At the therapist's first free hour of a later week: no reminder of it is due before today."""
    therapist, service, tz = client.therapist, client.service, reception.clinic.timezone
    if therapist is None or service is None:
        raise RuntimeError("the second file has neither therapist nor service")
    first, last = (jalali.local_day(now + days * DAY, tz) for days in (8, 12))
    free = free_spans([therapist.pk], first, last, now=now, tz=tz)[therapist.pk]
    length = dt.timedelta(minutes=service.duration_minutes)
    start = next(span.start for span in free if span.end - span.start >= length)
    actions.book(
        clients=[client],
        therapist=therapist,
        service=service,
        starts_at=start,
        room=usual_room(therapist, start, tz),
        now=now,
        by=reception.user,
    )


def _write_from_old_number(reception: Reception, now: dt.datetime) -> None:
    with reception.at_work():
        phone = _named(MOVED_ON).phone
    text = InboundText("demo-old-number", phone, LINE, NEW_NUMBER, now)
    replies.receive(GATEWAY, None, EVERYWHERE, [text], now=now)


def _take_down_new_number(reception: Reception, now: dt.datetime) -> None:
    """So the conversation stands under a number that is on nobody's file any more."""
    with reception.at_work():
        client = _named(MOVED_ON)
        client.phone = _NEW_PHONE
        client.save(update_fields=["phone", "search_text", "sort_key"])


def _named(name: str) -> Client:
    return next(client for client in Client.objects.order_by("pk") if client.full_name == name)
