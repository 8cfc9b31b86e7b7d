"""Commands of Django's own that change the schema, made to wear the owner's hat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import CommandError
from django.db import DatabaseError, connection

from clinic.tenancy import Hat


@contextmanager
def owner_session() -> Iterator[None]:
    """Wear the owner's hat for the whole session: migrations open transactions of their own."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SET ROLE {Hat.OWNER}")
        except DatabaseError:
            raise CommandError(
                "this login cannot act as app_owner: run `manage.py provision` first"
            ) from None
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
