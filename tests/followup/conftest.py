"""What the tests of the rules share."""

import pytest

from sandbox.plans import KeptPlans
from tests import factories
from tests.sessions_app.client_links import Purpose, attended, published, visitor

KEPT = KeptPlans()


@pytest.fixture(autouse=True)
def kept_plans(request):
    """The planner's statements take longer to plan than to run, and each test plans a few times."""
    if request.module.__name__.endswith("test_scans"):  # which looks at PostgreSQL's own choice
        yield
        return
    with KEPT.installed():
        yield


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def session(clinic, person):
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    return attended(clinic, person, therapist=therapist)


@pytest.fixture
def path(session, person):
    return published(Purpose.CHOICES, session, person)


@pytest.fixture
def phone():
    return visitor()
