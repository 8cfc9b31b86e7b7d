"""Senders in processes of their own: `python -m bench.workers at-once|http`.

Each waits for a line with a time, drains the outbox with the product's own sender as at that moment,
and says in one line of JSON how many texts left and between which moments of the monotonic clock,
which all processes share.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

#: Longer than any drain of the bench.
BUDGET_SECONDS = 1800.0


def main(gateway: str) -> None:
    import django

    django.setup()
    from messaging import delivery

    if gateway == "at-once":
        _answer_at_once()
    _say({"ready": True})
    for line in sys.stdin:
        _say(_drain(delivery, dt.datetime.fromisoformat(line.strip())))


def _drain(delivery: Any, now: dt.datetime) -> dict[str, Any]:
    began = time.monotonic()
    counts = delivery.drain(lambda: now, BUDGET_SECONDS)
    return {"began": began, "ended": time.monotonic(), **counts}


def _answer_at_once() -> None:
    """A gateway that takes no time: what is left is claiming, judging, writing and settling."""
    from messaging.providers import provider_class
    from messaging.providers.base import Accepted, DeliveryStatus, OutgoingText

    def send(self: Any, texts: Sequence[OutgoingText]) -> list[Accepted]:
        return [Accepted(t.local_id, str(t.local_id), DeliveryStatus.ACCEPTED, 5400) for t in texts]

    provider_class("kavenegar").send = send  # type: ignore[method-assign]


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


class Workers:
    """Some senders that are ready to begin at once."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def drain(self, count: int, *, at: dt.datetime) -> tuple[int, float]:
        """Let so many of them empty the queue; the texts that left, and the seconds it took."""
        chosen = self._processes[:count]
        for process in chosen:
            _pipe(process.stdin).write(f"{at.isoformat()}\n")
            _pipe(process.stdin).flush()
        answers = [_answer(process) for process in chosen]
        seconds = max(a["ended"] for a in answers) - min(a["began"] for a in answers)
        return sum(a.get("sent", 0) for a in answers), seconds


@contextmanager
def workers(count: int, gateway: str, **environment: str) -> Iterator[Workers]:
    processes = [_start(["-m", "bench.workers", gateway], environment) for _ in range(count)]
    try:
        for process in processes:
            if not any(line.startswith('{"ready"') for line in _pipe(process.stdout)):
                raise RuntimeError("a sender did not start")
        yield Workers(processes)
    finally:
        for process in processes:
            _pipe(process.stdin).close()
        for process in processes:
            process.wait(30)


@contextmanager
def gateway() -> Iterator[str]:
    """The HTTP stand-in in a process of its own; its base address."""
    process = _start(["-m", "sandbox", "--port", "0"], {}, stderr=subprocess.PIPE)
    try:
        said = _pipe(process.stderr).readline()
        yield said.split(" at ")[1].strip().rstrip("/")
    finally:
        process.terminate()
        process.wait(30)


def _start(
    arguments: list[str], environment: dict[str, str], stderr: int | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  (ourselves)
        [sys.executable, *arguments],
        cwd=Path(__file__).resolve().parent.parent,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line that is one of ours: what the sender logs comes the same way."""
    for line in _pipe(process.stdout):
        if line.startswith('{"began"'):
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise RuntimeError(f"a sender ended with {process.wait(10)}")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    return cast("IO[str]", pipe)


if __name__ == "__main__":
    main(sys.argv[1])
