"""A live clinic with the default rules, and clocks that read as Tehran's."""

import datetime as dt
from collections import Counter

from clinic import jalali
from clinic.tenancy import Hat, wear
from followup.actions import open_clinic
from followup.planner import plan
from messaging.delivery import drain
from messaging.lookups import look_after
from messaging.models import Message
from tests import factories

OPENED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def tehran(text):
    """«2026-11-21 17:30» of Tehran as an instant; Jalali is written «1405/09/01 17:30»."""
    return jalali.parse_datetime(text)


def live_clinic(slug="live", *, opened=OPENED, live=True):
    return open_clinic(
        slug, "کلینیک آرامش", phone="021-88001122", timezone="Asia/Tehran", live=live, now=opened
    )


def session_at(clinic, starts, *, booked="2026-01-02 10:00", clients=None, **fields):
    starts_at = tehran(starts)
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        return factories.SessionFactory(
            clinic=clinic, starts_at=starts_at, booked_at=tehran(booked), clients=clients, **fields
        )


def tick(now):
    """One tick of the whole engine, as the command does it."""
    moment = tehran(now) if isinstance(now, str) else now
    counts = plan(moment)
    look_after(moment)
    return +(counts + drain(lambda: moment))


def outbox(clinic, rule=None):
    messages = Message.objects.filter(clinic=clinic).order_by("due_at", "id")
    return list(messages.filter(rule_key=rule) if rule else messages)


def due_times(clinic, rule):
    """When the rule's messages fell due, on Tehran's clocks, to the minute."""
    return [f"{jalali.local(m.due_at):%Y-%m-%d %H:%M}" for m in outbox(clinic, rule)]


def states(clinic):
    return Counter((m.rule_key, m.state, m.reason) for m in outbox(clinic))
