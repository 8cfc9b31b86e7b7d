"""People of one clinic at their screens, at 10:00 on Saturday 30 Aban 1405."""

import datetime as dt

import pytest
import time_machine

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.actions import open_clinic
from tests import factories
from tests.panel.screens import CLINIC


@pytest.fixture
def at_ten():
    with time_machine.travel(factories.NOW, tick=False):
        yield factories.NOW


@pytest.fixture
def people(clinic):
    """Two therapists, a service, and a client of each therapist."""
    mine, hers = factories.TherapistFactory.create_batch(2, clinic=clinic)
    return {
        "mine": mine,
        "hers": hers,
        "service": factories.ServiceFactory(clinic=clinic),
        "my_client": factories.ClientFactory(clinic=clinic, therapist=mine, last_name="کریمی"),
        "her_client": factories.ClientFactory(clinic=clinic, therapist=hers, last_name="ملکی"),
    }


@pytest.fixture
def person(people):
    return people["my_client"]


@pytest.fixture
def page(person):
    """The address of the client's page."""
    return f"{CLINIC}clients/{person.pk}/"


@pytest.fixture
def as_reception(client, receptionist, at_ten):
    client.force_login(receptionist)
    return client


@pytest.fixture
def therapist_login(clinic, people):
    return factories.MembershipFactory(
        clinic=clinic, role="therapist", therapist=people["mine"]
    ).user


@pytest.fixture
def as_therapist(client, therapist_login, at_ten):
    client.force_login(therapist_login)
    return client


@pytest.fixture
def as_outsider(client, outsider, at_ten):
    client.force_login(outsider)
    return client


@pytest.fixture
def looking():
    """The owner's eyes, for looking at what a request left behind."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        yield


@pytest.fixture
def mehr(owner):
    """A clinic as an operator opens one, with its rules and wordings; live since New Year."""
    opened = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return open_clinic(
        "mehr", "کلینیک مهر", phone="021-88001122", timezone="Asia/Tehran", live=True, now=opened
    )


@pytest.fixture
def as_mehr(client, mehr, at_ten):
    """Its manager."""
    client.force_login(factories.MembershipFactory(clinic=mehr, role="manager").user)
    return client
