"""Each scan of a tick goes through its partial index, and costs what is due and not what is stored.

The tables are those of `bench/scans.py`, which does the same with a million sessions.
"""

import pytest
from django.conf import settings

from bench import scans
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.models import Kind
from tests.databases import copied

pytestmark = pytest.mark.slow

FEW, MANY = 9_000, 90_000
#: What a deeper tree and a scan's own start cost, in pages.
SLACK = 40


@pytest.fixture(scope="module")
def large_database(django_db_setup, django_db_blocker):
    """One of its own: so many rows, taken back or not, would slow down every test after these."""
    name = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock(), copied(f"{name}_scans"):
        yield


@pytest.fixture(scope="module")
def measured(large_database):
    """The scans among few sessions and among ten times as many, with the same number due."""
    found = []
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        place = scans.open_place()
        for size in (FEW, MANY):
            place.grow(size)
            found.append(scans.scan_all())
    return found


def test_every_kind_of_rule_is_scanned():
    assert set(Kind.values) < set(scans.INDEXES)


@pytest.mark.parametrize("name", scans.INDEXES)
def test_a_scan_goes_through_its_partial_index_and_reads_no_table_whole(measured, name):
    for scan in (found[name] for found in measured):
        assert (scan.indexes & scans.INDEXES[name], scan.read_whole) == (scans.INDEXES[name], set())


@pytest.mark.parametrize("name", scans.INDEXES)
def test_ten_times_the_sessions_with_as_many_due_cost_nearly_the_same(measured, name):
    few, many = (found[name] for found in measured)
    assert few.planned == many.planned
    assert many.pages < 1.5 * few.pages + SLACK


def test_something_was_due_of_nearly_every_kind(measured):
    """What the scans of moved and cancelled sessions and of fourth visits read is the same."""
    idle = {name for name, scan in measured[0].items() if not scan.planned}
    assert idle == {"moved", "cancelled", "mid_treatment"}
