import datetime as dt
from html import unescape

import pytest
import time_machine

from clinic.models import Clinic
from messaging.models import ProviderAccount
from tests.factories import (
    NOW,
    ClientFactory,
    MessageFactory,
    RuleFactory,
    SessionFactory,
    TemplateFactory,
)

PATH = "/c/aramesh/settings/live/"


@pytest.fixture(autouse=True)
def _at_ten_in_the_morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def as_manager(client, manager):
    client.force_login(manager)
    return client


def text_of(response):
    return unescape(response.content.decode())


def book(clinic, starts_at):
    SessionFactory(clinic=clinic, starts_at=starts_at, clients=[ClientFactory(clinic=clinic)])


def live_since(clinic):
    return Clinic.objects.get(pk=clinic.pk).live_since


def test_going_live_sets_the_moment(as_manager, clinic, gateway):
    as_manager.post(PATH)
    assert live_since(clinic) == NOW


def test_going_live_twice_keeps_the_first_moment(as_manager, clinic, gateway):
    as_manager.post(PATH)
    with time_machine.travel(NOW + dt.timedelta(hours=1), tick=False):
        as_manager.post(PATH)
    assert live_since(clinic) == NOW


def test_without_an_account_nothing_goes_live(as_manager, clinic, settings):
    settings.KAVENEGAR_API_KEY = ""
    page = as_manager.post(PATH, follow=True)
    assert live_since(clinic) is None
    assert page.redirect_chain[-1][0] == "/c/aramesh/settings/gateway/"
    assert "هنوز حساب پیامک تنظیم نشده است" in text_of(page)


def test_the_clinics_own_account_is_enough(as_manager, clinic, settings, now):
    settings.KAVENEGAR_API_KEY = ""
    ProviderAccount.objects.create(clinic=clinic, api_key="a0key0of0ours", created_at=now)
    as_manager.post(PATH)
    assert live_since(clinic) is not None


def test_opening_the_page_changes_nothing(as_manager, clinic, gateway):
    as_manager.get(PATH)
    assert live_since(clinic) is None


def test_the_page_counts_what_would_have_been_sent_in_seven_days(as_manager, clinic, gateway):
    for days, state in ((1, "shadow"), (6, "shadow"), (8, "shadow"), (2, "skipped")):
        due_at = NOW - dt.timedelta(days=days)
        MessageFactory(clinic=clinic, session=None, state=state, due_at=due_at)
    page = text_of(as_manager.get(PATH))
    assert "۲ پیام فرستاده می‌شد" in page
    assert "۱ پیام به دلیلی فرستاده نمی‌شد" in page


def test_the_page_counts_what_falls_due_tomorrow(as_manager, clinic, gateway):
    RuleFactory(clinic=clinic)
    TemplateFactory(clinic=clinic, key="reminder_24h")
    for hours in (23, 25, 47, 49):  # the reminder goes a day before, in the next 24 hours
        book(clinic, NOW + dt.timedelta(hours=hours))
    assert "موعد ۲ پیام می‌رسد" in text_of(as_manager.get(PATH))


def test_going_back_asks_once_and_then_stops_everything(as_manager, clinic, gateway):
    as_manager.post(PATH)
    assert 'id="confirm"' in text_of(as_manager.get(f"{PATH}stop/"))
    assert live_since(clinic) is not None
    as_manager.post(f"{PATH}stop/")
    assert live_since(clinic) is None


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_asks_the_same_queries_for_any_number_of_texts(
    as_manager, clinic, gateway, django_assert_num_queries, rows
):
    RuleFactory(clinic=clinic)
    TemplateFactory(clinic=clinic, key="reminder_24h")
    for n in range(rows):
        book(clinic, NOW + dt.timedelta(hours=25, minutes=n))
    with django_assert_num_queries(25):
        as_manager.get(PATH)
