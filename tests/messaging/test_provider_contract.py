"""What every gateway in the registry keeps to, whatever its protocol."""

import json
import logging
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from messaging.providers import PROVIDERS, provider_class
from messaging.providers.base import (
    Accepted,
    AccountRefused,
    Approval,
    Callback,
    DeliveryStatus,
    InboundText,
    MessageRefused,
    News,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    Receipt,
)
from tests.messaging.harnesses import HARNESSES, WebHarness, traces

KINDS = sorted(PROVIDERS)
DEDUPING = [kind for kind in KINDS if provider_class(kind).dedupes]


#: Those that speak HTTP; one without a harness stays in, and fails.
WEB = [kind for kind in KINDS if issubclass(HARNESSES.get(kind, WebHarness), WebHarness)]


def for_kinds(kinds):
    return pytest.mark.parametrize("harness", kinds, indirect=True)


@pytest.fixture
def harness(request):
    if request.param not in HARNESSES:
        pytest.fail(f"write a harness for {request.param!r} in tests/messaging/harnesses.py")
    with HARNESSES[request.param].running() as running:
        yield running


def refusal(call, *arguments):
    with pytest.raises(ProviderError) as caught:
        call(*arguments)
    return caught.value


def test_every_provider_has_a_harness_and_every_harness_a_provider():
    assert sorted(HARNESSES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_declares_what_it_can_do(kind):
    declared = provider_class(kind)

    assert declared.name == kind
    assert declared.channel in ("sms", "whatsapp", "email")
    assert declared.approval in Approval
    assert (declared.max_batch, declared.max_statuses) >= (1, 1)
    assert declared.calls_per_second > 0
    assert isinstance(declared.dedupes, bool)
    assert declared.resend_window <= declared.look_up_window
    # What repeats must be found again at least as long, and what can be looked up for some time.
    assert declared.can_look_up is (declared.look_up_window > timedelta())
    assert (declared.resend_window > timedelta()) <= (declared.dedupes and declared.can_look_up)


@for_kinds(KINDS)
def test_a_text_is_taken_and_gets_a_number(harness):
    (accepted,) = harness.provider().send([harness.text(41)])

    assert isinstance(accepted, Accepted)
    assert accepted.local_id == 41
    assert 0 < len(accepted.provider_id) <= 60
    assert accepted.status in DeliveryStatus
    assert harness.taken == 1


@for_kinds(KINDS)
def test_a_refused_connection_is_certainly_not_accepted(harness):
    error = refusal(harness.provider_of_nobody().send, [harness.text()])

    assert type(error) is NotAccepted


@for_kinds(KINDS)
def test_an_answer_lost_after_acceptance_leaves_us_unknowing(harness):
    harness.lose_next_answer()

    error = refusal(harness.provider().send, [harness.text()])

    assert (type(error), error.accepted, harness.taken) == (OutcomeUnknown, (), 1)


@for_kinds(DEDUPING)
def test_a_text_whose_answer_was_lost_is_never_taken_twice(harness):
    provider = harness.provider()
    harness.lose_next_answer()
    refusal(provider.send, [harness.text()])

    (again,) = provider.send([harness.text()])
    (once_more,) = provider.send([harness.text()])

    assert (again.provider_id, harness.taken) == (once_more.provider_id, 1)


@for_kinds(KINDS)
def test_a_bad_key_pauses_the_account(harness):
    harness.refuse_key()

    error = refusal(harness.provider().send, [harness.text()])

    assert (type(error), harness.taken) == (AccountRefused, 0)


@for_kinds(KINDS)
def test_a_recipient_that_cannot_be_reached_is_refused_before_anything_leaves(harness):
    error = refusal(harness.provider().send, [harness.text(receptor=harness.unreachable)])

    assert (type(error), harness.calls) == (MessageRefused, 0)


@for_kinds(WEB)
def test_a_proxys_error_page_leaves_us_unknowing(harness):
    harness.answer_html()

    assert type(refusal(harness.provider().send, [harness.text()])) is OutcomeUnknown


@for_kinds(KINDS)
def test_a_call_too_many_is_certainly_not_accepted(harness):
    harness.limit_rate()

    error = refusal(harness.provider().send, [harness.text()])

    assert (type(error), harness.taken) == (NotAccepted, 0)


def failures(harness):
    """One error of every sort that a gateway can cause."""
    provider, text = harness.provider(), harness.text()
    yield refusal(harness.provider_of_nobody().send, [text])
    yield refusal(provider.send, [harness.text(receptor=harness.unreachable)])
    harness.lose_next_answer()
    yield refusal(provider.send, [text])
    if isinstance(harness, WebHarness):
        harness.answer_html()
        yield refusal(provider.send, [harness.text(2)])
    harness.limit_rate()
    yield refusal(provider.send, [harness.text(3)])
    harness.refuse_key()
    yield refusal(provider.send, [harness.text(4)])


@for_kinds(KINDS)
def test_no_error_no_repr_and_no_log_line_shows_key_number_or_text(harness, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    provider = harness.provider()
    provider.send([harness.text(1)])
    shown = [repr(provider), str(provider), repr(harness.text())]
    for error in failures(harness):
        assert (error.__cause__, error.__context__) == (None, None)
        shown += traces(error)
    shown += [f"{record.getMessage()} {record.exc_info}" for record in caplog.records]

    assert [s for s in harness.secrets() for line in shown if s in line] == []


@for_kinds(KINDS)
def test_states_are_told_of_what_was_asked_and_of_nothing_else(harness):
    provider = harness.provider()
    ids = [provider.send([harness.text(n)])[0].provider_id for n in (1, 2)]
    asked = [ids[0], "5", "a-stranger", ""]

    told = provider.statuses(asked)

    assert set(told) <= set(asked)
    assert set(told.values()) <= set(DeliveryStatus)


@for_kinds(KINDS)
def test_an_account_tells_what_is_left_or_nothing(harness):
    info = harness.provider().account()

    assert info.credit_rial is None or info.credit_rial > 0


@for_kinds(KINDS)
def test_what_stays_on_this_machine_is_known(harness):
    assert harness.provider().is_loopback is True
    assert harness.provider_elsewhere(encrypted=True).is_loopback is False


@for_kinds(KINDS)
def test_nothing_leaves_this_machine_in_the_clear(harness):
    with pytest.raises(ValueError, match=r"https|encrypt|TLS"):
        harness.provider_elsewhere(encrypted=False)


# A machine with much to do is slow, which says nothing of the code.
ANY_BYTES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["5", "10", "100", "-1", "09121234567", "+989121234567", 5, 10, 200, 2**64])
)  # fmt: skip


def nested(words):
    names = st.sampled_from(words or ("id",)) | st.text(max_size=5)
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=8),
        max_leaves=12,
    )


@cache
def callbacks(words):
    """Callbacks from no one in particular: near to the real ones, or anything at all."""
    values = nested(words)
    names = st.sampled_from(words or ("id",)) | st.text(max_size=5) | st.none() | st.integers()
    bodies = st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode())
    return st.builds(
        Callback,
        st.dictionaries(names, values | st.binary(max_size=9), max_size=8),
        bodies | st.just(b"[" * 5_000),
        st.dictionaries(st.sampled_from(["x-hub-signature-256", "content-type"]), st.text()),
    )


def is_receipt(receipt):
    return (
        isinstance(receipt, Receipt)
        and isinstance(receipt.provider_id, str)
        and isinstance(receipt.status, DeliveryStatus)
        and isinstance(receipt.local_id, int | None)
        and isinstance(receipt.code, str)
        and bool(receipt.provider_id or receipt.local_id)
    )


def is_inbound(text):
    words = (text.provider_id, text.sender, text.line, text.text)
    whole = isinstance(text, InboundText) and all(isinstance(word, str) for word in words)
    known = text.at is None or (isinstance(text.at, datetime) and text.at.tzinfo is not None)
    return whole and known and text.provider_id != "" and text.sender != ""


@pytest.mark.parametrize("kind", KINDS)
@ANY_BYTES
@given(data=st.data())
def test_any_callback_gives_news_or_none_and_never_an_error(kind, data):
    words = HARNESSES[kind].words if kind in HARNESSES else ()
    callback = data.draw(callbacks(words))

    news = provider_class(kind).hear(callback)

    assert isinstance(news, News)
    assert all(map(is_receipt, news.receipts))
    assert all(map(is_inbound, news.inbound))


@pytest.mark.parametrize("kind", KINDS)
@ANY_BYTES
@given(data=st.data())
def test_any_callback_is_genuine_or_not_and_greeted_or_not(kind, data):
    callback, provider = data.draw(callbacks(())), provider_class(kind)

    assert provider.is_genuine(callback, "secret") in (True, False)
    assert isinstance(provider.greeting(callback, "token"), str | None)


@pytest.mark.parametrize("kind", KINDS)
def test_hearing_survives_fields_that_cannot_be_read(kind):
    class Trap(dict):
        def __getitem__(self, name):
            raise RuntimeError(name)

        get = items = values = __getitem__

    assert provider_class(kind).hear(Callback(Trap(messageid="5", status="10"))) == News()
