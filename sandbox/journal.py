"""An append-only file of events, one JSON object a line, so that a restart forgets nothing."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

Event = dict[str, Any]

_OWNER_ONLY: Final = 0o600


class Journal:
    """The file, open for appending. Its owner alone can read it: it holds what phones received."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _OWNER_ONLY)
        self._file: TextIO = os.fdopen(descriptor, "a+", encoding="utf-8")
        self._mend_last_line()

    def events(self) -> Iterator[Event]:
        """Everything written so far. A line torn by a crash is passed over."""
        self._file.seek(0)
        for line in self._file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                yield event

    def record(self, event: Event) -> None:
        """Write one event; it survives the process, though not a power cut."""
        self._file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._file.flush()

    def clear(self) -> None:
        self._file.truncate(0)

    def close(self) -> None:
        self._file.close()

    def _mend_last_line(self) -> None:
        """End a torn line, or the next event would be lost with it."""
        with self.path.open("rb") as written:
            size = written.seek(0, os.SEEK_END)
            if size:
                written.seek(-1, os.SEEK_END)
                if written.read(1) != b"\n":
                    self._file.write("\n")
                    self._file.flush()
