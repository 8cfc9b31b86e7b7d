"""Servers for the bench: private, gone afterwards, and as careful with the disk as real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from config.embedded import Servers, throwaway_servers

#: A commit is on disk, as in production. Autovacuum would come by in the middle of a measurement:
#: the bench vacuums by itself.
CAREFUL = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "off",
    "shared_buffers": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
}
#: While the tables are filled there is nothing to lose.
FILLING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: A key that opens the stand-in: without one no text leaves.
API_KEY = "key-of-the-bench"


@dataclass(frozen=True)
class Bench:
    """A migrated database, its superuser, and a folder for files."""

    servers: Servers

    @property
    def folder(self) -> Path:
        return self.servers.folder

    @property
    def database_url(self) -> str:
        return self.servers.postgres.url

    def admin_url(self, database: str = "peygir") -> str:
        return self.servers.postgres.admin_url.rsplit("/", 1)[0] + "/" + database

    def admin(
        self, statement: str, values: Any = None, *, database: str = "peygir"
    ) -> list[tuple[Any, ...]]:
        """One statement under the superuser: for what no hat may, as ALTER SYSTEM and VACUUM."""
        connection = psycopg2.connect(self.admin_url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def restart(self, settings: dict[str, str]) -> None:
        """Start PostgreSQL anew under these settings; its port may change."""
        server = self.servers.postgres
        server.stop()
        server.settings = settings
        server.start()
        os.environ["DATABASE_URL"] = server.url


@contextmanager
def bench_servers() -> Iterator[Bench]:
    """Start the servers, let Django know them, and migrate."""
    with throwaway_servers() as servers:
        bench = Bench(servers)
        bench.restart(CAREFUL | FILLING)
        os.environ.update(
            REDIS_URL=servers.redis_url,
            PEYGIR_VAR=str(servers.folder / "var"),
            KAVENEGAR_API_KEY=API_KEY,
            SECRET_KEY="only-for-the-bench-" * 4,
        )
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield bench
