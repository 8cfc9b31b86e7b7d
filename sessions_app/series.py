"""Sessions that are booked together: each week or every other, all that is in the way known before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from clinic.hours import Span
from clinic.models import Room, Service, Therapist, User
from patients.models import Client
from sessions_app import actions
from sessions_app.models import COMING_STATES, Session
from sessions_app.queries import with_people

#: Half a year of weeks; for longer nobody knows.
LONGEST = 26


@dataclass(frozen=True, slots=True)
class Plan:
    """What the sessions have in common."""

    clients: Sequence[Client]
    therapist: Therapist
    service: Service
    length: dt.timedelta
    room: Room | None = None
    online_url: str = ""


class Refused(ValueError):
    """The session that begins at `start` could not be booked, and so none was."""

    def __init__(self, start: dt.datetime, error: actions.SessionError) -> None:
        super().__init__(str(error))
        self.start, self.error = start, error


def days_of(first: dt.date, every_weeks: int, times: int) -> list[dt.date]:
    return [first + dt.timedelta(weeks=every_weeks * n) for n in range(times)]


def clashes(plan: Plan, starts: Iterable[dt.datetime]) -> dict[dt.datetime, actions.SessionError]:
    """What is in the way of each start: a session of the therapist, or one in the room."""
    spans = [Span(start, start + plan.length) for start in sorted(set(starts))]
    if not spans:
        return {}
    taken = Q(therapist=plan.therapist) | (Q(room=plan.room) if plan.room else Q(pk=None))
    there = with_people(Session.objects.all()).filter(
        taken,
        state__in=COMING_STATES,
        starts_at__lt=spans[-1].end,
        ends_at__gt=spans[0].start,
    )
    others = list(there.order_by("starts_at", "id"))
    found = ((span, _in_the_way(plan, span, others)) for span in spans)
    return {span.start: error for span, error in found if error}


def _in_the_way(plan: Plan, span: Span, others: Iterable[Session]) -> actions.SessionError | None:
    for other in others:
        if span.touches(Span(other.starts_at, other.ends_at)):
            mine = other.therapist_id == plan.therapist.pk
            return actions.clash_error("starts_at" if mine else "room", other)
    return None


def book_all(
    plan: Plan, starts: Iterable[dt.datetime], *, tell: bool, now: dt.datetime, by: User
) -> list[Session]:
    """Book all of them or none. Raises Refused.

    Only the first is told by a text of its own: a client does not want twelve at once. Each has its
    reminders.
    """
    booked: list[Session] = []
    with transaction.atomic():
        for start in sorted(starts):
            try:
                session = actions.book(
                    clients=plan.clients,
                    therapist=plan.therapist,
                    service=plan.service,
                    starts_at=start,
                    duration=plan.length,
                    room=plan.room,
                    online_url=plan.online_url,
                    now=now,
                    by=by,
                    tell=tell and not booked,
                )
            except actions.SessionError as error:
                raise Refused(start, error) from error
            booked.append(session)
    return booked
