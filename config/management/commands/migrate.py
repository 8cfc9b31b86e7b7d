"""`migrate`, under the owner's hat, and with the guards of tenancy renewed at the end."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import connection

from clinic.management.as_owner import owner_session
from clinic.security import secure
from config.embedded import ProvisionError, provision
from config.embedded.roles import HATS


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        provision_for_superuser()
        with owner_session():
            super().handle(*args, **options)
            if not any(options.get(name) for name in ("app_label", "plan", "check_unapplied")):
                secure()


def provision_for_superuser() -> None:
    """Make the roles at once where DATABASE_URL is a superuser's and nobody has made them.

    A container's database often comes like that. Later connections give the superuser up (see
    `clinic.connections`); the login role made here gets a password that nobody needs to know.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, (SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s))"
            " FROM pg_roles WHERE rolname = current_user",
            [list(HATS)],
        )
        superuser, hats = cursor.fetchone()
    if not superuser or hats == len(HATS):
        return
    try:
        provision(
            os.environ["DATABASE_URL"], connection.settings_dict["NAME"], secrets.token_urlsafe(24)
        )
    except ProvisionError as problem:
        raise CommandError(str(problem)) from None
    connection.close()
