"""Receipts that gateways send: whose they are, what they change, and that nothing breaks us."""

import io
import itertools
import logging

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic import directory
from clinic.models import Directory
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging.models import Message, ProviderAccount, Reason, State
from messaging.views import callback_token
from tests.effort import examples
from tests.factories import MessageFactory

DELIVERED, UNDELIVERED, FAILED, CANCELLED, BLOCKED = 10, 11, 6, 13, 14
NUMBERS = itertools.count(8_792_343)


def address(token, kind="kavenegar"):
    return f"/hooks/{kind}/{token}/status/"


INSTALLATION = callback_token("kavenegar", None)


def account_of(clinic, now, **fields):
    """A clinic's own account, with its callback address known to the directory."""
    account = ProviderAccount.objects.create(
        clinic=clinic, kind="kavenegar", api_key="key", created_at=now, **fields
    )
    publish(account)
    return account


def publish(account):
    with wear(Hat.WEB, clinic_id=account.clinic_id):
        directory.publish(token_of(account), Directory.Purpose.RECEIPTS)


def token_of(account):
    return callback_token("kavenegar", account.pk)


def sent(clinic, account=None, state=State.SENT, number=None):
    return MessageFactory(
        clinic=clinic,
        session=None,
        state=state,
        account=account,
        provider="kavenegar",
        provider_id=str(number or next(NUMBERS)),
    )


def tell(token, number, status, method="post", **options):
    news = {"messageid": number, "status": status}
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    return getattr(browser, method)(address(token), news, **options)


def state_of(message):
    message.refresh_from_db()
    return message.state


# What a receipt does


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_receipt_settles_its_message(clinic, method):
    message = sent(clinic)
    response = tell(INSTALLATION, message.provider_id, DELIVERED, method)
    assert (response.status_code, response.content) == (200, b"ok")
    message.refresh_from_db()
    assert message.state == State.DELIVERED
    assert message.delivered_at == message.state_at
    assert message.ask_at is None


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (DELIVERED, State.DELIVERED, ""),
        (UNDELIVERED, State.UNDELIVERED, Reason.CARRIER),
        (FAILED, State.UNDELIVERED, Reason.CARRIER),
        (CANCELLED, State.UNDELIVERED, Reason.REFUSED),
        (BLOCKED, State.UNDELIVERED, Reason.BLOCKED),
    ],
    ids=["delivered", "undelivered", "failed", "cancelled", "blocked"],
)
def test_each_last_word_has_its_state(clinic, status, state, reason):
    message = sent(clinic)
    tell(INSTALLATION, message.provider_id, status)
    message.refresh_from_db()
    assert (message.state, message.reason) == (state, reason)
    assert (message.delivered_at is None) == (state != State.DELIVERED)


@pytest.mark.parametrize("status", [1, 2, 4, 5, 100, 99, -1, "", "delivered", "۱۰"])
def test_any_other_word_changes_nothing(clinic, status):
    message = sent(clinic)
    assert tell(INSTALLATION, message.provider_id, status).status_code == 200
    assert state_of(message) == State.SENT


def test_a_receipt_that_comes_twice_changes_nothing_more(clinic):
    message = sent(clinic)
    tell(INSTALLATION, message.provider_id, DELIVERED)
    message.refresh_from_db()
    first = message.state_at
    assert tell(INSTALLATION, message.provider_id, DELIVERED).status_code == 200
    message.refresh_from_db()
    assert (message.state, message.state_at) == (State.DELIVERED, first)


def test_a_receipt_that_comes_late_does_not_take_the_last_word_back(clinic):
    message = sent(clinic)
    for status in (DELIVERED, 4, 1, UNDELIVERED, BLOCKED):
        tell(INSTALLATION, message.provider_id, status)
    assert state_of(message) == State.DELIVERED


@pytest.mark.parametrize("state", [state for state in State if state != State.SENT])
def test_only_a_sent_message_is_settled(clinic, state):
    message = sent(clinic, state=state)
    assert tell(INSTALLATION, message.provider_id, DELIVERED).status_code == 200
    assert state_of(message) == state


def test_an_unknown_number_is_answered_like_a_known_one(clinic):
    message = sent(clinic)
    response = tell(INSTALLATION, 999_999, DELIVERED)
    assert (response.status_code, response.content) == (200, b"ok")
    assert state_of(message) == State.SENT


# Whose it is


def test_a_clinics_own_address_settles_its_own_message(clinic, now):
    account = account_of(clinic, now)
    message = sent(clinic, account)
    assert tell(token_of(account), message.provider_id, DELIVERED).status_code == 200
    assert state_of(message) == State.DELIVERED


def test_a_clinics_address_cannot_settle_another_clinics_message(clinic, other_clinic, now):
    ours, theirs = account_of(clinic, now), account_of(other_clinic, now)
    message = sent(other_clinic, theirs)
    assert tell(token_of(ours), message.provider_id, DELIVERED).status_code == 200
    assert state_of(message) == State.SENT


def test_numbers_are_an_accounts_own(clinic, other_clinic, now):
    """Two accounts may number alike; a clinic's old account still speaks of its own messages."""
    old = account_of(clinic, now, active=False)
    new, theirs = account_of(clinic, now), account_of(other_clinic, now)
    messages = [
        sent(clinic, old, number=1),
        sent(clinic, new, number=1),
        sent(clinic, None, number=1),
        sent(other_clinic, theirs, number=1),
    ]
    tell(token_of(old), 1, DELIVERED)
    assert [state_of(m) for m in messages] == [State.DELIVERED, State.SENT, State.SENT, State.SENT]
    tell(INSTALLATION, 1, DELIVERED)
    assert [state_of(m) for m in messages[1:]] == [State.SENT, State.DELIVERED, State.SENT]


def test_the_installations_address_serves_every_clinic_without_an_account(clinic, other_clinic):
    messages = [sent(clinic), sent(other_clinic)]
    for message in messages:
        tell(INSTALLATION, message.provider_id, DELIVERED)
    assert [state_of(m) for m in messages] == [State.DELIVERED] * 2


def test_the_installations_address_leaves_own_accounts_alone(clinic, now):
    message = sent(clinic, account_of(clinic, now))
    tell(INSTALLATION, message.provider_id, DELIVERED)
    assert state_of(message) == State.SENT


WRONG = ["wrong", "x" * 4000, "تو", "%00", "%ff%fe", INSTALLATION[:-1], INSTALLATION + "0"]


@pytest.mark.parametrize("token", [*WRONG, INSTALLATION.upper()])
def test_a_wrong_address_is_not_there(clinic, token):
    message = sent(clinic)
    assert tell(token, message.provider_id, DELIVERED).status_code == 404
    assert state_of(message) == State.SENT


def test_an_address_that_was_withdrawn_is_not_there(clinic, now):
    account = account_of(clinic, now)
    message = sent(clinic, account)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        directory.withdraw(directory.token_hash(token_of(account)))
    assert tell(token_of(account), message.provider_id, DELIVERED).status_code == 404
    assert state_of(message) == State.SENT


def test_an_invitations_token_is_no_address_for_receipts(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        directory.publish("of-an-invitation", Directory.Purpose.INVITATION)
    assert tell("of-an-invitation", 1, DELIVERED).status_code == 404


def test_an_accounts_address_leads_only_to_its_own_clinic(clinic, other_clinic, now):
    """Even when the directory, by some slip, sends it to another."""
    theirs = account_of(other_clinic, now)
    message = sent(other_clinic, theirs)
    found = Directory.objects.filter(token_hash=directory.token_hash(token_of(theirs)))
    found.update(clinic_id=clinic.pk)
    assert tell(token_of(theirs), message.provider_id, DELIVERED).status_code == 404
    assert state_of(message) == State.SENT


@pytest.mark.parametrize("kind", ["sandbox", "Kavenegar", "kavenegar2"])
def test_a_gateway_we_do_not_know_is_not_there(clinic, kind):
    assert Client().post(address(INSTALLATION, kind)).status_code == 404


def test_every_installation_has_addresses_of_its_own(settings):
    before = callback_token("kavenegar", 5)
    settings.SECRET_KEY = "another installation's key"
    assert callback_token("kavenegar", 5) != before
    assert callback_token("kavenegar", 5) != callback_token("kavenegar", 6)


# Nothing breaks it, and nothing of it is written down


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(clinic, method):
    assert getattr(Client(), method)(address(INSTALLATION)).status_code == 405


def test_it_needs_no_session_and_sets_no_cookie(clinic):
    assert tell(INSTALLATION, 1, DELIVERED).cookies == {}


TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=nonsense",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/json",
    "text/plain; charset=utf-16",
    "",
]
NAMES = st.sampled_from(["messageid", "status", "MessageId", "messageid[]", "sender"]) | st.text()
VALUES = st.text() | st.integers().map(str) | st.sampled_from(["10", "\0", "1e5", "۱۰", "NaN"])
MANY = effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@MANY
@given(body=st.binary(max_size=200), content_type=st.sampled_from(TYPES))
def test_no_body_is_an_error_of_ours(clinic, body, content_type):
    browser = Client(raise_request_exception=False)
    response = browser.generic("POST", address(INSTALLATION), body, content_type=content_type)
    assert response.status_code in (200, 400)


@MANY
@given(
    params=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    method=st.sampled_from(["get", "post"]),
)
def test_no_fields_are_an_error_of_ours(clinic, params, method):
    news = {name: value for name, value in params if _is_sendable(name) and _is_sendable(value)}
    browser = Client(raise_request_exception=False)
    assert getattr(browser, method)(address(INSTALLATION), news).status_code == 200


def _is_sendable(text):
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


@MANY
@given(token=st.text(min_size=1, max_size=60).filter(_is_sendable))
def test_no_token_is_an_error_of_ours(clinic, token):
    path = f"/hooks/kavenegar/{token}/status/"
    assert Client(raise_request_exception=False).get(path).status_code in (301, 404)


@pytest.fixture
def log():
    """What really reaches the log, with every logger as talkative as it can be."""
    (handler,) = [h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler]
    written = io.StringIO()
    before = handler.setStream(written)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield written.getvalue
    logging.getLogger().setLevel(level)
    handler.setStream(before)


def test_neither_token_nor_number_is_ever_logged(clinic, now, log, monkeypatch):
    account = account_of(clinic, now)
    message = sent(clinic, account)
    own = token_of(account)
    for token in (own, INSTALLATION):
        for status in (DELIVERED, DELIVERED, 99):
            tell(token, message.provider_id, status)
        browser = Client(raise_request_exception=False)
        browser.put(address(token))
        browser.get(address(token, "unknown"))
        browser.get(address(token).rstrip("/") + "x/")
        browser.generic("POST", address(token), b"x", content_type="multipart/form-data")
        monkeypatch.setattr("messaging.receipts.apply", lambda *_, **__: 1 / 0)
        tell(token, message.provider_id, DELIVERED)
        monkeypatch.undo()
    written = log()
    assert "receipt_changed_nothing" in written
    assert "Method Not Allowed (PUT): /hooks/<slug:kind>/<str:token>/status/" in written
    assert "Not Found: (no such address)" in written
    assert "ZeroDivisionError" in written
    for secret in (own, INSTALLATION, message.recipient, message.recipient.removeprefix("+98")):
        assert secret not in written


def test_the_worker_may_settle_and_read_nothing_of_people(clinic):
    """The view works under the worker's hat: its rights are the last fence."""
    sent(clinic)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        assert Message.objects.filter(state=State.SENT).update(reason="") == 1
