"""`manage.py provision`: what a database server needs before the first `migrate`."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from typing import Any

import psycopg2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import env
from config.embedded import ProvisionError, provision
from config.embedded.roles import BACKUP, HATS


class Command(BaseCommand):
    help = (
        "Make the roles, the database and the extensions that DATABASE_URL speaks of, on a "
        "PostgreSQL 15+ server of your own. Can be repeated."
    )
    requires_system_checks = ()  # they would ask the database that does not exist yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--admin-url",
            default="",
            help="address of a superuser (default: DATABASE_ADMIN_URL, which others cannot read "
            "in the list of processes)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = settings.DATABASES["default"]
        try:
            admin_url = _admin_url(options["admin_url"])
            _check_wanted(wanted)
        except env.BadVariable as problem:
            env.fail(problem)
        try:
            provision(admin_url, wanted["NAME"], wanted["PASSWORD"], login=wanted["USER"])
        except (ProvisionError, psycopg2.Error) as problem:
            raise CommandError(" ".join(str(problem).split())) from None
        document = {"database": wanted["NAME"], "login": wanted["USER"], "roles": [*HATS, BACKUP]}
        self.stdout.write(json.dumps(document, ensure_ascii=False))


def _admin_url(given: str) -> str:
    variables = {**os.environ, "DATABASE_ADMIN_URL": given} if given else os.environ
    return env.admin_database_url(variables)


def _check_wanted(database: dict[str, Any]) -> None:
    if database["HOST"] == env.NO_SERVER:
        raise env.BadVariable("DATABASE_URL", missing=True)
    if not (database["USER"] and database["PASSWORD"]):
        raise env.BadVariable("DATABASE_URL")
