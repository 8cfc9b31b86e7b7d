"""What every long-lived process checks before its first piece of work."""

from __future__ import annotations

import sys

from django.db import Error, connection

from clinic.security import faults, unlisted_models


class UnsafeDatabase(SystemExit):
    """Roles or policies are not what tenancy rests on."""


def refuse_unsafe_database() -> None:
    """End the process, naming each fault, when row-level security could not be trusted.

    `manage.py check` alone would not do: neither a web server nor a worker runs it.
    """
    try:
        found = [*faults(), *(f"model {label} is on no list" for label in unlisted_models())]
    except Error:
        # Celery goes on after an ordinary error at its start, and would work unexamined.
        found = ["the database cannot be examined"]
    if not connection.in_atomic_block:
        connection.close()  # a server that forks afterwards would share it
    for fault in found:
        sys.stderr.write(f"peygir: {fault}\n")
    if found:
        raise UnsafeDatabase(2)
