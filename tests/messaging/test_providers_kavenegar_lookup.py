"""Approved templates through Kavenegar's `verify/lookup`."""

import pytest
from hypothesis import given, strategies as st

from messaging.providers import get_provider
from messaging.providers.base import (
    Accepted,
    ApprovedText,
    DeliveryStatus,
    ErrorKind,
    MessageRefused,
    OutgoingText,
    ProviderError,
    Reason,
)
from messaging.providers.kavenegar_lookup import LONGEST_TOKEN, TOKENS, tokens_of
from sandbox.testing import running_gateway
from tests.messaging.kavenegars import RECEPTOR, TEXT, answering, entry, outcome, raised_by, success

TEMPLATE = "%token10 عزیز، جلسه‌ی شما %token ساعت %token2 با %token3 است. %token20"
VALUES = ("فردا", "۱۷:۳۰", "دکتر احمدی", "مریم رضایی", "آدرس در سایت هست")


@pytest.fixture
def gateway():
    with running_gateway() as running:
        running.options.templates["visit"] = TEMPLATE
        yield running


@pytest.fixture
def provider(gateway):
    return lookup(gateway.base_url)


def lookup(base_url="http://127.0.0.1:9"):
    return get_provider("kavenegar_lookup", api_key="4B6E2F7A", base_url=base_url)


def text(*values, name="visit", receptor=RECEPTOR):
    return OutgoingText(7_000_001, receptor, TEXT, approved=ApprovedText(name, values or VALUES))


def test_the_template_is_filled_with_the_values_in_their_order(gateway, provider):
    (accepted,) = provider.send([text()])

    (taken,) = gateway.messages
    assert accepted == Accepted(7_000_001, str(taken.id), accepted.status, taken.cost)
    assert accepted.status is DeliveryStatus.SENT
    assert taken.body == (
        "مریم رضایی عزیز، جلسه‌ی شما فردا ساعت ۱۷:۳۰ با دکتر\u200cاحمدی است. آدرس در سایت هست"
    )
    assert (taken.receptor, taken.local_id) == ("09121234567", None)


def test_fewer_values_are_the_first_tokens():
    assert tokens_of(["الف", "ب"]) == {"token": "الف", "token2": "ب"}


@pytest.mark.parametrize(
    ("values", "token"),
    [
        (["خانم رضایی"], "خانم\u200cرضایی"),
        ([" خانم  مریم\tرضایی "], "خانم\u200cمریم\u200cرضایی"),
        (["می\u200cآید"], "می\u200cآید"),
        (["۱۷:۳۰"], "۱۷:۳۰"),
        (["x" * 100], "x" * 100),
    ],
)
def test_the_first_tokens_have_no_spaces(values, token):
    assert tokens_of(values) == {"token": token}


def filled(place, value):
    return [*["x"] * place, value]


@pytest.mark.parametrize(
    ("place", "value", "fits"),
    [
        (3, "a b c d e f", True),
        (3, "a b c d e f g", False),
        (4, "a b c d e f g h i", True),
        (4, "a b c d e f g h i j", False),
        *((place, value, False) for place in range(5) for value in ["", " ", "a_b", "a\nb"]),
        *((place, "x" * 101, False) for place in range(5)),
        *((place, "a\rb", False) for place in (0, 4)),
    ],
)
def test_what_no_token_can_hold_never_leaves(gateway, provider, place, value, fits):
    gateway.options.templates["visit"] = "%token %token2 %token3 %token10 %token20"
    result = outcome(lambda: provider.send([text(*filled(place, value))]))

    assert isinstance(result, list) is fits
    assert len(gateway.calls) == fits
    assert fits or (result.kind, result.reason) == (ErrorKind.MESSAGE, Reason.BAD_TEXT)


@pytest.mark.parametrize(
    ("batch", "kind", "reason"),
    [
        ([], ErrorKind.BUG, Reason.BAD_BATCH),
        ([text(), text()], ErrorKind.BUG, Reason.BAD_BATCH),
        ([OutgoingText(1, RECEPTOR, TEXT)], ErrorKind.BUG, Reason.NOT_APPROVED),
        ([text(name="")], ErrorKind.BUG, Reason.NOT_APPROVED),
        ([text(receptor="+982188776655")], ErrorKind.MESSAGE, Reason.BAD_RECEPTOR),
        ([text(*"123456")], ErrorKind.MESSAGE, Reason.BAD_TEXT),
        ([text("half \ud83d")], ErrorKind.MESSAGE, Reason.BAD_TEXT),
    ],
    ids=str,
)
def test_what_cannot_be_sent_never_leaves(gateway, provider, batch, kind, reason):
    error = raised_by(provider.send, batch)

    assert (error.kind, error.reason) == (kind, reason)
    assert gateway.calls == []


def test_a_template_nobody_approved_pauses_the_account(provider):
    error = raised_by(provider.send, [text(name="unknown")])

    assert (error.kind, error.code) == (ErrorKind.ACCOUNT, 424)


def test_an_answer_that_is_lost_is_never_looked_up(gateway, provider):
    gateway.fail_next("accept_then_drop")

    assert raised_by(provider.send, [text()]).kind is ErrorKind.UNKNOWN
    assert provider.look_up([7_000_001]) == {}
    assert (provider.can_look_up, provider.dedupes, len(gateway.calls)) == (False, False, 1)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"message": "متن قالب، نه متن ما"}, None),
        ({"receptor": "+989121234567"}, None),
        ({"receptor": "09121234500"}, ErrorKind.MISMATCH),
        ({"receptor": None}, ErrorKind.UNKNOWN),
        ({"messageid": None}, ErrorKind.UNKNOWN),
        ({"messageid": 0}, ErrorKind.UNKNOWN),
    ],
    ids=str,
)
def test_an_answer_must_speak_of_our_recipient(changes, kind):
    provider = with_answer(success([entry(text(), **changes)]))
    result = outcome(lambda: provider.send([text()]))

    assert (result.kind if isinstance(result, ProviderError) else None) is kind


@pytest.mark.parametrize("entries", [None, [], "x", [entry(text()), entry(text(), 2)]])
def test_an_answer_without_exactly_one_entry_leaves_us_unknowing(entries):
    error = raised_by(with_answer(success(entries)).send, [text()])

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.INCOMPLETE)


def with_answer(body):
    provider = lookup()
    provider._client._wire = answering(body)._client._wire
    return provider


@given(st.lists(st.text(max_size=120), max_size=7))
def test_any_values_are_tokens_the_gateway_takes_or_a_refusal(values):
    try:
        tokens = tokens_of(values)
    except MessageRefused:
        return
    assert list(tokens) == list(TOKENS)[: len(values)]
    for name, token in tokens.items():
        assert 0 < len(token) <= LONGEST_TOKEN
        assert token.count(" ") <= TOKENS[name]
        assert not set(token) & set("\n\r_")
