"""Timing that a busy machine distorts as little as can be: what is compared runs in turns, and the
medians are compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection, transaction

from clinic.tenancy import EVERYWHERE, Hat, wear

#: Seconds of one run; what runs measures itself, so that its setting up is not counted.
Way = Callable[[], float]


def in_turns(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """Run each way `rounds` times, every other round backwards, after one round for nothing."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(-1, rounds):
        for name in list(ways)[:: 1 if n % 2 else -1]:
            seconds = ways[name]()
            if n >= 0:
                found[name].append(seconds)
    return found


def median(runs: list[float]) -> float:
    return statistics.median(runs)


def ratio(runs: list[float], against: list[float]) -> float:
    """The median of the ratios of runs that stood beside each other."""
    return round(statistics.median(a / b for a, b in zip(runs, against, strict=True)), 3)


def ms(runs: list[float]) -> float:
    return round(median(runs) * 1000, 2)


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def taken_back(work: Callable[[], Any], *, hat: Hat | None = Hat.WORKER) -> float:
    """Seconds of some writing that is then rolled back, its deferred checks included."""
    with transaction.atomic():
        try:
            if hat is None:
                return timed(lambda: _checked(work))
            with wear(hat, clinic_id=EVERYWHERE):
                return timed(lambda: _checked(work))
        finally:
            transaction.set_rollback(True)


def _checked(work: Callable[[], Any]) -> None:
    work()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def read_only(work: Callable[[], Any]) -> float:
    """Seconds of some reading under the worker's hat."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        return timed(work)


def run(statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []
