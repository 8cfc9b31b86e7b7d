import re
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client as Browser

from clinic.models import Directory
from messaging.models import ProviderAccount, Reply
from tests.factories import NOW, ClientFactory

PATH = "/c/aramesh/settings/gateway/"
KEY = "4B5A3c7d9E1F"


@pytest.fixture
def as_manager(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture
def own_gateway(gateway, settings):
    """The sandbox, with no account of the installation's own."""
    settings.KAVENEGAR_API_KEY = ""
    return gateway


def text_of(response):
    return unescape(response.content.decode())


def save(client, key=KEY, sender="10004346"):
    return client.post(PATH, {"api_key": key, "sender": sender}, follow=True)


def test_a_known_key_is_kept_and_its_credit_shown(as_manager, clinic, own_gateway):
    own_gateway.options.credit_rial = 1_250_000
    page = text_of(save(as_manager))
    account = ProviderAccount.objects.get(clinic=clinic)
    assert (account.api_key, account.sender, account.active) == (KEY, "10004346", True)
    assert "کلید درست است. اعتبار باقی‌مانده: ۱۲۵٬۰۰۰ تومان." in page


def test_the_key_is_never_shown_again(as_manager, clinic, own_gateway):
    assert KEY not in text_of(save(as_manager))
    assert KEY not in text_of(as_manager.get(PATH))


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
    page = text_of(save(as_manager))
    error = re.search(r'id="id_api_key_error">(.*?)</div></div>', page, re.DOTALL)[1]
    assert "کاوه‌نگار این کلید را نمی‌شناسد." in error
    assert not ProviderAccount.objects.exists()


@pytest.mark.parametrize("key", ["کلید من", "abc", "a/b/c/d/e/f", "x" * 8 + "\n y"])
def test_what_cannot_be_a_key_is_refused_without_asking_anybody(
    as_manager, clinic, own_gateway, key
):
    save(as_manager, key)
    assert own_gateway.calls == []
    assert not ProviderAccount.objects.exists()


def test_a_gateway_that_does_not_answer_does_not_lose_the_key(as_manager, clinic, settings):
    settings.KAVENEGAR_BASE_URL = "http://127.0.0.1:9"
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
    accounts = ProviderAccount.objects.filter(clinic=clinic).order_by("pk")
    assert [(a.api_key, a.active) for a in accounts] == [(KEY, False), ("another0key", True)]


def test_the_callback_address_leads_to_this_account(as_manager, clinic, own_gateway):
    page = text_of(save(as_manager))
    address = re.search(r'id="callback" value="([^"]+)"', page)[1]
    assert address.startswith(f"{django_settings.PUBLIC_URL}/hooks/kavenegar/")
    assert Directory.objects.filter(clinic=clinic, purpose="receipts").count() == 1
    path = address.removeprefix(django_settings.PUBLIC_URL)
    assert Browser().post(path, {"messageid": "1", "status": "10"}).status_code == 200


def test_the_inbound_address_stands_beside_it_and_leads_to_this_account(
    as_manager, clinic, own_gateway
):
    page = text_of(save(as_manager))
    told, heard = (
        re.search(f'id="{name}" value="([^"]+)"', page)[1] for name in ("callback", "inbound")
    )
    assert heard == told.removesuffix("status/") + "inbound/"
    client = ClientFactory(clinic=clinic)
    reply = {"messageid": "1", "from": client.phone, "to": "10004346", "message": "بله"}
    path = heard.removeprefix(django_settings.PUBLIC_URL)
    assert Browser().post(path, reply).status_code == 200
    assert Reply.objects.get().clinic == clinic


@pytest.mark.parametrize(
    ("sender", "said"),
    [("10004346", "هر پنج دقیقه هم از کاوه‌نگار"), ("", "اگر خط فرستنده را در بالا بنویسید")],
    ids=["with a line", "without"],
)
def test_the_page_says_whether_missed_replies_are_fetched(as_manager, own_gateway, sender, said):
    assert said in text_of(save(as_manager, sender=sender))


def test_checking_wakes_an_account_that_was_put_to_rest(as_manager, clinic, own_gateway):
    save(as_manager)
    ProviderAccount.objects.update(paused_at=NOW, pause_code="418")
    assert "اعتبار حساب تمام شده است." in text_of(as_manager.get(PATH))
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
    assert said in text_of(as_manager.post(f"{PATH}check/", follow=True))


def test_checking_without_a_key_asks_for_one(as_manager, clinic, own_gateway):
    assert "هنوز کلیدی ثبت نشده است." in text_of(as_manager.post(f"{PATH}check/", follow=True))
    assert own_gateway.calls == []


def test_the_clinics_account_is_removed_after_one_question(as_manager, clinic, own_gateway):
    save(as_manager)
    assert 'id="confirm"' in text_of(as_manager.get(f"{PATH}remove/"))
    as_manager.post(f"{PATH}remove/")
    assert not ProviderAccount.objects.filter(active=True).exists()


def test_another_clinics_account_is_not_touched(as_manager, clinic, other_clinic, own_gateway):
    theirs = ProviderAccount.objects.create(clinic=other_clinic, api_key="theirs00", created_at=NOW)
    save(as_manager)
    as_manager.post(f"{PATH}remove/")
    theirs.refresh_from_db()
    assert theirs.active
