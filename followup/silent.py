"""The silent whom no rule asks: for a person, never for a mass text.

The rules act only on silences that begin after a clinic has gone live. Whoever was silent before,
or was missed by them, is found here, for reception to decide about, one by one.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import (
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from clinic import jalali
from clinic.models import Clinic, User
from followup.models import Kind, Rule
from messaging.models import Message
from patients import care
from patients.models import OPEN_TREATMENTS, ClientEvent, Treatment
from sessions_app import care_tasks
from sessions_app.models import CareTask, Rhythm
from sessions_app.queries import at_planned_ending

#: The planner looks back a day; a silence that it has not found by then it never will.
UNASKED = dt.timedelta(days=2)


def long_silent(clinic: Clinic, now: dt.datetime) -> QuerySet[Rhythm]:
    """Rhythms of the silent whom no text will ask: each is for a person.

    Their silence began before the clinic went live, or no text about it was ever planned, as when
    the last visit was recorded only long after. Until the clinic is live, all of them.

    Silence begins `lapse_days` after the last visit, and only while nothing is booked, the
    treatment of that visit goes on and has not come to its planned ending, no crisis hold stands and
    the client lives. Who was put on the call list since that visit is gone from here. Annotated with `silent_since`; the latest visit comes first.
    """
    lapse = ExpressionWrapper(
        F("lapse_days") * Value(dt.timedelta(days=1)), output_field=DurationField()
    )
    asked = CareTask.objects.filter(
        client=OuterRef("client"),
        kind=CareTask.Kind.SILENT,
        created_at__gte=OuterRef("last_attended_at"),
    )
    treatment = Treatment.objects.filter(
        client=OuterRef("client"),
        therapist=OuterRef("last_attended__therapist"),
        service=OuterRef("last_attended__service"),
    ).order_by("-pk")
    today = jalali.local_day(now, clinic.timezone)
    pause_over = Q(paused_until__lte=today)
    ended = at_planned_ending(treatment.filter(state__in=OPEN_TREATMENTS), today)
    found: QuerySet[Rhythm] = (
        Rhythm.objects.filter(
            next_session_at=None,
            last_attended_at__isnull=False,
            client__crisis_since=None,
            client__deceased_at=None,
        )
        .annotate(
            silent_since=ExpressionWrapper(
                F("last_attended_at") + lapse, output_field=DateTimeField()
            ),
            treatment_state=Subquery(treatment.values("state")[:1]),
            paused_until=Subquery(treatment.values("paused_until")[:1]),
        )
        .filter(
            Q(silent_since__lt=clinic.live_since or now)
            | Q(silent_since__lt=now - UNASKED) & ~Exists(_texts_about_it())
        )
        .filter(Q(treatment_state=Treatment.State.ACTIVE) | pause_over)
        .exclude(Exists(asked) | Exists(ended))
        .select_related("client", "last_attended__therapist", "last_attended__service")
        .order_by("-last_attended_at", "-id")
    )
    return found


def _texts_about_it() -> QuerySet[Message]:
    rules = Rule.objects.filter(kind=Kind.SILENT).values("pk")
    return Message.objects.filter(
        client=OuterRef("client"), session=OuterRef("last_attended"), rule_number__in=rules
    )


def put_on_call_list(rhythm: Rhythm, *, now: dt.datetime, by: User) -> CareTask:
    """Once for each silence; due at once."""
    return care_tasks.open_task(
        CareTask.Kind.SILENT,
        rhythm.client,
        session=rhythm.last_attended,
        occasion=f"session:{rhythm.last_attended_id}",
        due_at=now,
        now=now,
        by=by,
    )


def settle(rhythm: Rhythm, *, planned: bool, now: dt.datetime, by: User) -> list[ClientEvent]:
    """End every open treatment of the client, as planned or as given up; what that left behind.

    Raises `patients.care.CareError`.
    """
    end = care.complete_treatment if planned else care.drop_treatment
    return [end(treatment, now=now, by=by) for treatment in care.open_treatments(rhythm.client)]
