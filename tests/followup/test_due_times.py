"""When reminders fall due: the tables of rules.md."""

import datetime as dt

import pytest

from clinic import jalali
from followup.planner import plan
from messaging.models import Message
from tests.followup.clinics import due_times, live_clinic, outbox, session_at, tehran

# start of the session → due time of the 72 h reminder, both on Tehran's clocks
DUE_72H = [
    pytest.param("2026-11-28 17:30", "2026-11-25 17:30", id="plain"),
    pytest.param("2026-11-28 09:00", "2026-11-25 09:00", id="the minute quiet hours end"),
    pytest.param("2026-11-28 20:59", "2026-11-25 20:59", id="the last minute before quiet hours"),
    pytest.param("2026-12-01 10:00", "2026-11-28 10:00", id="over a Friday"),
    pytest.param("2026-11-30 10:00", "2026-11-27 10:00", id="due on a Friday: it goes"),
    pytest.param("1406/01/05 12:00", "2027-03-22 12:00", id="due on a Nowruz holiday: it goes"),
    pytest.param("1406/01/01 11:00", "2027-03-18 11:00", id="first day of a Jalali year"),
    pytest.param("1409/01/02 11:00", "2030-03-19 11:00", id="after a leap Esfand (30 days)"),
    pytest.param("2021-09-22 12:00", "2021-09-19 13:00", id="over the end of a summer time"),
]
# due in quiet hours: pulled to the last ten minutes before them
PULLED_72H = [
    pytest.param("2026-11-28 21:00", "2026-11-25", id="the minute quiet hours begin"),
    pytest.param("2026-11-28 23:30", "2026-11-25", id="late evening"),
    pytest.param("2026-11-28 00:15", "2026-11-24", id="after midnight"),
    pytest.param("2026-11-28 08:00", "2026-11-24", id="early morning"),
    pytest.param("2026-11-28 08:59", "2026-11-24", id="a minute before quiet hours end"),
]


@pytest.fixture
def live(owner):
    return live_clinic(opened=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))


def plan_around(session):
    plan(session.starts_at - dt.timedelta(hours=1))


@pytest.mark.parametrize(("starts", "due"), DUE_72H)
def test_the_72_hour_reminder_falls_due_three_days_before(live, starts, due):
    plan_around(session_at(live, starts, booked="2020-02-01 10:00"))
    assert due_times(live, "reminder_72h") == [due]


@pytest.mark.parametrize(("starts", "day"), PULLED_72H)
def test_a_reminder_due_in_quiet_hours_is_pulled_to_the_last_minutes_before(live, starts, day):
    plan_around(session_at(live, starts, booked="2020-02-01 10:00"))
    (due,) = due_times(live, "reminder_72h")
    assert f"{day} 20:50" <= due <= f"{day} 20:59"


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_the_24_hour_reminder_is_spread_over_ten_minutes(live, minute):
    session = session_at(live, f"2026-11-28 17:{minute:02}")
    plan_around(session)
    (message,) = outbox(live, "reminder_24h")
    late = message.due_at - (session.starts_at - dt.timedelta(hours=24))
    assert dt.timedelta(0) <= late < dt.timedelta(minutes=10)


def test_sessions_of_one_hour_do_not_all_fall_due_at_once(live):
    for _ in range(8):
        plan_around(session_at(live, "2026-11-28 17:00"))
    assert len({m.due_at for m in outbox(live, "reminder_24h")}) == 8


def test_a_spread_that_would_end_in_quiet_hours_is_pulled_before_them(live):
    for _ in range(6):
        plan_around(session_at(live, "2026-11-28 20:58"))
    assert {due[:14] + due[14] for due in due_times(live, "reminder_24h")} == {"2026-11-27 20:5"}


def test_the_due_time_is_the_same_whoever_asks_and_however_often(live):
    session = session_at(live, "2026-11-28 17:00")
    plan_around(session)
    (first,) = outbox(live, "reminder_24h")
    Message.objects.filter(clinic=live).delete()
    plan_around(session)
    assert outbox(live, "reminder_24h")[0].due_at == first.due_at


@pytest.mark.parametrize(
    ("rule", "until"),
    [("reminder_72h", "2026-11-27 17:30"), ("reminder_24h", "2026-11-28 14:30")],
)
def test_a_reminder_is_useful_until_a_day_or_three_hours_before(live, rule, until):
    plan_around(session_at(live, "2026-11-28 17:30"))
    assert outbox(live, rule)[0].useful_until == tehran(until)


@pytest.mark.parametrize(
    ("booked", "rules"),
    [
        pytest.param("2026-11-20 17:30", ["reminder_72h", "reminder_24h"], id="eight days ahead"),
        pytest.param("2026-11-25 17:30", ["reminder_72h", "reminder_24h"], id="exactly 72 h"),
        pytest.param("2026-11-25 17:31", ["reminder_24h"], id="a minute under 72 h"),
        pytest.param("2026-11-27 17:30", ["reminder_24h"], id="exactly 24 h"),
        pytest.param("2026-11-27 17:31", [], id="a minute under 24 h"),
        pytest.param("2026-11-28 17:00", [], id="half an hour ahead"),
    ],
)
def test_a_late_booking_earns_only_the_reminders_it_left_time_for(live, booked, rules):
    plan_around(session_at(live, "2026-11-28 17:30", booked=booked))
    assert [m.rule_key for m in outbox(live)] == rules


@pytest.mark.parametrize(
    ("tz", "due_utc"),
    [("Asia/Tehran", "2026-11-25 14:00"), ("Europe/Berlin", "2026-11-25 14:00")],
)
def test_the_lead_is_the_same_in_every_zone(live, tz, due_utc):
    type(live).objects.filter(pk=live.pk).update(timezone=tz)
    plan_around(session_at(live, "2026-11-28 17:30"))
    assert f"{outbox(live, 'reminder_72h')[0].due_at:%Y-%m-%d %H:%M}" == due_utc


def test_quiet_hours_are_the_clinics_own(live):
    type(live).objects.filter(pk=live.pk).update(quiet_from=dt.time(17), quiet_to=dt.time(18))
    plan_around(session_at(live, "2026-11-28 17:30"))
    (due,) = due_times(live, "reminder_72h")
    assert "2026-11-25 16:50" <= due <= "2026-11-25 16:59"


def test_a_clinic_without_quiet_hours_is_never_pulled(live):
    type(live).objects.filter(pk=live.pk).update(quiet_from=dt.time(0), quiet_to=dt.time(0))
    plan_around(session_at(live, "2026-11-28 03:00"))
    assert due_times(live, "reminder_72h") == ["2026-11-25 03:00"]


def test_a_message_knows_its_jalali_day(live):
    plan_around(session_at(live, "1405/12/29 12:00"))
    assert (
        jalali.numeric_date(outbox(live, "reminder_72h")[0].due_at, language="en") == "1405/12/26"
    )
