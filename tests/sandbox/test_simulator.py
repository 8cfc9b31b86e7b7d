"""The simulator: it repeats itself, finds nothing where nothing is wrong, and bites."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from clinic.tenancy import EVERYWHERE, Hat, wear
from sandbox.simulator import Wanted, opening, simulate
from sandbox.simulator.run import NotEmpty
from tests.factories import ClinicFactory
from tests.sandbox.simulated import empty_database, simulated, without_durations


@pytest.fixture(autouse=True)
def _databases(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def quiet_days(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return simulated(days=2, clinics=1, seed=3)


def test_a_world_without_trouble_keeps_every_promise(quiet_days):
    assert quiet_days["violations"] == []
    assert quiet_days["holds"]


def test_a_world_without_trouble_is_not_an_empty_one(quiet_days):
    checked = {row["name"]: row["checked"] for row in quiet_days["invariants"]}
    looked_at = ("planned", "only_planned", "times", "life", "taken_is_known", "once", "not_wrong",
                 "own_clinic", "night", "in_time", "status", "watermarks", "unbroken")  # fmt: skip
    assert [name for name in looked_at if not checked[name]] == []


def test_the_same_seed_gives_the_same_document_to_the_letter(monkeypatch):
    monkeypatch.setattr(opening, "CLIENTS", 4)
    first, second = (simulated(days=2, seed=5, faults=True) for _ in range(2))
    assert json.dumps(without_durations(first)) == json.dumps(without_durations(second))


def test_it_refuses_a_database_that_has_clinics():
    with empty_database():
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            ClinicFactory()
        with pytest.raises(NotEmpty):
            simulate(Wanted())


def test_it_is_not_for_production(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError):
        call_command("simulate")
