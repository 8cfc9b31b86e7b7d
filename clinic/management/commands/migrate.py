"""`migrate`, under the owner's hat, and with the guards of tenancy renewed at the end."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from clinic.management.as_owner import owner_session
from clinic.security import secure


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with owner_session():
            super().handle(*args, **options)
            partial = (
                options.get("app_label") or options.get("plan") or options.get("check_unapplied")
            )
            if not partial:
                secure()
