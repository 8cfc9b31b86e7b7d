"""One real Redis-compatible server on 127.0.0.1."""

import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded import process
from config.embedded.account import Account
from config.embedded.errors import EmbeddedServerError

START_SECONDS = 30.0


@dataclass
class ValkeyServer:
    """A server that keeps its data in ``folder``, run by ``account``. Implements lease.Server."""

    program: Path
    account: Account
    folder: Path
    log: Path
    password: str = field(repr=False)
    careless: bool = False
    name: str = "redis"
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pidfile(self) -> Path:
        return self.folder / "pid"

    @property
    def configuration(self) -> Path:
        return self.folder / "valkey.conf"

    @property
    def port(self) -> int:
        """The port of the running server."""
        return int((self.folder / "port").read_text())

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        # The second question: a starter may have died before the pid file was written.
        if self._is_running() or self._answers():
            return
        self.account.own(self.data)
        for _ in range(5):
            if self._start_on(process.free_port(self.folder / "port")):
                return
            time.sleep(0.2)
        raise EmbeddedServerError(
            f"the Redis server does not start: {process.last_lines(self.log)} (see {self.log})"
        )

    def stop(self) -> None:
        # SIGTERM writes what is left to the append-only file; SIGKILL loses a second at most.
        process.stop(self.pidfile, str(self.configuration), (signal.SIGTERM, signal.SIGKILL))
        if self._child is not None:
            self._child.wait()
            self._child = None

    def erase(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)

    def _is_running(self) -> bool:
        if self._child is not None:
            self._child.poll()
        if process.running_pid(self.pidfile, str(self.configuration)) is None:
            return False
        if not process.wait_until(self._answers, START_SECONDS):
            raise self._not_ready()
        return True

    def _not_ready(self) -> EmbeddedServerError:
        """Never a reason to start a second server on the same data: that would mix them up."""
        return EmbeddedServerError(
            f"the Redis server runs but does not answer after {START_SECONDS:.0f} seconds: "
            f"{process.last_lines(self.log)} (see {self.log})"
        )

    def _start_on(self, port: int) -> bool:
        (self.folder / "port").write_text(str(port))
        self._configure(port)
        self.pidfile.unlink(missing_ok=True)
        command = [str(self.program), str(self.configuration)]
        child = self._child = process.launch(command, self.log, self.account)
        if not process.wait_until(
            lambda: child.poll() is not None or (self.pidfile.exists() and self._answers()),
            START_SECONDS,
        ):
            raise self._not_ready()
        return child.poll() is None

    def _configure(self, port: int) -> None:
        """A file rather than options: a command line with a password in it is public."""
        settings = {
            "bind": "127.0.0.1",
            "port": str(port),
            "requirepass": self.password,
            "dir": _quoted(self.data),
            "pidfile": _quoted(self.pidfile),
            # Otherwise it rewrites its command line, by which we recognise it.
            "set-proc-title": "no",
            # A full memory must refuse new work, never drop a task that was accepted.
            "maxmemory-policy": "noeviction",
            "appendonly": "no" if self.careless else "yes",
            "save": '""',
        }
        self.configuration.touch(mode=0o600)
        self.configuration.write_text("".join(f"{key} {it}\n" for key, it in settings.items()))
        if self.account.lent:
            shutil.chown(self.configuration, self.account.uid, self.account.gid)

    def _answers(self) -> bool:
        """Whether it takes our password and is done loading."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                return b"".join(iter(lambda: connection.recv(256), b"")).startswith(
                    b"+OK\r\n+PONG\r\n"
                )
        except (OSError, ValueError):
            return False


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
