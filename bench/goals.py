"""What is wanted of the figures, and the table that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

AT_MOST, AT_LEAST = "at most", "at least"


@dataclass(frozen=True, slots=True)
class Goal:
    """`got` is a ratio of one run. `grows`: it rises with the tables, and is meant for full ones."""

    name: str
    sense: str
    wanted: float
    got: float
    grows: bool = False

    @property
    def holds(self) -> bool:
        return self.got <= self.wanted if self.sense == AT_MOST else self.got >= self.wanted

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "holds": self.holds}


def goals_of(found: dict[str, Any]) -> list[Goal]:
    """In the order of the parts; a growth is the worst of what was measured."""
    hour, day = found["planner"]["60 min"], found["planner"]["60 min, a day back"]
    return [
        Goal("planner / bare SQL, 60 min", AT_MOST, 1.5, hour["planner/bare"]),
        Goal("planner / bare SQL, 60 min, a day back", AT_MOST, 1.5, day["planner/bare"]),
        Goal("get_or_create / planner, 60 min", AT_LEAST, 10, hour["get_or_create/planner"], True),
        Goal("group-by / silent scan", AT_LEAST, 100, found["silent"]["group by/scan"], True),
        *_growth(found["growth"]),
        Goal("two workers / one", AT_LEAST, 1.3, found["claiming"]["equal texts"]["two/one"]),
        *(
            Goal(f"page with row-level security / without: {name}", AT_MOST, 1.15, page["page"])
            for name, page in found["pages"].items()
        ),
    ]


def _growth(found: dict[str, Any]) -> Iterator[Goal]:
    against = found["4"]["against 1"]
    for name, one in against.items():
        yield Goal(f"growth, four times the history: {name}", AT_MOST, 1.1, one["time"])


def table(found: dict[str, Any], goals: list[Goal], say: Callable[[str], None]) -> None:
    for part in ("planner", "silent", "claiming", "sending", "growth", "pages"):
        say("")
        say(part)
        for line in _lines(found[part]):
            say(f"  {line}")
    say("")
    for goal in goals:
        note = " (grows with the tables; meant for scale 1)" if goal.grows else ""
        mark = "ok    " if goal.holds else "MISSED"
        say(f"{mark} {goal.name}: {goal.got:g}, wanted {goal.sense} {goal.wanted:g}{note}")


def _lines(found: dict[str, Any], before: str = "") -> Iterator[str]:
    """One line for each group of figures."""
    plain = {name: value for name, value in found.items() if not isinstance(value, dict)}
    if plain:
        figures = ", ".join(f"{name} {_figure(value)}" for name, value in plain.items())
        yield f"{before or 'all'}: {figures}"
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{before}, {name}" if before else name)


def _figure(value: Any) -> str:
    if isinstance(value, list):
        return " → ".join(_figure(each) for each in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
