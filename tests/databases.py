"""The migrated template, databases that are copies of it, made in a moment, and how they are emptied."""

import os
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from django.conf import settings
from django.db import connection, connections

TEMPLATE = "peygir_template"


@contextmanager
def copied(name):
    """Work in a copy of the template of this name; it is gone afterwards."""
    kept = settings.DATABASES["default"]["NAME"]
    copy(name)
    use(name)
    try:
        yield
    finally:
        use(kept)
        drop(name)


def copy(name, template=TEMPLATE):
    as_admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER app_owner')


def drop(name):
    as_admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def use(name):
    """Point Django, and the processes that are started from now on, at it."""
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name
    os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name


FILLED = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
   AND pg_relation_size(oid) > 0
"""
# Nothing in the way of the superuser here: no row-level security, no trigger, no key.
SWEEP = f"""
SET session_replication_role = replica;
SET lock_timeout = '20s';
DO $$
DECLARE name text;
BEGIN
    FOR name IN {FILLED} AND relname <> ALL (%s) LOOP
        EXECUTE format('DELETE FROM %%I', name);
    END LOOP;
END $$
"""


def remember_what_migrations_filled():
    """To be called once, on the template."""
    (_folder() / "filled").write_text("\n".join(name for (name,) in as_admin(FILLED, TEMPLATE)))


def sweep():
    """Delete what a test has really committed; what the migrations put there stays.

    Django's own way, to empty each table and to fill its own again, takes most of a second.
    """
    filled = (_folder() / "filled").read_text().split()
    as_admin(SWEEP, settings.DATABASES["default"]["NAME"], filled)


def _folder():
    return Path(os.environ["PEYGIR_TEST_FOLDER"])


def as_admin(statement, database="postgres", *values):
    """As the superuser; the rows, if there are any."""
    url = os.environ["PEYGIR_TEST_ADMIN_URL"].rsplit("/", 1)[0]
    admin = psycopg2.connect(f"{url}/{database}")
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        admin.close()
