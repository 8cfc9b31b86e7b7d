"""Databases beside the tests' own: copies of the migrated template, made in a moment."""

import os
from contextlib import contextmanager

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


def as_admin(statement):
    admin = psycopg2.connect(os.environ["PEYGIR_TEST_ADMIN_URL"])
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(statement)
    admin.close()
