"""One question to a PostgreSQL server, on a connection of its own."""

from typing import Any

import psycopg2


def ask(url: str, statement: str, *values: Any) -> Any:
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def started_at(url: str) -> str:
    return str(ask(url, "SELECT pg_postmaster_start_time()"))


def is_up(url: str) -> bool:
    try:
        return bool(ask(url, "SELECT true"))
    except psycopg2.OperationalError:
        return False
