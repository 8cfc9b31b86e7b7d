"""`manage.py provision` against a real server."""

import io
import json
import os

import psycopg2
import pytest
from django.core.management import CommandError, call_command

ADMIN_URL = os.environ["PEYGIR_TEST_ADMIN_URL"]
SERVER = ADMIN_URL.rsplit("@", 1)[1].rsplit("/", 1)[0]


@pytest.fixture
def wanted(settings, monkeypatch):
    """DATABASE_URL as an operator writes it, for a database that does not exist yet."""
    database = {
        **settings.DATABASES["default"],
        "HOST": "db",
        "NAME": "ours",
        "USER": "peygir_two",
        "PASSWORD": "p@ss",
    }
    monkeypatch.setitem(settings.DATABASES, "default", database)
    monkeypatch.delenv("DATABASE_ADMIN_URL", raising=False)
    return database


def run(**options) -> str:
    output = io.StringIO()
    call_command("provision", stdout=output, **options)
    return output.getvalue()


def test_the_login_of_database_url_can_enter_and_the_command_can_be_repeated(
    wanted, monkeypatch
) -> None:
    monkeypatch.setenv("DATABASE_ADMIN_URL", ADMIN_URL)
    expected = {
        "database": "ours",
        "login": "peygir_two",
        "roles": ["app_web", "app_worker", "app_operator", "app_owner", "app_backup"],
    }
    assert [json.loads(run()), json.loads(run(admin_url=ADMIN_URL))] == [expected, expected]
    with psycopg2.connect(f"postgres://peygir_two:p%40ss@{SERVER}/ours") as connection:
        connection.cursor().execute("SET ROLE app_owner; CREATE TABLE t (x int)")
    connection.close()


@pytest.mark.parametrize(
    ("change", "admin_url", "message"),
    [
        ({}, "", "DATABASE_ADMIN_URL is not set"),
        ({}, "mysql://admin@host/db", "DATABASE_ADMIN_URL is malformed"),
        ({"PASSWORD": ""}, ADMIN_URL, "DATABASE_URL is malformed"),
        ({"USER": ""}, ADMIN_URL, "DATABASE_URL is malformed"),
    ],
    ids=["no admin", "not PostgreSQL", "no password", "no login"],
)
def test_a_wrong_address_is_one_line(wanted, capsys, change, admin_url, message) -> None:
    wanted.update(change)
    with pytest.raises(SystemExit) as ended:
        run(admin_url=admin_url)
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


def test_an_unreachable_server_is_one_line(wanted) -> None:
    with pytest.raises(CommandError) as caught:
        run(admin_url="postgres://admin:hidden@127.0.0.1:1/postgres")
    assert "Connection refused" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
