"""Start several processes, notice the first that ends, and stop them all together."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

PATIENCE = 10.0  # seconds between asking a process to stop and making it
LOG_LIMIT = 5_000_000  # bytes; a longer log is put aside at the next start
LAST_LINES = 12

# Waits for the end of its input, which comes when we are gone, however we went, and then stops
# what we had told it of. Without it a SIGKILL would leave a worker that goes on sending.
GUARD = """
trap '' INT TERM HUP
children=
while read -r pid; do children="$children $pid"; done
for pid in $children; do kill -TERM "$pid"; done 2>/dev/null
sleep 10
for pid in $children; do kill -KILL -- "-$pid"; done 2>/dev/null
"""


class ChildEnded(RuntimeError):
    """A process that should go on has ended. ``str()`` names it and shows its last lines."""


class Child:
    """One process in a session of its own: a Ctrl-C at our terminal is not for it."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        cwd: Path,
        env: Mapping[str, str],
        outlasts: bool,
    ) -> None:
        self.name, self.log, self.outlasts = name, log, outlasts
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
            self._began = output.tell()
            self._process = subprocess.Popen(  # noqa: S603  (our own programs, no shell)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def last_lines(self) -> str:
        """The end of what it has written since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._began)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def ask_to_stop(self) -> None:
        if self.exit_code() is None:
            self._process.terminate()

    def make_stop(self, deadline: float) -> None:
        """Wait until the deadline (``time.monotonic``), then end its whole group."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


class Supervisor:
    """The processes of one demonstration. Leaving the block stops them all."""

    def __init__(self, cwd: Path, logs: Path) -> None:
        self._cwd, self._logs = cwd, logs
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._guard = subprocess.Popen(  # noqa: S603  (the script above)
            ["/bin/sh", "-c", GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._stop(child for child in self._children if not child.outlasts)
            self._stop(child for child in self._children if child.outlasts)
        finally:
            self._guard.kill()
            self._guard.communicate()

    def start(
        self, name: str, command: list[str], env: Mapping[str, str], *, outlasts: bool = False
    ) -> Child:
        """Start a process. One that ``outlasts`` is stopped when the others have ended."""
        log = self._logs / f"{name}.log"
        child = Child(name, command, log=log, cwd=self._cwd, env=env, outlasts=outlasts)
        self._children.append(child)
        if self._guard.stdin:
            self._guard.stdin.write(f"{child.pid}\n".encode())
            self._guard.stdin.flush()
        return child

    def check(self) -> None:
        """Raise ChildEnded when one is gone."""
        for child in self._children:
            code = child.exit_code()
            if code is not None:
                raise ChildEnded(
                    f"{child.name} ended with {_meaning(code)}. Its last lines, from {child.log}:\n"
                    f"{child.last_lines()}"
                )

    def watch(self) -> None:
        """Until one is gone; raises ChildEnded then."""
        while True:
            self.check()
            time.sleep(0.3)

    @staticmethod
    def _stop(children: Iterable[Child]) -> None:
        asked = list(children)
        for child in asked:
            child.ask_to_stop()
        deadline = time.monotonic() + PATIENCE
        for child in asked:
            child.make_stop(deadline)


def _meaning(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
