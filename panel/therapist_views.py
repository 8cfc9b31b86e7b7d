"""A therapist's own page: the days ahead, who is in treatment, and who has nothing booked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import jalali
from clinic.access import ClinicRequest, clinic_view
from clinic.hours import Span
from clinic.models import Therapist, TimeOff, WorkingHours
from panel import visibility
from panel.lines import lines_of
from panel.pages import day_param, page_of
from patients.models import Treatment
from sessions_app import waiting
from sessions_app.models import Rhythm, Session, Wish
from sessions_app.queries import between, coming, tally, with_people
from sessions_app.slots import free_spans

#: How far ahead free time is looked for, and the least that anybody can be received in.
AHEAD = dt.timedelta(days=7)
LEAST = dt.timedelta(minutes=30)
#: What fits beside the list.
FREE_SHOWN = WISHES_SHOWN = SESSIONS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of free time, and what the address of its booking says."""

    span: Span
    day: str
    clock: str


@require_safe
@clinic_view()
def therapist(request: ClinicRequest, pk: int) -> HttpResponse:
    now, tz, member = timezone.now(), request.clinic.timezone, request.membership
    person = _therapist_or_404(request, pk)
    mine = visibility.sessions(member).filter(therapist=person)
    today = jalali.local_day(now, tz)
    ahead = with_people(coming(mine, now))[:SESSIONS_SHOWN]
    only_without = request.GET.get("without") == "1"
    clients = _in_treatment(person, only_without=only_without)
    context = {
        "therapist": person,
        "ahead": lines_of(ahead, member=member, now=now, tz=tz),
        "week": _week(mine, today, tz),
        "has_hours": WorkingHours.objects.filter(therapist=person).exists(),
        "free": _free(person, now, tz),
        "away": list(TimeOff.objects.filter(therapist=person, ends_at__gt=now)[:FREE_SHOWN]),
        "wishes": waiting.still_open(Wish.objects.filter(therapist=person)).select_related(
            "client"
        )[:WISHES_SHOWN],
        "page_obj": page_of(request, clients),
        "only_without": only_without,
        "this_day": day_param(today),
        "reception": not visibility.is_therapist(member),
    }
    return render(request, "panel/therapist.html", context)


def _therapist_or_404(request: ClinicRequest, pk: int) -> Therapist:
    member = request.membership
    if visibility.is_therapist(member) and member.therapist_id != pk:
        raise Http404
    found: Therapist = get_object_or_404(Therapist, pk=pk)
    return found


def _week(sessions: QuerySet[Session], today: dt.date, tz: str) -> dict[str, int]:
    days = jalali.week_of(today)
    start, end = jalali.start_of_day(days[0], tz), jalali.end_of_day(days[-1], tz)
    return tally(between(sessions, start, end))


def _free(person: Therapist, now: dt.datetime, tz: str) -> list[Gap]:
    first = jalali.local_day(now, tz)
    last = jalali.local_day(now + AHEAD, tz)
    spans = free_spans([person.pk], first, last, now=now, tz=tz).get(person.pk, [])
    long = [span for span in spans if span.end - span.start >= LEAST]
    return [_gap(span, tz) for span in long[:FREE_SHOWN]]


def _gap(span: Span, tz: str) -> Gap:
    start = jalali.local(span.start, tz)
    return Gap(span, day_param(start.date()), f"{start:%H:%M}")


def _in_treatment(person: Therapist, *, only_without: bool) -> Any:
    """Open treatments by name, each with when the client last came and comes next."""
    rhythm = Rhythm.objects.filter(client=OuterRef("client"))
    found = Treatment.objects.filter(
        therapist=person,
        state__in=(Treatment.State.ACTIVE, Treatment.State.PAUSED),
        client__deceased_at=None,
    ).annotate(
        last_at=Subquery(rhythm.values("last_attended_at")[:1]),
        next_at=Subquery(rhythm.values("next_session_at")[:1]),
    )
    if only_without:
        found = found.filter(next_at=None)
    return found.select_related("client", "service").order_by("client__sort_key", "pk")
