"""What a clinic's texts cost in its Jalali month."""

import datetime as dt

import pytest

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import spending
from messaging.models import ProviderAccount, Spending
from tests.factories import ClinicFactory
from tests.followup.clinics import live_clinic, outbox as messages_of, session_at, tehran, tick

NOW = tehran("2026-11-25 17:30")


@pytest.fixture
def clinic(owner):
    return ClinicFactory()


@pytest.mark.parametrize(
    ("now", "begins", "ends"),
    [
        pytest.param("1405/09/01 00:00", "1405/09/01 00:00", "1405/10/01 00:00", id="first moment"),
        pytest.param("1405/09/30 23:59", "1405/09/01 00:00", "1405/10/01 00:00", id="last minute"),
        pytest.param("1405/06/31 12:00", "1405/06/01 00:00", "1405/07/01 00:00", id="31 days"),
        pytest.param("1405/12/29 12:00", "1405/12/01 00:00", "1406/01/01 00:00", id="the new year"),
        pytest.param("1403/12/30 12:00", "1403/12/01 00:00", "1404/01/01 00:00", id="a leap year"),
    ],
)
def test_a_month_is_jalali_and_the_clinics(clinic, now, begins, ends):
    assert spending.month_of(clinic, tehran(now)) == (tehran(begins), tehran(ends))


def test_what_is_spent_adds_up_within_the_month(clinic):
    spending.add({clinic.pk: 300}, NOW)
    spending.add({clinic.pk: 450}, NOW)
    assert spending.spent(clinic, NOW) == 750


def test_each_month_begins_at_nothing(clinic):
    spending.add({clinic.pk: 300}, NOW)
    assert spending.spent(clinic, NOW + dt.timedelta(days=31)) == 0


def test_each_clinic_pays_its_own(clinic):
    other = ClinicFactory()
    spending.add({clinic.pk: 300, other.pk: 20}, NOW)
    assert (spending.spent(clinic, NOW), spending.spent(other, NOW)) == (300, 20)


@pytest.mark.parametrize(("cap", "over"), [(None, False), (301, False), (300, True)])
def test_a_limit_that_is_reached_is_over(clinic, cap, over):
    clinic.monthly_cap_rial = cap
    spending.add({clinic.pk: 300}, NOW)
    assert spending.is_over(clinic, NOW) is over


def test_what_the_gateway_charges_is_added(gateway, owner):
    gateway.set_clock(NOW)
    live = live_clinic()
    session_at(live, "2026-11-28 17:30")
    tick(NOW)
    assert spending.spent(live, NOW) == messages_of(live)[0].cost_rial > 0


def test_a_text_that_is_not_taken_costs_nothing(gateway, owner):
    gateway.set_clock(NOW)
    live = live_clinic()
    session_at(live, "2026-11-28 17:30")
    gateway.fail_next("code", code=411)
    tick(NOW)
    assert not Spending.objects.exists()


def test_at_the_limit_texts_wait_and_a_higher_limit_lets_them_go(gateway, owner):
    gateway.set_clock(NOW)
    live = live_clinic()
    spending.add({live.pk: 1000}, NOW)
    type(live).objects.filter(pk=live.pk).update(monthly_cap_rial=1000)
    session_at(live, "2026-11-28 17:30")
    tick(NOW)
    waited = messages_of(live)[0].state
    type(live).objects.filter(pk=live.pk).update(monthly_cap_rial=2000)
    tick(NOW + dt.timedelta(minutes=1))
    assert (waited, messages_of(live)[0].state) == ("queued", "sent")


def test_the_worker_and_only_the_clinics_own_people_see_the_months(clinic):
    spending.add({clinic.pk: 300}, NOW)
    other = ClinicFactory()
    with wear(Hat.WEB, clinic_id=other.pk, user_id=1):
        assert not Spending.objects.exists()
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        assert Spending.objects.count() == 1
        assert not ProviderAccount.objects.exists()
