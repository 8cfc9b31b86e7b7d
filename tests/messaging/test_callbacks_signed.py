"""Callbacks that are signed, greeted, or tell our own ids: WhatsApp's webhooks and bounces."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic import directory
from clinic.models import Directory
from clinic.tenancy import Hat, wear
from messaging.models import Message, ProviderAccount, Reason, Reply, State
from messaging.providers.email_tags import tag
from messaging.views import callback_token, verify_token
from tests.effort import examples
from tests.factories import ClientFactory, MessageFactory
from tests.messaging.bounces import bounce
from tests.messaging.graph import APP_SECRET, signed, status, value, webhook, written

MOBILE = "+4915112345678"


@pytest.fixture
def account(clinic, now):
    return whatsapp_account(clinic, now)


def whatsapp_account(clinic, now, **fields):
    account = ProviderAccount.objects.create(
        clinic=clinic,
        created_at=now,
        **{
            "kind": "whatsapp",
            "channel": "whatsapp",
            "sender": "106540352242922",
            "api_key": "EAAG",
            "app_secret": APP_SECRET,
            **fields,
        },
    )
    with wear(Hat.WEB, clinic_id=clinic.pk):
        directory.publish(callback_token("whatsapp", account.pk), Directory.Purpose.RECEIPTS)
    return account


def address(account):
    return f"/hooks/whatsapp/{callback_token('whatsapp', account.pk)}/"


def tell(account, body, signature=None):
    """Post a webhook, signed unless told otherwise."""
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    headers = {"X-Hub-Signature-256": signed(body) if signature is None else signature}
    return browser.post(address(account), body, content_type="application/json", headers=headers)


def message(account, state=State.SENT, wamid="wamid.A", **fields):
    return MessageFactory(
        clinic=account.clinic,
        session=None,
        state=state,
        account=account,
        channel="whatsapp",
        provider="whatsapp",
        provider_id=wamid,
        **fields,
    )


def fresh(row):
    return Message.objects.get(pk=row.pk)


# Whether it is theirs


def test_a_signed_webhook_settles_its_message(account):
    row = message(account)

    assert tell(account, webhook(value([status()]))).status_code == 200
    assert fresh(row).state == State.DELIVERED


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "تو", signed(b"another body")],
)
def test_what_is_not_signed_is_forbidden_and_changes_nothing(account, signature):
    row = message(account)

    assert tell(account, webhook(value([status()])), signature).status_code == 403
    assert fresh(row).state == State.SENT


def test_an_account_without_a_secret_believes_nobody(clinic, now):
    account = whatsapp_account(clinic, now, app_secret="")
    row, body = message(account), webhook(value([status()]))

    assert tell(account, body, signed(body, "")).status_code == 403
    assert fresh(row).state == State.SENT


def test_another_clinics_secret_does_not_open_ours(account, other_clinic, now):
    whatsapp_account(other_clinic, now, app_secret="theirs")
    row, body = message(account), webhook(value([status()]))

    assert tell(account, body, signed(body, "theirs")).status_code == 403
    assert fresh(row).state == State.SENT


def test_another_clinics_webhook_cannot_settle_our_message(account, other_clinic, now):
    theirs = whatsapp_account(other_clinic, now)
    sent, unclear = message(account), message(account, State.UNKNOWN, "")

    response = tell(theirs, webhook(value([status(), status(ours=unclear.pk)])))

    assert response.status_code == 200
    assert [fresh(row).state for row in (sent, unclear)] == [State.SENT, State.UNKNOWN]


def test_the_installation_has_no_signed_account(db):
    body = webhook(value([status()]))
    path = f"/hooks/whatsapp/{callback_token('whatsapp', None)}/"
    headers = {"X-Hub-Signature-256": signed(body, "")}

    response = Client().post(path, body, content_type="application/json", headers=headers)

    assert response.status_code == 403


# The greeting


def greet(account, **changes):
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": verify_token("whatsapp", account.pk),
        "hub.challenge": "1158201444",
    }
    return Client().get(address(account), query | changes)


def test_a_greeting_with_our_token_gets_its_challenge_back(account):
    response = greet(account)

    assert (response.status_code, response.content) == (200, b"1158201444")
    assert response["Content-Type"].startswith("text/plain")


def test_a_greeting_with_another_token_is_forbidden(account, other_clinic, now):
    theirs = whatsapp_account(other_clinic, now)
    token = verify_token("whatsapp", theirs.pk)

    assert greet(account, **{"hub.verify_token": token}).status_code == 403
    assert greet(account, **{"hub.verify_token": ""}).status_code == 403
    assert greet(account, **{"hub.mode": "unsubscribe"}).status_code == 403


# What our own id settles


@pytest.mark.parametrize("state", [State.UNKNOWN, State.SENDING])
@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("sent", State.SENT),
        ("delivered", State.DELIVERED),
        ("read", State.DELIVERED),
        ("failed", State.UNDELIVERED),
    ],
)
def test_a_text_whose_answer_never_came_is_settled_by_our_id(account, now, state, word, ending):
    row = message(
        account, state, "", holder="w1", lease_until=now, ask_at=now, attempted_at=now, reason="x"
    )

    tell(account, webhook(value([status("wamid.NEW", word, ours=row.pk)])))

    row = fresh(row)
    assert (row.state, row.provider_id) == (ending, "wamid.NEW")
    assert (row.holder, row.lease_until, row.ask_at, row.sent_at) == ("", None, None, now)
    steps = [State.SENT] if ending == State.SENT else [State.SENT, ending]
    assert [step["to"] for step in row.life] == steps


@pytest.mark.parametrize(
    "state", [s for s in State if s not in (State.UNKNOWN, State.SENDING, State.SENT)]
)
def test_our_id_moves_nothing_else(account, state):
    row = message(account, state, "")

    assert tell(account, webhook(value([status("wamid.NEW", ours=row.pk)]))).status_code == 200
    assert (fresh(row).state, fresh(row).provider_id) == (state, "")


def test_our_id_does_not_give_a_sent_message_another_number(account):
    row = message(account, wamid="wamid.FIRST")

    tell(account, webhook(value([status("wamid.SECOND", ours=row.pk)])))

    assert (fresh(row).state, fresh(row).provider_id) == (State.SENT, "wamid.FIRST")


def test_a_word_we_do_not_know_settles_nothing(account):
    row = message(account, State.UNKNOWN, "")

    tell(account, webhook(value([status("wamid.NEW", "warming_up", ours=row.pk)])))

    assert fresh(row).state == State.UNKNOWN


def test_a_webhook_of_one_account_cannot_settle_what_another_of_the_clinic_sent(account, now):
    other = whatsapp_account(account.clinic, now, standby=True)
    row = message(other, State.UNKNOWN, "")

    tell(account, webhook(value([status("wamid.NEW", ours=row.pk)])))

    assert fresh(row).state == State.UNKNOWN


def test_a_failure_keeps_the_gateways_own_code(account):
    row = message(account)

    tell(account, webhook(value([status(word="failed", code=131026)])))

    row = fresh(row)
    assert (row.state, row.reason, row.provider_code) == (
        State.UNDELIVERED,
        Reason.CARRIER,
        "131026",
    )
    assert row.life[-1]["code"] == "131026"


def test_states_in_any_order_and_twice_end_the_same(account):
    row = message(account)
    body = webhook(
        value([status(word="read"), status(word="sent")]), value([status(word="failed")])
    )

    for _ in range(2):
        tell(account, body)

    assert [step["to"] for step in fresh(row).life] == [State.DELIVERED]


# What clients write


def test_a_clients_words_become_a_reply(account):
    ClientFactory(clinic=account.clinic, phone=MOBILE)

    tell(account, webhook(value(messages=[written(words="۱۱")])))

    reply = Reply.objects.get()
    assert (reply.phone, reply.intent, reply.provider) == (MOBILE, Reply.Intent.STOP, "whatsapp")


def test_a_person_without_a_number_is_a_stranger(account):
    ClientFactory(clinic=account.clinic, phone=MOBILE)
    hidden = written(user_id="DE.13491208655302741918")
    del hidden["from"]

    assert tell(account, webhook(value(messages=[hidden]))).status_code == 200
    assert not Reply.objects.exists()


# Letters that come back


def mail(**fields):
    return MessageFactory(
        **{"session": None, "channel": "email", "provider": "email", "account": None, **fields}
    )


def post_bounce(body):
    path = f"/hooks/email/{callback_token('email', None)}/"
    browser = Client(raise_request_exception=False)
    # As curl declares whatever it is given.
    return browser.generic("POST", path, body, "application/x-www-form-urlencoded")


def test_a_bounce_ends_its_letter(clinic):
    row = mail(clinic=clinic, state=State.SENT)
    Message.objects.filter(pk=row.pk).update(provider_id=tag(row.pk))

    assert post_bounce(bounce(row.pk)).status_code == 200

    row = fresh(row)
    assert (row.state, row.reason, row.provider_code) == (
        State.UNDELIVERED,
        Reason.BOUNCED,
        "5.1.1",
    )


def test_a_bounce_settles_a_letter_whose_answer_was_lost(clinic):
    row = mail(clinic=clinic, state=State.UNKNOWN)

    post_bounce(bounce(row.pk))

    row = fresh(row)
    assert (row.state, row.reason, row.provider_id) == (
        State.UNDELIVERED,
        Reason.BOUNCED,
        tag(row.pk),
    )


def test_a_forged_bounce_ends_nothing(clinic):
    row = mail(clinic=clinic, state=State.SENT)
    Message.objects.filter(pk=row.pk).update(provider_id=tag(row.pk))
    forged = bounce(row.pk).replace(tag(row.pk).encode(), b"peygir.%d.aaaaaaaaaaaaaaaa" % row.pk)

    assert post_bounce(forged).status_code == 200
    assert fresh(row).state == State.SENT


def test_a_bounce_full_of_ampersands_is_no_form(clinic):
    row = mail(clinic=clinic, state=State.UNKNOWN)

    assert post_bounce(bounce(row.pk, words="a=1&" * 3000)).status_code == 200
    assert fresh(row).state == State.UNDELIVERED


# Nothing breaks it

MANY = effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CODECS = [
    "hex",
    "rot13",
    "zip",
    "utf-16",
    "idna",
    "punycode",
    "unicode_escape",
    "undefined",
    "x" * 99,
]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_no_charset_is_an_error_of_ours(account, codec, kind):
    body = webhook(value([status()]))
    browser = Client(raise_request_exception=False)
    response = browser.generic(
        "POST",
        address(account),
        body,
        content_type=f"{kind}; charset={codec}",
        headers={"X-Hub-Signature-256": signed(body)},
    )
    assert response.status_code == 200


@MANY
@given(data=st.data())
def test_nothing_that_is_rightly_signed_is_an_error_of_ours(account, data):
    """Texts with NUL bytes and half surrogates, numbers without end, times before Christ."""
    words = st.text(st.characters(), max_size=12) | st.sampled_from(
        ["\0", "\ud83d", "9" * 400, "-62135596801", "1e400", "wamid.A", "+989121234567", "11"]
    )
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
    anything = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    )
    keys = [
        "id",
        "from",
        "type",
        "text",
        "timestamp",
        "status",
        "biz_opaque_callback_data",
        "errors",
    ]
    near = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, anything))
    told = data.draw(
        near.map(lambda d: written() | d) | near.map(lambda d: status() | d) | anything
    )
    ClientFactory(clinic=account.clinic, phone=MOBILE)
    body = webhook(value([told], [told]), told)

    assert tell(account, body).status_code == 200


@MANY
@given(body=st.binary(max_size=300) | st.just(b"[" * 100_000))
def test_no_signed_bytes_are_an_error_of_ours(account, body):
    assert tell(account, body).status_code == 200


def test_more_than_anybody_has_to_say_is_refused(account, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert tell(account, b"x" * 1001).status_code in (400, 413)
