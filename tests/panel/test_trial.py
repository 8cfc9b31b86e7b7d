"""A text on one's own phone: through the real account, to nobody else, and never many."""

import pytest

from followup.actions import open_clinic
from messaging.models import Message, Spending, Template
from tests import factories
from tests.factories import MembershipFactory
from tests.panel.screens import errors_of, html_of, notices_of

NOW = factories.NOW
SETTINGS = "/c/mehr/settings/"
GATEWAY, TRIAL = SETTINGS + "gateway/", SETTINGS + "gateway/trial/"
PHONE = "۰۹۱۲ ۳۴۵ ۶۷۸۹"


@pytest.fixture
def mehr(owner):
    return open_clinic("mehr", "کلینیک مهر", timezone="Asia/Tehran", live=False, now=NOW)


@pytest.fixture
def as_manager(client, mehr, at_ten):
    client.force_login(MembershipFactory(clinic=mehr, role="manager").user)
    return client


def ask(browser, phone=PHONE):
    return browser.post(TRIAL, {"trial_phone": phone}, follow=True)


def test_a_text_reaches_ones_own_phone_even_in_trial_mode(as_manager, gateway):
    response = ask(as_manager)
    (text,) = gateway.messages
    assert (text.receptor, text.body) == (
        "09123456789",
        "پیامک آزمایشی کلینیک مهر. اگر این را می‌خوانید، حساب پیامک درست کار می‌کند.",
    )
    assert notices_of(response) == ["پیامک رفت. تا چند لحظه‌ی دیگر باید روی گوشی‌تان باشد."]


def test_it_is_no_message_to_a_client_and_costs_the_clinic(as_manager, gateway, looking):
    ask(as_manager)
    assert not Message.objects.exists()
    assert Spending.objects.get().rial == gateway.messages[0].cost


def test_the_number_is_remembered_for_the_next_text(as_manager, gateway):
    assert f'name="trial_phone" value="{PHONE}"' in html_of(ask(as_manager))


@pytest.mark.parametrize("phone", ["", "021-88001122", "123"], ids=["none", "landline", "nonsense"])
def test_what_is_no_mobile_number_is_refused_beside_the_field(as_manager, gateway, phone):
    response = ask(as_manager, phone)
    assert (response.status_code, list(errors_of(response))) == (422, ["trial_phone"])
    assert gateway.messages == []


def test_the_gateways_refusal_is_explained(as_manager, gateway):
    gateway.fail_next("code", code=418)
    assert notices_of(ask(as_manager)) == ["اعتبار حساب تمام شده است. آن را شارژ کنید."]


def test_without_an_account_nothing_is_tried(as_manager, settings):
    settings.KAVENEGAR_API_KEY = ""
    (said,) = notices_of(ask(as_manager))
    assert "حساب پیامک" in said


def test_ten_a_day_and_no_more(as_manager, gateway):
    for _n in range(10):
        ask(as_manager)
    assert notices_of(ask(as_manager)) == ["برای امروز بس است؛ فردا دوباره امتحان کنید."]
    assert len(gateway.messages) == 10


# -- From the editor ---------------------------------------------------------------------------


@pytest.fixture
def wording(mehr):
    return Template.objects.filter(clinic=mehr, key="reminder_24h").first()


def try_wording(browser, wording, body, **typed):
    values = {"body": body, "trial_phone": PHONE, "step": "try", **typed}
    return browser.post(f"{SETTINGS}texts/wordings/{wording.pk}/", values)


def test_the_words_in_the_editor_are_tried_with_sample_values(as_manager, gateway, wording):
    before = wording.body
    response = try_wording(as_manager, wording, "سلام {خطاب}، {روز} ساعت {ساعت}. {کلینیک}")
    text = gateway.messages[0].body
    assert "{" not in text
    assert text.startswith("سلام ")
    assert "پیامک رفت" in notices_of(response)[0]
    wording.refresh_from_db()
    assert wording.body == before


def test_words_that_could_not_be_sent_are_not_tried(as_manager, gateway, wording):
    response = try_wording(as_manager, wording, "سلام {بی‌معنی}")
    assert response.status_code == 422
    assert gateway.messages == []


def test_saving_does_not_ask_for_a_number(as_manager, gateway, wording):
    values = {"body": "سلام {خطاب}، {روز} ساعت {ساعت}.", "trial_phone": ""}
    assert as_manager.post(f"{SETTINGS}texts/wordings/{wording.pk}/", values).status_code == 302
    assert gateway.messages == []


def test_reception_does_not_try_texts(client, mehr, gateway, at_ten):
    client.force_login(MembershipFactory(clinic=mehr, role="receptionist").user)
    assert client.post(TRIAL, {"trial_phone": PHONE}).status_code == 403


def test_another_clinic_finds_nothing(client, mehr, outsider, gateway, at_ten):
    client.force_login(outsider)
    assert client.post(TRIAL, {"trial_phone": PHONE}).status_code == 404
    assert gateway.messages == []
