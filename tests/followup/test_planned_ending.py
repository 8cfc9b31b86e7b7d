"""A planned ending: no question to the client, one to the people of the clinic."""

import datetime as dt

import pytest

from patients import care
from tests import factories
from tests.followup.clinics import tehran, tick
from tests.followup.practice import practice

FIRST, SECOND = "2026-11-08 17:30", "2026-11-15 17:30"
PLANNED = "2026-11-10 12:00"
LAST_DAY = dt.date(2026, 12, 16)


@pytest.fixture
def p(owner, gateway):
    return practice("silent_1", "no_next_booking")


def plan(p, ends_on=None, ends_after=None, at=PLANNED):
    p.do(care.plan_ending, p.treatment, ends_on, ends_after, at=at)


def asked(p):
    return [(t.kind, t.due_at) for t in p.tasks() if t.kind == "plan_over"]


def asked_once(at):
    return [("plan_over", tehran(at))]


@pytest.mark.parametrize(
    ("day", "due"),
    [
        pytest.param(LAST_DAY, "2026-12-16 10:00", id="a working day"),
        pytest.param(dt.date(2026, 12, 18), "2026-12-19 10:00", id="a Friday"),
    ],
)
def test_on_its_day_somebody_is_asked_how_it_ended(p, day, due):
    p.came(FIRST)
    plan(p, day)
    tick("2026-12-15 23:59")
    assert asked(p) == []
    for now in ("2026-12-16 00:01", "2026-12-19 00:01", "2026-12-19 12:00"):
        tick(now)
    assert asked(p) == asked_once(due)


def test_after_its_last_session_somebody_is_asked_the_next_working_morning(p):
    p.came(FIRST)
    plan(p, ends_after=2)
    tick("2026-11-14 12:00")
    assert asked(p) == []
    p.came(SECOND)  # recorded at 18:20
    for now in ("2026-11-15 18:20", "2026-11-15 18:25", "2026-11-16 12:00"):
        tick(now)
    assert asked(p) == asked_once("2026-11-16 10:00")


def test_sessions_with_another_therapist_do_not_count(p):
    p.came(FIRST)
    plan(p, ends_after=2)
    with p.inside():
        other = factories.TherapistFactory(clinic=p.clinic)
    p.came(SECOND, therapist=other)
    tick("2026-11-16 12:00")
    assert asked(p) == []


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(
            lambda p: p.book("2026-12-20 17:30", at="2026-12-10 12:00", tell=False), id="booked"
        ),
        pytest.param(
            lambda p: p.do(care.complete_treatment, p.treatment, at="2026-12-10 12:00"), id="ended"
        ),
        pytest.param(lambda p: plan(p, dt.date(2026, 12, 30), at="2026-12-10 12:00"), id="put off"),
        pytest.param(lambda p: plan(p, at="2026-12-10 12:00"), id="taken back"),
        pytest.param(lambda p: p.do(care.record_death, p.client, at="2026-12-10 12:00"), id="died"),
    ],
)
def test_nobody_is_asked_where_that_is_clear(p, then):
    p.came(FIRST)
    plan(p, LAST_DAY)
    then(p)
    tick("2026-12-16 12:00")
    assert asked(p) == []


def test_a_plan_that_was_put_off_asks_again_at_its_new_day(p):
    p.came(FIRST)
    plan(p, LAST_DAY)
    tick("2026-12-16 12:00")
    plan(p, dt.date(2026, 12, 30), at="2026-12-17 12:00")
    tick("2026-12-30 12:00")
    assert [due for _, due in asked(p)] == [tehran("2026-12-16 10:00"), tehran("2026-12-30 10:00")]


def test_a_paused_treatment_ends_as_planned_too(p):
    p.came(FIRST)
    plan(p, LAST_DAY)
    p.do(care.pause_treatment, p.treatment, at=PLANNED)
    tick("2026-12-16 12:00")
    assert asked(p) == asked_once("2026-12-16 10:00")


def test_what_is_booked_then_closes_the_question(p):
    p.came(FIRST)
    plan(p, LAST_DAY)
    tick("2026-12-16 12:00")
    p.book("2026-12-20 17:30", at="2026-12-17 12:00", tell=False)
    (task,) = [t for t in p.tasks() if t.kind == "plan_over"]
    assert (task.outcome, task.closed_at) == ("booked", tehran("2026-12-17 12:00"))
