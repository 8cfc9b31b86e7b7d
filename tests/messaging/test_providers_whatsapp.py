"""WhatsApp's Cloud API: what is posted, what each error allows, and what webhooks tell."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from messaging.providers import get_provider
from messaging.providers.base import (
    AccountRefused,
    Approval,
    ApprovedText,
    Callback,
    DeliveryStatus,
    InboundText,
    MessageRefused,
    News,
    NotAccepted,
    OutcomeUnknown,
    OutgoingText,
    ProviderError,
    Reason,
    Receipt,
)
from messaging.providers.whatsapp import WhatsApp
from messaging.providers.whatsapp_news import heard, kept_id
from messaging.providers.wire import Answer
from sandbox.testing import running_gateway
from tests.messaging.graph import signed, status, value, webhook, written

TOKEN = "EAAGm0PX4ZCpsBAcanary"
NUMBER_ID = "106540352242922"
TEXT = OutgoingText(7_000_001, "+4915112345678", "سلام؛ جلسه‌ی شما فرداست.")
TEMPLATE = replace(TEXT, approved=ApprovedText("reminder", ("رضایی", "فردا\nساعت  ۱۷")))


def whatsapp(base_url="http://127.0.0.1:9", **settings):
    given = {"api_key": TOKEN, "sender": NUMBER_ID, "base_url": base_url}
    return get_provider("whatsapp", **{**given, **settings})


def answering(body, http=200):
    """A provider whose gateway gives this answer to everything; what was posted, in `posted`."""
    provider = whatsapp()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    provider.posted = []
    provider._client._wire.call = lambda request: (
        provider.posted.append(request) or Answer(http, raw)
    )
    return provider


TAKEN = {"messages": [{"id": "wamid.A", "message_status": "accepted"}]}


def posted(text):
    provider = answering(TAKEN)
    provider.send([text])
    return provider.posted[0]


def refusal(provider, text=TEXT):
    with pytest.raises(ProviderError) as caught:
        provider.send([text])
    return caught.value


# What is posted


def test_a_text_is_posted_with_our_own_id():
    request = posted(TEXT)

    assert request.url == f"http://127.0.0.1:9/v26.0/{NUMBER_ID}/messages"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "4915112345678",
        "type": "text",
        "text": {"body": TEXT.text, "preview_url": False},
        "biz_opaque_callback_data": "7000001",
    }


def test_an_approved_text_is_posted_as_its_template_with_its_values_in_order():
    assert json.loads(posted(TEMPLATE).body)["template"] == {
        "name": "reminder",
        "language": {"code": "fa"},
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "رضایی"},
                    {"type": "text", "text": "فردا ساعت ۱۷"},
                ],
            }
        ],
    }


def test_a_template_without_values_has_no_components():
    told = json.loads(posted(replace(TEXT, approved=ApprovedText("hello", ()))).body)

    assert told["template"]["components"] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (replace(TEXT, receptor="09121234567"), Reason.BAD_RECEPTOR),
        (replace(TEXT, receptor="+98912\n1234567"), Reason.BAD_RECEPTOR),
        (replace(TEXT, receptor=""), Reason.BAD_RECEPTOR),
        (replace(TEXT, text=" \n"), Reason.BAD_TEXT),
        (replace(TEXT, text="x" * 4097), Reason.BAD_TEXT),
        (replace(TEXT, text="\ud800"), Reason.BAD_TEXT),
        (replace(TEXT, approved=ApprovedText("reminder", ("", "x"))), Reason.BAD_TEXT),
    ],
)
def test_what_cannot_be_sent_never_leaves(text, reason):
    provider = answering(TAKEN)

    error = refusal(provider, text)

    assert (type(error), error.reason, provider.posted) == (MessageRefused, reason, [])


def test_the_number_of_the_answer_is_kept():
    (accepted,) = answering(TAKEN).send([TEXT])

    assert (accepted.local_id, accepted.provider_id, accepted.status, accepted.cost_rial) == (
        7_000_001,
        "wamid.A",
        DeliveryStatus.ACCEPTED,
        None,
    )


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": ""},
        {"api_key": "with space"},
        {"api_key": "line\r\nX: y"},
        {"sender": ""},
        {"sender": "../me"},
        {"sender": "۱۲۳"},
        {"version": "v26.0/x"},
        {"base_url": "http://graph.facebook.com"},
    ],
)
def test_settings_that_cannot_work_are_refused(given):
    with pytest.raises(ValueError, match=r"WhatsApp|Graph"):
        whatsapp(**given)


def test_it_declares_that_nothing_protects_from_a_second_copy():
    assert (WhatsApp.channel, WhatsApp.approval) == ("whatsapp", Approval.OUTSIDE_WINDOW)
    assert (WhatsApp.dedupes, WhatsApp.can_look_up, WhatsApp.max_batch) == (False, False, 1)
    assert whatsapp().look_up([1]) == whatsapp().statuses(["wamid.A"]) == {}


# What an error allows

LATER = [4, 80007, 130429, 131056, 131057]
ACCOUNT = [0, 3, 10, 33, 190, 200, 299, 368, 131005, 131031, 131042, 131048, 133010]
MESSAGE = [100, 130472, 130497, 131008, 131009, 131021, 131026, 131030, 131047, 131049, 131050]
MESSAGE += [131051, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 135000]
UNCLEAR = [1, 2, 131000, 131016, 133004, 999_999, -1, 300]


@pytest.mark.parametrize("http", [200, 400, 401, 404, 429, 500])
@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (LATER, NotAccepted),
        (ACCOUNT, AccountRefused),
        (MESSAGE, MessageRefused),
        (UNCLEAR, OutcomeUnknown),
    ],
    ids=["later", "account", "message", "unclear"],
)
def test_the_errors_own_code_decides_and_not_the_http_status(codes, kind, http):
    for code in codes:
        error = refusal(answering({"error": {"code": code, "message": "+98912"}}, http))
        assert (code, type(error), error.code) == (code, kind, code)


@pytest.mark.parametrize("code", [2, 131016, 133004])
def test_unavailable_is_certainly_not_accepted_where_the_door_was_shut(code):
    assert type(refusal(answering({"error": {"code": code}}, 503))) is NotAccepted


def test_a_number_id_that_is_not_ours_is_the_accounts_fault():
    wrong = {"error": {"code": 100, "error_subcode": 33}}

    assert type(refusal(answering(wrong, 400))) is AccountRefused


@pytest.mark.parametrize(
    ("body", "http"),
    [
        (b"", 200),
        (b"<html>", 502),
        (b"[" * 100_000, 200),
        ({}, 200),
        ({"messages": []}, 200),
        ({"messages": [{"id": None}]}, 200),
        ({"messages": [{"id": "two words"}]}, 200),
        (TAKEN, 500),
        ({"error": {"code": "many"}}, 400),
        ({"error": {}}, 400),
    ],
)
def test_an_answer_that_says_nothing_leaves_us_unknowing(body, http):
    assert type(refusal(answering(body, http))) is OutcomeUnknown


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(200, 599))
def test_any_answer_is_an_acceptance_or_one_of_our_errors(body, http):
    error = refusal(answering(body, http))

    assert type(error) in (OutcomeUnknown, AccountRefused, MessageRefused, NotAccepted)


def test_the_account_says_whether_its_token_works():
    assert answering({"id": NUMBER_ID}).account().credit_rial is None
    with pytest.raises(AccountRefused):
        answering({"error": {"code": 190}}, 401).account()


# What webhooks tell


def told(*statuses):
    return heard(webhook(value(statuses))).receipts


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("sent", DeliveryStatus.SENT),
        ("delivered", DeliveryStatus.DELIVERED),
        ("read", DeliveryStatus.DELIVERED),
        ("played", DeliveryStatus.DELIVERED),
        ("failed", DeliveryStatus.FAILED),
        ("warming", DeliveryStatus.UNRECOGNISED),
    ],
)
def test_each_state_is_told_with_our_own_id(word, meaning):
    assert told(status("wamid.A", word, ours=7)) == (Receipt("wamid.A", meaning, 7, ""),)


def test_a_failure_tells_its_code():
    assert told(status(word="failed", code=131026))[0].code == "131026"


def test_who_stopped_our_messages_blocks_us():
    assert told(status(word="failed", code=131050))[0].status is DeliveryStatus.BLOCKED


@pytest.mark.parametrize("ours", ["", "appt-42", "-1", "0", "9" * 40, 7.5, None, [1], "۷"])
def test_callback_data_that_is_not_ours_is_no_id(ours):
    assert told({**status(), "biz_opaque_callback_data": ours})[0].local_id is None


def test_a_batch_is_heard_whole_and_in_its_order():
    news = heard(
        webhook(
            value([status("wamid.A", "sent"), status("wamid.B", "read")]),
            value(messages=[written("wamid.C"), written("wamid.D")]),
            value([status("wamid.A", "delivered")], [written("wamid.E")]),
        )
    )

    assert [(r.provider_id, r.status.value) for r in news.receipts] == [
        ("wamid.A", "sent"),
        ("wamid.B", "delivered"),
        ("wamid.A", "delivered"),
    ]
    assert [text.provider_id for text in news.inbound] == ["wamid.C", "wamid.D", "wamid.E"]


def test_what_a_person_writes_is_heard_with_its_time_and_line():
    (text,) = heard(webhook(value(messages=[written(words="۱۱")]))).inbound

    at = datetime.fromtimestamp(1795242600, UTC)
    assert text == InboundText("wamid.IN", "+4915112345678", "+49301234567", "۱۱", at)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"type": "button", "button": {"text": "می‌آیم", "payload": "YES"}}, "می‌آیم"),
        ({"type": "button", "button": {"payload": "YES"}}, "YES"),
        (
            {"type": "interactive", "interactive": {"button_reply": {"id": "1", "title": "بله"}}},
            "بله",
        ),
        ({"type": "interactive", "interactive": {"list_reply": {"id": "1", "title": "نه"}}}, "نه"),
        ({"type": "reaction", "reaction": {"emoji": "👍"}}, "👍"),
        ({"type": "image", "image": {"caption": "ببینید"}}, "ببینید"),
        ({"type": "audio", "audio": {"id": "1"}}, "[audio]"),
        ({"text": {"body": "half \ud83d"}}, "half ?"),
    ],
)
def test_every_way_of_answering_has_its_words(content, words):
    (text,) = heard(webhook(value(messages=[written(**content)]))).inbound

    assert text.text == words


@pytest.mark.parametrize(
    "content",
    [
        {"type": "system"},
        {"type": "text", "text": {}},
        {"type": ["text"]},
        {"id": "a b"},
        {"id": 7},
    ],
)
def test_what_is_no_message_to_us_is_not_heard(content):
    assert heard(webhook(value(messages=[written(**content)]))) == News()


def without(message, *names):
    return {name: entry for name, entry in message.items() if name not in names}


@pytest.mark.parametrize(
    ("message", "contacts", "sender"),
    [
        (written(sender="+4915112345678"), [], "+4915112345678"),
        (without(written(), "from"), [{"wa_id": "4915"}], ""),
        (without(written(), "from"), [{"wa_id": "491511234567"}], "+491511234567"),
        (without(written(), "from"), [{"wa_id": "491511234567"}, {"wa_id": "491"}], ""),
        (without(written(user_id="DE.77"), "from"), [{"user_id": "DE.77"}], "DE.77"),
        (
            without(written(user_id="DE.77"), "from"),
            [{"user_id": "DE.77", "wa_id": "491511234567"}, {"user_id": "DE.8", "wa_id": "49151"}],
            "+491511234567",
        ),
        (without(written(), "from"), [], ""),
    ],
)
def test_the_sender_is_a_number_or_the_id_of_who_shows_none(message, contacts, sender):
    news = heard(webhook(value(messages=[message], contacts=contacts)))

    assert [text.sender for text in news.inbound] == ([sender] if sender else [])


def test_a_long_id_is_kept_short_and_always_the_same():
    long = "wamid." + "A" * 90

    assert kept_id(long) == kept_id(long) != kept_id(long + "A")
    assert len(kept_id(long)) <= 60
    assert kept_id("wamid." + "A" * 54) == "wamid." + "A" * 54


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_no_error(body):
    assert heard(body) == News() or heard(body).receipts or heard(body).inbound


def test_deep_nesting_is_no_news():
    assert heard(b'{"entry":' * 50_000) == heard(b"[" * 200_000) == News()


def test_a_signature_is_of_the_very_bytes():
    body = webhook(value([status()]))
    again = json.dumps(json.loads(body), ensure_ascii=False).encode()
    header = {"x-hub-signature-256": signed(body)}

    assert WhatsApp.is_genuine(Callback({}, body, header), "app-secret-of-a-test") is True
    assert WhatsApp.is_genuine(Callback({}, again + b" ", header), "app-secret-of-a-test") is False
    unsecret = {"x-hub-signature-256": signed(body, "")}
    assert WhatsApp.is_genuine(Callback({}, body, unsecret), "") is False


# With the stand-in


def test_outside_the_window_only_a_template_is_taken():
    with running_gateway() as gateway:
        gateway.whatsapp.options.templates = {"reminder/fa": 2, "short/fa": 1}
        provider = whatsapp(gateway.base_url)

        assert refusal(provider, TEXT).code == 131047
        assert provider.send([TEMPLATE])[0].provider_id in gateway.whatsapp.sent
        short = replace(TEMPLATE, approved=ApprovedText("short", ("a", "b")))
        unknown = replace(TEMPLATE, approved=ApprovedText("unknown", ()))
        assert (refusal(provider, short).code, refusal(provider, unknown).code) == (132000, 132001)

        gateway.world.write_by_whatsapp("4915112345678", "سلام")
        assert provider.send([TEXT])[0].provider_id in gateway.whatsapp.sent


def test_too_many_to_one_recipient_are_turned_away():
    with running_gateway() as gateway:
        gateway.whatsapp.options.any_template = True
        gateway.set_clock(datetime(2026, 11, 21, 6, 30, tzinfo=UTC))
        provider = whatsapp(gateway.base_url)
        for _ in range(45):
            provider.send([TEMPLATE])

        assert (refusal(provider, TEMPLATE).code, len(gateway.whatsapp.sent)) == (131056, 45)
