"""One demonstration at a time, and a way to end it from outside."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.core.management import CommandError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody wants it to end."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end the block in peace, and disregard any that follow."""

    def stop(number: int, frame: FrameType | None) -> None:
        _disregard()
        raise Stopped

    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    except Stopped:
        pass
    finally:
        # The servers are still to be stopped when this process exits.
        _disregard()


def _disregard() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the lock for the block. Raises CommandError while another process does."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("the demo is running already: stop that one first") from None
        yield
    finally:
        os.close(handle)
