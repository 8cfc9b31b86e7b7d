"""Take a clinic's own lists of clients and sessions in; see docs/importing.md."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from clinic.commands import JsonCommand, find_clinic
from clinic.tenancy import Hat, wear
from exchange.actions import ListFile, import_files
from exchange.reading import MAX_BYTES
from exchange.reasons import ConflictError, UnreadableError
from exchange.report import Report


class Command(JsonCommand):
    help = "Import a clinic's clients and sessions from CSV or XLSX files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the clinic")
        parser.add_argument("--clients", type=Path, metavar="FILE", help="a list of clients")
        parser.add_argument("--sessions", type=Path, metavar="FILE", help="a list of sessions")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and do nothing"
        )

    def answer(self, now: dt.datetime, **options: Any) -> dict[str, Any]:
        files = {kind: options[kind] for kind in ("clients", "sessions") if options[kind]}
        if not files:
            raise CommandError("give --clients FILE, --sessions FILE or both")
        lists = {kind: _read(path) for kind, path in files.items()}
        clinic = find_clinic(options["slug"])
        try:
            with wear(Hat.WEB, clinic_id=clinic.pk):
                report = import_files(
                    clinic,
                    **lists,
                    now=now,
                    dry_run=options["dry_run"],
                    progress=self._progress,
                )
        except UnreadableError as error:
            raise CommandError(f"{error.file}: {error}") from None
        except ConflictError as error:
            raise CommandError(str(error)) from None
        self._tell_ignored(report)
        return report.document()

    def _progress(self, stage: str, done: int, total: int) -> None:
        self.stderr.write(f"{stage}: {done}/{total}", self.style.NOTICE)

    def _tell_ignored(self, report: Report) -> None:
        for name, headings in report.ignored.items():
            if headings:
                self.stderr.write(f"{name}: columns not read: {', '.join(headings)}")


def _read(path: Path) -> ListFile:
    """The file's bytes; of one that is too large only enough to say so. Raises CommandError."""
    try:
        with path.open("rb") as file:
            return ListFile(path.name, file.read(MAX_BYTES + 1))
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from None
