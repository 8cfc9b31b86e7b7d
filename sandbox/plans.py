"""Plans that PostgreSQL keeps from one step to the next.

The engine's largest statements take a fifth of a second to plan and a thousandth to run on a small
world, and a simulation asks them thousands of times, the building of the demonstration hundreds. The
statements and what they find are the same.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db import connection

#: Whatever is shorter is planned faster than it would be looked up.
LARGE = 700
GENERIC = "SET LOCAL plan_cache_mode = force_generic_plan;"
_PREPARED = ("WITH", "SELECT", "INSERT", "UPDATE", "DELETE")
_SETTINGS = re.compile(r"(?:\s*SET LOCAL [^;]+;)*")
_PLACE = re.compile(r"%(?:%|s|\((\w+)\)s)")
#: In this order: a moment is a date, and true is a number.
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (dt.datetime, "timestamptz"),
    (dt.timedelta, "interval"),
    (str, "unknown"),
)
_numbers = itertools.count()
_INTEGER = range(-(2**31), 2**31)

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class KeptPlans:
    """An execute wrapper: each large statement is prepared once, for all its later values.

    What was prepared is kept by the connection, through rollbacks too, until that is closed.
    """

    def __init__(self) -> None:
        # Another of this process may have prepared its own on the same connection.
        self._number = next(_numbers)
        self._names: dict[tuple[str, tuple[str, ...]], str] = {}
        self._connection: Any = None

    def installed(self) -> AbstractContextManager[None]:
        """On the connection of this thread, until the end of the block."""
        return connection.execute_wrapper(self._execute)

    def _execute(
        self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if many or not params or len(sql) < LARGE:
            return execute(sql, params, many, context)
        head, body, given = _numbered(sql, params)
        types = [_type_of(value) for value in given]
        if None in types or not body.lstrip().startswith(_PREPARED):
            return execute(sql, params, many, context)
        self._forget_another_connection()
        known = tuple(name for name in types if name)
        name = self._names.get((body, known))
        if name is None:
            name = self._names[body, known] = f"kept_{self._number}_{len(self._names)}"
            head += f" PREPARE {name} ({', '.join(known)}) AS {body};"
        places = ", ".join(["%s"] * len(given))
        # Without the setting PostgreSQL would weigh anew each time what is best.
        wanted = f"{GENERIC} {_escaped(head)} EXECUTE {name} ({places})"
        return execute(wanted, given, many, context)

    def _forget_another_connection(self) -> None:
        if self._connection is not connection.connection:
            self._connection = connection.connection
            self._names.clear()


def _numbered(sql: str, params: Any) -> tuple[str, str, list[Any]]:
    """The settings before a statement, the statement with numbers for places, and their values."""
    found = _SETTINGS.match(sql)
    head = found[0] if found else ""
    given: list[Any] = []
    numbers: dict[str, int] = {}
    rest = iter(params) if isinstance(params, Sequence) else iter(())

    def number(place: re.Match[str]) -> str:
        if place[0] == "%%":
            return "%"
        name = place[1]
        if name is None:
            given.append(next(rest))
            return f"${len(given)}"
        if name not in numbers:
            given.append(params[name])
            numbers[name] = len(given)
        return f"${numbers[name]}"

    return head, _PLACE.sub(number, sql[len(head) :]), given


def _type_of(value: Any) -> str | None:
    """PostgreSQL's name of a value's type, as psycopg2 would write the value; None: not sure."""
    if isinstance(value, list):
        members = {_type_of(each) for each in value}
        return "bigint[]" if members and members <= {"integer", "bigint"} else None
    for known, name in _TYPES:
        if isinstance(value, known):
            return name
    if isinstance(value, int):
        return "integer" if value in _INTEGER else "bigint"
    return None


def _escaped(sql: str) -> str:
    return sql.replace("%", "%%")


__all__ = ["KeptPlans"]
