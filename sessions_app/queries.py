"""What is asked about sessions. Every reader loads the people with a constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Min, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from patients.models import Client, Treatment
from sessions_app.models import (
    COMING_STATES,
    OPEN_STATES,
    Participant,
    Session,
    SessionChange,
    State,
)


def with_people(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Loads therapist, service, room, and `participants` with their clients: two queries in all."""
    people = Participant.objects.select_related("client").order_by("id")
    return sessions.select_related("therapist", "service", "room").prefetch_related(
        Prefetch("participants", queryset=people)
    )


def names_in(session: Session) -> str:
    """Everybody who comes, as people say it; of a session loaded by `with_people`."""
    return _(" and ").join(str(place.client) for place in session.participants.all())


def between(sessions: QuerySet[Session], start: dt.datetime, end: dt.datetime) -> QuerySet[Session]:
    """Those that start from `start` on and before `end`, by time."""
    return sessions.filter(starts_at__gte=start, starts_at__lt=end).order_by("starts_at", "id")


def unrecorded(sessions: QuerySet[Session], now: dt.datetime) -> QuerySet[Session]:
    """Those that are over and of which nobody has said how they went, newest first."""
    over = sessions.filter(state__in=OPEN_STATES, ends_at__lte=now)
    return over.order_by("-starts_at", "-id")


def coming(sessions: QuerySet[Session], now: dt.datetime) -> QuerySet[Session]:
    """Those to which somebody is still expected, the next first."""
    return sessions.filter(state__in=COMING_STATES, starts_at__gt=now).order_by("starts_at", "id")


def next_starts(
    sessions: QuerySet[Session], clients: Iterable[int], now: dt.datetime
) -> dict[int, dt.datetime]:
    """The start of each client's next session, by the client's id."""
    ahead = coming(sessions, now).filter(participants__client_id__in=list(clients)).order_by()
    rows = ahead.values_list("participants__client_id").annotate(Min("starts_at"))
    return dict(rows)


def tally(sessions: QuerySet[Session]) -> dict[str, int]:
    """How many sessions are in each state."""
    rows = sessions.order_by().values_list("state").annotate(Count("id"))
    return {state: count for state, count in rows if count}


def with_visits(treatments: QuerySet[Treatment]) -> QuerySet[Treatment]:
    """Annotates `visits`: how often the client came to this therapist for this service, as plans of
    an ending count it.
    """
    came = Session.objects.filter(
        state=State.ATTENDED,
        therapist=OuterRef("therapist"),
        service=OuterRef("service"),
        participants__client=OuterRef("client"),
    )
    count = came.order_by().values("therapist").annotate(n=Count("*")).values("n")
    return treatments.annotate(visits=Coalesce(Subquery(count), 0))


def at_planned_ending(treatments: QuerySet[Treatment], today: dt.date) -> QuerySet[Treatment]:
    """Those that have come to it by the clinic's day `today`; the planner asks the same."""
    came = Q(ends_on__lte=today) | Q(ends_after__lte=F("visits"))
    return with_visits(treatments).filter(came)


def visits_of(treatment: Treatment) -> int:
    row: Any = with_visits(Treatment.objects.filter(pk=treatment.pk)).get()
    return int(row.visits)


def clash_of(session: Session, **shared: int | None) -> Session | None:
    """The first coming session that has the same therapist, or room, at the time of this one."""
    return (
        with_people(Session.objects.all())
        .filter(
            **shared,
            state__in=COMING_STATES,
            starts_at__lt=session.ends_at,
            ends_at__gt=session.starts_at,
        )
        .exclude(pk=session.pk)
        .order_by("starts_at")
        .first()
    )


def elsewhere(session: Session) -> QuerySet[Session]:
    """Other coming sessions that the same clients have at the same time, with another therapist."""
    overlapping = with_people(Session.objects.all()).filter(
        Q(starts_at__lt=session.ends_at, ends_at__gt=session.starts_at),
        state__in=COMING_STATES,
        participants__client__in=session.clients.all(),
    )
    return overlapping.exclude(pk=session.pk).distinct().order_by("starts_at")


def history(session: Session) -> QuerySet[SessionChange]:
    """Everything that was changed, newest first, with who did it."""
    return session.changes.select_related("by").order_by("-at", "-id")


def clients_named_in(changes: Iterable[SessionChange]) -> dict[int, Client]:
    """The clients whom the changes mention, by id."""
    ids: set[int] = set()
    for change in changes:
        ids.update(change.before.get("clients", ()), change.after.get("clients", ()))
    return {client.pk: client for client in Client.objects.filter(pk__in=ids)} if ids else {}
