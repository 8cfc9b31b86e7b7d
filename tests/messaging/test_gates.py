"""What all senders know together of a gateway: its pace, and whether it answers."""

import datetime as dt

import pytest
from redis.exceptions import ConnectionError as RedisGone

from messaging import gates
from tests.conftest import NOW

KEY = "kavenegar:7"
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _all_open():
    gates.forget()


def fail(times, now=NOW):
    for _ in range(times):
        gates.failed(KEY, now)


def test_four_failures_in_a_row_close_nothing():
    fail(4)
    assert gates.closed_until(KEY, NOW) is None


def test_the_fifth_closes_the_gate_for_a_minute():
    fail(5)
    assert gates.closed_until(KEY, NOW) == NOW + 60 * SECOND


def test_a_success_in_between_begins_the_count_anew():
    fail(4)
    gates.worked(KEY)
    fail(4)
    assert gates.closed_until(KEY, NOW) is None


@pytest.mark.parametrize(("seconds", "closed"), [(59, True), (60, False)])
def test_the_gate_opens_by_itself(seconds, closed):
    fail(5)
    assert bool(gates.closed_until(KEY, NOW + seconds * SECOND)) is closed


def test_after_it_has_opened_the_first_failure_closes_it_again():
    fail(5)
    fail(1, now=NOW + 60 * SECOND)
    assert gates.closed_until(KEY, NOW + 61 * SECOND) == NOW + 120 * SECOND


def test_one_gate_closes_no_other():
    fail(5)
    assert gates.closed_until("kavenegar:8", NOW) is None


def test_what_a_clock_far_ahead_closed_is_open():
    fail(5, now=NOW + dt.timedelta(days=30))
    assert gates.closed_until(KEY, NOW) is None


def test_an_emptied_redis_opens_everything():
    fail(5)
    gates.forget()
    assert gates.closed_until(KEY, NOW) is None


def test_no_limit_means_no_waiting():
    assert {gates.turn(KEY, 0) for _ in range(50)} == {0.0}


def test_the_pace_allows_two_seconds_worth_at_once_and_then_makes_wait():
    waits = [gates.turn(KEY, 0.5) for _ in range(2)]
    assert (waits[0], 0 < waits[1] <= 2) == (0, True)


def test_each_account_has_its_own_pace():
    gates.turn(KEY, 0.5)
    assert gates.turn("kavenegar:8", 0.5) == 0


class Gone:
    """A Redis that nobody can reach."""

    def __getattr__(self, name):
        def refuse(*_, **__):
            raise RedisGone

        return refuse


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        pytest.param(lambda: gates.turn(KEY, 0.5), 0.0, id="turn"),
        pytest.param(lambda: gates.closed_until(KEY, NOW), None, id="closed_until"),
        pytest.param(lambda: gates.failed(KEY, NOW), None, id="failed"),
        pytest.param(lambda: gates.close(KEY, NOW), None, id="close"),
        pytest.param(lambda: gates.worked(KEY), None, id="worked"),
    ],
)
def test_without_redis_every_call_goes_through(monkeypatch, asked, answer):
    monkeypatch.setattr(gates, "_redis", Gone)
    assert asked() == answer
