"""The waiting list: who would come if a time became free, and whom a free time fits."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.dispatch import receiver

from clinic import jalali
from clinic.models import User
from sessions_app.actions import session_changed
from sessions_app.models import COMING_STATES, Participant, Session, SessionChange, State, Wish

#: After these a client may have got what they waited for.
_SETTLING = (SessionChange.Kind.BOOKED, SessionChange.Kind.MOVED)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a therapist's time that somebody could have; an instant each, and the zone."""

    therapist: int
    start: dt.datetime
    end: dt.datetime
    tz: str

    @classmethod
    def of(cls, session: Session, tz: str) -> Gap:
        return cls(session.therapist_id, session.starts_at, session.ends_at, tz)


def still_open(wishes: QuerySet[Wish]) -> QuerySet[Wish]:
    """Those who wait, the longest first."""
    unmet = Q(session=None) | Q(session__state=State.CANCELLED)
    return wishes.filter(unmet, closed_at=None, client__deceased_at=None)


def settled(wishes: QuerySet[Wish]) -> QuerySet[Wish]:
    """Those who wait no more, the latest first."""
    over = Q(closed_at__isnull=False) | (Q(session__isnull=False) & ~Q(session__state="cancelled"))
    return wishes.filter(over).order_by("-closed_at", "-created_at", "-id")


def who_fits(gap: Gap) -> QuerySet[Wish]:
    """Whom a free time fits, who has waited longest first; without those who are elsewhere then."""
    there = Participant.objects.filter(
        client=OuterRef("client"),
        session__state__in=COMING_STATES,
        session__starts_at__lt=gap.end,
        session__ends_at__gt=gap.start,
    )
    found = still_open(Wish.objects.filter(_fits(gap))).exclude(Exists(there))
    return found.select_related("client", "therapist").order_by("created_at", "id")


def close(wish: Wish, *, now: dt.datetime, by: User) -> None:
    """Take somebody off the list; who has been taken off already stays so."""
    Wish.objects.filter(pk=wish.pk, closed_at=None).update(closed_at=now, closed_by=by)


def reopen(wish: Wish) -> None:
    """Put somebody back, where they were in the line."""
    Wish.objects.filter(pk=wish.pk).update(closed_at=None, closed_by=None, session=None)


@receiver(session_changed)
def note_what_came_of_it(
    session: Session, change: SessionChange, now: dt.datetime, **_kwargs: Any
) -> None:
    """A session at a time that suits is what its clients waited for."""
    if change.kind not in _SETTLING or session.starts_at <= now:
        return
    clients = session.participants.values("client")
    gap = Gap.of(session, session.clinic.timezone)
    mine = still_open(Wish.objects.filter(_fits(gap), client__in=clients))
    # By number: an update knows no joins.
    Wish.objects.filter(pk__in=list(mine.values_list("pk", flat=True))).update(session=session)


def _fits(gap: Gap) -> Q:
    start, end = jalali.local(gap.start, gap.tz), jalali.local(gap.end, gap.tz)
    day = jalali.weekday(start.date())
    right_day = Q(weekdays=[]) | Q(weekdays__contains=[day])
    right_hours = Q(begins=None) | Q(begins__lte=start.time(), ends__gte=end.time())
    return right_day & right_hours & (Q(therapist=None) | Q(therapist=gap.therapist))
