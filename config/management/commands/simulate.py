"""`manage.py simulate`: clinics lived through in simulated time, every promise checked."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections

from config import env
from config.embedded import Servers, throwaway_servers
from sandbox.simulator import Wanted, simulate


class Command(BaseCommand):
    help = (
        "Let clinics live through days in simulated time, on servers of their own that are gone "
        "afterwards, and check every promise of delivery after each step. Prints one JSON "
        "document; exit 1 when a promise was broken, with the step to replay."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clinics", type=_count, default=3, metavar="N")
        parser.add_argument("--days", type=_count, default=14, metavar="D")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same steps")
        parser.add_argument(
            "--faults", action="store_true", help="gateways fail, processes die, beats stop"
        )
        parser.add_argument("--narrate", action="store_true", help="tell the steps on stderr")
        parser.add_argument("--from-step", type=int, default=0, help="told from this step on")
        parser.add_argument("--until-step", type=int, help="stop after this step")

    def handle(self, *, narrate: bool, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("a simulation is not for production: unset PEYGIR_ENV")
        names = Wanted.__dataclass_fields__
        wanted = Wanted(**{name: options[name] for name in names})
        with throwaway_servers() as servers, _connected(servers), _only_errors():
            call_command("migrate", verbosity=0, stdout=self.stderr, stderr=self.stderr)
            report = simulate(wanted, self._say if narrate else lambda _: None)
        self.stdout.write(json.dumps(report, ensure_ascii=False, indent=1))
        if not report["holds"]:
            sys.exit(1)

    def _say(self, words: str) -> None:
        self.stderr.write(words)


@contextmanager
def _connected(servers: Servers) -> Iterator[None]:
    """This process on those servers, whatever it was told at its start."""
    kept = dict(connection.settings_dict)
    variables = {**os.environ, "DATABASE_URL": servers.database_url}
    connections.close_all()
    connection.settings_dict.update(env.read(variables).database)
    broker, settings.CELERY_BROKER_URL = settings.CELERY_BROKER_URL, servers.redis_url
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(kept)
        settings.CELERY_BROKER_URL = broker


@contextmanager
def _only_errors() -> Iterator[None]:
    """What goes wrong on purpose is not worth a line each."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError("a number from 1 on")
    return int(text)
