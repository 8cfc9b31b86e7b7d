"""Starting, recognising and stopping a server process that outlives the one that started it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from config.embedded.account import Account
from config.embedded.errors import EmbeddedServerError

LOG_LIMIT = 5_000_000  # bytes, per start: the embedded servers have no log rotation of their own

# Nothing of the caller's environment: PGPORT, LANG or LD_PRELOAD would change what we start.
CLEAN = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}


def launch(command: list[str], log: Path, account: Account) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own: a Ctrl-C at our terminal is not for it."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
        return subprocess.Popen(  # noqa: S603  (our own programs, no shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=CLEAN,
            start_new_session=True,
            **account.popen_options(),
        )


def last_lines(log: Path, count: int = 3) -> str:
    """The end of ``log`` on one line, for an error message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return " / ".join(line.strip() for line in lines[-count:])


def free_port(remembered: Path) -> int:
    """A free port of 127.0.0.1: the one used last time if it can still be had.

    Free at the moment of asking; a server that loses the race is started again on another.
    """
    for port in (number_in(remembered), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise EmbeddedServerError("no free port on 127.0.0.1")


def running_pid(pidfile: Path, mark: str) -> int | None:
    """The process named in ``pidfile``, when it is alive and its command line holds ``mark``.

    After a crash or a reboot the number may belong to anybody: without the mark it is not ours,
    and must be neither waited for nor signalled.
    """
    pid = number_in(pidfile)
    return pid if pid > 1 and os.fsencode(mark) in _command_line(pid) else None


def is_alive(pid: int) -> bool:
    """Whether any process has this number, a stranger's included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop(pidfile: Path, mark: str, signals: tuple[signal.Signals, ...]) -> None:
    """Ask the server to stop, more firmly every 20 seconds, and wait until it has."""
    for number in signals:
        if (pid := running_pid(pidfile, mark)) is None:
            return
        os.kill(pid, number)
        if wait_until(lambda: running_pid(pidfile, mark) is None, seconds=20):
            return


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def number_in(file: Path) -> int:
    """The number ``file`` begins with; 0 when there is none."""
    try:
        return int(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _command_line(pid: int) -> bytes:
    """Empty for a process that is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    shown = subprocess.run(  # noqa: S603  (a number is no injection)
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], stdout=subprocess.PIPE, check=False
    )
    return shown.stdout
