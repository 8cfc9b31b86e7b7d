"""What is offered as free really is."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings as examples, strategies as st

from clinic import jalali
from clinic.hours import Span
from clinic.models import WorkingHours
from sessions_app.slots import _starts, other_times
from tests.factories import SessionFactory, TherapistFactory
from tests.followup.clinics import tehran

TZ = "Asia/Tehran"
DAY = dt.date(2026, 11, 28)
EARLY = tehran("2026-11-27 12:00")
FIFTY = dt.timedelta(minutes=50)


@pytest.fixture
def therapist(clinic):
    """Receives on Saturdays from 9 to 13."""
    therapist = TherapistFactory(clinic=clinic)
    WorkingHours.objects.create(
        clinic=clinic, therapist=therapist, weekday=0, begins=dt.time(9), ends=dt.time(13)
    )
    return therapist


def taken(therapist, starts, ends, state="scheduled"):
    at = tehran(f"2026-11-28 {starts}")
    SessionFactory(
        clinic=therapist.clinic,
        therapist=therapist,
        starts_at=at,
        ends_at=tehran(f"2026-11-28 {ends}"),
        state=state,
    )


@pytest.fixture
def session(clinic, therapist):
    """The one whose time does not suit, far away."""
    at = tehran("2027-03-01 10:00")
    return SessionFactory(clinic=clinic, therapist=therapist, starts_at=at, ends_at=at + FIFTY)


def starts(session, *, now=EARLY, day=DAY):
    offered = other_times(session, now=now).starts
    there = [jalali.local(start, TZ) for start in offered]
    return [f"{start:%H:%M}" for start in there if start.date() == day]


def test_of_an_empty_morning_three_are_offered_side_by_side(session):
    assert starts(session) == ["09:00", "11:00", "12:00"]


@pytest.mark.parametrize("state", ["scheduled", "confirmed", "arrived", "attended"])
def test_what_is_taken_is_not_offered(therapist, session, state):
    taken(therapist, "10:00", "11:50", state)
    assert starts(session) == ["09:00", "12:00"]


@pytest.mark.parametrize("state", ["cancelled", "no_show"])
def test_what_was_given_back_is(therapist, session, state):
    taken(therapist, "10:00", "11:50", state)
    assert starts(session) == ["09:00", "11:00", "12:00"]


def test_after_an_odd_ending_the_next_quarter_is_offered(therapist, session):
    taken(therapist, "09:00", "11:40")
    assert starts(session) == ["11:45"]


def test_a_gap_that_is_too_short_is_not_offered(therapist, session):
    taken(therapist, "09:40", "12:20")
    assert starts(session) == []


def test_nothing_within_three_hours_is_offered(session):
    assert starts(session, now=tehran("2026-11-28 07:05")) == ["10:15", "11:15"]


def test_anothers_sessions_take_nothing(clinic, session):
    taken(TherapistFactory(clinic=clinic), "09:00", "13:00")
    assert len(starts(session)) == 3


def test_of_two_weeks_no_more_than_can_be_read_are_offered(clinic, therapist, session):
    for weekday in range(1, 7):
        WorkingHours.objects.create(
            clinic=clinic,
            therapist=therapist,
            weekday=weekday,
            begins=dt.time(9),
            ends=dt.time(13),
        )
    offered = other_times(session, now=EARLY).starts
    days = {jalali.local_day(start, TZ) for start in offered}
    assert (len(offered), len(days), offered == sorted(offered)) == (12, 4, True)


def test_whoever_told_no_hours_has_nothing_to_offer(clinic):
    at = tehran("2026-11-30 10:00")
    session = SessionFactory(clinic=clinic, starts_at=at, ends_at=at + FIFTY)
    assert other_times(session, now=EARLY).starts == []


FREE = [
    ("09:00", True),
    ("09:05", True),
    ("12:10", True),
    ("12:11", False),
    ("08:59", False),
    ("10:30", False),
    ("10:50", True),
]


@pytest.mark.parametrize(("clock", "free"), FREE)
def test_a_start_holds_as_long_as_the_session_fits(therapist, session, clock, free):
    taken(therapist, "10:00", "10:50")
    offer = other_times(session, now=EARLY)
    assert offer.holds(tehran(f"2026-11-28 {clock}")) is free


@examples(max_examples=200)
@given(begins=st.integers(0, 200), minutes=st.integers(0, 400), length=st.integers(5, 120))
def test_offered_starts_lie_on_the_quarter_inside_and_do_not_overlap(begins, minutes, length):
    start = tehran("2026-11-28 09:00") + dt.timedelta(minutes=begins)
    span, lasts = Span(start, start + dt.timedelta(minutes=minutes)), dt.timedelta(minutes=length)
    offered = list(_starts(span, lasts))
    assert all(
        it.minute % 15 == 0 and span.start <= it and it + lasts <= span.end for it in offered
    )
    assert all(a + lasts <= b for a, b in pairwise(offered))
