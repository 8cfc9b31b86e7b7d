"""What an import did, or would do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: What is counted, in the order in which it is told.
COUNTED = ("clients", "sessions", "therapists", "services")


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that is not taken: where it stands, as the person sees it, and why."""

    file: str
    row: int
    column: str
    value: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def _zeros() -> dict[str, int]:
    return dict.fromkeys(COUNTED, 0)


@dataclass(slots=True)
class Report:
    created: dict[str, int] = field(default_factory=_zeros)
    updated: dict[str, int] = field(default_factory=_zeros)
    unchanged: dict[str, int] = field(default_factory=_zeros)
    rejected: list[Problem] = field(default_factory=list)
    #: File → headings of columns that are not read.
    ignored: dict[str, list[str]] = field(default_factory=dict)
    #: Kind → the first rows as they are stored, as people read them.
    samples: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def reject(self, problems: Iterable[Problem]) -> None:
        """Take up what is wrong with one list, in the order of its rows."""
        self.rejected.extend(sorted(problems, key=lambda problem: problem.row))

    def document(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": [problem.as_dict() for problem in self.rejected],
        }

    def for_page(self) -> dict[str, Any]:
        """Everything, as JSON: kept with the upload between preview and confirmation."""
        return {**self.document(), "ignored": self.ignored, "samples": self.samples}


def total(counts: Mapping[str, int]) -> int:
    return sum(counts.values())
