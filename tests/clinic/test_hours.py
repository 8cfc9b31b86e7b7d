"""Quiet hours and working days, as the database tells them: tables of what rules.md says."""

import datetime as dt

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic import jalali
from clinic.models import Closure
from tests.effort import examples

TEHRAN = "Asia/Tehran"
#: Quiet hours of a new clinic.
EVENING, MORNING = "21:00", "09:00"
FRIDAY = dt.date(2026, 11, 20)
DAY = dt.timedelta(days=1)


def ask(call, *values):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {call}", values)
        return cursor.fetchone()[0]


def tehran(text):
    return jalali.parse_datetime(text)


def read(moment):
    return f"{jalali.local(moment):%Y-%m-%d %H:%M}"


def close(clinic, first, last=None, kind="own"):
    first = dt.date.fromisoformat(first)
    last = dt.date.fromisoformat(last) if last else first
    return Closure.objects.create(
        clinic=clinic, first_day=first, last_day=last, name="تعطیل", kind=kind
    )


def is_closed(clinic, day):
    return ask("is_closed(%s, %s)", day, clinic.pk)


def working_day(clinic, day):
    return ask("working_day(%s, %s)", day, clinic.pk)


def working_moment(clinic, at, quiet_from=EVENING, quiet_to=MORNING):
    call = "working_moment(%s, %s, %s, %s, %s)"
    return ask(call, at, TEHRAN, quiet_from, quiet_to, clinic.pk)


def usual_moment(clinic, at, minute):
    return ask("usual_moment(%s, %s, %s, %s)", at, TEHRAN, minute, clinic.pk)


def is_held_back(clinic, at, due_at):
    return ask("is_held_back(%s, %s, %s, %s)", at, TEHRAN, due_at, clinic.pk)


# -- Quiet hours -------------------------------------------------------------------------------

IS_QUIET = [
    pytest.param("20:59", EVENING, MORNING, False, id="a minute before the evening"),
    pytest.param("21:00", EVENING, MORNING, True, id="the minute they begin"),
    pytest.param("00:00", EVENING, MORNING, True, id="midnight"),
    pytest.param("08:59", EVENING, MORNING, True, id="a minute before the morning"),
    pytest.param("09:00", EVENING, MORNING, False, id="the minute they end"),
    pytest.param("12:59", "13:00", "15:00", False, id="a siesta has not begun"),
    pytest.param("13:00", "13:00", "15:00", True, id="a siesta"),
    pytest.param("15:00", "13:00", "15:00", False, id="after a siesta"),
    pytest.param("00:00", "00:00", "08:00", True, id="from midnight on"),
    pytest.param("12:00", "12:00", "12:00", False, id="no hour at all"),
]


@pytest.mark.parametrize(("clock", "quiet_from", "quiet_to", "quiet"), IS_QUIET)
def test_quiet_hours_end_where_they_should(owner, clock, quiet_from, quiet_to, quiet):
    at = tehran(f"2026-11-19 {clock}")
    assert ask("is_quiet(%s, %s, %s, %s)", at, TEHRAN, quiet_from, quiet_to) is quiet


AFTER_QUIET = [
    pytest.param("2026-11-18 15:00", EVENING, MORNING, "2026-11-18 15:00", id="awake"),
    pytest.param("2026-11-18 21:00", EVENING, MORNING, "2026-11-19 09:00", id="evening"),
    pytest.param("2026-11-18 23:59", EVENING, MORNING, "2026-11-19 09:00", id="before midnight"),
    pytest.param("2026-11-19 00:00", EVENING, MORNING, "2026-11-19 09:00", id="after midnight"),
    pytest.param("2026-11-19 08:59", EVENING, MORNING, "2026-11-19 09:00", id="early morning"),
    pytest.param("2026-11-19 14:00", "13:00", "15:00", "2026-11-19 15:00", id="a siesta"),
    pytest.param("2026-11-19 02:00", "00:00", "08:00", "2026-11-19 08:00", id="no evening"),
    pytest.param("2026-11-19 10:00", "22:30", "10:30", "2026-11-19 10:30", id="own hours"),
    pytest.param("1405/12/29 22:00", EVENING, MORNING, "2027-03-21 09:00", id="over Nowruz"),
]


@pytest.mark.parametrize(("at", "quiet_from", "quiet_to", "wakes"), AFTER_QUIET)
def test_the_quiet_hours_around_a_moment_end_on_this_morning_or_the_next(
    owner, at, quiet_from, quiet_to, wakes
):
    call = "after_quiet(%s, %s, %s, %s)"
    assert read(ask(call, tehran(at), TEHRAN, quiet_from, quiet_to)) == wakes


QUIET_SINCE = [
    pytest.param("2026-11-18 23:00", EVENING, "2026-11-18 21:00", id="this evening"),
    pytest.param("2026-11-19 03:00", EVENING, "2026-11-18 21:00", id="the evening before"),
    pytest.param("2026-11-19 14:00", "13:00", "2026-11-19 13:00", id="a siesta"),
]


@pytest.mark.parametrize(("at", "quiet_from", "began"), QUIET_SINCE)
def test_the_quiet_hours_around_a_moment_began_on_an_evening(owner, at, quiet_from, began):
    assert read(ask("quiet_since(%s, %s, %s)", tehran(at), TEHRAN, quiet_from)) == began


# -- Closed days -------------------------------------------------------------------------------

CLOSED = [
    pytest.param("2026-11-18", True, id="its first day"),
    pytest.param("2026-11-19", True, id="its last day"),
    pytest.param("2026-11-17", False, id="the day before"),
    pytest.param("2026-11-20", True, id="Friday"),
    pytest.param("2026-11-21", False, id="Saturday"),
]


@pytest.mark.parametrize(("day", "closed"), CLOSED)
def test_a_closure_counts_from_its_first_day_to_its_last(clinic, day, closed):
    close(clinic, "2026-11-18", "2026-11-19")
    assert is_closed(clinic, dt.date.fromisoformat(day)) is closed


@pytest.mark.parametrize("kind", ["holiday", "own"])
def test_public_holidays_and_own_closures_close_alike(clinic, kind):
    close(clinic, "2026-11-18", kind=kind)
    assert is_closed(clinic, dt.date(2026, 11, 18))


def test_another_clinics_closure_does_not_count(clinic, other_clinic):
    close(other_clinic, "2026-11-18")
    day = dt.date(2026, 11, 18)
    assert (is_closed(clinic, day), working_day(clinic, day)) == (False, day)


WORKING_DAY = [
    pytest.param("2026-11-19", "2026-11-19", id="itself"),
    pytest.param("2026-11-20", "2026-11-21", id="after Friday"),
    pytest.param("2027-03-20", "2027-04-03", id="after fourteen days of Nowruz"),
    pytest.param("2027-03-31", "2027-04-03", id="inside Nowruz"),
    pytest.param("2026-12-24", "2026-12-27", id="a holiday, Friday and another holiday"),
]


@pytest.mark.parametrize(("day", "opens"), WORKING_DAY)
def test_the_clinic_opens_on_the_first_day_that_nothing_closes(clinic, day, opens):
    close(clinic, "2027-03-20", "2027-04-02")
    close(clinic, "2026-12-24", kind="holiday")
    close(clinic, "2026-12-26", kind="holiday")
    assert working_day(clinic, dt.date.fromisoformat(day)) == dt.date.fromisoformat(opens)


def test_a_clinic_that_never_opens_is_given_up_after_four_months(clinic):
    close(clinic, "2026-11-20", "2027-11-20")
    assert working_day(clinic, FRIDAY) == FRIDAY + 120 * DAY


# -- When a text that can wait may go ----------------------------------------------------------

MOMENTS = [
    pytest.param("2026-11-18 15:20", "2026-11-18 15:20", id="a working afternoon"),
    pytest.param("2026-11-18 09:00", "2026-11-18 09:00", id="nine on a day after a working one"),
    pytest.param("2026-11-18 22:00", "2026-11-19 09:00", id="quiet, and tomorrow is open"),
    pytest.param("2026-11-19 22:00", "2026-11-21 10:00", id="Thursday night"),
    pytest.param("2026-11-20 03:00", "2026-11-21 10:00", id="early on Friday"),
    pytest.param("2026-11-20 12:00", "2026-11-21 10:00", id="Friday noon"),
    pytest.param("2026-11-20 23:00", "2026-11-21 10:00", id="Friday night"),
    pytest.param("2026-11-21 09:20", "2026-11-21 09:20", id="Saturday morning itself"),
    pytest.param("2026-11-21 02:00", "2026-11-21 09:00", id="Saturday, before the morning"),
    pytest.param("2026-11-26 22:00", "2026-11-29 10:00", id="the Saturday is a holiday"),
    pytest.param("2026-11-28 23:30", "2026-11-29 10:00", id="the night of that holiday"),
    pytest.param("2027-03-20 12:00", "2027-04-03 10:00", id="Nowruz, to the Saturday after it"),
    pytest.param("2027-03-19 21:30", "2027-04-03 10:00", id="the Friday night before Nowruz"),
    pytest.param("2027-03-18 20:59", "2027-03-18 20:59", id="the last minute of the old year"),
]


@pytest.mark.parametrize(("at", "goes"), MOMENTS)
def test_what_can_wait_goes_at_ten_of_the_first_working_day(clinic, at, goes):
    close(clinic, "2026-11-28", kind="holiday")
    close(clinic, "2027-03-20", "2027-04-01")
    assert read(working_moment(clinic, tehran(at))) == goes


OWN_HOURS = [
    pytest.param("22:00", "11:30", "2026-11-21 11:30", id="later than ten"),
    pytest.param("22:00", "10:00", "2026-11-21 10:00", id="ten itself"),
    pytest.param("20:00", "07:00", "2026-11-21 10:00", id="earlier than ten"),
    pytest.param("14:00", "16:00", "2026-11-21 10:00", id="a siesta"),
    pytest.param("09:30", "12:00", "2026-11-21 12:00", id="a quiet morning"),
    pytest.param("09:30", "08:00", "2026-11-24 08:00", id="texts before ten only, Sunday closed"),
]


@pytest.mark.parametrize(("quiet_from", "quiet_to", "goes"), OWN_HOURS)
def test_ten_itself_waits_for_the_end_of_own_quiet_hours(clinic, quiet_from, quiet_to, goes):
    close(clinic, "2026-11-22")
    at = tehran("2026-11-20 12:30")
    assert read(working_moment(clinic, at, quiet_from, quiet_to)) == goes


def test_another_clinics_holiday_holds_nothing_back(clinic, other_clinic):
    close(other_clinic, "2026-11-18")
    at = tehran("2026-11-18 12:00")
    assert working_moment(clinic, at) == at


USUAL = [
    pytest.param("2026-11-18 08:00", 17 * 60 + 30, "2026-11-18 17:30", id="later today"),
    pytest.param("2026-11-18 17:30", 17 * 60 + 30, "2026-11-18 17:30", id="this very minute"),
    pytest.param("2026-11-18 17:31", 17 * 60 + 30, "2026-11-19 17:30", id="already past today"),
    pytest.param("2026-11-19 17:31", 17 * 60 + 30, "2026-11-21 17:30", id="past, over Friday"),
    pytest.param("2026-11-20 08:00", 17 * 60 + 30, "2026-11-21 17:30", id="on a Friday"),
    pytest.param("2026-11-20 18:00", 17 * 60 + 30, "2026-11-21 17:30", id="late on a Friday"),
    pytest.param("2026-11-18 06:00", 8 * 60, "2026-11-18 10:00", id="an hour too early"),
    pytest.param("2026-11-18 09:30", 8 * 60, "2026-11-18 10:00", id="early, and half past nine"),
    pytest.param("2026-11-18 11:00", 8 * 60, "2026-11-19 10:00", id="early, and ten is past"),
    pytest.param("2026-11-18 12:00", 20 * 60, "2026-11-18 19:00", id="an hour too late"),
    pytest.param("2026-11-18 19:00", 23 * 60, "2026-11-18 19:00", id="late, at seven"),
    pytest.param("2026-11-18 09:00", None, "2026-11-18 10:00", id="no hour is known"),
    pytest.param("2026-11-26 20:00", 600, "2026-11-29 10:00", id="the Saturday is a holiday"),
    pytest.param("2027-03-20 08:00", 700, "2027-04-03 11:40", id="after Nowruz"),
]


@pytest.mark.parametrize(("at", "minute", "goes"), USUAL)
def test_the_usual_hour_comes_round_on_a_working_day(clinic, at, minute, goes):
    close(clinic, "2026-11-28", kind="holiday")
    close(clinic, "2027-03-20", "2027-04-01")
    assert read(usual_moment(clinic, tehran(at), minute)) == goes


HELD = [
    pytest.param("2026-11-19 22:00", "2026-11-19 12:00", False, id="Thursday night"),
    pytest.param("2026-11-20 12:00", "2026-11-19 12:00", True, id="Friday"),
    pytest.param("2026-11-20 12:00", "2026-11-20 11:59", True, id="Friday, due on it"),
    pytest.param("2026-11-21 09:30", "2026-11-19 12:00", True, id="Saturday 9:30, due Thursday"),
    pytest.param("2026-11-21 09:30", "2026-11-20 23:59", True, id="Saturday 9:30, due Friday"),
    pytest.param("2026-11-21 09:30", "2026-11-21 09:20", False, id="Saturday 9:30, due at 9:20"),
    pytest.param("2026-11-21 10:00", "2026-11-19 12:00", False, id="Saturday at ten"),
    pytest.param("2026-11-22 09:30", "2026-11-19 12:00", False, id="Sunday, however old"),
    pytest.param("2026-11-28 11:00", "2026-11-28 10:30", True, id="a holiday"),
    pytest.param("2026-11-29 09:30", "2026-11-26 12:00", True, id="the morning after a holiday"),
]


@pytest.mark.parametrize(("at", "due", "held"), HELD)
def test_at_the_last_door_a_closed_day_holds_back_until_ten(clinic, at, due, held):
    close(clinic, "2026-11-28", kind="holiday")
    assert is_held_back(clinic, tehran(at), tehran(due)) is held


def test_a_clinic_closed_for_four_months_holds_back_for_four_months(clinic):
    close(clinic, "2026-11-21", "2027-11-20")
    at = tehran("2026-11-21 12:00")
    assert read(working_moment(clinic, at)) == "2027-03-21 10:00"
    assert is_held_back(clinic, tehran("2027-03-21 12:00"), at)


# -- For every clinic and every moment ---------------------------------------------------------

#: Of the clinic or of one client, over midnight or not, and leaving as little as a minute.
minutes = st.integers(0, 24 * 60 - 1)
moments = st.integers(0, 40 * 24 * 60).map(
    lambda n: dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=n)
)
closures = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 13)), max_size=4)


def clock(minute):
    return dt.time(minute // 60, minute % 60)


def closed_for(clinic, spans):
    Closure.objects.all().delete()
    for n, (start, length) in enumerate(spans):
        first = dt.date(2026, 11, 1) + start * DAY
        last = first + length * DAY
        Closure.objects.create(clinic=clinic, first_day=first, last_day=last, name=str(n))


def closed_by_hand(spans, day):
    start = dt.date(2026, 11, 1)
    days = {start + (first + n) * DAY for first, length in spans for n in range(length + 1)}
    return jalali.weekday(day) == 6 or day in days


def quiet_by_hand(time, start, end):
    if start <= end:
        return start <= time < end
    return time >= start or time < end


thorough = effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@thorough
@given(moments, minutes, minutes, closures)
def test_a_working_moment_is_never_quiet_never_closed_and_never_earlier(
    clinic, at, evening, morning, spans
):
    closed_for(clinic, spans)
    quiet_from, quiet_to = clock(evening), clock(morning)
    goes = working_moment(clinic, at, quiet_from, quiet_to)
    local = jalali.local(goes)
    assert not quiet_by_hand(local.time(), quiet_from, quiet_to)
    assert not closed_by_hand(spans, local.date())
    assert goes >= at
    assert working_moment(clinic, goes, quiet_from, quiet_to) == goes
    assert not is_held_back(clinic, goes, at)


@thorough
@given(moments, st.none() | minutes, closures)
def test_a_usual_moment_is_between_ten_and_seven_of_a_working_day(clinic, at, minute, spans):
    closed_for(clinic, spans)
    goes = usual_moment(clinic, at, minute)
    local = jalali.local(goes)
    wanted = min(max(600 if minute is None else minute, 600), 1140)
    assert local.time() == clock(wanted)
    assert not closed_by_hand(spans, local.date())
    assert goes >= at
