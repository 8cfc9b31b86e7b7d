"""The reminder of some hours, which a clinic switches on, and what stops any of the three."""

import pytest

from sessions_app import actions
from tests.followup.clinics import due_times, outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at

SATURDAY = "2026-11-28 17:30"
LONG_AGO = "2026-11-14 10:00"


@pytest.fixture
def p(owner, gateway):
    return practice("reminder_3h")


@pytest.fixture
def three(owner, gateway):
    return practice("reminder_72h", "reminder_24h", "reminder_3h")


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        pytest.param(SATURDAY, "2026-11-28 14:30", id="plain"),
        pytest.param("2026-11-27 17:30", "2026-11-27 14:30", id="on a Friday"),
        pytest.param("2026-11-28 12:00", "2026-11-28 09:00", id="the minute quiet hours end"),
    ],
)
def test_the_reminder_of_three_hours_falls_due_three_hours_before(p, starts, due):
    p.book(starts, at=LONG_AGO)
    plan_at(starts)
    assert due_times(p.clinic, "reminder_3h") == [due]


@pytest.mark.parametrize("starts", ["2026-11-28 11:59", "2026-11-28 09:00", "2026-11-29 00:30"])
def test_due_in_quiet_hours_it_is_pulled_before_them_and_still_of_use(p, starts):
    p.book(starts, at=LONG_AGO)
    tick("2026-11-27 20:59")
    tick("2026-11-28 20:59")
    (message,) = outbox(p.clinic)
    day = "2026-11-28" if starts.endswith("00:30") else "2026-11-27"
    (due,) = due_times(p.clinic, "reminder_3h")
    assert (f"{day} 20:50" <= due <= f"{day} 20:59", message.state) == (True, "sent")


@pytest.mark.parametrize(
    ("booked", "is_planned"),
    [
        pytest.param("2026-11-28 11:30", True, id="exactly six hours ahead"),
        pytest.param("2026-11-28 11:31", False, id="a minute under six hours"),
    ],
)
def test_only_what_was_booked_six_hours_ahead(p, booked, is_planned):
    p.book(SATURDAY, at=booked)
    plan_at("2026-11-28 14:30")
    assert len(outbox(p.clinic)) == is_planned


def test_a_move_counts_as_a_booking(p):
    session = p.book(SATURDAY, at=LONG_AGO)
    p.do(actions.move, session, starts_at=tehran("2026-11-28 18:00"), at="2026-11-28 12:30")
    plan_at("2026-11-28 15:30")
    assert outbox(p.clinic) == []


def test_all_three_leave_at_their_times(three):
    p = three
    p.book(SATURDAY, at=LONG_AGO)
    for now in ("2026-11-25 17:30", "2026-11-27 17:40", "2026-11-28 14:30"):
        tick(now)
    assert [m.rule_key for m in outbox(p.clinic) if m.state == "sent"] == [
        "reminder_72h",
        "reminder_24h",
        "reminder_3h",
    ]


DUE = "2026-11-25 17:30"
STOPS = {
    "confirmed": (lambda p, s: p.do(actions.record, s, "confirmed", at=DUE), ("sent", "")),
    "cancelled": (
        lambda p, s: p.do(actions.cancel, s, at=DUE),
        ("cancelled", "session_cancelled"),
    ),
    "cancelled and restored": (
        lambda p, s: p.do(actions.restore, p.do(actions.cancel, s, at=DUE), at=DUE),
        ("cancelled", "session_cancelled"),
    ),
    "moved": (
        lambda p, s: p.do(actions.move, s, starts_at=tehran("2026-11-29 17:30"), at=DUE),
        ("cancelled", "session_moved"),
    ),
    "moved and put back": (
        lambda p, s: p.do(
            actions.undo,
            p.do(actions.move, s, starts_at=tehran("2026-11-29 17:30"), at=DUE),
            at=DUE,
        ),
        ("cancelled", "session_moved"),
    ),
    "another therapist at the same time": (
        lambda p, s: p.do(actions.move, s, starts_at=s.starts_at, therapist=s.therapist, at=DUE),
        ("sent", ""),
    ),
    "another client in their place": (
        lambda p, s: p.do(actions.edit, s, clients=[p.someone()], service=p.service, at=DUE),
        ("skipped", "not_participant"),
    ),
}


def test_what_becomes_of_a_session_while_its_reminder_waits(three, subtests):
    session = three.book(SATURDAY, at=LONG_AGO)
    plan_at(DUE)
    for name, (happens, found) in STOPS.items():
        with subtests.test(name), only_for_now():
            happens(three, session)
            send_at(DUE)
            assert three.texts() == [found]


def test_a_client_who_has_arrived_early_is_not_reminded(p):
    session = p.book(SATURDAY, at=LONG_AGO)
    plan_at("2026-11-28 14:30")
    p.do(actions.record, session, "arrived", at="2026-11-28 14:40")
    send_at("2026-11-28 14:40")
    assert p.texts() == [("skipped", "session_started")]
