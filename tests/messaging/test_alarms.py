"""Letters to managers when an account is refused or most of the month's limit is spent."""

import datetime as dt

import pytest

from messaging import alarms, gates, spending
from messaging.models import ProviderAccount
from tests.conftest import NOW
from tests.factories import ClinicFactory, MembershipFactory

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def clinic(owner):
    gates.forget()
    clinic = ClinicFactory(name="کلینیک آرامش", monthly_cap_rial=1000)
    for role in ("owner", "manager", "receptionist", "therapist"):
        MembershipFactory(clinic=clinic, role=role, user__email=f"{role}@aramesh.example")
    return clinic


def refused(clinic, **fields):
    values = {"api_key": "key", "created_at": NOW, "paused_at": NOW, "pause_code": "418"} | fields
    return ProviderAccount.objects.create(clinic=clinic, **values)


def test_those_who_can_act_are_told_of_a_refused_account(clinic, mailoutbox):
    refused(clinic)
    alarms.tell(NOW)
    assert [letter.to for letter in mailoutbox] == [
        ["owner@aramesh.example"],
        ["manager@aramesh.example"],
    ]


def test_the_letter_says_which_clinic_and_which_code(clinic, mailoutbox):
    refused(clinic)
    alarms.tell(NOW)
    assert mailoutbox[0].subject == "کلینیک آرامش: پیام‌ها در انتظار مانده‌اند"
    assert "کد ۴۱۸" in mailoutbox[0].body


def test_they_are_told_once(clinic, mailoutbox):
    refused(clinic)
    assert (alarms.tell(NOW), alarms.tell(NOW)) == (2, 0)


def test_another_trouble_is_told_anew(clinic, mailoutbox):
    account = refused(clinic)
    alarms.tell(NOW)
    ProviderAccount.objects.filter(pk=account.pk).update(pause_code="403")
    assert alarms.tell(NOW) == 2


@pytest.mark.parametrize(
    "fields",
    [{"paused_at": None}, {"active": False}, {"paused_at": NOW - HOUR}],
    ids=["well", "switched off", "long known"],
)
def test_of_other_accounts_nobody_is_told(clinic, mailoutbox, fields):
    refused(clinic, **fields)
    assert alarms.tell(NOW) == 0


@pytest.mark.parametrize(("rial", "letters"), [(799, 0), (800, 2), (5000, 2)])
def test_at_four_fifths_of_the_limit_managers_are_told(clinic, mailoutbox, rial, letters):
    spending.add({clinic.pk: rial}, NOW)
    assert alarms.tell(NOW) == letters


def test_of_the_limit_they_are_told_once_a_month(clinic, mailoutbox):
    spending.add({clinic.pk: 900}, NOW)
    alarms.tell(NOW)
    spending.add({clinic.pk: 50}, NOW)
    assert alarms.tell(NOW + HOUR) == 0


def test_the_letter_says_what_was_spent_and_until_when_texts_wait(clinic, mailoutbox):
    spending.add({clinic.pk: 900}, NOW)
    alarms.tell(NOW)
    body = mailoutbox[0].body
    assert all(words in body for words in ("۹۰۰", "۱٬۰۰۰", "۱۴۰۵/۰۹/۰۱"))


def test_a_clinic_without_a_limit_hears_nothing(clinic, mailoutbox):
    type(clinic).objects.filter(pk=clinic.pk).update(monthly_cap_rial=None)
    spending.add({clinic.pk: 10**9}, NOW)
    assert alarms.tell(NOW) == 0


def test_a_mail_server_that_fails_stops_nothing(clinic, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    refused(clinic)
    assert alarms.tell(NOW) == 0
