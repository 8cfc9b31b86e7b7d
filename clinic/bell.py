"""What waits for the member, behind the bell over every page of the panel.

The frame belongs to this room, and what waits to others: they register what asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Waiting:
    """One sort of thing: how many there are, and where the member acts on them."""

    icon: str
    label: str
    count: int
    url: str


#: Each is asked on every whole page, with the request of a member of a clinic; the rooms fill it.
#: They yield nothing that the member cannot act on, and in all cost one query.
sources: list[Callable[[Any], Iterable[Waiting]]] = []


def of(request: Any) -> list[Waiting]:
    return [thing for source in sources for thing in source(request) if thing.count]
