"""After a missed session: one neutral text, and a call where it was the second in a row."""

import pytest

from clinic import jalali
from followup import actions as rules
from sessions_app import actions
from tests import factories
from tests.followup.clinics import due_times, outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at

SATURDAY = "2026-11-28 15:00"


@pytest.fixture
def p(owner, gateway):
    return practice("no_show")


def calls(p):
    return [(t.kind, t.client, t.session_id) for t in p.tasks()]


@pytest.mark.parametrize(
    ("starts", "recorded", "due"),
    [
        pytest.param(SATURDAY, "2026-11-28 15:15", "2026-11-28 17:15", id="while it would be on"),
        pytest.param(SATURDAY, "2026-11-28 18:59", "2026-11-28 20:59", id="before quiet hours"),
        pytest.param(SATURDAY, "2026-11-28 19:00", "2026-11-29 09:00", id="in quiet hours"),
        pytest.param(
            SATURDAY, "2026-11-30 12:00", "2026-11-30 14:00", id="recorded two days later"
        ),
        pytest.param("2026-11-27 11:00", "2026-11-27 12:00", "2026-11-28 10:00", id="on a Friday"),
    ],
)
def test_it_falls_due_two_hours_after_it_was_recorded(p, starts, recorded, due):
    p.missed(starts, recorded=recorded)
    assert tick(due)["sent"] == 1
    assert due_times(p.clinic, "no_show") == [due]


def test_a_night_and_a_friday_are_longer_than_its_use(p):
    p.missed("2026-11-26 18:30", recorded="2026-11-26 19:30")
    for now in ("2026-11-26 21:30", "2026-11-28 10:00"):
        tick(now)
    assert p.texts() == [("missed", "too_late")]


STOPS = {
    "recorded as attended": (
        lambda p, s: p.do(actions.record, s, "attended", at="2026-11-28 17:00"),
        ("cancelled", "record_changed"),
    ),
    "undone": (
        lambda p, s: p.do(actions.undo, s, at="2026-11-28 17:00"),
        ("skipped", "record_changed"),
    ),
    "cancelled after all": (
        lambda p, s: p.do(actions.cancel, s, at="2026-11-28 17:00"),
        ("cancelled", "session_cancelled"),
    ),
    "another session booked": (
        lambda p, s: p.book("2026-12-05 15:00", at="2026-11-28 17:00", tell=False),
        ("sent", ""),
    ),
    "the one before turns out missed, too": (
        lambda p, s: p.missed("2026-11-21 15:00"),
        ("skipped", "second_no_show"),
    ),
}


def test_what_is_recorded_before_it_leaves(p, subtests):
    session = p.missed(SATURDAY, recorded="2026-11-28 15:00")
    plan_at("2026-11-28 17:00")
    for name, (happens, found) in STOPS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            send_at("2026-11-28 17:00")
            assert p.texts() == [found]


# What came before, in order → whether this one is the second in a row
BEFORE = [
    pytest.param([], False, id="the first session"),
    pytest.param(["attended"], False, id="after one attended"),
    pytest.param(["no_show"], True, id="after one missed"),
    pytest.param(["no_show", "attended"], False, id="missed, attended"),
    pytest.param(["attended", "no_show"], True, id="attended, missed"),
    pytest.param(["no_show", "cancelled"], True, id="missed, cancelled"),
    pytest.param(["no_show", "scheduled"], True, id="missed, unrecorded"),
    pytest.param(["no_show", "no_show"], True, id="the third in a row"),
]


@pytest.mark.parametrize(("before", "is_second"), BEFORE)
def test_a_second_in_a_row_makes_a_call_and_no_text(p, before, is_second):
    for day, outcome in enumerate(before, start=7):
        when = f"2026-11-{day:02} 15:00"
        if outcome == "cancelled":
            session = p.book(when, at="2026-11-01 10:00", tell=False)
            p.do(actions.cancel, session, at="2026-11-02 10:00")
        else:
            p.came(when, outcome=outcome)
    tick("2026-11-21 12:00")
    called = len(p.tasks())
    session = p.missed(SATURDAY)
    tick("2026-11-28 17:50")
    texts = [m for m in outbox(p.clinic) if m.session_id == session.pk]
    if is_second:
        assert (texts, calls(p)[called:]) == ([], [("no_show", p.client, session.pk)])
    else:
        assert ([m.state for m in texts], calls(p)[called:]) == (["sent"], [])


def test_missed_with_one_therapist_and_then_with_another_is_twice_in_a_row(p):
    with p.inside():
        other = factories.TherapistFactory(clinic=p.clinic)
    p.missed("2026-11-21 15:00", therapist=other)
    p.missed(SATURDAY)
    tick("2026-11-28 17:50")
    assert len(p.tasks()) == 1


def test_the_call_is_opened_once_however_often_it_is_found(p):
    p.missed("2026-11-21 15:00")
    p.missed(SATURDAY)
    for now in ("2026-11-28 17:50", "2026-11-28 17:50", "2026-11-28 19:00", "2026-11-29 10:00"):
        tick(now)
    assert len(p.tasks()) == 1


def test_the_call_falls_due_like_the_text_it_replaces(p):
    p.missed("2026-11-21 15:00")
    p.missed("2026-11-26 18:30", recorded="2026-11-26 19:30")
    tick("2026-11-26 21:30")
    assert [f"{jalali.local(t.due_at):%Y-%m-%d %H:%M}" for t in p.tasks()] == ["2026-11-28 10:00"]


def test_a_text_that_became_a_call_before_it_left_is_called(p):
    p.missed(SATURDAY, recorded="2026-11-28 15:00")
    plan_at("2026-11-28 17:00")
    p.missed("2026-11-21 15:00")
    tick("2026-11-28 17:01")
    assert (p.texts()[-1], len(p.tasks())) == (("skipped", "second_no_show"), 1)


def test_each_of_a_couple_has_a_row_of_their_own(p):
    partner = p.someone()
    p.missed("2026-11-21 15:00")
    p.missed(SATURDAY, clients=[p.client, partner])
    tick("2026-11-28 17:50")
    texts = [m.client for m in outbox(p.clinic) if m.due_at.day == 28]
    assert (texts, [t.client for t in p.tasks()]) == ([partner], [p.client])


@pytest.mark.parametrize("off", [{"enabled": False}, {"services": [0]}, {"audience": "returning"}])
def test_a_rule_that_is_off_or_not_meant_makes_no_call(p, off):
    p.missed("2026-11-21 15:00")
    p.missed(SATURDAY)
    p.change(p.rule("no_show"), **off)
    tick("2026-11-28 17:50")
    assert p.tasks() == []


def test_what_was_missed_before_going_live_makes_no_call(owner, gateway):
    p = practice("no_show", live=False)
    p.missed("2026-11-21 15:00")
    p.missed(SATURDAY)
    with p.inside():
        rules.go_live(p.clinic, now=tehran("2026-11-28 17:51"))
    tick("2026-11-28 18:00")
    assert p.tasks() == []
