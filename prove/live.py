"""The real worker and the real beat, against the clock on the wall, while something dies.

Each scenario gives a new clinic twenty-four texts that are due now. The gateway takes a moment over
each, so that whatever dies, dies in the middle of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections
from django.utils import timezone

from config.demo.supervisor import Child
from config.embedded import process
from config.env import PROJECT_ROOT
from prove import scene
from prove.judge import Ending, judge, unsettled
from prove.place import Place
from prove.report import Report
from prove.waiting import PATIENCE_SECONDS, NeverHappened, wait_for

TEXTS = 24
#: So many have arrived when something dies.
MIDDLE = 6
_A_MOMENT = 0.25  # seconds
_CELERY = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "prove.hurried"]
#: So many ticks show that a worker is not about to end.
SOME = 3
_TAKES_UP = " received"
_REDIS_IS_GONE = "Connection to broker lost"
_TICK = [sys.executable, "-W", "ignore", "manage.py", "tick"]


@dataclass
class Engine:
    place: Place
    _running: dict[str, Child] = field(default_factory=dict)
    _clinics: int = 0

    def start(self, name: str) -> None:
        options = {
            "worker": [
                "--concurrency=2",
                "--loglevel=info",
                "--without-gossip",
                "--without-mingle",
            ],
            "beat": [
                "--loglevel=info",
                "--pidfile=",
                f"--schedule={self.place.servers.folder / 'beat-schedule'}",
            ],
        }[name]
        command = [*_CELERY, name, *options]
        self._running[name] = self.place.processes.start(name, command, dict(os.environ))

    def kill(self, name: str) -> None:
        """The whole group at once, as a machine does that loses its power."""
        child = self._running[name]
        os.killpg(child.pid, signal.SIGKILL)
        wait_for(lambda: child.exit_code() is not None, f"{name} is dead")

    def open_clinic(self) -> None:
        """One more clinic whose texts are due, at a gateway that takes a moment over each."""
        due = timezone.now().replace(second=0, microsecond=0)
        self._clinics += 1
        self.place.gateway.fail_next("delay", TEXTS, seconds=_A_MOMENT)
        scene.make_clinic(f"live-{self._clinics}", due, TEXTS)

    @property
    def due(self) -> int:
        return self._clinics * TEXTS

    def come_to_the_middle(self) -> None:
        before, texts = self.due - TEXTS, self.place.gateway.texts
        wait_for(lambda: len(texts()) >= before + MIDDLE, "the first texts leave")

    def settle(self) -> None:
        """Until every text of every clinic has been planned, sent and recorded."""
        wait_for(self.is_settled, "every text is settled", pause=0.3)

    def is_settled(self) -> bool:
        ending = judge(self.place.gateway).ending
        return ending.arrived == self.due and not unsettled()

    def has_said(self, name: str, words: str) -> int:
        """How often these words are in its log."""
        return self._running[name].log.read_text(errors="replace").count(words)

    def go_on(self) -> None:
        """Until the worker has taken up some more ticks, or is gone."""
        before = self.has_said("worker", _TAKES_UP)
        wait_for(
            lambda: bool(self.fallen()) or self.has_said("worker", _TAKES_UP) > before + SOME,
            "the worker takes up more ticks",
        )

    def fallen(self) -> str:
        """Who is gone though nobody has killed it."""
        gone = [name for name, child in self._running.items() if child.exit_code() is not None]
        return f"{' and '.join(gone)} ended by itself; " if gone else ""

    def stop(self) -> None:
        for name, child in self._running.items():
            if child.exit_code() is None:
                self.kill(name)


@contextmanager
def _engine(place: Place) -> Iterator[Engine]:
    place.gateway.reset()
    place.gateway.set_clock(None)
    place.make_database("live")
    # Servers that are thrown away confirm before they have written. PostgreSQL's death would make
    # that a lie that it tells nobody in earnest.
    place.admin('ALTER DATABASE "live" SET synchronous_commit = on')
    connections.close_all()
    engine = Engine(place)
    try:
        engine.start("worker")
        engine.start("beat")
        yield engine
    finally:
        engine.stop()
        place.drop_database()


def prove(place: Place, report: Report) -> None:
    report.part(
        "Real worker and beat", f"{TEXTS} texts each, due now; something dies in the middle"
    )
    scenarios: dict[str, Callable[[Engine], None]] = {
        "nothing dies": lambda _: None,
        "kill -9 of the worker and all its children; started anew": _kill_worker,
        "kill -9 of beat; started anew": _kill_beat,
        "kill -9 of both; `manage.py tick` alone carries on": _kill_both,
        "Redis gone with all its data, and back": _empty_redis,
        "PostgreSQL stopped at once, and back": _stop_postgres,
        "three `manage.py tick` beside worker and beat": _tick_beside,
    }
    with _engine(place) as engine:
        for what, happens in scenarios.items():
            _prove(engine, report, what, happens)


def _prove(engine: Engine, report: Report, what: str, happens: Callable[[Engine], None]) -> None:
    engine.open_clinic()
    problem = ""
    try:
        engine.come_to_the_middle()
        happens(engine)
        engine.settle()
        engine.go_on()
    except NeverHappened as never:
        problem = f"{never}; "
    problem += engine.fallen()
    verdict = judge(engine.place.gateway)
    due = Ending(received=engine.due, arrived=engine.due)
    passed = not problem and verdict.ending == due and not verdict.faults
    report.add(what, f"{problem}{verdict}", passed=passed)


def _kill_worker(engine: Engine) -> None:
    engine.kill("worker")
    engine.start("worker")


def _kill_beat(engine: Engine) -> None:
    engine.kill("beat")
    engine.start("beat")


def _kill_both(engine: Engine) -> None:
    engine.kill("worker")
    engine.kill("beat")
    wait_for(lambda: _ticked() and engine.is_settled(), "the ticks settle every text")
    engine.start("worker")
    engine.start("beat")


def _empty_redis(engine: Engine) -> None:
    redis = engine.place.servers.redis
    port, said = redis.port, engine.has_said("worker", _REDIS_IS_GONE)
    process.stop(redis.pidfile, str(redis.configuration), (signal.SIGKILL,))
    wait_for(
        lambda: engine.has_said("worker", _REDIS_IS_GONE) > said, "the worker misses its Redis"
    )
    redis.start()
    _same_address(port, redis.port)


def _stop_postgres(engine: Engine) -> None:
    postgres = engine.place.servers.postgres
    port = postgres.port
    process.stop(postgres.pidfile, str(postgres.data), (signal.SIGQUIT,))
    postgres.start()
    connections.close_all()
    _same_address(port, postgres.port)


def _same_address(before: int, after: int) -> None:
    if before != after:
        raise NeverHappened(f"the server comes back at port {before}")


def _tick_beside(_: Engine) -> None:
    for tick in [_tick() for _ in range(3)]:
        _end_well(tick)


def _ticked() -> bool:
    _end_well(_tick())
    return True


def _end_well(tick: subprocess.Popen[str]) -> None:
    _, errors = tick.communicate(timeout=PATIENCE_SECONDS)
    if tick.returncode:
        raise NeverHappened(f"a tick ended with {tick.returncode}: {errors[-300:]}")


def _tick() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  (our own command)
        _TICK,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
