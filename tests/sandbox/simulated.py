"""A simulation in a database of its own, beside the tests' one."""

import os
import secrets
from contextlib import contextmanager

import psycopg2
from django.db import connection, connections

from sandbox.simulator import Wanted, simulate

TEMPLATE = "peygir_template"


def simulated(days=2, clinics=1, seed=1, **wanted):
    with empty_database():
        return simulate(Wanted(clinics=clinics, days=days, seed=seed, **wanted))


def broken(report):
    """Names of the promises that were broken."""
    return {row["name"] for row in report["invariants"] if row["violations"]}


def without_durations(report):
    return {key: value for key, value in report.items() if key != "took"}


@contextmanager
def empty_database():
    name = f"simulated_{secrets.token_hex(4)}"
    _admin(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" OWNER app_owner')
    kept = connection.settings_dict["NAME"]
    _use(name)
    try:
        yield
    finally:
        _use(kept)
        _admin(f'DROP DATABASE "{name}" WITH (FORCE)')


def _use(name):
    connections.close_all()
    connection.settings_dict["NAME"] = name


def _admin(statement):
    admin = psycopg2.connect(os.environ["PEYGIR_TEST_ADMIN_URL"])
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(statement)
    admin.close()
