"""`flush`, under the owner's hat: nobody else may empty a table."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush

from clinic.management.as_owner import owner_session


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        with owner_session():
            super().handle(**options)
