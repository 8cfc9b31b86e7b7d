"""What row-level security adds to a page: the real views, as people get them, against the same views
under a role that bypasses it and without the round trips that put a hat on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import connection
from django.test import Client as Browser

from bench.data import NOW
from bench.measure import in_turns, ms, ratio
from bench.server import Bench
from clinic import tenancy
from clinic.tenancy import EVERYWHERE, Hat, wear

#: Pages by name; `{client}` is one of the clinic's own.
PAGES = {
    "today": "/c/{clinic}/?day=1405-08-30",
    "messages": "/c/{clinic}/messages/",
    "messages of a state": "/c/{clinic}/messages/?state=failed",
    "clients": "/c/{clinic}/clients/",
    "client search": "/c/{clinic}/clients/?q=صادقی",
    "one client": "/c/{clinic}/clients/{client}/",
}
#: So many clinics are asked in turn.
CLINICS = 5
#: A role that sees everything without a policy; only this server has it.
BYPASS = "bench_web"
ROLES = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{BYPASS}') THEN
        CREATE ROLE {BYPASS} BYPASSRLS NOLOGIN;
        GRANT app_web TO {BYPASS};
        GRANT {BYPASS} TO peygir_login WITH INHERIT FALSE, SET TRUE;
    END IF;
END $$
"""


class Visitor:
    """A manager of some clinics with a browser, signed in."""

    def __init__(self) -> None:
        from clinic.models import Clinic, Membership, User

        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            user = User.objects.filter(email="bench@example.ir").first()
            user = user or User.objects.create_user("bench@example.ir", full_name="سنجش")
            clinics = list(Clinic.objects.order_by("pk")[:CLINICS])
            for clinic in clinics:
                Membership.objects.get_or_create(
                    clinic=clinic, user=user, defaults={"role": "manager", "created_at": NOW}
                )
        self.clinics = [(clinic.pk, clinic.slug) for clinic in clinics]
        self.browser = Browser(headers={"host": "127.0.0.1"})
        with wear(Hat.WEB), standing_clock():
            self.browser.force_login(user)

    def visit(self, page: str, turn: int) -> tuple[float, float]:
        """Seconds of a page as a whole, and of its statements alone; each turn another clinic."""
        pk, slug = self.clinics[turn % len(self.clinics)]
        statements: list[float] = []
        began = time.perf_counter()
        with standing_clock(), connection.execute_wrapper(_counting(statements)):
            response = self.browser.get(PAGES[page].format(clinic=slug, client=pk))
        took = time.perf_counter() - began
        if response.status_code != 200:  # noqa: PLR2004
            raise RuntimeError(f"the page {page} answered {response.status_code}")
        return took, sum(statements)


def standing_clock() -> Any:
    return mock.patch("django.utils.timezone.now", return_value=NOW)


def _counting(found: list[float]) -> Callable[..., Any]:
    def wrapper(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            found.append(time.perf_counter() - began)

    return wrapper


@contextmanager
def bypassing() -> Iterator[None]:
    """No policy and no hat: one role for the whole connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {BYPASS}")
    try:
        with mock.patch.object(tenancy, "_put_on", return_value=None):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    bench.admin(ROLES)
    visitor = Visitor()
    return {page: _page(visitor, page, rounds * CLINICS) for page in PAGES}


def _page(visitor: Visitor, page: str, rounds: int) -> dict[str, Any]:
    statements: dict[str, list[float]] = {"with": [], "without": []}

    def guarded() -> float:
        whole, inside = visitor.visit(page, len(statements["with"]))
        statements["with"].append(inside)
        return whole

    def bare() -> float:
        with bypassing():
            whole, inside = visitor.visit(page, len(statements["without"]))
        statements["without"].append(inside)
        return whole

    runs = in_turns({"with": guarded, "without": bare}, rounds)
    return {
        "page ms": {name: ms(each) for name, each in runs.items()},
        "database ms": {name: ms(each[1:]) for name, each in statements.items()},
        "page": ratio(runs["with"], runs["without"]),
        "database": ratio(statements["with"][1:], statements["without"][1:]),
    }
