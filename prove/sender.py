"""One process of the engine, to be killed or held up at a point of its work.

Forked from the proof, which holds no connection at that moment: a start of its own would take two
seconds for each of a hundred processes, and the kernel ends both kinds alike. Its clock stands. At
its point it says so, and then dies by SIGKILL, or waits to be told the time at which it goes on.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.db import connections

from followup.planner import plan
from messaging import delivery
from prove import points, work
from prove.broken import BROKEN
from prove.gateway import Gateway
from prove.waiting import NeverHappened, wait_for

KILL, WAIT, LOSE_PATIENCE = "kill", "wait", "lose patience"
#: For an answer that certainly does not come.
_LITTLE_PATIENCE = 0.2
_FORSAKEN, _FAILED = 3, 4


@dataclass(frozen=True)
class Order:
    """What a process does, and what happens to it."""

    task: str
    now: dt.datetime
    gateway: Gateway
    #: One of `points.POINTS`, and which time it comes past there something happens.
    at: str = ""
    nth: int = 1
    times: int = 1
    then: str = KILL
    broken: tuple[str, ...] = ()
    #: Another address of the gateway.
    base_url: str = ""

    @property
    def passes(self) -> range:
        return range(self.nth, self.nth + self.times)


@dataclass
class Sender:
    """The process, as the proof sees it."""

    pid: int
    _said: TextIO = field(repr=False)
    _told: TextIO = field(repr=False)
    _code: int | None = None

    def come_to_the_point(self) -> None:
        """Raises NeverHappened when it ended without."""
        if self._said.readline() != "here\n":
            raise NeverHappened(f"the process did not come to its point: {self.end()}")

    def go_on(self, now: dt.datetime) -> None:
        """Let one that waits finish its work, at another time by its clock."""
        self._told.write(f"{now.isoformat()}\n")
        self._told.flush()
        self.end_well()

    def end_well(self) -> None:
        """Raises NeverHappened for a process that failed."""
        if code := self.end():
            raise NeverHappened(f"the process ended with {code}")

    def end(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        wait_for(self.has_ended, "the process ends")
        return self._code or 0

    def has_ended(self) -> bool:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code is not None

    def forget(self) -> None:
        """However far it has come."""
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            self.end()
        self._said.close()
        self._told.close()


def start(order: Order, log: Path) -> Sender:
    connections.close_all()
    (hear, say), (listen, tell) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(hear)
        os.close(tell)
        os._exit(_live(order, log, os.fdopen(listen), os.fdopen(say, "w")))
    os.close(say)
    os.close(listen)
    return Sender(pid, os.fdopen(hear), os.fdopen(tell, "w"))


class _Clock:
    """A time that stands still until it is told another."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


def _live(order: Order, log: Path, listens: TextIO, says: TextIO) -> int:
    with log.open("a") as output:
        os.dup2(output.fileno(), sys.stderr.fileno())
    try:
        _work(order, _Clock(order.now), listens, says)
    except BaseException:  # noqa: BLE001  (nothing of the proof goes on in this process)
        traceback.print_exc()
        sys.stderr.flush()
        return _FAILED
    return 0


def _work(order: Order, clock: _Clock, listens: TextIO, says: TextIO) -> None:
    if order.base_url:
        settings.KAVENEGAR_BASE_URL = order.base_url
    for name in order.broken:
        BROKEN[name]()
    if order.at:
        act = _act(order.then, clock, listens, says)
        points.at(order.at, act, passes=order.passes, journal=order.gateway.journal)
    tasks: dict[str, Callable[[], object]] = {
        "plan": lambda: plan(order.now),
        "drain": lambda: delivery.drain(clock),
        "hear": lambda: work.hear(order.gateway, order.now),
        "carry on": lambda: work.carry_on(order.gateway, order.now),
    }
    tasks[order.task]()


def _act(then: str, clock: _Clock, listens: TextIO, says: TextIO) -> points.Act:
    def say_here() -> None:
        says.write("here\n")
        says.flush()

    def kill(_: Any) -> None:
        say_here()
        os.kill(os.getpid(), signal.SIGKILL)

    def wait(_: Any) -> None:
        say_here()
        told = listens.readline().strip()
        if not told:
            os._exit(_FORSAKEN)  # whoever should have told us is gone
        clock.now = dt.datetime.fromisoformat(told)

    def lose_patience(connection: Any) -> None:
        connection.timeout = _LITTLE_PATIENCE

    return {KILL: kill, WAIT: wait, LOSE_PATIENCE: lose_patience}[then]
