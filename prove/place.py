"""Where proofs take place: private servers, a gateway, and a database for each scenario.

Django's settings are read once, so the addresses are in the environment before the first import of
anything that reads them; that is why this module imports Django inside its functions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2

from config import embedded
from config.demo.supervisor import Supervisor
from config.env import PROJECT_ROOT
from prove import gateway as gateways
from prove.gateway import Gateway

KEY = "key-of-the-proof"
_EMPTY = "peygir"
#: What a developer may have set and a proof must not see; empty, so that no .env fills it in.
_UNSET = ("ALLOWED_RECIPIENTS", "PUBLIC_URL", "PEYGIR_ENV", "GATEWAY_CALLS_PER_SECOND", "EMAIL_URL")


@dataclass
class Place:
    servers: embedded.Servers
    gateway: Gateway
    processes: Supervisor
    database: str = _EMPTY

    def make_database(self, name: str, like: str = _EMPTY) -> None:
        """A copy of another database, and the one that is worked on from now on."""
        self._leave()
        self.admin(f'CREATE DATABASE "{name}" TEMPLATE "{like}" OWNER app_owner')
        self._enter(name)

    def drop_database(self) -> None:
        """Forget the one that is worked on."""
        name = self.database
        self._leave()
        self.admin(f'DROP DATABASE "{name}" WITH (FORCE)')
        self._enter(_EMPTY)

    def admin(self, statement: str, *values: object) -> object:
        """The first value of one statement, as the superuser of the server."""
        connection = psycopg2.connect(self.servers.admin_url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                row = cursor.fetchone() if cursor.description else None
                return row[0] if row else None
        finally:
            connection.close()

    def _leave(self) -> None:
        from django.db import connections

        connections.close_all()

    def _enter(self, name: str) -> None:
        from django.conf import settings
        from django.db import connection

        self.database = name
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
        os.environ["DATABASE_URL"] = self.servers.database_url.rsplit("/", 1)[0] + "/" + name


@contextmanager
def place() -> Iterator[Place]:
    """Start the servers and the gateway, and set Django up with an empty, migrated database."""
    with (
        embedded.throwaway_servers() as servers,
        Supervisor(PROJECT_ROOT, servers.folder / "log") as processes,
    ):
        os.environ.update(_environment(servers))
        gateway = gateways.start(processes, servers.folder, dict(os.environ))
        os.environ["KAVENEGAR_BASE_URL"] = gateway.base_url
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield Place(servers, gateway, processes)


def _environment(servers: embedded.Servers) -> dict[str, str]:
    return {
        **dict.fromkeys(_UNSET, ""),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "PEYGIR_VAR": str(servers.folder / "var"),
        "SECRET_KEY": "only for proofs " * 4,
        "KAVENEGAR_API_KEY": KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }
