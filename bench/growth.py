"""Whether the cost follows what is due or what is stored: the same day of the same clinics, with one,
two and four times as much behind it.

Two databases side by side, asked in turns: one that stays as it is, and one that has grown. Beside the
time stand the pages that PostgreSQL read, from memory or disk; they do not depend on who else is busy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from bench import claiming, pages, planning
from bench.data import NOW, OLD, OLDER, Data, Layer
from bench.measure import in_turns, ms, ratio, read_only, run, taken_back
from bench.server import Bench
from followup import planner
from followup.models import Kind
from messaging.claiming import claim

#: The database that stays small.
SMALL = "small"
#: Texts that are due while growth is measured, of each clinic.
DUE = 10

Work = Callable[[], float]


class Side:
    """One of the two databases, and what is measured in it."""

    def __init__(self, bench: Bench, database: str) -> None:
        self.bench, self.database = bench, database
        self._connection = connections["default"].copy()
        self._connection.settings_dict["NAME"] = database
        with self.chosen():
            self._visitor = pages.Visitor()
            self._silent = planning.wanted_of(Kind.SILENT)
            self._reminders = planning.wanted_of(Kind.BEFORE_SESSION)
        self._turn = 0

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Let Django's default connection be this one."""
        before = connections["default"]
        connections["default"] = self._connection
        try:
            yield
        finally:
            connections["default"] = before

    def works(self) -> dict[str, Work]:
        until = NOW + dt.timedelta(minutes=15)
        scan = planning.scan_of_silent(self._silent)
        since = NOW - planner.OVERLAP
        given = {"since": since, "until": until}
        plain: dict[str, Work] = {
            "reminders": lambda: taken_back(
                lambda: planning.reminders(since, until, self._reminders)
            ),
            "whole tick": lambda: taken_back(lambda: planner.plan(until), hat=None),
            "claim": lambda: taken_back(lambda: claim(claiming.SENT_AT, "bench")),
            "silent scan": lambda: read_only(lambda: run(scan, given)),
            "today, database": lambda: self._visit("today"),
            "messages, database": lambda: self._visit("messages"),
        }
        return {name: self._here(work) for name, work in plain.items()}

    def pages_read(self, work: Work) -> int:
        """How many pages a run read. Once before: what is looked up in the catalogue is known then."""
        work()
        before = self._blocks()
        work()
        return self._blocks() - before

    def close(self) -> None:
        self._connection.close()

    def _here(self, work: Work) -> Work:
        def chosen() -> float:
            with self.chosen():
                return work()

        return chosen

    def _visit(self, page: str) -> float:
        self._turn += 1
        return self._visitor.visit(page, self._turn // 2)[1]

    def _blocks(self) -> int:
        with self.chosen(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT 1")
        asked = "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s"
        return int(self.bench.admin(asked, [self.database], database="postgres")[0][0])


def measure(bench: Bench, data: Data, rounds: int) -> dict[str, Any]:
    """Copy the database, let the original grow to twice and to four times the size, and compare."""
    bench.admin(pages.ROLES)
    claiming.fill(bench, DUE * data.clinics, "growth", "reminder_24h")
    bench.admin("VACUUM (ANALYZE) messaging_message")
    connections.close_all()
    bench.admin(f"CREATE DATABASE {SMALL} TEMPLATE peygir OWNER app_owner", database="postgres")
    found = {"1": _sizes(bench, SMALL)}
    for times, layer in (("2", OLD), ("4", OLDER)):
        _grow(data, layer)
        # On the way there the direction is enough.
        turns = rounds if times == "4" else max(1, rounds // 2)
        found[times] = _sizes(bench, "peygir") | {"against 1": _compare(bench, turns)}
    bench.admin(f"DROP DATABASE {SMALL} WITH (FORCE)", database="postgres")
    bench.admin("DELETE FROM messaging_message WHERE occasion = 'growth'")
    data.vacuum()
    return found


def _grow(data: Data, layer: Layer) -> None:
    data.add(layer)
    data.bench.admin("CHECKPOINT")


def _sizes(bench: Bench, database: str) -> dict[str, Any]:
    size = bench.admin("SELECT pg_database_size(%s)", [database], database="postgres")[0][0]
    asked = "SELECT reltuples::bigint FROM pg_class WHERE relname = %s"
    names = {"sessions": "sessions_app_session", "messages": "messaging_message"}
    rows = {
        what: bench.admin(asked, [table], database=database)[0][0] for what, table in names.items()
    }
    return {**rows, "database_mb": round(size / 2**20)}


def _compare(bench: Bench, rounds: int) -> dict[str, Any]:
    small, large = Side(bench, SMALL), Side(bench, "peygir")
    try:
        before, after = small.works(), large.works()
        found = {}
        for name in before:
            found[name] = _one(small, large, before[name], after[name], rounds)
            # What was taken back lies about in the indexes of the queue until somebody cleans up.
            for database in (SMALL, "peygir"):
                bench.admin("VACUUM (ANALYZE) messaging_message", database=database)
        return found
    finally:
        small.close()
        large.close()


def _one(small: Side, large: Side, before: Work, after: Work, rounds: int) -> dict[str, Any]:
    runs = in_turns({"small": before, "large": after}, rounds)
    read = [small.pages_read(before), large.pages_read(after)]
    return {
        "ms": [ms(runs["small"]), ms(runs["large"])],
        "time": ratio(runs["large"], runs["small"]),
        "pages_read": read,
        "pages": round(read[1] / read[0], 3),
    }
