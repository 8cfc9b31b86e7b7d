"""The gateway of a proof: a process of its own, whose journal is the judge."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.demo.supervisor import Child, Supervisor
from prove.waiting import wait_for

_ADDRESS = re.compile(r"at (http://\S+?)/$", re.MULTILINE)
#: The methods that texts are handed over by.
SENDS = ("sms/send", "verify/lookup")


@dataclass(frozen=True, slots=True)
class Text:
    """What a phone has received, as the gateway wrote it down."""

    provider_id: str
    phone: str  # E.164


@dataclass(frozen=True, slots=True)
class Gateway:
    base_url: str
    journal: Path

    def texts(self) -> list[Text]:
        """Everything that phones have received since the last `reset`."""
        return list(texts_in(self.journal))

    def reset(self) -> None:
        """Forget every text and every failure still to come."""
        self._tell("reset")

    def set_clock(self, now: dt.datetime | None) -> None:
        self._tell("clock", now=now.isoformat() if now else None)

    def fail_next(self, mode: str, times: int, seconds: float = 0.0) -> None:
        """Let the next sends fail, by whatever method; see `sandbox.faults`."""
        for method in SENDS:
            self._tell("fail", mode=mode, times=times, method=method, seconds=seconds)

    def _tell(self, name: str, **given: Any) -> None:
        request = urllib.request.Request(  # noqa: S310  (our own process on loopback)
            f"{self.base_url}/_sandbox/{name}",
            json.dumps(given).encode(),
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            answer.read()


def start(processes: Supervisor, folder: Path, environment: dict[str, str]) -> Gateway:
    """Start one on a free port."""
    journal = folder / "gateway.jsonl"
    command = [sys.executable, "-m", "sandbox", "--port=0", f"--journal={journal}"]
    child = processes.start("gateway", command, environment, outlasts=True)
    wait_for(lambda: bool(_address(child)), "the gateway listens")
    return Gateway(_address(child), journal)


def texts_in(journal: Path) -> Iterator[Text]:
    """The texts of a journal; a line that is being written is left for the next look."""
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "text":
            yield Text(str(event["id"]), "+98" + event["receptor"].removeprefix("0"))


def _address(child: Child) -> str:
    found = _ADDRESS.search(child.last_lines())
    return found[1] if found else ""
