"""Planning the end of a treatment: what it leaves, refuses, and how it is taken back."""

import datetime as dt

import pytest

from patients import care
from patients.models import ClientEvent
from tests.factories import NOW

DAY = dt.timedelta(days=1)
WEEK = dt.date(2026, 11, 28)


def events(person):
    rows = ClientEvent.objects.filter(client=person).order_by("id")
    return [(event.kind, event.until, event.note) for event in rows]


def planned(treatment):
    treatment.refresh_from_db()
    return treatment.ends_on, treatment.ends_after


def test_an_ending_is_planned_changed_and_taken_back(treatment, person):
    first = care.plan_ending(treatment, WEEK, now=NOW)
    second = care.plan_ending(treatment, ends_after=12, now=NOW + DAY)
    assert planned(treatment) == (None, 12)
    care.undo(second, now=NOW + DAY)
    assert planned(treatment) == (WEEK, None)
    with pytest.raises(care.CareError):
        care.undo(first, now=NOW + DAY)
    care.plan_ending(treatment, now=NOW + DAY)
    assert planned(treatment) == (None, None)
    assert events(person) == [
        ("planned", WEEK, ""),
        ("planned", None, "12"),
        ("planned", WEEK, ""),
        ("planned", None, ""),
    ]


def test_the_first_plan_is_undone_to_none(treatment):
    care.undo(care.plan_ending(treatment, WEEK, 8, now=NOW), now=NOW)
    assert planned(treatment) == (None, None)


@pytest.mark.parametrize("day", [NOW.date(), NOW.date() - DAY])
def test_an_ending_is_planned_for_a_day_to_come(treatment, day):
    with pytest.raises(care.CareError, match="پس از امروز"):
        care.plan_ending(treatment, day, now=NOW)


def test_what_has_ended_has_no_ending_to_plan(treatment):
    care.complete_treatment(treatment, now=NOW)
    with pytest.raises(care.CareError):
        care.plan_ending(treatment, WEEK, now=NOW)
