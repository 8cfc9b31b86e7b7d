"""What the calendar's columns hold: the day of every therapist or room, the week of one."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.closures import closed_days
from clinic.hours import Span, Spans, working_spans
from clinic.models import Membership, Room, Therapist, TimeOff, WorkingHours
from panel import visibility
from panel.grid import (
    Column,
    Frame,
    Shade,
    blocks_of,
    openings_of,
    shades_of,
    span_of,
)
from panel.pages import day_param
from sessions_app.models import Session, State
from sessions_app.queries import between, with_people


@dataclass(frozen=True, slots=True)
class Calendar:
    frame: Frame
    columns: list[Column]
    cancelled: list[Session]
    #: Therapists who neither work on the day nor have a session.
    absent: list[Therapist]
    #: Where the line of the present moment stands; None when no day is today.
    now_row: int | None


@dataclass(frozen=True, slots=True)
class _Time:
    """What all columns of a page share."""

    now: dt.datetime
    tz: str
    closed: dict[dt.date, str]
    #: Of every therapist who has told hours, also when none of them is on these days.
    working: Spans
    away: dict[int, list[TimeOff]]

    @classmethod
    def of(
        cls, therapists: Sequence[int], first: dt.date, last: dt.date, now: dt.datetime, tz: str
    ) -> _Time:
        closed = closed_days(first, last)
        if not therapists:
            return cls(now, tz, closed, {}, {})
        told = WorkingHours.objects.filter(therapist__in=therapists).order_by()
        spans = working_spans(therapists, first, last, tz)
        pks = told.values_list("therapist_id", flat=True).distinct()
        working = {pk: spans.get(pk, []) for pk in pks}
        return cls(now, tz, closed, working, _away(therapists, first, last, tz))


def day_by_therapist(
    member: Membership, day: dt.date, *, now: dt.datetime, tz: str, everybody: bool = False
) -> Calendar:
    """The day of each therapist who works then, has a session then, or has told no hours."""
    sessions = _sessions(member, day, day, tz)
    of = _by(sessions, "therapist_id")
    therapists = _therapists(member, of)
    time = _Time.of([it.pk for it in therapists], day, day, now, tz)
    present = [
        it
        for it in therapists
        if everybody or it.pk in of or it.pk not in time.working or time.working[it.pk]
    ]
    frame = _frame(sessions, time, tz)
    columns = [
        _column(it.name, "", day, of.get(it.pk, []), frame, time, therapist=it.pk) for it in present
    ]
    absent = [it for it in therapists if it not in present]
    return _calendar(frame, columns, sessions, absent, time)


def day_by_room(member: Membership, day: dt.date, *, now: dt.datetime, tz: str) -> Calendar:
    """The day of each room, and of the sessions that have none."""
    sessions = _sessions(member, day, day, tz)
    time = _Time.of((), day, day, now, tz)
    of = _by(sessions, "room_id")
    frame = _frame(sessions, time, tz)
    rooms = [room for room in Room.objects.all() if room.active or room.pk in of]
    columns = [
        _column(room.name, "", day, of.get(room.pk, []), frame, time, room=room.pk)
        for room in rooms
    ]
    if homeless := of.get(None):
        columns.append(_column(_("no room"), "", day, homeless, frame, time))
    return _calendar(frame, columns, sessions, [], time)


def week_of_one(
    member: Membership, therapist: Therapist, day: dt.date, *, now: dt.datetime, tz: str
) -> Calendar:
    """Saturday to Friday of one therapist."""
    days = jalali.week_of(day)
    sessions = _sessions(member, days[0], days[-1], tz, therapist=therapist.pk)
    time = _Time.of([therapist.pk], days[0], days[-1], now, tz)
    frame = _frame(sessions, time, tz)
    of: dict[dt.date, list[Session]] = defaultdict(list)
    for session in sessions:
        of[jalali.local_day(session.starts_at, tz)].append(session)
    columns = [
        _column(
            jalali.weekday_name(jalali.weekday(it)),
            jalali.day_month(it),
            it,
            of[it],
            frame,
            time,
            therapist=therapist.pk,
        )
        for it in days
    ]
    return _calendar(frame, columns, sessions, [], time)


def _therapists(member: Membership, expected: Iterable[int | None]) -> list[Therapist]:
    """The active ones, and whoever left with sessions in the diary."""
    found = Therapist.objects.filter(Q(active=True) | Q(pk__in=[pk for pk in expected if pk]))
    if visibility.is_therapist(member):
        found = found.filter(pk=member.therapist_id or 0)
    return list(found)


def _away(
    therapists: Sequence[int], first: dt.date, last: dt.date, tz: str
) -> dict[int, list[TimeOff]]:
    start, end = jalali.start_of_day(first, tz), jalali.end_of_day(last, tz)
    rows = TimeOff.objects.filter(therapist__in=therapists, starts_at__lt=end, ends_at__gt=start)
    found: dict[int, list[TimeOff]] = defaultdict(list)
    for row in rows.order_by("starts_at", "id"):
        found[row.therapist_id].append(row)
    return found


def _sessions(
    member: Membership, first: dt.date, last: dt.date, tz: str, **of: int
) -> list[Session]:
    start, end = jalali.start_of_day(first, tz), jalali.end_of_day(last, tz)
    return list(with_people(between(visibility.sessions(member).filter(**of), start, end)))


def _by(sessions: Iterable[Session], attribute: str) -> dict[int | None, list[Session]]:
    found: dict[int | None, list[Session]] = {}
    for session in sessions:
        if session.state != State.CANCELLED:
            found.setdefault(getattr(session, attribute), []).append(session)
    return found


def _frame(sessions: Iterable[Session], time: _Time, tz: str) -> Frame:
    seen = [span_of(it) for it in sessions if it.state != State.CANCELLED]
    return Frame.around([*seen, *(it for mine in time.working.values() for it in mine)], tz)


def _column(
    title: str,
    sub: str,
    day: dt.date,
    sessions: Sequence[Session],
    frame: Frame,
    time: _Time,
    *,
    therapist: int | None = None,
    room: int | None = None,
) -> Column:
    blocks = blocks_of(sessions, day, frame, now=time.now)
    return Column(
        title=title,
        sub=sub,
        day=day,
        param=day_param(day),
        therapist=therapist,
        room=room,
        is_today=day == jalali.local_day(time.now, time.tz),
        closed=time.closed.get(day),
        shades=_shades(therapist, day, frame, time),
        openings=list(openings_of(blocks, day, frame, now=time.now)),
        blocks=blocks,
    )


def _shades(therapist: int | None, day: dt.date, frame: Frame, time: _Time) -> list[Shade]:
    if day in time.closed:
        return [Shade(0, frame.rows)]
    whole = frame.whole(day)
    mine = time.working.get(therapist) if therapist else None
    away = [
        Shade(*frame.place(span, day), row.reason or _("time off"))
        for row in time.away.get(therapist or 0, ())
        if (span := Span(row.starts_at, row.ends_at)).touches(whole)
    ]
    of_day = None if mine is None else [it for it in mine if it.touches(whole)]
    return [*shades_of(of_day, day, frame), *away]


def _calendar(
    frame: Frame,
    columns: list[Column],
    sessions: Iterable[Session],
    absent: list[Therapist],
    time: _Time,
) -> Calendar:
    today = jalali.local_day(time.now, time.tz)
    shown = any(column.day == today for column in columns)
    inside = frame.whole(today).touches(Span(time.now, time.now + dt.timedelta(minutes=1)))
    return Calendar(
        frame=frame,
        columns=columns,
        cancelled=[it for it in sessions if it.state == State.CANCELLED],
        absent=absent,
        now_row=frame.row(time.now, today) if shown and inside else None,
    )
