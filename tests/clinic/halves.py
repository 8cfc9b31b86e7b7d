"""Each half of tenancy taken away, so that the other can be seen to hold alone."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.models import Q

from clinic.models import Clinic, Membership
from clinic.tenancy import EVERYWHERE, Hat, TenantModel, current_scope, wear
from tests.clinic.world import tenant_tables

BOTH, APPLICATION, DATABASE = "both halves", "application alone", "database alone"
HALVES = [BOTH, APPLICATION, DATABASE]


@contextmanager
def only(half):
    """Until the end of the block, and for this test's transaction only."""
    with pytest.MonkeyPatch.context() as patch:
        if half == DATABASE:
            _forget_scope(patch)
        if half == APPLICATION:
            _open_tables()
        yield


def _open_tables():
    # Policies, not roles: roles belong to the whole server, which other tests use at this moment.
    with wear(Hat.OWNER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
        for table in tenant_tables():
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _forget_scope(patch):
    def everything(cls, scope):
        return Q()

    def fill_in(row):
        scope = current_scope()
        if row.clinic_id is None and scope and isinstance(scope.clinic_id, int):
            row.clinic_id = scope.clinic_id

    for model in (TenantModel, Clinic, Membership):
        patch.setattr(model, "scope_filter", classmethod(everything))
    patch.setattr(TenantModel, "claim_for_scope", fill_in)
