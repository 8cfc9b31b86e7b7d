"""A simulation in a database of its own, beside the tests' one."""

import secrets

from sandbox.simulator import Wanted, simulate
from tests.databases import copied


def simulated(days=2, clinics=1, seed=1, **wanted):
    with empty_database():
        return simulate(Wanted(clinics=clinics, days=days, seed=seed, **wanted))


def broken(report):
    """Names of the promises that were broken."""
    return {row["name"] for row in report["invariants"] if row["violations"]}


def without_durations(report):
    return {key: value for key, value in report.items() if key != "took"}


def empty_database():
    return copied(f"simulated_{secrets.token_hex(4)}")
