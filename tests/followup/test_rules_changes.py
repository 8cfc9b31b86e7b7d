"""Booked, moved, cancelled: what a change of the diary tells, and what takes it back."""

import datetime as dt

import pytest

from exchange.actions import ListFile, import_files
from sessions_app import actions
from tests.exchange import files
from tests.factories import TherapistFactory
from tests.followup.clinics import due_times, outbox, tehran, tick
from tests.followup.practice import plan_at, practice, send_at

SATURDAY = "2026-11-28 17:30"
SUNDAY = "2026-11-29 17:30"
BOOKED = "2026-11-21 10:00"
TOLD = "2026-11-21 10:03"
LATER = "2026-11-24 12:00"
LATER_TOLD = "2026-11-24 12:03"


@pytest.fixture
def p(owner, gateway):
    return practice("booked", "moved", "cancelled")


def told(p):
    """The rules whose texts have left, in their order."""
    return [m.rule_key for m in outbox(p.clinic) if m.state == "sent"]


# -- Booked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        pytest.param({}, ["booked"], id="in the panel"),
        pytest.param({"source": "online"}, ["booked"], id="online"),
        pytest.param({"source": "import"}, [], id="imported"),
        pytest.param({"tell": False}, [], id="the client is not to be told"),
    ],
)
def test_a_booking_is_confirmed_where_it_was_made(p, fields, rules):
    p.book(SATURDAY, at=BOOKED, **fields)
    tick(TOLD)
    assert told(p) == rules


@pytest.mark.parametrize(
    ("starts", "texts"),
    [
        pytest.param("2026-11-21 10:04", [("sent", "")], id="a minute after the text"),
        pytest.param("2026-11-21 10:03", [], id="as the text falls due"),
        pytest.param("2026-11-21 09:30", [], id="in the past, for the record"),
    ],
)
def test_only_a_start_to_come_is_confirmed(p, starts, texts):
    p.book(starts, at=BOOKED)
    tick(TOLD)
    assert p.texts() == texts


def test_a_confirmation_that_waits_until_the_session_began_is_not_sent(p):
    p.book("2026-11-21 10:20", at=BOOKED)
    plan_at(TOLD)
    send_at("2026-11-21 10:20")
    assert p.texts() == [("skipped", "session_started")]


@pytest.mark.parametrize(
    ("booked", "states"),
    [
        pytest.param("2026-11-27 12:00", ["sent"], id="on a Friday: it goes"),
        pytest.param("2026-11-21 20:55", ["sent"], id="due before the quiet hours"),
        pytest.param("2026-11-21 20:58", ["missed"], id="of no use any more in the morning"),
    ],
)
def test_a_booking_in_the_evening_or_on_a_closed_day(p, booked, states):
    p.close("2026-11-27")
    p.book(SUNDAY, at=booked)
    moment = tehran(booked) + dt.timedelta(minutes=3)
    for later in (moment, moment + dt.timedelta(hours=14)):
        tick(later)
    assert [m.state for m in outbox(p.clinic)] == states


def test_a_booking_cancelled_within_three_minutes_tells_nothing(p):
    session = p.book(SATURDAY, at=BOOKED)
    p.do(actions.cancel, session, at="2026-11-21 10:02")
    tick(TOLD)
    tick(LATER)
    assert p.texts() == []


def test_a_booking_cancelled_while_its_confirmation_waits_takes_it_out(p):
    session = p.book(SATURDAY, at=BOOKED)
    plan_at(TOLD)
    p.do(actions.cancel, session, at=TOLD)
    send_at(TOLD)
    assert p.texts() == [("cancelled", "session_cancelled")]


# -- Moved ------------------------------------------------------------------------------------------


def moved(p, session, start=SUNDAY, *, at=LATER, tell=True, **fields):
    return p.do(actions.move, session, starts_at=tehran(start), at=at, tell=tell, **fields)


@pytest.mark.parametrize(("tell", "rules"), [(True, ["moved"]), (False, [])])
def test_a_move_is_told_where_staff_chose_to(p, tell, rules):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    moved(p, session, tell=tell)
    tick(LATER_TOLD)
    assert told(p) == rules


def test_a_move_tells_the_new_time(p, gateway):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    moved(p, session)
    tick(LATER_TOLD)
    assert "یکشنبه ۸ آذر" in gateway.messages[0].body


def test_of_two_moves_within_three_minutes_the_last_is_told(p, gateway):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    moved(p, session, "2026-11-30 17:30", at="2026-11-24 12:01")
    tick("2026-11-24 12:04")
    assert [("دوشنبه ۹ آذر" in m.body) for m in gateway.messages] == [True]


def test_a_booking_put_right_in_silence_is_confirmed_as_it_stands(p, gateway):
    session = p.book(SATURDAY, at="2026-11-24 12:00")
    session = moved(p, session, at="2026-11-24 12:02", tell=False)
    tick(LATER_TOLD)
    moved(p, session, "2026-11-30 17:30", at="2026-11-24 13:00", tell=False)
    tick("2026-11-24 13:03")
    assert [("یکشنبه ۸ آذر" in m.body) for m in gateway.messages] == [True]


def test_a_told_move_put_right_in_silence_is_told_as_it_stands(p, gateway):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    moved(p, session, "2026-11-30 17:30", at="2026-11-24 12:02", tell=False)
    tick("2026-11-24 12:05")
    tick("2026-11-24 13:00")
    assert [("دوشنبه ۹ آذر" in m.body) for m in gateway.messages] == [True]


def test_a_booking_told_to_move_and_put_right_in_silence_is_told_once(p, gateway):
    session = p.book(SATURDAY, at="2026-11-24 12:00")
    session = moved(p, session, at="2026-11-24 12:01")
    moved(p, session, "2026-11-30 17:30", at="2026-11-24 12:02", tell=False)
    tick("2026-11-24 12:04")
    tick("2026-11-24 13:00")
    assert told(p) == ["moved"]


@pytest.mark.parametrize(("tell", "rules"), [(True, ["booked"]), (False, [])])
def test_a_booking_whose_silent_move_was_undone_is_confirmed(p, tell, rules):
    session = p.book(SATURDAY, at="2026-11-24 12:00", tell=tell)
    session = moved(p, session, at="2026-11-24 12:01", tell=False)
    p.do(actions.undo, session, at="2026-11-24 12:02")
    tick("2026-11-24 12:05")
    assert told(p) == rules


def test_a_told_move_undone_and_then_moved_in_silence_tells_nothing(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    session = p.do(actions.undo, session, at="2026-11-24 12:01")
    moved(p, session, "2026-11-30 17:30", at="2026-11-24 12:02", tell=False)
    tick("2026-11-24 12:05")
    assert p.texts() == []


def test_each_change_of_the_therapist_is_told(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    for hour in (12, 13):
        with p.inside():
            other = TherapistFactory(clinic=p.clinic)
        session = moved(p, session, SATURDAY, at=f"2026-11-24 {hour}:00", therapist=other)
        tick(f"2026-11-24 {hour}:03")
    assert told(p) == ["moved", "moved"]


def test_a_move_that_moves_nothing_tells_nothing(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    moved(p, session, SATURDAY)
    tick(LATER_TOLD)
    assert told(p) == []


def test_a_move_that_is_moved_on_while_its_text_waits(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    plan_at(LATER_TOLD)
    moved(p, session, "2026-11-30 17:30", at=LATER_TOLD)
    send_at(LATER_TOLD)
    tick("2026-11-24 12:06")
    assert p.texts("moved") == [("cancelled", "session_moved"), ("sent", "")]


def test_a_move_undone_within_three_minutes_tells_nothing(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    p.do(actions.undo, session, at="2026-11-24 12:02")
    tick(LATER_TOLD)
    tick("2026-11-24 13:00")
    assert p.texts() == []


def test_a_move_undone_after_three_minutes_is_told_again(p, gateway):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    tick(LATER_TOLD)
    p.do(actions.undo, session, at="2026-11-24 12:03")
    tick("2026-11-24 12:06")
    assert [("شنبه ۷ آذر" in m.body) for m in gateway.messages] == [False, True]


def test_a_move_nobody_was_told_of_is_undone_in_silence(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session, tell=False)
    p.do(actions.undo, session, at="2026-11-24 15:00")
    tick("2026-11-24 15:03")
    assert p.texts() == []


def test_a_move_in_the_night_is_told_in_the_morning(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    moved(p, session, at="2026-11-24 22:00")
    tick("2026-11-24 22:03")
    assert due_times(p.clinic, "moved") == ["2026-11-25 09:00"]
    tick("2026-11-25 09:00")
    assert told(p) == ["moved"]


def test_a_move_in_the_night_to_the_early_morning_comes_too_late(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    moved(p, session, "2026-11-25 08:00", at="2026-11-24 22:00")
    tick("2026-11-24 22:03")
    tick("2026-11-25 09:00")
    assert p.texts() == [("missed", "too_late")]


# -- Cancelled --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tell", "rules"), [(True, ["cancelled"]), (False, [])])
def test_a_cancellation_is_told_where_staff_chose_to(p, tell, rules):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    p.do(actions.cancel, session, at=LATER, tell=tell)
    tick(LATER_TOLD)
    assert told(p) == rules


def test_a_cancellation_undone_within_three_minutes_tells_nothing(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = p.do(actions.cancel, session, at=LATER, tell=True)
    p.do(actions.undo, session, at="2026-11-24 12:02")
    tick(LATER_TOLD)
    tick("2026-11-24 13:00")
    assert p.texts() == []


@pytest.mark.parametrize("verb", ["undo", "restore"])
def test_a_cancellation_taken_back_after_three_minutes_is_told(p, verb):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = p.do(actions.cancel, session, at=LATER, tell=True)
    tick(LATER_TOLD)
    more = {"tell": True} if verb == "restore" else {}
    p.do(getattr(actions, verb), session, at="2026-11-24 12:10", **more)
    tick("2026-11-24 12:13")
    assert told(p) == ["cancelled", "moved"]


def test_a_cancellation_restored_while_its_text_waits(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = p.do(actions.cancel, session, at=LATER, tell=True)
    plan_at(LATER_TOLD)
    p.do(actions.restore, session, at=LATER_TOLD)
    send_at(LATER_TOLD)
    assert p.texts() == [("cancelled", "session_moved")]


def test_a_session_moved_and_then_cancelled_is_told_to_be_cancelled_only(p):
    session = p.book(SATURDAY, at=BOOKED, tell=False)
    session = moved(p, session)
    p.do(actions.cancel, session, at="2026-11-24 12:01", tell=True)
    tick("2026-11-24 12:04")
    assert told(p) == ["cancelled"]


def test_a_cancellation_in_the_night_before_an_early_session_comes_too_late(p):
    session = p.book("2026-11-25 08:30", at=BOOKED, tell=False)
    p.do(actions.cancel, session, at="2026-11-24 22:00", tell=True)
    tick("2026-11-24 22:03")
    tick("2026-11-25 09:00")
    assert p.texts() == [("missed", "too_late")]


# -- Lists ------------------------------------------------------------------------------------------


def sessions(*rows):
    header = ["شماره جلسه", "شماره پرونده", "درمانگر", "خدمت", "تاریخ", "ساعت", "وضعیت"]
    return ListFile("sessions.csv", files.csv_file([header, *rows]))


def test_an_import_confirms_moves_and_cancels_in_silence(p):
    row = ["1", p.client.file_no, p.therapist.name, p.service.name, "1405/09/07", "17:30"]
    changes = [
        [*row, "رزرو شده"],
        [*row[:4], "1405/09/08", "17:30", "رزرو شده"],
        [*row[:4], "1405/09/08", "17:30", "لغو شده"],
    ]
    for minute, change in enumerate(changes):
        now = tehran(BOOKED) + dt.timedelta(minutes=10 * minute)
        with p.inside():
            report = import_files(p.clinic, sessions=sessions(change), now=now)
        assert (report.rejected, report.created["sessions"] + report.updated["sessions"]) == ([], 1)
        tick(now + dt.timedelta(minutes=3))
    assert p.texts() == []
