"""How far a tick looks back: a little at most of them, a day at the first in a quarter of an hour."""

import datetime as dt
from collections import Counter

import pytest
from hypothesis import given, strategies as some

from clinic.tenancy import Hat, wear
from followup.planner import LATELY, OVERLAP, QUARTER, plan, quarter_of, start_of_scan
from tests.factories import ClientFactory
from tests.followup.clinics import live_clinic, outbox, session_at, tehran, tick

DUE = tehran("2026-11-25 17:30")
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


def scans(mark, ticks):
    """What each of some ticks looks at, when every one of them comes to its end."""
    found = []
    for now in ticks:
        found.append((now, start_of_scan(mark, now)))
        mark = now
    return found


# -- The rule itself ------------------------------------------------------------------------------


def test_a_tick_soon_after_the_last_one_looks_back_a_little():
    assert start_of_scan(DUE, DUE + MINUTE) == DUE - LATELY


@pytest.mark.parametrize(
    ("mark", "now"),
    [
        pytest.param(14, 15, id="the first of a quarter"),
        pytest.param(3, 63, id="after an hour"),
        pytest.param(3, 3, id="the same moment again"),
        pytest.param(9, 3, id="a clock that went back"),
    ],
)
def test_otherwise_it_looks_back_a_day_from_where_the_quarter_began(mark, now):
    assert start_of_scan(DUE + mark * MINUTE, DUE + now * MINUTE) == DUE - OVERLAP


def test_a_clock_that_went_back_is_followed():
    assert start_of_scan(DUE, DUE - 40 * MINUTE) == DUE - 45 * MINUTE - OVERLAP


DAY = 24 * 3600 - 1
nearly_a_day = some.integers(DAY - 900, DAY)
steps = some.lists(some.integers(1, 400) | some.integers(1, 2400), min_size=1, max_size=60)


@given(some.integers(0, 900), steps, some.integers(0, 60), some.integers(0, DAY) | nearly_a_day)
def test_what_is_true_at_a_moment_is_found_by_the_next_quarter_for_a_day(begin, gaps, at, ago):
    """Whatever the ticks' times: a text that fell due up to a day before somebody made it true."""
    ticks = [DUE + begin * SECOND]
    for gap in gaps:
        ticks.append(ticks[-1] + gap * SECOND)
    true_at = ticks[min(at, len(ticks) - 1)]
    fell_due = true_at - ago * SECOND
    later = [(now, since) for now, since in scans(DUE - QUARTER, ticks) if now > true_at]
    until = next((n for n, _ in later if n >= quarter_of(true_at) + QUARTER), None)
    found = [now for now, since in later if since < fell_due <= now]
    assert until is None or (found and found[0] <= until)


@given(some.integers(0, 900), steps)
def test_between_two_ticks_no_moment_is_left_out(begin, gaps):
    now, mark = DUE + begin * SECOND, DUE
    for gap in gaps:
        assert start_of_scan(mark, now) < mark
        mark, now = now, now + gap * SECOND


# -- With a clinic --------------------------------------------------------------------------------


@pytest.fixture
def late(gateway, owner):
    """A client whose phone is put right seven minutes after the reminder fell due."""
    clinic = live_clinic()
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        client = ClientFactory(clinic=clinic, phone="")
    session_at(clinic, "2026-11-28 17:30", clients=[client])
    tick(DUE)
    tick(DUE + 7 * MINUTE)
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        type(client).objects.filter(pk=client.pk).update(phone="+989121111111")
    return clinic


def test_what_becomes_true_late_waits_for_the_quarter(late):
    assert plan(DUE + 14 * MINUTE) == Counter(planned=0, missed=0)


def test_and_leaves_with_its_first_tick(late, gateway):
    for minute in (8, 14, 15):
        tick(DUE + minute * MINUTE)
    assert [m.receptor for m in gateway.messages] == ["09121111111"]


def test_a_planner_that_was_dead_when_the_quarter_began_looks_when_it_comes_back(late):
    tick(DUE + 44 * MINUTE)
    assert [m.recipient for m in outbox(late)] == ["", "+989121111111"]
