"""When therapists receive clients: weekly hours, less closed days and time off."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from clinic import jalali
from clinic.closures import closed_days
from clinic.models import Room, Therapist, TimeOff, WorkingHours


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time in UTC, its end not part of it."""

    start: dt.datetime
    end: dt.datetime

    def touches(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


Spans = dict[int, list[Span]]


def working_spans(
    therapists: Collection[int], first: dt.date, last: dt.date, tz: str
) -> dict[int, list[Span]]:
    """By therapist, when they receive clients from `first` to `last`, both days included, by time.

    Whoever has told no hours is missing. Closed days of the clinic and time off are taken out.
    """
    of_weekday: dict[int, list[WorkingHours]] = defaultdict(list)
    for hours in WorkingHours.objects.filter(therapist__in=therapists):
        of_weekday[hours.weekday].append(hours)
    if not of_weekday:
        return {}
    closed = closed_days(first, last)
    found: Spans = defaultdict(list)
    for day in _days(first, last):
        for hours in of_weekday[jalali.weekday(day)] if day not in closed else ():
            found[hours.therapist_id].append(_on(day, hours, tz))
    away = time_off(therapists, first, last, tz)
    return {pk: list(without(sorted(mine), away.get(pk, ()))) for pk, mine in found.items()}


def usual_room(therapist: Therapist, start: dt.datetime, tz: str) -> Room | None:
    """Where the therapist sits at that hour of the week, if always in the same active room."""
    there = jalali.local(start, tz)
    hours = WorkingHours.objects.filter(
        therapist=therapist,
        weekday=jalali.weekday(there.date()),
        begins__lte=there.time(),
        ends__gt=there.time(),
        room__active=True,
    )
    found = hours.select_related("room").first()
    return found.room if found else None


def usual_rooms(therapist: Therapist, spans: Iterable[Span], tz: str) -> list[int | None]:
    """Of each span inside one stretch of the working hours, the active room that goes with it."""
    hours = list(WorkingHours.objects.filter(therapist=therapist, room__active=True))
    return [next((h.room_id for h in hours if _holds(h, span, tz)), None) for span in spans]


def time_off(therapists: Collection[int], first: dt.date, last: dt.date, tz: str) -> Spans:
    """By therapist, the time off that touches these days, by time."""
    start, end = jalali.start_of_day(first, tz), jalali.end_of_day(last, tz)
    rows = TimeOff.objects.filter(therapist__in=therapists, starts_at__lt=end, ends_at__gt=start)
    found: Spans = defaultdict(list)
    for row in rows:
        found[row.therapist_id].append(Span(row.starts_at, row.ends_at))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> Iterator[Span]:
    """What is left of `spans`, which are in order, when `taken` goes."""
    gone = sorted(taken)
    for span in spans:
        start = span.start
        for hole in (it for it in gone if it.touches(span)):
            if hole.start > start:
                yield Span(start, hole.start)
            start = max(start, hole.end)
        if start < span.end:
            yield Span(start, span.end)


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=n) for n in range((last - first).days + 1))


def _holds(hours: WorkingHours, span: Span, tz: str) -> bool:
    there = jalali.local(span.start, tz)
    of_day = jalali.weekday(there.date()) == hours.weekday
    return of_day and hours.begins <= there.time() < hours.ends


def _on(day: dt.date, hours: WorkingHours, tz: str) -> Span:
    return Span(jalali.combine(day, hours.begins, tz), jalali.combine(day, hours.ends, tz))
