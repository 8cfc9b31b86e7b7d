"""What waits for a member, counted: for the navigation, for the bell, and for Today, which lists it.

All of it is one query; who cannot act on a thing is not asked about it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from clinic.models import Clinic, Membership
from messaging import by_hand, inbox
from messaging.models import Message, State
from panel import visibility
from sessions_app import care_tasks
from sessions_app.queries import unrecorded

#: A text that failed longer ago than this can no longer be mended by a call.
RECENT = dt.timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Waits:
    calls: int = 0
    #: Numbers, not texts: whoever writes three times is answered once.
    talks: int = 0
    texts: int = 0
    unrecorded: int = 0

    @property
    def total(self) -> int:
        return self.calls + self.talks + self.texts + self.unrecorded


def waits_of(request: Any) -> Waits:
    """Asked once for a request, whoever shows it."""
    kept: dict[str, Any] = request.__dict__
    if "waits" not in kept:
        kept["waits"] = counted(request.membership, timezone.now())
    waits: Waits = kept["waits"]
    return waits


def counted(member: Membership, now: dt.datetime) -> Waits:
    """One query. A therapist records sessions, and the rest is the work of reception."""
    counts = {"unrecorded": _count(unrecorded(visibility.sessions(member), now))}
    if not visibility.is_therapist(member):
        counts |= {
            "calls": _count(care_tasks.due(visibility.tasks(member), now)),
            "talks": _count(inbox.waiting(visibility.inbox(member)), Count("phone", distinct=True)),
            "texts": _count(troubled(visibility.messages(member), now)),
        }
    names = list(counts)
    row = Clinic.objects.filter(pk=member.clinic_id).annotate(
        **{f"n_{name}": counts[name] for name in names}
    )
    values = row.values_list(*(f"n_{name}" for name in names)).first()
    return Waits(**dict(zip(names, values or (), strict=False)))


def calls(request: Any) -> int:
    """The number beside the call list in the navigation."""
    return waits_of(request).calls


def talks(request: Any) -> int:
    """The number beside the inbox."""
    return waits_of(request).talks


def troubled(messages: QuerySet[Message], now: dt.datetime) -> QuerySet[Message]:
    """Unknown ones until somebody settles them; failed and undelivered ones for three days.

    Of what a colleague wrote by hand, whatever did not go: nobody looks for it elsewhere.
    """
    lost = Q(state__in=(State.FAILED, State.UNDELIVERED))
    kept = Q(state__in=(State.SKIPPED, State.MISSED), rule_key=by_hand.KEY)
    recent = (lost | kept) & Q(due_at__gte=now - RECENT)
    found = messages.filter(Q(state=State.UNKNOWN) | recent).select_related("client", "session")
    return found.defer("life").order_by("-due_at", "-id")


def _count(rows: QuerySet[Any], how: Count | None = None) -> Coalesce:
    of_clinic = rows.filter(clinic=OuterRef("pk")).order_by().values("clinic")
    of_clinic = of_clinic.annotate(n=how or Count("*")).values("n")
    return Coalesce(Subquery(of_clinic, output_field=IntegerField()), Value(0))
