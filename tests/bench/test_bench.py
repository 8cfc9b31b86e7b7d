"""The bench measures what it says; how long anything takes is not looked at here.

Its parts with processes of their own are left to `make bench`: this is two clinics, and one round.
"""

import datetime as dt
import os

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, connections

from bench import planning
from bench.data import NOW, NOW_LAYER, RECENT, Data
from bench.goals import Goal, goals_of, table
from bench.measure import in_turns, ratio, run
from bench.server import Bench
from followup.models import Kind
from followup.planner import LATELY

CLINICS = 2
HOUR = dt.timedelta(hours=1)

FOUND = {
    "planner": {
        "60 min": {"planner/bare": 1.5, "get_or_create/planner": 9.9},
        "60 min, a day back": {"planner/bare": 1.6},
    },
    "silent": {"group by/scan": 100.0},
    "growth": {
        "1": {"sessions": 10},
        "2": {"sessions": 20, "against 1": {"claim": {"time": 9.0}}},
        "4": {"sessions": 40, "against 1": {"claim": {"time": 1.2}, "whole tick": {"time": 1.0}}},
    },
    "claiming": {"equal texts": {"two/one": 1.4, "texts/s by processes": {"1": 9000}}},
    "sending": {"batches of equal texts": {"texts": 10}},
    "pages": {"today": {"page": 1.14}, "messages": {"page": 1.16}},
}
HOLDS = {
    "planner / bare SQL, 60 min": True,
    "planner / bare SQL, 60 min, a day back": False,
    "get_or_create / planner, 60 min": False,
    "group-by / silent scan": True,
    "growth, four times the history: claim": False,
    "growth, four times the history: whole tick": True,
    "two workers / one": True,
    "page with row-level security / without: today": True,
    "page with row-level security / without: messages": False,
}


# -- What is wanted -------------------------------------------------------------------------------


def test_each_goal_says_whether_it_holds():
    assert {goal.name: goal.holds for goal in goals_of(FOUND)} == HOLDS


def test_a_goal_tells_itself_with_its_answer():
    told = Goal("a ratio", "at most", 1.1, 1.2).as_json()
    assert told == {
        "name": "a ratio", "sense": "at most", "wanted": 1.1, "got": 1.2, "grows": False,
        "holds": False,
    }  # fmt: skip


def test_the_table_ends_with_every_goal():
    lines = []
    table(FOUND, goals_of(FOUND), lines.append)
    assert [line.split()[0] for line in lines[-len(HOLDS) :]] == [
        "ok" if holds else "MISSED" for holds in HOLDS.values()
    ]


# -- How it is measured ---------------------------------------------------------------------------


def test_what_is_compared_takes_turns_and_the_first_round_is_for_nothing():
    order = []
    ways = {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}
    runs = in_turns(ways, 2)
    assert ("".join(order), runs) == ("abbaab", {"a": [4.0, 5.0], "b": [3.0, 6.0]})


def test_a_ratio_is_of_runs_that_stood_beside_each_other():
    assert ratio([2.0, 30.0, 8.0], [1.0, 10.0, 1.0]) == 3.0


# -- What is measured -----------------------------------------------------------------------------


class OfTheTests(Bench):
    """The test run's own server, and one database of it."""

    def admin_url(self, database=""):
        return os.environ["PEYGIR_TEST_ADMIN_URL"].rsplit("/", 1)[0] + "/" + own_database()


def own_database():
    return "bench_" + os.environ.get("PYTEST_XDIST_WORKER", "main")


def admin(statement):
    server = psycopg2.connect(os.environ["PEYGIR_TEST_ADMIN_URL"])
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(statement)
    server.close()


def use(name):
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


@pytest.fixture(scope="module")
def data(django_db_setup, django_db_blocker):
    """Two clinics as the bench fills them, planned until NOW."""
    before = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        admin(f'CREATE DATABASE "{own_database()}" TEMPLATE "peygir_template" OWNER app_owner')
        use(own_database())
        try:
            filled = Data(OfTheTests(None), CLINICS)
            filled.open()
            filled.add(NOW_LAYER)
            filled.add(RECENT)
            filled.plan_until_now()
            yield filled
        finally:
            use(before)
            admin(f'DROP DATABASE "{own_database()}" WITH (FORCE)')


def test_the_clinics_are_filled(data):
    counts = data.counts()
    assert (counts["clinic_clinic"], counts["patients_client"]) == (CLINICS, CLINICS * 150)
    assert counts["sessions_app_session"] == counts["sessions_app_participant"] == CLINICS * 500


def test_every_client_has_a_rhythm(data):
    assert data.counts()["sessions_app_rhythm"] == CLINICS * 150


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(planning, "SAMPLE", 2)


@pytest.mark.parametrize("back", [LATELY, dt.timedelta(days=1)])
def test_the_planner_makes_what_bare_sql_makes(data, few, back):
    tick = planning._tick(NOW - back, NOW + HOUR, 1)
    assert tick["planned"] == tick["due"] > 0


def test_the_silent_are_clients_who_left(data):
    given = {"since": NOW - dt.timedelta(days=40), "until": NOW}
    scan = planning.scan_of_silent(planning.wanted_of(Kind.SILENT))
    found = {client for _, client, *_ in planning.read(lambda: run(scan, given))}
    first = RECENT.clients[0] * CLINICS
    assert found
    assert min(found) > first
