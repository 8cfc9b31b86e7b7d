"""Commands as other programs call them: real processes, a database of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

ROOT = Path(__file__).resolve().parents[2]


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
    from tests.databases import TEMPLATE

    name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{abs(hash(request.node.nodeid))}"
    admin(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" OWNER app_owner')
    yield Installation(
        name, KAVENEGAR_BASE_URL=gateway.base_url, KAVENEGAR_API_KEY="key-of-the-tests"
    )
    admin(f'DROP DATABASE "{name}" WITH (FORCE)')
