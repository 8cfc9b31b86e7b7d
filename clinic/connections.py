"""What happens on a fresh database connection."""

from __future__ import annotations

from typing import Any

LOGIN_ROLE = "peygir_login"


def give_up_superuser(sender: Any, connection: Any, **_: Any) -> None:
    """Let a superuser's DATABASE_URL fail closed too.

    In containers the given user is often a superuser, and row-level security is then off without
    a sound. Such a session becomes the login role, which has no rights until a hat is worn. Before
    `provision` has made that role there is nothing to guard yet.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user),"
            " EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)",
            [LOGIN_ROLE],
        )
        superuser, provisioned = cursor.fetchone()
        if superuser and provisioned:
            cursor.execute(f"SET SESSION AUTHORIZATION {LOGIN_ROLE}")
