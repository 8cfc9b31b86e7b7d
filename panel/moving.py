"""What becomes of a session that was dropped elsewhere in the calendar, told before it is moved."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.hours import time_off, working_spans
from clinic.models import WorkingHours
from panel.closed import word_for_moment
from panel.grid import span_of
from sessions_app import actions
from sessions_app.forms import MoveForm, explain
from sessions_app.models import COMING_STATES, Session
from sessions_app.queries import clash_of


@dataclass(frozen=True, slots=True)
class Proposal:
    """A session as it would stand; `refusal` says why it cannot, `warnings` what to look at."""

    session: Session
    #: What the form of the move is given.
    data: dict[str, object]
    #: Still to begin afterwards: its client can be told.
    is_ahead: bool
    refusal: str
    warnings: list[str]


def proposal_of(
    session: Session, asked: QueryDict, *, now: dt.datetime, tz: str
) -> Proposal | None:
    """What the drop asks for, with everything else as it is; None when it is no time or place."""
    present = MoveForm(session=session, tz=tz).initial
    given = {
        name: asked[name]
        for name in ("day", "time", "duration", "therapist", "room")
        if name in asked
    }
    data = {**present, **given}
    form = MoveForm(data, session=session, tz=tz)
    if not form.is_valid():
        return None
    wanted = _as_wanted(session, form)
    refusal = _refusal(wanted, tz)
    return Proposal(
        session=wanted,
        data={**data, "day": form.cleaned_data["day"], "time": form.cleaned_data["time"]},
        is_ahead=wanted.starts_at > now,
        refusal=refusal,
        warnings=[] if refusal else list(_warnings(wanted, now, tz)),
    )


def _as_wanted(session: Session, form: MoveForm) -> Session:
    wanted, values = copy.copy(session), form.cleaned_data
    wanted.starts_at = values["starts_at"]
    wanted.ends_at = wanted.starts_at + (form.length or session.duration)
    wanted.therapist = values["therapist"]
    if "room" in form.fields:
        wanted.room = values["room"]
    return wanted


def _refusal(wanted: Session, tz: str) -> str:
    if wanted.state not in COMING_STATES:
        return _("Only a session that is still to come can be moved.")
    for field, shared in (("starts_at", "therapist"), ("room", "room")):
        pk = getattr(wanted, f"{shared}_id")
        if pk and (other := clash_of(wanted, **{shared: pk})):
            return explain(actions.clash_error(field, other), tz)
    return ""


def _warnings(wanted: Session, now: dt.datetime, tz: str) -> Iterator[str]:
    if wanted.starts_at <= now:
        yield _("This time has already passed; nobody will be reminded.")
    if (said := word_for_moment(wanted.starts_at, tz)) or (said := _beside_hours(wanted, tz)):
        yield said


def _beside_hours(wanted: Session, tz: str) -> str:
    pk, span = wanted.therapist_id, span_of(wanted)
    day = jalali.local_day(wanted.starts_at, tz)
    words = {"therapist": wanted.therapist}
    if any(it.touches(span) for it in time_off([pk], day, day, tz).get(pk, ())):
        return _("%(therapist)s is away then.") % words
    working = working_spans([pk], day, day, tz).get(pk, [])
    if any(it.start <= span.start and span.end <= it.end for it in working):
        return ""
    told = bool(working) or WorkingHours.objects.filter(therapist=pk).exists()
    return _("This is outside the working hours of %(therapist)s.") % words if told else ""
