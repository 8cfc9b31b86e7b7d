"""What stands over every page of the panel because somebody should know or act.

The frame belongs to this room, and what there is to say to others: they register what asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Banner:
    """One line. `tone`: amber or red. `url` with its `label` is where to act, empty where not."""

    tone: str
    icon: str
    text: str
    url: str = ""
    label: str = ""
    #: Pressing it acts at once, so it is a button that posts.
    posts: bool = False


#: Each is asked on every whole page, with the request of a member of a clinic; the rooms fill it.
sources: list[Callable[[Any], Iterable[Banner]]] = []


def of(request: Any) -> list[Banner]:
    return [banner for source in sources for banner in source(request)]
