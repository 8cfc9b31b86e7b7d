"""Sessions whose reminders fall due in the next minutes, so that there is something to watch."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from django.db.models import Count, Q

from clinic import jalali
from clinic.hours import usual_room
from clinic.models import Clinic
from followup.preview import Preview, upcoming
from panel.demo.days import Reception
from panel.demo.people import ONLINE, ONLINE_ROOM, Rhythm, everybody
from patients.models import Client
from sessions_app import actions
from sessions_app.models import OPEN_STATES, Session

#: How soon is soon.
SOON = dt.timedelta(minutes=15)
#: How long before the demonstration the first of these sessions were agreed.
AGREED_BEFORE = dt.timedelta(days=4)
NIGHT = (dt.time(21), dt.time(9))
#: Whole hours that the clinic stays awake for whoever looks at the demonstration at night.
_AWAKE_HOURS = 2
_STEP = dt.timedelta(minutes=5)
_HOURS = {
    **dict.fromkeys(range(5), (dt.time(9), dt.time(20))),  # Saturday to Wednesday
    5: (dt.time(9), dt.time(13)),
    6: (dt.time(0), dt.time(0)),  # Friday
}


def starts(now: dt.datetime) -> list[dt.datetime]:
    """Starts whose 72 h and 24 h reminders fall due soon after `now`, on the clock's fives."""
    three_days = _on_the_fives(now + dt.timedelta(hours=72, minutes=1))
    one_day = _on_the_fives(now + dt.timedelta(hours=24))
    return [three_days, one_day, three_days + _STEP, one_day + _STEP]


def book_first(reception: Reception, now: dt.datetime, at: dt.datetime) -> None:
    """Book, at a moment some days before `now`, what is to be reminded of soon after it."""
    flexible = [person for person in everybody() if person.rhythm == Rhythm.FREE]
    with reception.at_work():
        for start, person in zip(starts(now), flexible, strict=True):
            _book_somewhere(reception, reception.client(person), start, at)


def book_one_more(reception: Reception, now: dt.datetime) -> Session | None:
    """One more session, booked now, with a reminder due in the next minutes."""
    with reception.at_work():
        for client in _who_could_come(now):
            for start in sorted(starts(now), key=lambda start: not in_hours(start)):
                if session := _book_somewhere(reception, client, start, now):
                    return session
    return None


def due_soon(clinic: Clinic, now: dt.datetime) -> list[Preview]:
    """What will be sent in the next minutes. Needs a scope of the clinic."""
    return [text for text in upcoming(clinic, now, now + SOON) if text.will_be_sent]


def in_hours(start: dt.datetime) -> bool:
    """Whether the clinic's door is open at that time."""
    local = jalali.local(start)
    opens, closes = _HOURS[jalali.weekday(local.date())]
    return opens <= local.time() < closes


def quiet_hours(now: dt.datetime) -> tuple[dt.time, dt.time]:
    """The night; or, when it is night now, the part of it that leaves some hours to see texts go.

    Nothing is sent in quiet hours, so at night the demonstration would show nothing.
    """
    hour = jalali.local(now).hour
    begins, ends = NIGHT
    if ends.hour <= hour < begins.hour - 1:
        return NIGHT
    later = (hour + 1 + _AWAKE_HOURS) % 24
    if ends.hour <= later < begins.hour:
        return begins, dt.time(hour)
    return dt.time(later), ends


def _book_somewhere(
    reception: Reception, client: Client, start: dt.datetime, at: dt.datetime
) -> Session | None:
    """With the client's own therapist or the first who is free; online when the door is closed."""
    service, online, tz = client.service, "", reception.clinic.timezone
    if service is None or not in_hours(start):
        service, online = reception.services[ONLINE.name], f"{ONLINE_ROOM}/{client.file_no}"
    own = client.therapist_id
    for therapist in sorted(reception.therapists.values(), key=lambda it: it.pk != own):
        with suppress(actions.SessionError):
            return actions.book(
                clients=[client],
                therapist=therapist,
                service=service,
                starts_at=start,
                online_url=online,
                room=None if online else usual_room(therapist, start, tz),
                now=at,
                by=reception.user,
            )
    return None


def _who_could_come(now: dt.datetime) -> list[Client]:
    """Clients who can be reminded, those without a session ahead of them first."""
    ahead = Q(sessions__starts_at__gt=now, sessions__state__in=OPEN_STATES)
    reachable = Client.objects.filter(consent_transactional=True).exclude(phone="")
    counted = reachable.annotate(ahead=Count("sessions", filter=ahead))
    return list(counted.select_related("service").order_by("ahead", "pk"))


def _on_the_fives(moment: dt.datetime) -> dt.datetime:
    """The moment, or the next one at which a clock shows a multiple of five minutes."""
    rest = dt.timedelta(
        minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond
    )
    return moment - rest + (_STEP if rest else dt.timedelta(0))


def is_within(clock: dt.time, begins: dt.time, ends: dt.time) -> bool:
    """Whether the clock is inside hours that may go past midnight."""
    if begins <= ends:
        return begins <= clock < ends
    return clock >= begins or clock < ends
