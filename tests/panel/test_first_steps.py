"""From an empty clinic to its first text: which step comes next, and the text itself."""

import datetime as dt
import re

import pytest

from clinic.models import Clinic, WorkingHours
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.actions import open_clinic
from messaging.models import Message, ProviderAccount
from tests import factories
from tests.panel.screens import CLINIC, html_of, text_of

NOW = factories.NOW
DAY = dt.timedelta(days=1)
PAGE = CLINIC + "first-steps/"


@pytest.fixture
def clinic(owner):
    """As an operator opens one: with rules and wordings, and nothing else."""
    made = open_clinic("aramesh", "کلینیک آرامش", timezone="Asia/Tehran", live=False, now=NOW)
    return Clinic.objects.get(pk=made.pk)


@pytest.fixture
def as_manager(client, manager, at_ten):
    client.force_login(manager)
    return client


def steps_of(response):
    """Each step's title and its standing."""
    found = re.findall(
        r'<li class="step( step-\w+)?".*?<div class="title">(.*?)</div>',
        html_of(response),
        re.DOTALL,
    )
    return {
        re.sub(r"<[^>]*>.*", "", title).strip(): mark.strip().removeprefix("step-")
        for mark, title in found
    }


def following(browser):
    return next(title for title, mark in steps_of(browser.get(PAGE)).items() if mark == "next")


def furnish(clinic, *parts):
    made = {}
    if "house" in parts:
        Clinic.objects.filter(pk=clinic.pk).update(phone="021-88001122", address="ولیعصر")
    if "therapist" in parts:
        made["therapist"] = factories.TherapistFactory(clinic=clinic)
    if "service" in parts:
        made["service"] = factories.ServiceFactory(clinic=clinic)
    if "client" in parts:
        made["clients"] = [factories.ClientFactory(clinic=clinic)]
    if "session" in parts:
        made["session"] = factories.SessionFactory(clinic=clinic, starts_at=NOW + 3 * DAY, **made)
    if "account" in parts:
        ProviderAccount.objects.create(
            clinic=clinic, kind="kavenegar", sender="1000", api_key="key", created_at=NOW
        )
    if "live" in parts:
        Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW)


PATH = ("house", "therapist", "service", "client", "session", "account", "live")


@pytest.mark.parametrize(
    ("standing", "title"),
    [
        (0, "تلفن و نشانی کلینیک"),
        (1, "درمانگران"),
        (2, "خدمات"),
        (3, "مراجعان"),
        (4, "جلسه‌های پیش رو"),
        (5, "حساب پیامک"),
        (6, "شروع ارسال"),
        (7, "ساعت‌های کاری"),
    ],
)
def test_the_next_step_is_the_first_that_is_needed_and_not_done(
    as_manager, clinic, standing, title
):
    furnish(clinic, *PATH[:standing])
    assert following(as_manager) == title


def test_when_all_is_done_nothing_is_left_to_do(as_manager, clinic):
    furnish(clinic, *PATH)
    WorkingHours.objects.create(
        clinic=clinic, therapist=clinic_therapist(clinic), weekday=0,
        begins=dt.time(9), ends=dt.time(13),
    )  # fmt: skip
    response = as_manager.get(PAGE)
    assert set(steps_of(response).values()) == {"done"}
    assert "همه‌چیز آماده است" in text_of(response)


def clinic_therapist(clinic):
    return factories.TherapistFactory._meta.model.objects.filter(clinic=clinic).first()


def test_steps_are_counted_without_what_can_wait(as_manager, clinic):
    furnish(clinic, "house", "therapist")
    assert "۲ قدم از ۷ قدم" in text_of(as_manager.get(PAGE))


@pytest.mark.parametrize(("days", "mark"), [(6, ""), (7, "done")])
def test_a_week_of_looking_on_lasts_a_week(as_manager, clinic, days, mark):
    factories.MessageFactory(
        clinic=clinic, client=factories.ClientFactory(clinic=clinic), state="shadow",
        planned_at=NOW - days * DAY,
    )  # fmt: skip
    assert Message.objects.count() == 1
    assert steps_of(as_manager.get(PAGE))["یک هفته تماشا"] == mark


def test_the_first_text_is_shown_word_for_word(as_manager, clinic):
    furnish(clinic, *PATH[:5])
    sms = re.search(r'<div class="sms">(.*?)</div>', html_of(as_manager.get(PAGE)), re.DOTALL)[1]
    assert "کلینیک آرامش" in sms


def test_the_trial_bar_leads_managers_to_the_steps(as_manager, clinic):
    assert f'href="{PAGE}"' in html_of(as_manager.get(CLINIC))


def test_reception_is_not_led(client, receptionist, at_ten):
    client.force_login(receptionist)
    assert client.get(PAGE).status_code == 403


def test_another_clinic_finds_nothing(client, outsider, clinic, at_ten):
    client.force_login(outsider)
    assert client.get(PAGE).status_code == 404


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_session_and_for_thirty(
    as_manager, clinic, rows, django_assert_num_queries
):
    furnish(clinic, *PATH[:4])
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        for n in range(rows):
            factories.SessionFactory(
                clinic=clinic, clients=[factories.ClientFactory(clinic=clinic)],
                therapist=factories.TherapistFactory(clinic=clinic),
                service=factories.ServiceFactory(clinic=clinic),
                starts_at=NOW + 2 * DAY + n * dt.timedelta(minutes=5),
            )  # fmt: skip
    with django_assert_num_queries(34):
        as_manager.get(PAGE)
