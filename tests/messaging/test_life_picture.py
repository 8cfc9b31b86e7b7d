"""docs/messages.md shows the table that the database keeps, and no other."""

import re
from pathlib import Path

import pytest

from clinic.tenancy import Hat
from messaging.life import TRANSITIONS
from messaging.models import FINAL_STATES, State
from messaging.providers import base
from messaging.providers.base import ErrorKind, ProviderError

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()
PICTURE = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, re.DOTALL)[1]
HANDS = {"engine": (Hat.WORKER,), "engine or a person": (Hat.WORKER, Hat.WEB)}


def rows_of(heading):
    """The rows of the table that begins so, by their first cell."""
    table = re.search(rf"\| {heading} \|.*?\n\|[-|]+\n(.*?)\n\n", PAGE, re.DOTALL)[1]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    return {first.strip("`"): rest for first, *rest in cells}


def test_the_picture_is_the_table():
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", PICTURE, re.MULTILINE)
    assert {(was, became): HANDS[by] for was, became, by in arrows} == {
        (was.value, became.value): hats for (was, became), hats in TRANSITIONS.items()
    }


def test_it_begins_in_the_queue_and_ends_where_nothing_changes_any_more():
    begins = re.findall(r"^    \[\*\] --> (\w+)", PICTURE, re.MULTILINE)
    ends = re.findall(r"^    (\w+) --> \[\*\]", PICTURE, re.MULTILINE)
    assert (begins, sorted(ends)) == (["queued"], sorted(FINAL_STATES))


def test_every_state_is_explained():
    assert set(rows_of("state")) == set(State.values)


def test_every_error_is_explained_with_its_class():
    classes = {
        found.kind.value: f"`{found.__name__}`"
        for found in vars(base).values()
        if isinstance(found, type)
        and issubclass(found, ProviderError)
        and found is not ProviderError
    }
    assert set(classes) == {kind.value for kind in ErrorKind}
    assert {kind: row[0] for kind, row in rows_of("kind").items()} == classes


@pytest.mark.parametrize("was", FINAL_STATES)
def test_no_arrow_leaves_a_final_state(was):
    assert [key for key in TRANSITIONS if key[0] == was] == []
