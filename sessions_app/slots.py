"""Free slots: when a therapist could really receive somebody."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet

from clinic import jalali
from clinic.hours import Span, usual_rooms, without, working_spans
from clinic.models import Service, Therapist
from patients.models import Client
from sessions_app.models import Session, State

#: Starts are offered on these minutes, so that nobody is offered 17:35.
GRID = dt.timedelta(minutes=15)
#: Nobody moves a session to within the hour by a form that reception has yet to read.
NOTICE = dt.timedelta(hours=3)
DAYS_AHEAD = 14
#: More is not read on a telephone.
OF_A_DAY, OFFERED = 3, 12
#: What a client chooses from who books alone: further ahead, and nearly all there is.
BOOKED_AHEAD, CHOICES_OF_A_DAY = 21, 8


def free_spans(
    therapists: Collection[int], first: dt.date, last: dt.date, *, now: dt.datetime, tz: str
) -> dict[int, list[Span]]:
    """By therapist, what is free of the working hours from `first` to `last`, from `now` on."""
    working = working_spans(therapists, first, last, tz)
    if not working:
        return {}
    edges = [span for mine in working.values() for span in mine]
    if not edges:
        return {}
    taken = _taken(working, min(s.start for s in edges), max(s.end for s in edges))
    past = Span(min(s.start for s in edges), now)
    return {
        pk: list(without(mine, [past, *taken[pk]] if past.start < past.end else taken[pk]))
        for pk, mine in working.items()
    }


@dataclass(frozen=True, slots=True)
class Offer:
    """Other times for one session: a few starts to choose from, and all that is free."""

    starts: list[dt.datetime]
    free: list[Span]
    length: dt.timedelta

    def holds(self, start: dt.datetime) -> bool:
        """Whether a start that was offered a while ago is free still."""
        return any(it.start <= start and start + self.length <= it.end for it in self.free)


def other_times(session: Session, *, now: dt.datetime) -> Offer:
    """When the same therapist could see the client instead, over many days."""
    tz, soonest, length = session.clinic.timezone, now + NOTICE, session.duration
    first = jalali.local_day(soonest, tz)
    last = first + dt.timedelta(days=DAYS_AHEAD)
    pk = session.therapist_id
    free = free_spans([pk], first, last, now=soonest, tz=tz).get(pk, [])
    of_day: dict[dt.date, list[dt.datetime]] = defaultdict(list)
    for span in free:
        of_day[jalali.local_day(span.start, tz)].extend(_starts(span, length))
    some = (start for starts in of_day.values() for start in _spread(starts, OF_A_DAY))
    return Offer(list(islice(some, OFFERED)), free, length)


@dataclass(frozen=True, slots=True)
class Place:
    """A free stretch of a therapist's hours, and the room that goes with it."""

    span: Span
    room_id: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Starts that a client may book at once, by the clinic's local day, and where each would be."""

    days: dict[dt.date, list[dt.datetime]]
    places: list[Place]
    length: dt.timedelta

    def place_of(self, start: dt.datetime) -> Place | None:
        """Where a session from `start` on fits whole; None for a start that is not offered so."""
        fits = (it for it in self.places if it.span.start <= start <= it.span.end - self.length)
        place = next(fits, None)
        return place if place and _on_grid(start) == start else None


def bookable(
    therapist: Therapist, service: Service, client: Client, *, now: dt.datetime, tz: str
) -> Choice:
    """When the therapist, the room of that hour and the client are all free; from NOTICE on."""
    soonest, length = now + NOTICE, dt.timedelta(minutes=service.duration_minutes)
    first = jalali.local_day(soonest, tz)
    last = first + dt.timedelta(days=BOOKED_AHEAD)
    free = free_spans([therapist.pk], first, last, now=soonest, tz=tz).get(therapist.pk, [])
    places = _where_also_free(therapist, client, free, tz)
    of_day: dict[dt.date, list[dt.datetime]] = defaultdict(list)
    for place in places:
        of_day[jalali.local_day(place.span.start, tz)].extend(_starts(place.span, length))
    days = {day: _spread(starts, CHOICES_OF_A_DAY) for day, starts in of_day.items() if starts}
    return Choice(days, places, length)


def _where_also_free(
    therapist: Therapist, client: Client, free: list[Span], tz: str
) -> list[Place]:
    """What is left of the therapist's free time where the room and the client are free, too."""
    if not free:
        return []
    rooms = usual_rooms(therapist, free, tz)
    used = _used({room for room in rooms if room}, client, free[0].start, free[-1].end)
    return [
        Place(left, room)
        for span, room in zip(free, rooms, strict=True)
        for left in without([span], [*used[None], *(used[room] if room else ())])
    ]


def _used(
    rooms: Collection[int], client: Client, start: dt.datetime, end: dt.datetime
) -> dict[int | None, list[Span]]:
    """By room, when it is used; under None, when the client is somewhere else."""
    found: dict[int | None, list[Span]] = defaultdict(list)
    taking, columns = _taking(start, end), ("starts_at", "ends_at")
    for room, *span in taking.filter(room__in=rooms).values_list("room_id", *columns):
        found[room].append(Span(*span))
    for span in taking.filter(participants__client=client).values_list(*columns):
        found[None].append(Span(*span))
    return found


def _spread(starts: list[dt.datetime], count: int) -> list[dt.datetime]:
    """The first, the last, and what lies evenly between them."""
    if len(starts) <= count:
        return starts
    return [starts[round(n * (len(starts) - 1) / (count - 1))] for n in range(count)]


def _taken(
    therapists: Collection[int], start: dt.datetime, end: dt.datetime
) -> dict[int, list[Span]]:
    """What takes the therapists' time; a session that was cancelled or missed gives it back."""
    rows = _taking(start, end).filter(therapist__in=list(therapists))
    found: dict[int, list[Span]] = defaultdict(list)
    for pk, begins, ends in rows.values_list("therapist_id", "starts_at", "ends_at"):
        found[pk].append(Span(begins, ends))
    return found


def _taking(start: dt.datetime, end: dt.datetime) -> QuerySet[Session]:
    given_back = (State.CANCELLED, State.NO_SHOW)
    meanwhile = Session.objects.filter(starts_at__lt=end, ends_at__gt=start)
    return meanwhile.exclude(state__in=given_back)


def _starts(span: Span, length: dt.timedelta) -> Iterator[dt.datetime]:
    start, step = _on_grid(span.start), _step(length)
    while start + length <= span.end:
        yield start
        start += step


def _step(length: dt.timedelta) -> dt.timedelta:
    return -(-length // GRID) * GRID


def _on_grid(moment: dt.datetime) -> dt.datetime:
    """The next quarter of an hour; every zone's clocks differ from UTC by whole ones."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + _step(moment - midnight)
