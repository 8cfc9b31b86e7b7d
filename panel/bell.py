"""What waits for a member, counted: the badges of the navigation, and the bell over every page.

It counts what Today lists, by the very same questions, and all of it in one query; who cannot act
on a thing is not asked about it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.access import MANAGERS
from clinic.bell import Waiting
from clinic.links import clinic_url
from clinic.models import Clinic, Membership
from messaging import inbox
from panel import visibility
from panel.alarms import Standing, standing
from panel.attention import troubled
from sessions_app import care_tasks
from sessions_app.queries import unrecorded


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


def bell(request: Any) -> Iterator[Waiting]:
    """All of it with links, for the frame of every page."""
    return things(request.membership, waits_of(request), standing(request))


def things(member: Membership, waits: Waits, standing: Standing) -> Iterator[Waiting]:
    """What waits, with where it is acted on. Accounts are in the hands of managers alone."""
    clinic = member.clinic
    today = f"{clinic_url(clinic, 'panel:today')}#attention"
    inbox_url, calls_url = clinic_url(clinic, "panel:inbox"), clinic_url(clinic, "panel:tasks")
    yield Waiting("messages", _("replies to answer"), waits.talks, inbox_url)
    yield Waiting("phone", _("calls to make"), waits.calls, calls_url)
    yield Waiting("message-off", _("texts that went wrong"), waits.texts, today)
    yield Waiting("help-circle", _("sessions not recorded"), waits.unrecorded, today)
    if member.role in MANAGERS and clinic.is_live:
        paused = sum(account.paused for account in standing.accounts)
        accounts_url = clinic_url(clinic, "texting:gateway")
        yield Waiting("player-pause", _("accounts that take no texts"), paused, accounts_url)


def _count(rows: QuerySet[Any], how: Count | None = None) -> Coalesce:
    of_clinic = rows.filter(clinic=OuterRef("pk")).order_by().values("clinic")
    of_clinic = of_clinic.annotate(n=how or Count("*")).values("n")
    return Coalesce(Subquery(of_clinic, output_field=IntegerField()), Value(0))
