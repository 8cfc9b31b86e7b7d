"""Who uses an embedded server: the first process starts it, the last one stops it.

Two lock files beside the data. `<name>.lock` is held while a server is started or stopped, so
that only one process at a time looks and acts. `<name>.users` is held shared by every process
that uses the server; whoever can hold it alone is the last. The kernel gives locks back when a
process dies, so a killed user can never keep a server alive or be counted twice: the price is
that a server whose last user was killed runs on until the next one leaves.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from config.embedded.errors import EmbeddedServerError

PATIENCE = 90.0  # seconds; a start takes two, and eight may queue


class Server(Protocol):
    """What a lease needs of a server. All calls are made while holding the start lock."""

    name: str

    @property
    def url(self) -> str:
        """The address of the running server, password included."""

    def start(self) -> None:
        """Start it, or do nothing when it is running already."""

    def stop(self) -> None:
        """Stop it in an orderly way, or do nothing when it is not running."""

    def erase(self) -> None:
        """Delete its data; it is not running."""


class Lease:
    """This process's share in one server."""

    def __init__(self, server: Server, locks: Path) -> None:
        self.server = server
        self._lock = locks / f"{server.name}.lock"
        self._users = locks / f"{server.name}.users"
        self._share: int | None = None
        self._holder = os.getpid()

    def take(self) -> None:
        """Join the server's users and see that it runs."""
        with exclusive(self._lock):
            share = open_lock(self._users)
            try:
                fcntl.flock(share, fcntl.LOCK_SH)
                self.server.start()
            except BaseException:  # a Ctrl-C while it starts, too
                if _is_alone(share):
                    self.server.stop()
                os.close(share)
                raise
            self._share = share

    def give_back(self) -> None:
        """Leave; stop the server when nobody else uses it. Does nothing in a forked child."""
        # A fork shares the parent's lock: a worker that exits must not speak for its master.
        if self._share is None or self._holder != os.getpid():
            return
        with exclusive(self._lock):
            if _is_alone(self._share):
                self.server.stop()
            os.close(self._share)
            self._share = None

    def erase(self) -> None:
        """Delete the server's data; start it afresh if this process was using it.

        Raises EmbeddedServerError while another process uses it.
        """
        with exclusive(self._lock):
            share = open_lock(self._users) if self._share is None else self._share
            try:
                self._erase(share)
            finally:
                if self._share is None:
                    os.close(share)
                else:
                    fcntl.flock(share, fcntl.LOCK_SH)

    def _erase(self, share: int) -> None:
        if not _is_alone(share):
            raise EmbeddedServerError(
                f"{self.server.name} is in use: stop the other processes of this installation first"
            )
        self.server.stop()
        self.server.erase()
        if self._share is not None:
            self.server.start()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` alone. Raises EmbeddedServerError after PATIENCE seconds."""
    handle = open_lock(path)
    try:
        _wait_for(handle, path)
        yield
    finally:
        os.close(handle)


def open_lock(path: Path) -> int:
    """A lock file, opened and made if need be. Never deleted: that would make two of them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError:
        raise EmbeddedServerError(
            f"no permission for {path}: it belongs to another account; run as that account, or "
            "set PEYGIR_VAR to a folder of your own"
        ) from None


def _is_alone(share: int) -> bool:
    try:
        fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(handle: int, path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"another process has held {path} for {PATIENCE:.0f} seconds"
                ) from None
            time.sleep(0.05)
