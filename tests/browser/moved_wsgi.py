"""The web server under a clock that a test moves: the time stands in a file and goes on from there."""

import datetime as dt
import os
from pathlib import Path

import time_machine

from config.wsgi import application as unmoved

CLOCK = Path(os.environ["PEYGIR_TEST_CLOCK"])
_here = time_machine.travel(dt.datetime.now(dt.UTC), tick=True).start()
_read = ""


def application(environ, start_response):
    global _read  # noqa: PLW0603  (one process, one clock)
    written = CLOCK.read_text() if CLOCK.exists() else ""
    if written != _read:
        _read = written
        _here.move_to(dt.datetime.fromisoformat(written))
    return unmoved(environ, start_response)
