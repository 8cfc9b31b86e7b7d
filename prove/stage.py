"""A scenario on its own copy of a scene: processes that die or wait, and others that carry on."""

from __future__ import annotations

import datetime as dt
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from socket import socket
from typing import Any

from followup.planner import plan
from messaging import gates
from prove import scene, sender
from prove.place import Place
from prove.scene import DUE
from prove.sender import WAIT, Order, Sender
from prove.waiting import NeverHappened, wait_for

WITH, WITHOUT, BATCH, UNPLANNED = "look_up", "no_look_up", "batch", "unplanned"
_WAITS_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
    " AND wait_event IN ('transactionid', 'tuple', 'advisory')"
)


@dataclass
class Stage:
    place: Place
    scene: str
    _senders: list[Sender] = field(default_factory=list)

    def process(self, task: str = "drain", *, now: dt.datetime = DUE, **more: Any) -> Sender:
        """Start one; `more` are fields of `sender.Order`."""
        order = Order(task, now, self.place.gateway, **more)
        started = sender.start(order, self.place.servers.folder / "log" / "senders.log")
        self._senders.append(started)
        return started

    def killed(self, **more: Any) -> None:
        """A sender that dies at a point."""
        dying = self.process(**more)
        dying.come_to_the_point()
        if (code := dying.end()) != -signal.SIGKILL:
            raise NeverHappened(f"the process was to die and ended with {code}")

    def held_up(self, **more: Any) -> Sender:
        """A process that waits at a point until `go_on`."""
        waiting = self.process(then=WAIT, **more)
        waiting.come_to_the_point()
        return waiting

    def ends_or_waits_for_a_lock(self, other: Sender) -> None:
        """Until one of the two is so; PostgreSQL itself says who waits."""
        name = self.place.database
        wait_for(
            lambda: other.has_ended() or bool(self.place.admin(_WAITS_FOR_A_LOCK, name)),
            "the other process ends or waits for a lock",
        )

    def close(self) -> None:
        for one in self._senders:
            one.forget()


@contextmanager
def stage(place: Place, scene_name: str) -> Iterator[Stage]:
    """A copy of the scene, a gateway that has seen nothing, and gates that are open."""
    gates.forget()
    place.gateway.reset()
    place.gateway.set_clock(DUE)
    place.make_database("stage", like=scene_name)
    own = Stage(place, scene_name)
    try:
        yield own
    finally:
        own.close()
        place.drop_database()


def make_scenes(place: Place) -> None:
    """The databases that stages are copies of."""
    place.make_database(UNPLANNED)
    clinic = scene.make_clinic("proof", DUE)
    changes: dict[str, Callable[[], object]] = {
        WITH: lambda: None,
        WITHOUT: lambda: scene.use_gateway_without_look_up(clinic, DUE),
        BATCH: lambda: scene.word_equally(clinic),
    }
    for name, change in changes.items():
        place.make_database(name, like=UNPLANNED)
        change()
        if plan(DUE)["planned"] != scene.TEXTS:
            raise AssertionError("the scene does not begin as it should")


@contextmanager
def address_that_refuses() -> Iterator[str]:
    """A port that is taken and where nobody listens: no connection, for certain."""
    with closing(socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
