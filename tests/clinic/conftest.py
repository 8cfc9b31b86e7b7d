"""Two clinics, built once per file: the walk visits them hundreds of times."""

import pytest
from django.db import transaction

from clinic.tenancy import EVERYWHERE, Hat, wear
from tests.clinic import world as worlds


@pytest.fixture(scope="module")
def built(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), wear(Hat.OWNER, clinic_id=EVERYWHERE):
        yield worlds.build()
        transaction.set_rollback(True)


@pytest.fixture
def world(built):
    """Under the owner's hat; nothing that a test does here stays. Not to be mixed with `db`."""
    with transaction.atomic():
        yield built
        transaction.set_rollback(True)
