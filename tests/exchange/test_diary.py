import datetime as dt

import pytest
from hypothesis import given, strategies as st

from exchange.diary import Diary, Slot, Wish, settle

DAY = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)


def slot(start: int, end: int, therapist: str = "a", taker: object = None) -> Slot:
    return Slot(
        therapist, DAY + dt.timedelta(minutes=start), DAY + dt.timedelta(minutes=end), taker
    )


def test_slots_may_touch_and_not_overlap() -> None:
    diary = Diary()
    assert diary.take(slot(60, 120)) is None
    assert diary.take(slot(0, 60)) is None
    assert diary.take(slot(120, 180)) is None
    assert diary.take(slot(119, 121)) == slot(120, 180)
    assert diary.take(slot(0, 300)) == slot(120, 180)
    assert diary.take(slot(0, 60, "b")) is None


def test_the_earlier_of_two_wishes_wins() -> None:
    wishes = [Wish(slot(0, 60, taker=1)), Wish(slot(30, 90, taker=2)), Wish(slot(60, 120))]
    assert dict(settle(wishes, [])) == {1: slot(0, 60, taker=1)}


def test_a_session_that_stays_is_never_in_the_wrong() -> None:
    wishes = [Wish(slot(30, 90)), Wish(slot(0, 60), held=slot(0, 60, taker="its own"))]
    assert set(settle(wishes, [])) == {0}


def test_others_come_first() -> None:
    assert set(settle([Wish(slot(0, 60))], [slot(30, 40)])) == {0}


def test_two_sessions_may_swap() -> None:
    wishes = [Wish(slot(0, 60), held=slot(60, 120)), Wish(slot(60, 120), held=slot(0, 60))]
    assert settle(wishes, []) == {}


def test_a_session_that_frees_its_time_makes_room() -> None:
    wishes = [Wish(None, held=slot(0, 60)), Wish(slot(0, 60))]
    assert settle(wishes, []) == {}


def test_a_refused_move_stays_in_the_way() -> None:
    moved = Wish(slot(100, 160), held=slot(0, 60))
    newcomer = Wish(slot(0, 60))
    assert set(settle([newcomer, moved], [slot(120, 130)])) == {0, 1}


times = st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda t: (t[0], t[0] + t[1]))


@given(st.lists(st.tuples(st.none() | times, st.booleans()), max_size=12), st.data())
def test_what_is_settled_never_overlaps(wanted, data) -> None:
    diary, wishes = Diary(), []
    for times_, known in wanted:
        held = slot(*data.draw(times)) if known else None
        if held and diary.take(held):
            held = None
        wishes.append(Wish(slot(*times_) if times_ else None, held))
    refused = settle(wishes, [])
    final = Diary()
    for n, wish in enumerate(wishes):
        placed = wish.held if n in refused else wish.wanted
        assert placed is None or final.take(placed) is None


@pytest.mark.parametrize("therapists", [["a", "a"], ["a", "b"]])
def test_therapists_do_not_mind_each_other(therapists) -> None:
    wishes = [Wish(slot(0, 60, who)) for who in therapists]
    assert len(settle(wishes, [])) == 2 - len(set(therapists))
