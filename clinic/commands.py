"""The manner of Peygir's commands: one JSON document on stdout, time as an argument."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DataError, OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from clinic.management.as_owner import owner_session
from clinic.models import Clinic
from clinic.tenancy import EVERYWHERE, Hat, wear

#: Rooms that talk to gateways add a function here; each returns the base addresses in use.
gateways_in_use: list[Callable[[], list[str]]] = []

MIGRATION_LOCK = 7_203_551
#: PostgreSQL's codes for a table, a role or a right that is not there yet.
NOT_MIGRATED = ("42P01", "22023", "42501")


class JsonCommand(BaseCommand):
    """Base of the commands other programs call.

    stdout is exactly one JSON document; progress and logs go to stderr. `--now` is the only time
    used, and is refused unless every gateway in use is on loopback: a moved clock must never text a
    real person. Exit 0 means the input was readable, even with rejected rows or failed sends.
    """

    # The checks load every URL and form; `make lint` and the tests run them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--now",
            type=moment,
            metavar="ISO8601",
            help="the time to work at, e.g. 2026-11-21T10:00:00+03:30 (default: the clock)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = self._document(options)
        except OperationalError:
            raise CommandError("the database cannot be reached: look at DATABASE_URL") from None
        except (ProgrammingError, DataError) as error:
            if getattr(error.__cause__, "pgcode", "") not in NOT_MIGRATED:
                raise
            raise CommandError("the database is not ready: run `manage.py migrate`") from None
        self.stdout.write(json.dumps(document, ensure_ascii=False, default=_encode))

    def _document(self, options: dict[str, Any]) -> Any:
        prepare_embedded_database(self.stderr)
        now = options.pop("now")
        if now is not None:
            refuse_moved_time_near_real_people()
            self.clock = lambda: now
        return self.answer(self.clock(), **options)

    #: The time in UTC for work that takes a while; with `--now` it stands still.
    clock: Callable[[], dt.datetime] = staticmethod(timezone.now)

    #: `answer(now, **options)`: the document to print, at the time given (UTC). Raises
    #: CommandError for bad input.
    answer: Callable[..., Any]


def moment(text: str) -> dt.datetime:
    """An ISO 8601 time; without an offset it is Tehran's. For argparse: raises ArgumentTypeError."""
    try:
        value = dt.datetime.fromisoformat(text)
        return _in_utc(value)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"not an ISO 8601 time: {text}") from None


def _in_utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.get_default_timezone())
    return value.astimezone(dt.UTC)


def clinic_or_error(slug: str) -> Clinic:
    """The clinic by its slug, under the hat already worn. Raises CommandError."""
    clinic = Clinic.objects.filter(slug=slug).first()
    if clinic is None:
        raise CommandError(f"there is no clinic with the slug {slug!r}")
    return clinic


def find_clinic(slug: str) -> Clinic:
    """As `clinic_or_error`, from outside any scope."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        return clinic_or_error(slug)


def refuse_moved_time_near_real_people() -> None:
    """Raise CommandError when a gateway in use is not on this machine."""
    for gateways in gateways_in_use:
        for address in gateways():
            if not is_loopback(address):
                raise CommandError(
                    "--now is refused: a gateway in use is not on loopback"
                    " (set KAVENEGAR_BASE_URL to a sandbox on 127.0.0.1)"
                )


def is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def prepare_embedded_database(log: Any) -> None:
    """Migrate the project's own server when it is behind; a clinic's server is its operator's.

    Several commands may start at once on a new machine: the lock lets one migrate, the rest wait.
    """
    if not settings.EMBEDDED_DATABASE:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        if _is_behind():
            call_command("migrate", verbosity=0, stdout=log, stderr=log)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def _is_behind() -> bool:
    with owner_session():
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _encode(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return str(value)
