"""What was proven: a line for each, a table, a document, and the one line at the end."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    part: str
    what: str
    #: What there was to see, in a few words.
    found: str
    passed: bool
    seconds: float


@dataclass
class Report:
    rows: list[Row] = field(default_factory=list)
    _part: str = ""
    _began: float = field(default_factory=time.monotonic)

    def part(self, name: str, about: str) -> None:
        self._part = name
        self.say(f"\n{name} — {about}")
        self._began = time.monotonic()

    def add(self, what: str, found: str, *, passed: bool) -> None:
        now = time.monotonic()
        row = Row(self._part, what, found, passed, round(now - self._began, 1))
        self._began = now
        self.rows.append(row)
        mark = "ok  " if passed else "FAIL"
        self.say(f"  {mark} {what:<76} {found}  ({row.seconds:.1f} s)")

    @staticmethod
    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    @property
    def failed(self) -> int:
        return sum(not row.passed for row in self.rows)

    def close(self, file: Path) -> int:
        """Write the document and the last line; returns the exit code."""
        file.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "passed": len(self.rows) - self.failed,
            "failed": self.failed,
            "rows": [asdict(row) for row in self.rows],
        }
        file.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        self.say(f"\n{document['passed']} passed, {document['failed']} failed")
        return 1 if self.failed or not self.rows else 0
