"""Honest figures: intervals of few answers, clear changes, and silence where there is too little."""

import pytest
from hypothesis import given, strategies as st

from panel.feedback_figures import ENOUGH, Share, change, level, wilson


# From Newcombe, Stat Med 1998;17:857, table I (method 3), and from the formula for whole shares.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (7, 10, 0.3968, 0.8922),
        (10, 10, 0.7225, 1.0),
        (5, 5, 0.5655, 1.0),
        (0, 1, 0.0, 0.7935),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_the_interval_of_a_share(hits, n, low, high):
    assert [round(end, 4) for end in wilson(hits, n)] == [low, high]


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_counts_that_are_none_are_refused(hits, n):
    with pytest.raises(ValueError, match=f"{hits} of {n}"):
        wilson(hits, n)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_its_share_and_stays_within_bounds(counts):
    hits, n = counts
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
    mirrored = wilson(n - hits, n)
    assert mirrored == pytest.approx((1 - high, 1 - low))


# Newcombe, Stat Med 1998;17:873, table II (method 10): 56/70 against 48/80, from 0.0524 to 0.3339.
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param((48, 80), (56, 70), 1, id="clearly more"),
        pytest.param((56, 70), (48, 80), -1, id="clearly less"),
        pytest.param((9, 10), (3, 10), -1, id="far less of few"),
        pytest.param((9, 10), (7, 10), 0, id="less of few says nothing"),
        pytest.param((5, 5), (5, 5), 0, id="the same"),
        pytest.param((0, 5), (5, 5), 1, id="from none to all"),
    ],
)
def test_a_change_is_said_only_when_chance_does_not_explain_it(before, after, said):
    assert change(Share(*before), Share(*after)) == said


@pytest.mark.parametrize(
    ("values", "mean", "middle", "n"),
    [
        pytest.param([4, 4, 3, 3, 1], 3.0, 3, 5, id="odd"),
        pytest.param([4, 4, 4, 3, 3, 0], 3.0, 3.5, 6, id="even"),
        pytest.param([4, None, 4, 4, None, 4, 4], 4.0, 4, 5, id="without those who said nothing"),
    ],
)
def test_mean_and_median_of_those_who_answered(values, mean, middle, n):
    found = level(values)
    assert (found.mean, found.median, found.n) == (mean, middle, n)


@pytest.mark.parametrize("values", [[], [4] * (ENOUGH - 1), [4] * (ENOUGH - 1) + [None]])
def test_too_few_answers_have_no_level(values):
    assert level(values) is None
