"""Free slots: when a therapist could really receive somebody."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from clinic import jalali
from clinic.hours import Span, without, working_spans
from sessions_app.models import Session, State

#: Starts are offered on these minutes, so that nobody is offered 17:35.
GRID = dt.timedelta(minutes=15)
#: Nobody moves a session to within the hour by a form that reception has yet to read.
NOTICE = dt.timedelta(hours=3)
DAYS_AHEAD = 14
#: More is not read on a telephone.
OF_A_DAY, OFFERED = 3, 12


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


def _spread(starts: list[dt.datetime], count: int) -> list[dt.datetime]:
    """The first, the last, and what lies evenly between them."""
    if len(starts) <= count:
        return starts
    return [starts[round(n * (len(starts) - 1) / (count - 1))] for n in range(count)]


def _taken(
    therapists: Collection[int], start: dt.datetime, end: dt.datetime
) -> dict[int, list[Span]]:
    """What takes the therapists' time; a session that was cancelled or missed gives it back."""
    rows = Session.objects.filter(
        therapist__in=list(therapists), starts_at__lt=end, ends_at__gt=start
    ).exclude(state__in=(State.CANCELLED, State.NO_SHOW))
    found: dict[int, list[Span]] = defaultdict(list)
    for pk, begins, ends in rows.values_list("therapist_id", "starts_at", "ends_at"):
        found[pk].append(Span(begins, ends))
    return found


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
