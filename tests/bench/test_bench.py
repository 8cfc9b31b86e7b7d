"""The bench still measures what it says, on tables of two clinics; no time is looked at here."""

import json
import os

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, connections

from bench import __main__ as bench_main, claiming, goals, pages, sending
from bench.server import API_KEY, Bench

SMALLEST = 0.002
PARTS = {"growth", "rows", "planner", "silent", "pages", "claiming", "sending", "sizes"}


class OfTheTests(Bench):
    """The test run's own server: it is up, and stays as it is."""

    database_url = property(lambda self: os.environ["DATABASE_URL"])

    def admin_url(self, database="peygir"):
        return os.environ["PEYGIR_TEST_ADMIN_URL"].rsplit("/", 1)[0] + "/" + database

    def restart(self, settings):
        pass


@pytest.fixture(scope="module")
def found(django_db_setup, django_db_blocker):
    """Everything once, in a database of its own, with as few runs as there can be."""
    before = settings.DATABASES["default"]["NAME"]
    few = pytest.MonkeyPatch()
    few.setattr(claiming, "PROCESSES", (1, 2))
    few.setattr(claiming, "ROUNDS", 1)
    few.setattr(claiming, "OWN", 4)
    few.setattr(sending, "TIMES", 1)
    few.setattr(pages, "CLINICS", 1)
    few.setenv("KAVENEGAR_API_KEY", API_KEY)
    few.setenv("DATABASE_URL", os.environ["DATABASE_URL"])
    with django_db_blocker.unblock(), few.context():
        admin('DROP DATABASE IF EXISTS "peygir" WITH (FORCE)')
        admin('CREATE DATABASE "peygir" TEMPLATE "peygir_template" OWNER app_owner')
        use("peygir")
        try:
            yield bench_main._parts(OfTheTests(None), SMALLEST, 1)
        finally:
            use(before)
            few.undo()
            admin('DROP DATABASE "peygir" WITH (FORCE)')
            admin(f"DROP ROLE {pages.BYPASS}")


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
    os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name


def test_every_part_has_been_measured(found):
    assert set(found) == PARTS


def test_the_same_texts_are_due_whatever_lies_behind(found):
    assert [found["growth"][times]["sessions"] for times in "124"] == [1000, 2000, 4000]


def test_the_planner_makes_what_bare_sql_makes(found):
    assert found["planner"]["60 min"]["planned"] == found["planner"]["60 min"]["due"] > 0


def test_the_silent_are_the_same_by_both_ways(found):
    assert found["silent"]["found"] == found["silent"]["found_by_groups"]


def test_all_that_was_queued_has_left(found):
    assert found["claiming"]["equal texts"]["texts"] == 160
    assert found["claiming"]["each text its own"]["texts"] == 4


def test_each_goal_says_whether_it_holds(found, tmp_path):
    bench_main.write(found, tmp_path / "bench.json")
    said = json.loads((tmp_path / "bench.json").read_text())["goals"]
    assert len(said) == 16
    assert all(
        goal["holds"] == goals.Goal(*(goal[k] for k in ("name", "sense", "wanted", "got"))).holds
        for goal in said
    )


def test_the_table_names_every_goal(found):
    lines = []
    goals.table(found, goals.goals_of(found), lines.append)
    assert sum(line.startswith(("ok", "MISSED")) for line in lines) == 16
