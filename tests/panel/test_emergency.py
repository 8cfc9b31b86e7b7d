"""The emergency text on the screens: shown before it goes, sent once, and its words in settings."""

import datetime as dt

import pytest

from followup.defaults import EMERGENCY
from messaging.models import Message, Template
from patients.models import Client
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

NOW = factories.NOW
WORDS = "به فکرتان هستیم و تنها نیستید"
SETTINGS = f"{CLINIC}settings/texts/emergency/"


@pytest.fixture
def wording(clinic):
    return factories.TemplateFactory(clinic=clinic, key="emergency", body=EMERGENCY)


@pytest.fixture
def person(people, wording):
    return people["my_client"]


@pytest.fixture
def page(person):
    return f"{CLINIC}clients/{person.pk}/"


@pytest.fixture
def as_manager(client, manager, at_ten):
    client.force_login(manager)
    return client


def in_crisis(person):
    Client.objects.filter(pk=person.pk).update(crisis_since=NOW - dt.timedelta(hours=1))


def test_a_crisis_offers_it_and_no_other_page_does(as_reception, person, page):
    assert f'href="{page}emergency/"' not in html_of(as_reception.get(page))
    in_crisis(person)
    assert f'href="{page}emergency/"' in html_of(as_reception.get(page))


def test_the_text_is_shown_before_it_is_sent(as_reception, person, page):
    asked = as_reception.get(page + "emergency/")
    assert 'id="confirm"' in html_of(asked)
    for said in (WORDS, "خانم کریمی", "02188001122", "123", "115"):
        assert said in text_of(asked)
    assert Message.objects.count() == 0


def test_it_is_sent_during_a_hold_and_seen_on_the_timeline(as_reception, person, page):
    in_crisis(person)
    response = as_reception.post(page + "emergency/", follow=True)
    assert response.redirect_chain == [(page, 302)]
    (message,) = Message.objects.all()
    assert (message.client, message.rule_key, message.priority) == (person, "emergency", 0)
    assert notices_of(response) == ["پیام اضطراری برای خانم کریمی در راه است."]
    assert undo_of(response) is None
    words = text_of(response)
    assert "پیام · پیام اضطراری" in words
    assert "ارسال پیام اضطراری خواسته شد" in words


def test_a_second_click_sends_none(as_reception, person, page):
    as_reception.post(page + "emergency/")
    response = as_reception.post(page + "emergency/")
    assert response.status_code == 422
    assert "هم‌اکنون در راه است" in text_of(response)
    assert Message.objects.count() == 1


def test_without_a_mobile_the_reason_is_said(as_reception, person, page):
    Client.objects.filter(pk=person.pk).update(phone="")
    assert "شماره‌ی همراهی در پرونده نیست" in text_of(as_reception.get(page + "emergency/"))
    assert as_reception.post(page + "emergency/").status_code == 422
    assert Message.objects.count() == 0


def test_a_clinic_in_trial_mode_is_told_that_nothing_leaves(as_reception, clinic, page):
    assert "در حالت آزمایشی است و این پیام نمی‌رود" in text_of(as_reception.get(page + "emergency/"))


# -- With the hold -----------------------------------------------------------------------------


def test_the_hold_shows_the_text_and_sends_it_only_when_ticked(as_reception, person, page):
    asked = as_reception.get(page + "crisis/")
    assert WORDS in text_of(asked)
    assert "checked" not in html_of(asked).split('name="emergency"')[1][:80]
    as_reception.post(page + "crisis/", {"note": ""})
    assert Client.objects.get(pk=person.pk).crisis_since == NOW
    assert Message.objects.count() == 0


def test_ticked_the_hold_stands_and_the_text_is_on_its_way(as_reception, person, page):
    data = {"note": "تماس گرفت", "emergency": "on"}
    response = as_reception.post(page + "crisis/", data, follow=True)
    assert Client.objects.get(pk=person.pk).crisis_since == NOW
    assert Message.objects.get().rule_key == "emergency"
    assert "پیام اضطراری برای خانم کریمی در راه است." in notices_of(response)


def test_the_hold_stands_even_when_the_text_cannot_be_sent(as_reception, person, page):
    Client.objects.filter(pk=person.pk).update(phone="")
    assert 'name="emergency"' not in html_of(as_reception.get(page + "crisis/"))
    as_reception.post(page + "crisis/", {"note": "", "emergency": "on"})
    assert Client.objects.get(pk=person.pk).crisis_since == NOW
    assert Message.objects.count() == 0


def test_a_therapist_sends_it_to_their_own_client_alone(as_therapist, people, page):
    as_therapist.post(page + "emergency/")
    hers = f"{CLINIC}clients/{people['her_client'].pk}/emergency/"
    assert as_therapist.post(hers).status_code == 404
    assert Message.objects.count() == 1


# -- Its words ---------------------------------------------------------------------------------


def test_the_rules_lead_to_its_words(as_manager, wording):
    assert f'href="{SETTINGS}"' in html_of(as_manager.get(f"{CLINIC}settings/texts/"))
    assert WORDS in text_of(as_manager.get(SETTINGS))


def test_its_words_are_changed(as_manager, wording, manager):
    body = "{خطاب}، کنارتان هستیم: {تلفن}"
    response = as_manager.post(SETTINGS, {"body": body}, follow=True)
    assert response.redirect_chain == [(f"{CLINIC}settings/texts/", 302)]
    kept = Template.objects.get()
    assert (kept.body, kept.updated_by, kept.updated_at) == (body, manager, NOW)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("کنارتان هستیم: {پیوند جلسه}", "پیوند جایی ندارد"),
        ("کنارتان هستیم: https://a.ir", "پیوند جایی ندارد"),
        ("{روز} کنارتان هستیم", "درباره‌ی جلسه‌ای نیست"),
        ("", "متن خالی است"),
    ],
)
def test_what_does_not_belong_there_is_said_beside_it(as_manager, wording, body, said):
    response = as_manager.post(SETTINGS, {"body": body})
    assert response.status_code == 422
    assert said in errors_of(response)["body"]
    assert Template.objects.get().body == EMERGENCY


def test_looking_saves_nothing(as_manager, wording):
    response = as_manager.post(SETTINGS, {"body": "کنارتان هستیم", "step": "look"})
    assert "کنارتان هستیم" in text_of(response)
    assert Template.objects.get().body == EMERGENCY


def test_while_somebody_types_only_the_sample_comes(as_manager, wording):
    data = {"body": "کنارتان هستیم", "step": "look"}
    response = as_manager.post(SETTINGS, data, headers={"HX-Request": "true"})
    assert html_of(response).count("<form") == 0
    assert "کنارتان هستیم" in text_of(response)


def test_its_words_are_for_managers(as_reception, wording):
    assert as_reception.get(SETTINGS).status_code == 403


def test_an_outsider_finds_no_words(as_outsider, wording):
    assert as_outsider.get(SETTINGS).status_code == 404
    assert as_outsider.post(SETTINGS, {"body": "x"}).status_code == 404
    assert Template.objects.get().body == EMERGENCY
