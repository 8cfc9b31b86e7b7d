"""A therapist is not there: what becomes of all sessions of the day, in one go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from clinic import jalali
from clinic.models import Therapist, TimeOff, User
from sessions_app import actions
from sessions_app.forms import explain
from sessions_app.models import OPEN_STATES, Session, SessionChange
from sessions_app.queries import between, with_people


@dataclass(slots=True)
class Result:
    """Sessions that were changed, with the change; and those that could not be, with the reason."""

    changes: list[SessionChange] = field(default_factory=list)
    refused: list[tuple[Session, str]] = field(default_factory=list)


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
        _attempt(result, session, tz, act)
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
        _attempt(result, session, tz, act)
    return result


def _attempt(result: Result, session: Session, tz: str, act: Callable[[], Session]) -> None:
    try:
        changed = act()
    except actions.SessionError as error:
        result.refused.append((session, explain(error, tz)))
    else:
        result.changes.append(changed.changes.all()[0])


def note_absence(
    therapist: Therapist, day: dt.date, reason: str, *, now: dt.datetime, by: User, tz: str
) -> None:
    """Enter the day as time off, so that nobody is offered it; once, however often it is said."""
    TimeOff.objects.get_or_create(
        therapist=therapist,
        starts_at=jalali.start_of_day(day, tz),
        ends_at=jalali.end_of_day(day, tz),
        defaults={"reason": reason, "created_at": now, "created_by": by},
    )


def undo_all(changes: Iterable[SessionChange], *, now: dt.datetime, by: User, tz: str) -> Result:
    """Take back what `cancel_all` or `move_all` did, but for what was changed again since."""
    result = Result()
    for change in changes:
        act = partial(actions.undo, change.session, change=change, now=now, by=by)
        _attempt(result, change.session, tz, act)
    return result
