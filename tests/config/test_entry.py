"""Web and worker look at the database before their first piece of work."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from celery.signals import beat_init, worker_init
from django.db import OperationalError, connection

from clinic import entry
from clinic.entry import UnsafeDatabase, refuse_unsafe_database
from clinic.tenancy import Hat, wear
from tests.databases import TEMPLATE

ROOT = Path(__file__).resolve().parents[2]


def test_a_sound_database_is_accepted_in_silence(db, capsys):
    refuse_unsafe_database()
    assert capsys.readouterr() == ("", "")


def test_every_fault_is_named_in_a_line_of_its_own(owner, capsys):
    with connection.cursor() as cursor:
        for table in ("patients_client", "messaging_message"):
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    with pytest.raises(UnsafeDatabase) as refused:
        refuse_unsafe_database()
    assert refused.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "peygir: table messaging_message is not guarded",
        "peygir: table patients_client is not guarded",
    ]


def test_a_model_on_no_list_is_refused(db, capsys, monkeypatch):
    monkeypatch.setattr(entry, "unlisted_models", lambda: ["patients.Stray"])
    with pytest.raises(UnsafeDatabase):
        refuse_unsafe_database()
    assert capsys.readouterr().err == "peygir: model patients.Stray is on no list\n"


def test_a_database_that_cannot_be_examined_is_refused(db, capsys, monkeypatch):
    def unreachable():
        raise OperationalError("connection refused")

    monkeypatch.setattr(entry, "faults", unreachable)
    with pytest.raises(UnsafeDatabase):
        refuse_unsafe_database()
    assert capsys.readouterr().err == "peygir: the database cannot be examined\n"


def test_the_look_leaves_no_connection_to_be_shared_by_forks(transactional_db):
    refuse_unsafe_database()
    assert connection.connection is None


def test_the_look_does_not_end_a_transaction_around_it(db):
    with wear(Hat.OWNER):
        refuse_unsafe_database()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("app_owner",)


@pytest.mark.parametrize("signal", [worker_init, beat_init], ids=["worker", "beat"])
def test_worker_and_beat_look_before_they_start(monkeypatch, signal):
    import config.celery  # noqa: F401

    def refuse():
        raise UnsafeDatabase(2)

    monkeypatch.setattr("clinic.entry.refuse_unsafe_database", refuse)
    with pytest.raises(UnsafeDatabase):
        signal.send(sender=None)


# Processes of their own, on a database of their own


@contextmanager
def database(name, *statements):
    """A copy of the migrated database with something done to it; its address for the login."""
    run("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" OWNER app_owner')
    try:
        run(name, *statements)
        yield f"{os.environ['DATABASE_URL'].rsplit('/', 1)[0]}/{name}"
    finally:
        run("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')


def run(name, *statements):
    address = os.environ["PEYGIR_TEST_ADMIN_URL"].rsplit("/", 1)[0]
    admin = psycopg2.connect(f"{address}/{name}")
    admin.autocommit = True
    with admin.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    admin.close()


def start(address, *command, folder=ROOT):
    return subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        cwd=folder,
        env=os.environ | {"DATABASE_URL": address, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


WEB = ("-c", "import config.wsgi; print('serving')")
WORKER = ("-m", "celery", "-A", "config.celery", "worker", "--pool=solo")
BEAT = ("-m", "celery", "-A", "config.celery", "beat", "--pidfile=")


@pytest.mark.parametrize("command", [WEB, WORKER, BEAT], ids=["web", "worker", "beat"])
def test_no_process_starts_on_an_unguarded_table(db, command, tmp_path):
    opened = "ALTER TABLE patients_client DISABLE ROW LEVEL SECURITY"
    with database("entry_open", opened) as address:
        done = start(address, *command, folder=tmp_path)  # beat keeps its schedule there
    assert done.returncode == 2
    assert "peygir: table patients_client is not guarded" in done.stderr


def test_a_web_process_starts_and_is_the_login_even_by_a_superusers_address(db):
    admin = os.environ["PEYGIR_TEST_ADMIN_URL"].rsplit("/", 1)[0]
    who = (
        "import config.wsgi; from django.db import connection as c; r = c.cursor();"
        " r.execute('SELECT session_user'); print(*r.fetchone())"
    )
    with database("entry_superuser"):
        done = start(f"{admin}/entry_superuser", "-c", who)
    assert (done.returncode, done.stdout) == (0, "peygir_login\n"), done.stderr
