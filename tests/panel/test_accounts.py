"""The accounts that carry a clinic's texts, as its managers keep them."""

import re
import socket
import time
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client as Browser

from clinic.models import Directory
from messaging.models import ProviderAccount, Reply
from panel import accounts
from panel.account_words import explain_code
from panel.accounts import PLACES
from panel.channels import GATEWAYS
from tests.factories import NOW, ClientFactory, ProviderAccountFactory
from tests.panel.screens import errors_of, notices_of

LIST = "/c/aramesh/settings/gateway/"
PATH = f"{LIST}sms/"
KEY = "4B5A3c7d9E1F"
TOKEN = "EAAGm0PX4ZCpsBAKZC-x_y.z|9"


@pytest.fixture
def as_manager(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture
def own_gateway(gateway, settings):
    """The sandbox, with no account of the installation's own."""
    settings.KAVENEGAR_API_KEY = ""
    return gateway


@pytest.fixture
def nobody_listens(settings):
    for name in ("KAVENEGAR_BASE_URL", "SMSIR_BASE_URL", "WHATSAPP_BASE_URL"):
        setattr(settings, name, "http://127.0.0.1:9")


def html_of(response):
    return unescape(response.content.decode())


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html_of(response)))


def save(client, key=KEY, sender="10004346", kind="kavenegar", place="sms", **typed):
    values = {"api_key": key, "sender": sender, "kind": kind, **typed}
    return client.post(f"{LIST}{place}/", values, follow=True)


def active(clinic):
    return ProviderAccount.objects.filter(clinic=clinic, active=True)


# -- The key ------------------------------------------------------------------------------------


def test_a_known_key_is_kept_and_its_credit_shown(as_manager, clinic, own_gateway):
    own_gateway.options.credit_rial = 1_250_000
    page = text_of(save(as_manager))
    account = ProviderAccount.objects.get(clinic=clinic)
    kept = (account.kind, account.channel, account.standby, account.api_key, account.sender)
    assert kept == ("kavenegar", "sms", False, KEY, "10004346")
    assert "کلید درست است. اعتبار باقی‌مانده: ۱۲۵٬۰۰۰ تومان." in page


def test_the_key_is_never_shown_again(as_manager, clinic, own_gateway):
    assert KEY not in html_of(save(as_manager))
    assert KEY not in html_of(as_manager.get(PATH)) + html_of(as_manager.get(LIST))


def test_the_key_is_unreadable_in_the_database(as_manager, clinic, own_gateway):
    save(as_manager)
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM messaging_provideraccount")
        (kept,) = cursor.fetchone()
    assert KEY not in kept


@pytest.mark.parametrize("option", ["bad_keys", "inactive_keys"], ids=["403", "401"])
def test_a_wrong_key_is_refused_beside_the_field_and_not_kept(
    as_manager, clinic, own_gateway, option
):
    setattr(own_gateway.options, option, (KEY,))
    assert "کاوه‌نگار این کلید را نمی‌شناسد." in errors_of(save(as_manager))["api_key"]
    assert not ProviderAccount.objects.exists()


@pytest.mark.parametrize("key", ["کلید من", "abc", "a/b/c/d/e/f", "x" * 8 + "\n y", ""])
def test_what_cannot_be_a_key_is_refused_without_asking_anybody(
    as_manager, clinic, own_gateway, key
):
    assert list(errors_of(save(as_manager, key))) == ["api_key"]
    assert own_gateway.calls == []
    assert not ProviderAccount.objects.exists()


def test_a_gateway_that_does_not_answer_does_not_lose_the_key(as_manager, clinic, nobody_listens):
    page = text_of(save(as_manager))
    assert "کاوه‌نگار پاسخ نداد." in page
    assert ProviderAccount.objects.get(clinic=clinic).api_key == KEY


def test_an_empty_key_field_keeps_the_key_and_changes_the_line(as_manager, clinic, own_gateway):
    save(as_manager)
    save(as_manager, key="", sender="۲۰۰۰ ۴۳۴۶")
    account = ProviderAccount.objects.get(clinic=clinic)
    assert (account.api_key, account.sender) == (KEY, "20004346")


def test_another_key_is_another_account_and_the_old_one_can_still_be_asked(
    as_manager, clinic, own_gateway
):
    save(as_manager)
    save(as_manager, key="another0key")
    kept = ProviderAccount.objects.filter(clinic=clinic).order_by("pk")
    assert [(a.api_key, a.active) for a in kept] == [(KEY, False), ("another0key", True)]


def test_another_gateway_wants_its_own_key(as_manager, clinic, own_gateway, nobody_listens):
    save(as_manager)
    assert list(errors_of(save(as_manager, key="", kind="smsir"))) == ["api_key"]
    assert active(clinic).get().kind == "kavenegar"


def test_smsir_wants_its_line(as_manager, clinic, nobody_listens):
    assert list(errors_of(save(as_manager, sender="", kind="smsir"))) == ["sender"]


def test_what_a_text_costs_at_smsir_is_kept_in_rial(as_manager, clinic, nobody_listens):
    save(as_manager, kind="smsir", sender="30001234", rial_per_credit="۱٬۲۵۰")
    assert active(clinic).get().rial_per_credit == 12_500
    assert 'value="۱٬۲۵۰"' in html_of(as_manager.get(PATH))


def test_a_page_waits_only_a_few_seconds_for_a_gateway_that_says_nothing(
    as_manager, clinic, settings
):
    """The connection is taken and nothing is ever answered."""
    settings.KAVENEGAR_API_KEY = ""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.KAVENEGAR_BASE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        page = text_of(save(as_manager))
        took = time.monotonic() - began
    assert "کاوه‌نگار پاسخ نداد." in page
    assert took < 2 * (accounts.CONNECT_SECONDS + accounts.READ_SECONDS)


# -- First, standby and WhatsApp -----------------------------------------------------------------


def test_a_standby_stands_beside_the_first_account(as_manager, clinic, own_gateway):
    save(as_manager)
    assert "خودکار جای آن را می‌گیرد" in text_of(as_manager.get(LIST))
    save(as_manager, key="standby0key", place="standby", kind="kavenegar_lookup")
    kept = active(clinic).order_by("standby").values_list("kind", "standby")
    assert list(kept) == [("kavenegar", False), ("kavenegar_lookup", True)]


def test_a_standby_is_offered_only_beside_a_first_account(as_manager, clinic, own_gateway):
    assert f'href="{LIST}standby/"' not in html_of(as_manager.get(LIST))
    save(as_manager)
    assert f'href="{LIST}standby/"' in html_of(as_manager.get(LIST))


def test_a_standby_with_the_first_accounts_key_is_refused(as_manager, clinic, own_gateway):
    save(as_manager)
    assert list(errors_of(save(as_manager, place="standby"))) == ["api_key"]
    assert active(clinic).count() == 1


WHATSAPP = {"key": TOKEN, "sender": "106540352242922", "place": "whatsapp", "kind": "whatsapp"}


def test_whatsapp_stays_off_for_iran_unless_it_is_switched_on(as_manager, clinic, nobody_listens):
    page = save(as_manager, **WHATSAPP, app_secret="0f1e2d3c4b5a")
    account = active(clinic).get()
    kept = (account.channel, account.sender, account.app_secret, account.texts_iran)
    assert kept == ("whatsapp", "106540352242922", "0f1e2d3c4b5a", False)
    assert "به شماره‌های ایران (۹۸+) خدمت نمی‌دهد" in text_of(page)
    save(as_manager, **(WHATSAPP | {"key": ""}), texts_iran="on")
    account.refresh_from_db()
    assert (account.texts_iran, account.app_secret) == (True, "0f1e2d3c4b5a")


def test_whatsapp_wants_the_secret_that_signs_its_reports(as_manager, clinic, nobody_listens):
    assert list(errors_of(save(as_manager, **WHATSAPP))) == ["app_secret"]


def test_neither_of_whatsapps_secrets_is_shown(as_manager, clinic, nobody_listens):
    pages = html_of(save(as_manager, **WHATSAPP, app_secret="0f1e2d3c4b5a"))
    pages += html_of(as_manager.get(f"{LIST}whatsapp/")) + html_of(as_manager.get(LIST))
    assert (TOKEN in pages, "0f1e2d3c4b5a" in pages) == (False, False)


def test_whatsapp_is_given_a_word_to_verify_the_address_with(as_manager, clinic, nobody_listens):
    save(as_manager, **WHATSAPP, app_secret="0f1e2d3c4b5a")
    page = html_of(as_manager.get(f"{LIST}whatsapp/"))
    address, word = (
        re.search(f'id="{n}" value="([^"]+)"', page)[1] for n in ("callback", "greeting")
    )
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": word}
    answer = Browser().get(address.removeprefix(django_settings.PUBLIC_URL), asked)
    assert answer.content == b"1158201444"


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("django.core.mail.backends.smtp.EmailBackend", "به نام کلینیک می‌روند"),
        ("django.core.mail.backends.console.EmailBackend", "هنوز سرور ایمیل ندارد"),
    ],
)
def test_it_is_said_whether_letters_can_leave(as_manager, clinic, settings, backend, said):
    settings.EMAIL_BACKEND = backend
    assert said in text_of(as_manager.get(LIST))


def test_there_is_no_other_place_for_an_account(as_manager, clinic):
    for path in ("fax/", "fax/check/", "fax/remove/"):
        assert as_manager.post(LIST + path).status_code == 404


# -- What the gateway reports --------------------------------------------------------------------


def address_in(response):
    return re.search(r'id="callback" value="([^"]+)"', html_of(response))[1]


def test_the_callback_address_leads_to_this_account(as_manager, clinic, own_gateway):
    address = address_in(save(as_manager))
    assert address.startswith(f"{django_settings.PUBLIC_URL}/hooks/kavenegar/")
    assert Directory.objects.filter(clinic=clinic, purpose="receipts").count() == 1
    path = address.removeprefix(django_settings.PUBLIC_URL)
    assert Browser().post(path, {"messageid": "1", "status": "10"}).status_code == 200


def test_what_clients_write_comes_by_the_same_address(as_manager, clinic, own_gateway):
    address = address_in(save(as_manager))
    client = ClientFactory(clinic=clinic)
    reply = {"messageid": "1", "from": client.phone, "to": "10004346", "message": "بله"}
    path = address.removeprefix(django_settings.PUBLIC_URL)
    assert Browser().post(path, reply).status_code == 200
    assert Reply.objects.get().clinic == clinic


@pytest.mark.parametrize(
    ("sender", "said"),
    [("10004346", "هر پنج دقیقه هم از درگاه"), ("", "اگر خط فرستنده را در بالا بنویسید")],
    ids=["with a line", "without"],
)
def test_the_page_says_whether_missed_replies_are_fetched(as_manager, own_gateway, sender, said):
    assert said in text_of(save(as_manager, sender=sender))


# -- How it stands -------------------------------------------------------------------------------


def test_a_good_answer_is_kept_with_its_moment_and_credit(as_manager, clinic, own_gateway, at_ten):
    own_gateway.options.credit_rial = 1_250_000
    save(as_manager)
    account = active(clinic).get()
    assert (account.checked_at, account.credit_rial) == (NOW, 1_250_000)
    assert "آخرین پاسخ درست امروز، ساعت ۱۰:۰۰ اعتبار در آن زمان ۱۲۵٬۰۰۰ تومان" in text_of(
        as_manager.get(LIST)
    )


def test_checking_wakes_an_account_that_was_put_to_rest(as_manager, clinic, own_gateway, at_ten):
    save(as_manager)
    ProviderAccount.objects.update(paused_at=NOW, pause_code="418")
    page = text_of(as_manager.get(LIST))
    assert "اعتبار حساب تمام شده است." in page
    assert "نوبت بعدی امروز، ساعت ۱۰:۰۵" in page
    as_manager.post(f"{PATH}check/")
    account = ProviderAccount.objects.get(clinic=clinic)
    assert (account.paused_at, account.pause_code) == (None, "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (416, "حساب شما به نشانی این سرور اجازه نمی‌دهد."),
        (418, "اعتبار حساب تمام شده است."),
        (409, "کاوه‌نگار نپذیرفت (کد 409)."),
    ],
)
def test_the_gateways_codes_are_explained(as_manager, clinic, own_gateway, code, said):
    save(as_manager)
    own_gateway.fail_next("code", code=code)
    assert said in notices_of(as_manager.post(f"{PATH}check/", follow=True))[0]


@pytest.mark.parametrize("kind", GATEWAYS)
@pytest.mark.parametrize("code", ["", "190", "401", "418", "10", "102", "131042", "999"])
def test_every_code_of_every_gateway_has_words(kind, code):
    said = explain_code(kind, code)
    assert said.endswith(".")
    assert "%" not in said


def test_an_account_that_takes_no_links_says_so(as_manager, clinic):
    ProviderAccountFactory(clinic=clinic, refuses_links=True)
    assert "متن‌های بی‌پیوند به آن داده می‌شود" in text_of(as_manager.get(LIST))


def test_checking_without_a_key_asks_for_one(as_manager, clinic, own_gateway):
    assert "هنوز کلیدی ثبت نشده است." in text_of(as_manager.post(f"{PATH}check/", follow=True))
    assert own_gateway.calls == []


def test_an_account_is_switched_off_after_one_question(as_manager, clinic, own_gateway):
    save(as_manager)
    assert 'id="confirm"' in html_of(as_manager.get(f"{PATH}remove/"))
    assert active(clinic).count() == 1
    as_manager.post(f"{PATH}remove/")
    assert not ProviderAccount.objects.filter(active=True).exists()


@pytest.mark.parametrize("place", PLACES)
def test_one_is_switched_off_and_the_others_stay(as_manager, clinic, place):
    for n, other in enumerate(PLACES.values()):
        ProviderAccountFactory(
            clinic=clinic,
            channel=other.channel,
            standby=other.standby,
            kind=other.kinds[0],
            sender=f"1000{n}",
        )
    as_manager.post(f"{LIST}{place}/remove/")
    left = {(a.channel, a.standby) for a in active(clinic)}
    gone = (PLACES[place].channel, PLACES[place].standby)
    assert (len(left), gone in left) == (2, False)


# -- Whose it is ---------------------------------------------------------------------------------


def test_another_clinics_account_is_not_touched(as_manager, clinic, other_clinic, own_gateway):
    theirs = ProviderAccountFactory(clinic=other_clinic, api_key="theirs00")
    save(as_manager)
    as_manager.post(f"{PATH}remove/")
    theirs.refresh_from_db()
    assert theirs.active


def test_an_outsider_finds_no_account(as_outsider, clinic):
    account = ProviderAccountFactory(clinic=clinic)
    for path in ("", "sms/", "sms/check/", "sms/remove/"):
        assert as_outsider.get(LIST + path).status_code in (404, 405)
        assert as_outsider.post(LIST + path, {"api_key": KEY}).status_code in (404, 405)
    account.refresh_from_db()
    assert account.active


@pytest.mark.parametrize("others", [0, 30])
def test_the_list_takes_the_same_queries_whatever_was_switched_off(
    as_manager, clinic, others, django_assert_num_queries
):
    ProviderAccountFactory(clinic=clinic)
    ProviderAccountFactory.create_batch(others, clinic=clinic, active=False)
    with django_assert_num_queries(12):
        as_manager.get(LIST)
