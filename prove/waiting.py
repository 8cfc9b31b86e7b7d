"""Waiting for what happens, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Only a proof that is lost anyway waits so long.
PATIENCE_SECONDS = 180.0


class NeverHappened(AssertionError):
    """What was waited for did not happen; `str()` says what it was."""


def wait_for(happened: Callable[[], bool], what: str, *, pause: float = 0.05) -> None:
    """Until it has happened, asked every `pause` seconds. Raises NeverHappened."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise NeverHappened(f"never happened: {what}")
        time.sleep(pause)
