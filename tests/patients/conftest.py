"""People at work with clients' files."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from patients.models import Treatment
from tests import factories


@pytest.fixture
def at_work(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


@pytest.fixture
def person(at_work):
    return factories.ClientFactory(clinic=at_work)


@pytest.fixture
def treatment(person):
    return Treatment.objects.create(
        client=person,
        therapist=factories.TherapistFactory(clinic=person.clinic),
        service=factories.ServiceFactory(clinic=person.clinic),
        started_at=factories.NOW - dt.timedelta(days=60),
    )


@pytest.fixture
def kept(at_work):
    return factories.ClientFactory(clinic=at_work, first_name="مریم", last_name="کریمی")


@pytest.fixture
def lost(at_work):
    return factories.ClientFactory(clinic=at_work, first_name="مریم", last_name="کريمی پور")
