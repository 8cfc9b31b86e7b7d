"""A session of the day after tomorrow, and its client on their own page."""

import pytest

from tests import factories
from tests.sessions_app.client_links import Purpose, published, visitor


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def session(clinic, person):
    """On Monday 2 Azar at 17:30, two days from now."""
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    return factories.SessionFactory(clinic=clinic, clients=[person], therapist=therapist)


@pytest.fixture
def path(session, person):
    return published(Purpose.SESSION, session, person)


@pytest.fixture
def phone():
    return visitor()
