"""What the tests of the rules share."""

import pytest

from sandbox.plans import KeptPlans

KEPT = KeptPlans()


@pytest.fixture(autouse=True)
def kept_plans(request):
    """The planner's statements take longer to plan than to run, and each test plans a few times."""
    if request.module.__name__.endswith("test_scans"):  # which looks at PostgreSQL's own choice
        yield
        return
    with KEPT.installed():
        yield
