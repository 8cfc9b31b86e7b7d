import datetime as dt

import pytest

from messaging.costs import cost_of_part
from tests.factories import MessageFactory


def charged(clinic, now, days, rial, parts):
    MessageFactory(
        clinic=clinic,
        session=None,
        state="delivered",
        due_at=now - dt.timedelta(days=days),
        cost_rial=rial,
        parts=parts,
    )


def test_without_a_text_nobody_knows_what_one_costs(clinic, now):
    assert cost_of_part(now) is None


def test_a_part_costs_what_it_cost_last(clinic, now):
    charged(clinic, now, 5, 2_000, 2)
    charged(clinic, now, 1, 4_500, 3)
    assert cost_of_part(now) == 1_500


@pytest.mark.parametrize(
    ("days", "rial", "parts"),
    [(91, 3_000, 2), (1, None, 2), (1, 0, 2), (1, 3_000, None), (-1, 3_000, 2)],
    ids=["long ago", "not charged", "for nothing", "not counted", "to come"],
)
def test_what_says_nothing_is_not_asked(clinic, now, days, rial, parts):
    charged(clinic, now, days, rial, parts)
    assert cost_of_part(now) is None
