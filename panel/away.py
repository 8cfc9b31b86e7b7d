"""A therapist is not there: what becomes of all sessions of the day, in one go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import partial

from clinic import jalali
from clinic.models import Therapist, TimeOff, User
from panel.several import Result
from sessions_app import actions
from sessions_app.models import OPEN_STATES, Session
from sessions_app.queries import between, with_people


def open_sessions(
    therapist: Therapist, day: dt.date, *, now: dt.datetime, tz: str
) -> list[Session]:
    """What the therapist still has on that day, by time; what has begun is not among it."""
    start, end = jalali.start_of_day(day, tz), jalali.end_of_day(day, tz)
    mine = Session.objects.filter(therapist=therapist, state__in=OPEN_STATES, starts_at__gt=now)
    return list(with_people(between(mine, start, end)))


def cancel_all(
    sessions: Iterable[Session], *, tell: bool, now: dt.datetime, by: User, tz: str
) -> Result:
    """Cancel each, by the clinic. What somebody has changed meanwhile is reported, and stays."""
    result = Result()
    for session in sessions:
        act = partial(actions.cancel, session, now=now, by=by, tell=tell)
        result.attempt(session, tz, act)
    return result


def move_all(
    sessions: Iterable[Session],
    day: dt.date,
    *,
    tell: bool,
    now: dt.datetime,
    by: User,
    tz: str,
) -> Result:
    """Move each to the same hour of another day. Where that is taken the session stays."""
    result = Result()
    for session in sessions:
        clock = jalali.local(session.starts_at, tz).time()
        start = jalali.combine(day, clock, tz)
        act = partial(actions.move, session, starts_at=start, now=now, by=by, tell=tell)
        result.attempt(session, tz, act)
    return result


def note_absence(
    therapist: Therapist, day: dt.date, reason: str, *, now: dt.datetime, by: User, tz: str
) -> TimeOff | None:
    """Enter the day as time off, so that nobody is offered it; None where it stands already."""
    absence, made = TimeOff.objects.get_or_create(
        therapist=therapist,
        starts_at=jalali.start_of_day(day, tz),
        ends_at=jalali.end_of_day(day, tz),
        defaults={"reason": reason, "created_at": now, "created_by": by},
    )
    return absence if made else None
