"""Commands as other programs call them: real processes, a database of their own."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from sandbox.testing import running_gateway
from tests import databases

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-11-21T10:00:00+03:30"
CLIENTS = """file_no,honorific,first_name,last_name,phone
101,خانم,مریم,کریمی,۰۹۱۲۱۲۳۴۵۶۷
102,آقای,علی,ملکی,0912 765 4321
"""
SESSIONS = """session_no,file_no,therapist,service,starts_at,duration_minutes,status
1,101,دکتر صادقی,مشاوره‌ی فردی,۱۴۰۵/۰۹/۰۷ ۱۷:۳۰,50,scheduled
2,102,دکتر صادقی,مشاوره‌ی فردی,2026-11-28T19:00:00+03:30,50,scheduled
"""


class Installation:
    """An empty database, and the commands run against it."""

    def __init__(self, name, **variables):
        self.url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name
        self.variables = variables

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": self.url, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def ask(self, *arguments):
        """The one JSON document on stdout of a command that must succeed."""
        code, out, err = self.run(*arguments)
        assert code == 0, err
        return json.loads(out)


def admin(statement, database=None):
    url = os.environ["PEYGIR_TEST_ADMIN_URL"]
    connection = psycopg2.connect(url, **({"dbname": database} if database else {}))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture
def installation(django_db_setup, request, gateway):
    with _installed(request.node.nodeid, databases.TEMPLATE, gateway) as empty:
        yield empty


@pytest.fixture
def aramesh(imported, request, gateway):
    """An installation whose one clinic has two clients and their sessions."""
    with _installed(request.node.nodeid, imported, gateway) as copy:
        yield copy


@pytest.fixture(scope="module")
def imported(django_db_setup, tmp_path_factory):
    """The name of its database: the commands that fill it run once, and every test takes a copy."""
    folder, name = tmp_path_factory.mktemp("lists"), _name_for("imported")
    (folder / "clients.csv").write_text(CLIENTS, encoding="utf-8")
    (folder / "sessions.csv").write_text(SESSIONS, encoding="utf-8")
    with (
        running_gateway() as gateway,
        _installed("imported", databases.TEMPLATE, gateway) as filled,
    ):
        filled.ask(
            "create_clinic", "aramesh", "--name", "کلینیک آرامش", "--phone", "021-88001122",
            "--live", "--now", NOW,
        )  # fmt: skip
        filled.ask(
            "import_data", "aramesh", "--clients", folder / "clients.csv",
            "--sessions", folder / "sessions.csv", "--now", NOW,
        )  # fmt: skip
        yield name


@contextmanager
def _installed(key, template, gateway):
    name = _name_for(key)
    databases.copy(name, template)
    yield Installation(
        name, KAVENEGAR_BASE_URL=gateway.base_url, KAVENEGAR_API_KEY="key-of-the-tests"
    )
    databases.drop(name)


def _name_for(key):
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{abs(hash(key))}"
