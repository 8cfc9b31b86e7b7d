"""Encouragement, for those who agreed to it: in a long gap, and on the way."""

import pytest

from followup.models import Rule
from patients import care
from patients.actions import set_consent
from sessions_app import actions
from tests import factories
from tests.followup.clinics import due_times, live_clinic, outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at


def another(p):
    with p.inside():
        return factories.TherapistFactory(clinic=p.clinic)


@pytest.fixture
def gap(owner, gateway):
    return practice("motivation_gap")


@pytest.fixture
def way(owner, gateway):
    return practice("motivation_mid")


def test_both_are_off_in_a_new_clinic(owner):
    rules = Rule.objects.filter(clinic=live_clinic(), purpose="motivation")
    assert dict(rules.values_list("key", "enabled")) == {
        "motivation_gap": False,
        "motivation_mid": False,
    }


def test_nobody_is_encouraged_who_has_not_agreed(gap):
    p = gap
    p.change(p.client, consent_motivation=False)
    p.came("2026-11-21 17:30")
    p.book("2026-12-19 17:30", at="2026-11-22 10:00")
    tick("2026-12-05 17:30")
    assert p.texts() == [("skipped", "no_consent")]


# -- In a long gap ----------------------------------------------------------------------------------

# Visits and the next session → when the text is due; the service's own rhythm is of seven days
GAPS = [
    pytest.param(["11-21"], "12-01 17:30", None, id="ten days: not longer than 1.5 × 7"),
    pytest.param(["11-21"], "12-02 05:30", None, id="ten days and a half: not longer"),
    pytest.param(["11-21"], "12-02 05:32", "11-26 23:31", id="two minutes more: longer"),
    pytest.param(["11-21"], "12-05 17:30", "11-28 17:30", id="two weeks: the middle"),
    pytest.param(["11-22"], "12-06 09:30", "11-29 13:30", id="to the minute"),
    pytest.param(["11-07", "11-21"], "12-12 17:30", None, id="own rhythm 14 d: 21 is not longer"),
    pytest.param(["11-07", "11-21"], "12-13 17:30", "12-02 17:30", id="own rhythm 14 d: 22 is"),
    pytest.param(["11-18", "11-21"], "11-26 17:30", "11-24 05:30", id="own rhythm 3 d: 5 days"),
]


@pytest.mark.parametrize(("visits", "following", "middle"), GAPS)
def test_it_falls_due_in_the_middle_of_a_gap_longer_than_the_rhythm(gap, visits, following, middle):
    p = gap
    for day in visits:
        p.came(f"2026-{day} 17:30")
    p.book(f"2026-{following}", at="2026-11-22 20:30", tell=False)
    plan_at("2026-12-12 12:00")
    waits = {
        "11-26 23:31": "2026-11-28 10:00",  # Thursday night
        "11-24 05:30": "2026-11-24 09:00",
    }
    expected = [waits.get(middle, f"2026-{middle}")] if middle else []
    assert due_times(p.clinic, "motivation_gap") == expected


def test_what_is_booked_after_the_middle_was_no_gap_to_wait_through(gap):
    p = gap
    p.came("2026-11-21 17:30")
    p.book("2026-12-05 17:30", at="2026-11-28 17:31")
    tick("2026-11-28 18:00")
    assert p.texts() == []


def test_before_the_first_visit_there_is_no_gap(gap):
    gap.book("2026-12-19 17:30", at="2026-11-22 10:00")
    tick("2026-12-10 12:00")
    assert gap.texts() == []


GAP_STOPS = {
    "nothing": (lambda p, s: None, ("sent", "")),
    "cancelled": (
        lambda p, s: p.do(actions.cancel, s, at="2026-12-05 17:30"),
        ("cancelled", "session_cancelled"),
    ),
    "moved": (
        lambda p, s: p.do(
            actions.move, s, starts_at=tehran("2026-12-20 17:30"), at="2026-12-05 17:30"
        ),
        ("cancelled", "session_moved"),
    ),
    "another session before it": (
        lambda p, s: p.book("2026-12-08 17:30", at="2026-12-05 17:30", tell=False),
        ("skipped", "booked"),
    ),
    "another session after it": (
        lambda p, s: p.book("2026-12-26 17:30", at="2026-12-05 17:30", tell=False),
        ("sent", ""),
    ),
    "come meanwhile": (lambda p, s: p.came("2026-12-05 16:30"), ("skipped", "seen_since")),
    "confirmed": (
        lambda p, s: p.do(actions.record, s, "confirmed", at="2026-12-05 17:30"),
        ("sent", ""),
    ),
    "paused": (
        lambda p, s: p.do(care.pause_treatment, p.treatment, at="2026-12-05 17:30"),
        ("skipped", "paused"),
    ),
    "completed": (
        lambda p, s: p.do(care.complete_treatment, p.treatment, at="2026-12-05 17:30"),
        ("skipped", "ended"),
    ),
}


def test_what_stops_it_in_the_gap(gap, subtests):
    p = gap
    p.came("2026-11-21 17:30")
    session = p.book("2026-12-19 17:30", at="2026-11-22 10:00")
    plan_at("2026-12-05 17:30")
    for name, (happens, found) in GAP_STOPS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            send_at("2026-12-05 17:30")
            assert p.texts()[0] == found


def test_one_gap_is_encouraged_once(gap):
    p = gap
    p.came("2026-11-21 17:30")
    p.book("2026-12-19 17:30", at="2026-11-22 10:00")
    for now in ("2026-12-05 17:30", "2026-12-06 10:00", "2026-12-12 17:30"):
        tick(now)
    assert p.texts() == [("sent", "")]


# -- On the way -------------------------------------------------------------------------------------


def visits(p, *days, **fields):
    return [p.came(f"2026-11-{day:02} 17:30", **fields) for day in days]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_it_is_told_after_the_fourth_visit_and_no_other(way, count):
    visits(way, *(7, 14, 21, 28)[:count])
    if count == 5:
        way.came("2026-11-29 17:30")
    tick("2026-12-01 18:19")
    tick("2026-12-02 18:20")
    assert len(outbox(way.clinic)) == (count >= 4)


def test_three_days_after_the_fourth_visit(way):
    visits(way, 7, 14, 21, 28)
    tick("2026-12-01 18:20")
    assert due_times(way.clinic, "motivation_mid") == ["2026-12-01 18:20"]


def test_missed_and_cancelled_sessions_and_other_therapists_are_not_counted(way):
    p = way
    visits(p, 7, 14, 21)
    p.missed("2026-11-22 17:30")
    p.came("2026-11-23 17:30", therapist=another(p))
    p.came("2026-11-28 17:30")
    tick("2026-12-01 18:20")
    assert [m.rule_key for m in outbox(p.clinic)] == ["motivation_mid"]


def test_recorded_late_it_is_told_when_it_is_known(way):
    visits(way, 7, 14, 21)
    way.came("2026-11-28 17:30", recorded="2026-12-03 12:00")
    tick("2026-12-02 12:00")
    tick("2026-12-03 12:00")
    assert due_times(way.clinic, "motivation_mid") == ["2026-12-03 12:00"]


MID_STOPS = {
    "nothing": (lambda p, s: None, ("sent", "")),
    "a session booked": (
        lambda p, s: p.book("2026-12-05 17:30", at="2026-12-01 18:20", tell=False),
        ("sent", ""),
    ),
    "recorded as missed": (
        lambda p, s: p.do(actions.record, s, "no_show", at="2026-12-01 18:20"),
        ("cancelled", "record_changed"),
    ),
    "paused": (
        lambda p, s: p.do(care.pause_treatment, p.treatment, at="2026-12-01 18:20"),
        ("skipped", "paused"),
    ),
    "completed": (
        lambda p, s: p.do(care.complete_treatment, p.treatment, at="2026-12-01 18:20"),
        ("skipped", "ended"),
    ),
    "dropped": (
        lambda p, s: p.do(care.drop_treatment, p.treatment, at="2026-12-01 18:20"),
        ("skipped", "ended"),
    ),
    "agreement taken back": (
        lambda p, s: p.do(
            set_consent, p.client, "motivation", False, source="reply", at="2026-12-01 18:20"
        ),
        ("skipped", "no_consent"),
    ),
}


def test_what_stops_it_on_the_way(way, subtests):
    session = visits(way, 7, 14, 21, 28)[-1]
    plan_at("2026-12-01 18:20")
    for name, (happens, found) in MID_STOPS.items():
        with subtests.test(name), only_for_now():
            happens(way, session)
            send_at("2026-12-01 18:20")
            assert way.texts() == [found]
