"""When therapists receive clients, and what takes that away."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from clinic.hours import Span, without, working_spans
from clinic.models import Closure, TimeOff, WorkingHours
from tests.factories import TherapistFactory
from tests.followup.clinics import tehran

TZ = "Asia/Tehran"
SATURDAY, SUNDAY, FRIDAY = 0, 1, 6
#: A Saturday, and the Friday after it.
FIRST, LAST = dt.date(2026, 11, 28), dt.date(2026, 12, 4)


@pytest.fixture
def therapist(clinic):
    return TherapistFactory(clinic=clinic)


def receives(therapist, weekday, begins, ends):
    WorkingHours.objects.create(
        clinic=therapist.clinic,
        therapist=therapist,
        weekday=weekday,
        begins=dt.time.fromisoformat(begins),
        ends=dt.time.fromisoformat(ends),
    )


def is_away(therapist, starts, ends):
    TimeOff.objects.create(
        clinic=therapist.clinic,
        therapist=therapist,
        starts_at=tehran(starts),
        ends_at=tehran(ends),
        created_at=tehran("2026-11-01 10:00"),
    )


def spans(therapist, first=FIRST, last=LAST):
    found = working_spans([therapist.pk], first, last, TZ).get(therapist.pk, [])
    return [(span.start, span.end) for span in found]


def span(start, end):
    return tehran(start), tehran(end)


def test_the_week_as_told(therapist):
    receives(therapist, SATURDAY, "16:00", "20:00")
    receives(therapist, SATURDAY, "09:00", "13:00")
    receives(therapist, SUNDAY, "09:00", "13:00")
    assert spans(therapist) == [
        span("2026-11-28 09:00", "2026-11-28 13:00"),
        span("2026-11-28 16:00", "2026-11-28 20:00"),
        span("2026-11-29 09:00", "2026-11-29 13:00"),
    ]


def test_whoever_told_no_hours_is_not_known_to_receive(therapist):
    assert working_spans([therapist.pk], FIRST, LAST, TZ) == {}


def test_each_therapist_has_hours_of_their_own(clinic, therapist):
    other = TherapistFactory(clinic=clinic)
    receives(other, SATURDAY, "09:00", "13:00")
    assert spans(therapist) == []


@pytest.mark.parametrize("weekday", [SATURDAY, FRIDAY])
def test_nobody_receives_on_a_closed_day(clinic, therapist, weekday):
    Closure.objects.create(clinic=clinic, name="تعطیل", first_day=FIRST, last_day=FIRST)
    receives(therapist, weekday, "09:00", "13:00")
    assert spans(therapist) == []


AWAY = [
    pytest.param("08:00", "14:00", [], id="the whole stretch"),
    pytest.param("10:00", "11:00", [("09:00", "10:00"), ("11:00", "13:00")], id="its middle"),
    pytest.param("08:00", "10:00", [("10:00", "13:00")], id="its beginning"),
    pytest.param("12:00", "15:00", [("09:00", "12:00")], id="its end"),
    pytest.param("13:00", "15:00", [("09:00", "13:00")], id="right after it"),
    pytest.param("07:00", "09:00", [("09:00", "13:00")], id="right before it"),
]


@pytest.mark.parametrize(("starts", "ends", "left"), AWAY)
def test_time_off_is_taken_out(therapist, starts, ends, left):
    receives(therapist, SATURDAY, "09:00", "13:00")
    is_away(therapist, f"2026-11-28 {starts}", f"2026-11-28 {ends}")
    assert spans(therapist) == [span(f"2026-11-28 {a}", f"2026-11-28 {b}") for a, b in left]


def test_a_fortnight_of_leave_that_began_before(therapist):
    receives(therapist, SATURDAY, "09:00", "13:00")
    is_away(therapist, "2026-11-21 00:00", "2026-12-05 00:00")
    assert spans(therapist) == []


def test_anothers_leave_is_not_ones_own(clinic, therapist):
    receives(therapist, SATURDAY, "09:00", "13:00")
    is_away(TherapistFactory(clinic=clinic), "2026-11-28 00:00", "2026-11-29 00:00")
    assert len(spans(therapist)) == 1


MINUTES = st.integers(0, 300)
START = tehran("2026-11-28 09:00")


def stretch(a, b):
    return Span(START + dt.timedelta(minutes=min(a, b)), START + dt.timedelta(minutes=max(a, b)))


some_spans = st.lists(st.builds(stretch, MINUTES, MINUTES).filter(lambda s: s.start < s.end))


def minutes_in(spans):
    return {
        minute
        for it in spans
        for minute in range(
            int((it.start - START).total_seconds() // 60),
            int((it.end - START).total_seconds() // 60),
        )
    }


@given(taken=some_spans)
def test_what_is_left_and_what_was_taken_make_the_whole(taken):
    whole = [stretch(0, 120), stretch(150, 300)]
    left = list(without(whole, taken))
    assert minutes_in(left) == minutes_in(whole) - minutes_in(taken)
    assert all(a.end < b.start for a, b in pairwise(left))
