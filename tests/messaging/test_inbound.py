"""Texts that come in over HTTP: the gateway's callback, the poll, and the sandbox's phones."""

import datetime as dt
import io
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic import directory
from clinic.models import Directory
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import replies
from messaging.lookups import look_after
from messaging.models import ProviderAccount, Reply
from messaging.views import callback_token
from patients.models import Client, ConsentRecord
from sandbox.testing import running_gateway
from sessions_app.models import CareTask
from tests.effort import examples
from tests.factories import NOW, ClientFactory, ClinicFactory
from tests.locks import come_to_wait
from tests.messaging.inbound import PHONE, consents, hear, waiting, written

INSTALLATION = callback_token("kavenegar", None)
LINE = "10004346"
MINUTE = dt.timedelta(minutes=1)


def address(token, kind="kavenegar"):
    return f"/hooks/{kind}/{token}/inbound/"


def write(token, text, method="post", sender="09121234567", number=8_800_001):
    fields = {"messageid": number, "from": sender, "to": LINE, "message": text}
    browser = Browser(raise_request_exception=False, enforce_csrf_checks=True)
    return getattr(browser, method)(address(token), fields)


def account_of(clinic, **fields):
    fields = {"sender": LINE, "api_key": "key", "created_at": NOW} | fields
    account = ProviderAccount.objects.create(clinic=clinic, **fields)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        directory.publish(callback_token("kavenegar", account.pk), Directory.Purpose.RECEIPTS)
    return account


def token_of(account):
    return callback_token("kavenegar", account.pk)


# The callback


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_callback_is_heard(clinic, method):
    client = ClientFactory(clinic=clinic, phone=PHONE)
    response = write(INSTALLATION, "لغو۱۱", method)
    assert (response.status_code, response.content, response.cookies) == (200, b"ok", {})
    assert consents(client) == ["transactional"]
    reply = Reply.objects.get()
    assert (reply.provider, reply.provider_id, reply.line) == ("kavenegar", "8800001", LINE)


def test_a_callback_that_comes_twice_is_heard_once(clinic):
    ClientFactory(clinic=clinic, phone=PHONE)
    assert [write(INSTALLATION, "بله").status_code for _ in range(3)] == [200] * 3
    assert (Reply.objects.count(), CareTask.objects.count()) == (1, 0)


def test_a_strangers_text_is_answered_like_a_clients(clinic):
    response = write(INSTALLATION, "سلام")
    assert (response.status_code, response.content) == (200, b"ok")
    assert Reply.objects.count() == 0


def test_a_clinics_own_address_speaks_for_that_clinic_alone(clinic, other_clinic):
    ours = ClientFactory(clinic=clinic, phone=PHONE)
    theirs = ClientFactory(clinic=other_clinic, phone=PHONE)
    account = account_of(clinic)
    assert write(token_of(account), "11").status_code == 200
    assert consents(ours) == ["transactional"]
    assert consents(theirs) == ["transactional", "follow_up"]
    assert Reply.objects.get().account == account


WRONG = ["wrong", "x" * 4000, "تو", "%00", "%ff%fe", INSTALLATION[:-1], INSTALLATION.upper()]


@pytest.mark.parametrize("token", WRONG)
def test_a_wrong_address_is_not_there(clinic, token):
    client = ClientFactory(clinic=clinic, phone=PHONE)
    assert write(token, "11").status_code == 404
    assert consents(client) == ["transactional", "follow_up"]


def test_an_address_leads_only_to_its_own_clinic(clinic, other_clinic):
    """Even when the directory, by some slip, sends it to another."""
    client = ClientFactory(clinic=clinic, phone=PHONE)
    account = account_of(other_clinic)
    found = Directory.objects.filter(token_hash=directory.token_hash(token_of(account)))
    found.update(clinic_id=clinic.pk)
    assert write(token_of(account), "11").status_code == 404
    assert consents(client) == ["transactional", "follow_up"]


@pytest.mark.parametrize("kind", ["sandbox", "Kavenegar", "kavenegar2"])
def test_a_gateway_we_do_not_know_is_not_there(clinic, kind):
    assert Browser().post(address(INSTALLATION, kind)).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(clinic, method):
    assert getattr(Browser(), method)(address(INSTALLATION)).status_code == 405


def test_a_delivery_report_at_the_wrong_address_changes_nothing(clinic):
    client = ClientFactory(clinic=clinic, phone=PHONE)
    news = {"messageid": "8800001", "status": "10"}
    assert Browser().post(address(INSTALLATION), news).status_code == 200
    assert (Reply.objects.count(), consents(client)) == (0, ["transactional", "follow_up"])


# Any bytes

TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=nonsense",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/json",
    "",
]
NAMES = st.sampled_from(["messageid", "from", "to", "message", "From", "message[]"]) | st.text()
VALUES = st.text() | st.sampled_from(["5", "09121234567", "11", "۱۲", "\0", "1e5", "9" * 30])
BYTES = st.binary(max_size=120).map(lambda body: b"messageid=5&from=09121234567&message=" + body)
MANY = effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def listener(clinic):
    return ClientFactory(clinic=clinic, phone=PHONE, consent_transactional=True)


def _is_right(listener):
    """Whatever was said: reminders stay, and what is off was taken back by a text."""
    listener.refresh_from_db()
    refused = ConsentRecord.objects.filter(client=listener, given=False, purpose="follow_up")
    stopped = Reply.objects.filter(intent="stop").exists()
    return listener.consent_transactional and refused.exists() == stopped


@MANY
@given(body=st.binary(max_size=200) | BYTES, content_type=st.sampled_from(TYPES))
def test_no_body_is_an_error_of_ours(listener, body, content_type):
    browser = Browser(raise_request_exception=False)
    response = browser.generic("POST", address(INSTALLATION), body, content_type=content_type)
    assert response.status_code in (200, 400)
    assert _is_right(listener)


@MANY
@given(
    params=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    method=st.sampled_from(["get", "post"]),
)
def test_no_fields_are_an_error_of_ours(listener, params, method):
    fields = {name: value for name, value in params if _is_sendable(name + value)}
    browser = Browser(raise_request_exception=False)
    assert getattr(browser, method)(address(INSTALLATION), fields).status_code == 200
    assert _is_right(listener)


@MANY
@given(text=st.text(max_size=200), sender=st.sampled_from(["09121234567", "+989121234567"]))
def test_no_words_are_an_error_of_ours(listener, text, sender):
    before = Reply.objects.count()
    text = "".join(letter for letter in text if _is_sendable(letter))
    number = 9_500_000 + before
    assert write(INSTALLATION, text, sender=sender, number=number).status_code == 200
    assert Reply.objects.count() == before + 1
    assert _is_right(listener)


def _is_sendable(text):
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


# Nothing of it is written down


@pytest.fixture
def log():
    """What really reaches the log, with every logger as talkative as it can be."""
    (handler,) = [h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler]
    stream = io.StringIO()
    before = handler.setStream(stream)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield stream.getvalue
    logging.getLogger().setLevel(level)
    handler.setStream(before)


def test_neither_token_nor_number_nor_words_are_ever_logged(clinic, log, monkeypatch):
    ClientFactory(clinic=clinic, phone=PHONE)
    write(INSTALLATION, "کلمه‌ی محرمانه")
    write(INSTALLATION, "کلمه‌ی محرمانه", sender="09350000000", number=5)
    monkeypatch.setattr("messaging.replies.receive", lambda *_, **__: 1 / 0)
    write(INSTALLATION, "کلمه‌ی محرمانه")
    lines = log()
    assert "replies_of_strangers" in lines
    assert "ZeroDivisionError" in lines
    for secret in (INSTALLATION, "محرمانه", "9121234567", "9350000000"):
        assert secret not in lines


# The poll


@pytest.fixture
def phones(gateway, settings):
    """The sandbox, with no account of the installation's own; replies wait in its inbox."""
    settings.KAVENEGAR_API_KEY = ""
    gateway.options.default_key = "key"
    gateway.set_clock(NOW - MINUTE)
    return gateway


def asked(gateway):
    return [call.method for call in gateway.calls].count("sms/receive")


def test_what_no_callback_brought_is_fetched(clinic, phones):
    client = ClientFactory(clinic=clinic, phone=PHONE)
    account = account_of(clinic)
    message = phones.reply("09121234567", LINE, "لغو۱۱")
    assert replies.fetch(NOW) == {"replies": 1}
    assert consents(client) == ["transactional"]
    reply = Reply.objects.get()
    assert (reply.account, reply.provider_id) == (account, str(message.id))
    assert (reply.line, reply.received_at) == (LINE, NOW - MINUTE)
    assert phones.inbound[0].read


def test_a_text_that_a_callback_brought_is_not_heard_again(clinic, phones):
    ClientFactory(clinic=clinic, phone=PHONE)
    account = account_of(clinic)
    message = phones.reply("09121234567", LINE, "بله")
    write(token_of(account), "بله", number=message.id)
    assert replies.fetch(NOW) == {"known": 1}
    assert Reply.objects.count() == 1


def test_each_gateway_is_asked_once_in_five_minutes(clinic, other_clinic, phones):
    account_of(clinic)
    for minute, times in [(0, 1), (1, 1), (4, 1), (5, 2), (9, 2), (10, 3)]:
        look_after(NOW + minute * MINUTE)
        assert asked(phones) == times, minute
    account_of(other_clinic)
    look_after(NOW + 11 * MINUTE)
    assert asked(phones) == 4


@pytest.mark.parametrize("fields", [{"sender": ""}, {"active": False}], ids=["no line", "off"])
def test_an_account_without_a_line_or_out_of_use_is_not_asked(clinic, phones, fields):
    account_of(clinic, **fields)
    replies.fetch(NOW)
    assert asked(phones) == 0


def test_a_whole_inbox_is_fetched_page_by_page(clinic, phones):
    ClientFactory(clinic=clinic, phone=PHONE)
    account_of(clinic)
    for n in range(101):
        phones.reply("09121234567", LINE, f"پیام {n}")
    assert replies.fetch(NOW) == {"replies": 101}
    assert asked(phones) == 3
    assert len(waiting()) == 101


FAILURES = [("code", {"code": 412}), ("code", {"code": 409}), ("drop", {}), ("html", {"code": 502})]


def test_a_number_that_the_gateway_itself_blocked_is_stopped(clinic, phones):
    """It acted on the «۱۱» and brought no text of it."""
    client = ClientFactory(clinic=clinic, phone=PHONE)
    account_of(clinic)
    phones.reply("09121234567", LINE, "11")
    phones.fail_next("code", code=412, method="sms/receive")
    assert replies.fetch(NOW) == {"replies": 1}
    assert consents(client) == ["transactional"]


@pytest.mark.parametrize(("mode", "details"), FAILURES, ids=str)
def test_a_gateway_that_does_not_answer_is_asked_next_time(clinic, phones, mode, details):
    client = ClientFactory(clinic=clinic, phone=PHONE)
    account = account_of(clinic)
    phones.reply("09121234567", LINE, "11")
    for method in ("sms/receive", "line/blocked/list"):
        phones.fail_next(mode, method=method, **details)
    assert replies.fetch(NOW) == {}
    account.refresh_from_db()
    assert account.paused_at is None
    replies.fetch(NOW + 5 * MINUTE)
    assert consents(client) == ["transactional"]


def test_a_copy_of_the_database_does_not_take_the_installations_texts(clinic, settings):
    """Outside production the real gateway is not asked: it gives each text once."""
    account = account_of(clinic)
    settings.KAVENEGAR_BASE_URL = "https://gateway.invalid"
    assert replies.fetch(NOW) == {}
    account.refresh_from_db()
    assert account.replies_asked_at == NOW


def test_one_lost_text_does_not_take_the_rest_along(clinic, phones, monkeypatch):
    ClientFactory(clinic=clinic, phone=PHONE)
    account_of(clinic)
    for text in ("یک", "دو", "سه"):
        phones.reply("09121234567", LINE, text)
    heard = replies.receive

    def receive(kind, account_id, clinic_id, inbound, **rest):
        if inbound[0].text == "دو":
            raise OperationalError("canary")
        return heard(kind, account_id, clinic_id, inbound, **rest)

    monkeypatch.setattr(replies, "receive", receive)
    assert replies.fetch(NOW) == {"replies": 2, "lost": 1}
    assert waiting() == ["یک", "سه"]


# Two at once


@pytest.fixture
def committed(transactional_db):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = ClinicFactory(slug="aramesh")
        return ClientFactory(clinic=clinic, phone=PHONE, consent_campaign=True)


def at_once(*works):
    """Run each on a connection of its own, all from the same moment on."""
    start = threading.Barrier(len(works))

    def run(work):
        try:
            start.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(run, works))


@pytest.mark.parametrize("text", ["11", "بله"])
def test_a_callback_and_the_poll_at_once_are_heard_once(committed, text):
    told = written(text)
    assert at_once(*[lambda: hear(told)] * 4) == [0, 0, 0, 1]
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        asked = 1 if text == "11" else 0
        assert (Reply.objects.count(), CareTask.objects.count()) == (1, asked)


def test_two_stops_at_once_ask_reception_once(committed):
    assert at_once(lambda: hear("11"), lambda: hear("11")) == [1, 1]
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert (Reply.objects.count(), CareTask.objects.count()) == (2, 1)


def test_a_twelve_waits_for_the_eleven_that_is_being_heard(committed):
    with ThreadPoolExecutor(1) as pool:
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            hear("11")
            started = pool.submit(at_once, lambda: hear("12", now=NOW + MINUTE))
            waited = come_to_wait()
        assert (waited, started.result(timeout=20)) == (True, [1])
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert consents(Client.objects.get()) == ["transactional", "follow_up", "campaign"]


# The phones of the sandbox


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_reply_on_a_phone_arrives_in_the_clinic(committed, live_server, method):
    hook = f"{live_server.url}{address(INSTALLATION)}"
    with running_gateway(inbound_url=hook, method=method) as phones:
        for text in ("لغو۱۱", "کمی دیر می‌رسم\nببخشید 🙏", "شروع ۱۲"):
            phones.reply("09121234567", LINE, text)
            while phones.inbound[-1].answer is None:
                phones.pump()
        assert [message.answer for message in phones.inbound] == [200] * 3
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        said = Reply.objects.order_by("pk").values_list("intent", "text", "clinic")
        assert list(said) == [
            ("stop", "لغو۱۱", committed.clinic_id),
            ("other", "کمی دیر می‌رسم\nببخشید 🙏", committed.clinic_id),
            ("start", "شروع ۱۲", committed.clinic_id),
        ]
        kinds = CareTask.objects.order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["stopped"]
        assert waiting() == ["کمی دیر می‌رسم\nببخشید 🙏"]
        assert consents(Client.objects.get(pk=committed.pk)) == [
            "transactional",
            "follow_up",
            "campaign",
        ]
