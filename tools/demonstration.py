"""A throw-away `manage.py demo`, as a block of code: for tests and pictures."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
_NOT_OURS = ("DATABASE_URL", "REDIS_URL", "PEYGIR_", "PUBLIC_URL", "KAVENEGAR_", "ALLOWED_")


@dataclass
class Demonstration:
    """One start of the demo, from the moment at which it says that it is ready."""

    var: Path
    process: subprocess.Popen[str] = field(repr=False)
    said: list[str] = field(default_factory=list)
    start_seconds: float = 0.0

    @property
    def panel(self) -> str:
        return self._address("Panel")

    @property
    def phones(self) -> str:
        return self._address("Phones")

    @property
    def passwords(self) -> dict[str, str]:
        kept = json.loads((self.var / "demo.json").read_text(encoding="utf-8"))
        return dict(kept["passwords"])

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def _address(self, name: str) -> str:
        found = re.search(rf"^  {name} +(\S+)/", "".join(self.said), re.MULTILINE)
        if found is None:
            raise LookupError(name)
        return found[1]


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder for its data. Passable, because the servers may run under another account."""
    path = Path(tempfile.mkdtemp(prefix="peygir-demo-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def started(var: Path) -> Iterator[Demonstration]:
    """Start it on data that is kept under `var`; raises RuntimeError when it does not get ready."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_OURS)}
    environment |= {"PEYGIR_VAR": str(var), "PORT": str(_free_port()), "PYTHONUNBUFFERED": "1"}
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    demo = Demonstration(var, process)
    try:
        _listen(demo)
        demo.start_seconds = time.monotonic() - begun
        yield demo
    finally:
        demo.stop()


def _listen(demo: Demonstration) -> None:
    """Until it has said where everything is; what it says later is read and kept too."""
    ready = threading.Event()

    def read() -> None:
        for line in demo.process.stdout or ():
            demo.said.append(line)
            if "Ctrl-C" in line:
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    if not ready.wait(START_SECONDS) or demo.process.poll() is not None:
        raise RuntimeError(f"the demo did not get ready:\n{''.join(demo.said)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
