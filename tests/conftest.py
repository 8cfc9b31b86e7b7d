"""Databases, clinics and people for every test."""

import datetime as dt
import fcntl
import os
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings as examples
from whitenoise.middleware import WhiteNoiseMiddleware

from clinic.tenancy import EVERYWHERE, Hat, wear
from config import garbage
from config.embedded import provision
from messaging import gates
from sandbox.testing import running_gateway
from tests import databases, factories

FOLDER = Path(os.environ["PEYGIR_TEST_FOLDER"])
# Half a second each is what a real hash is for; nobody attacks the people of a test.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# How long an example takes says how busy the machine is, and nothing about us.
examples.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("busy")
#: The moment most tests live at: Saturday 30 Aban 1405, 10:00 in Tehran.
NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)


def _files_found_once(look=WhiteNoiseMiddleware.add_files_from_finders):
    """A server looks for its static files when it starts, and each visitor of a test starts one."""
    found = {}

    def remembered(self):
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    return remembered


WhiteNoiseMiddleware.add_files_from_finders = _files_found_once()
# After a test with transactions of its own.
TransactionTestCase._fixture_teardown = lambda case: databases.sweep()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files of long stories first: begun last, one worker would still tell them, the other idle."""
    long = {it.path for it in items if {"slow", "browser"} & {m.name for m in it.iter_markers()}}
    items.sort(key=lambda it: it.path not in long)


def pytest_collection_finish():
    garbage.look_less_often()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """One migrated template; each worker's database is a copy of it, made in a moment."""
    name = "test_" + os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        _make_template_once()
        databases.copy(name)
        databases.use(name)
    yield
    with django_db_blocker.unblock():
        connections.close_all()


def _make_template_once():
    with (FOLDER / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (FOLDER / "template.done").exists():
            return
        provision(
            os.environ["PEYGIR_TEST_ADMIN_URL"],
            databases.TEMPLATE,
            os.environ["PEYGIR_TEST_LOGIN_PASSWORD"],
        )
        databases.use(databases.TEMPLATE)
        call_command("migrate", verbosity=0)
        connections.close_all()
        databases.remember_what_migrations_filled()
        (FOLDER / "template.done").touch()


@pytest.fixture
def clock():
    """The clock of this process, standing at NOW until somebody moves it."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def owner(db):
    """The owner's hat for a test's own set-up and looks, across clinics."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        yield


@pytest.fixture
def clinic(owner):
    return factories.ClinicFactory(slug="aramesh", name="کلینیک آرامش")


@pytest.fixture
def other_clinic(owner):
    return factories.ClinicFactory(slug="omid", name="کلینیک امید")


@pytest.fixture
def receptionist(clinic):
    return factories.MembershipFactory(clinic=clinic, role="receptionist").user


@pytest.fixture
def manager(clinic):
    return factories.MembershipFactory(clinic=clinic, role="manager").user


@pytest.fixture
def outsider(other_clinic):
    """The owner of another clinic: everything of ours is a 404 to them."""
    return factories.MembershipFactory(clinic=other_clinic, role="owner").user


@pytest.fixture
def gateway(settings):
    """The sandbox gateway, as the installation's own account; nobody has found it wanting yet."""
    gates.forget()
    with running_gateway() as running:
        settings.KAVENEGAR_BASE_URL = running.base_url
        settings.KAVENEGAR_API_KEY = "key-of-the-tests"
        yield running
