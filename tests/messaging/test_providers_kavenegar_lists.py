"""Kavenegar's block lists, what it sent to one number, and its test mode."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from messaging.providers.base import DeliveryStatus, ErrorKind, ProviderError, Reason
from sandbox.testing import running_gateway
from tests.messaging.harnesses import traces
from tests.messaging.kavenegars import (
    RECEPTOR,
    answering,
    kavenegar,
    outcome,
    raised_by,
    success,
    texts,
)

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
LINE = "10004346"
OTHER = "+989350000000"


@pytest.fixture
def gateway():
    with running_gateway() as running:
        running.set_clock(NOW)
        yield running


@pytest.fixture
def provider(gateway):
    return kavenegar(gateway.base_url)


def test_who_answered_eleven_has_opted_out_until_twelve(gateway, provider):
    provider.send(texts(2))
    gateway.reply("09121234567", LINE, "لغو۱۱")
    gateway.reply("09121234568", LINE, "11")
    gateway.reply("09121234568", LINE, "۱۲")

    assert provider.opted_out(LINE, NOW - timedelta(days=30)) == [RECEPTOR]


def test_only_an_answer_opts_out_and_only_of_its_line_and_since_then(gateway, provider):
    provider.send(texts(1))
    gateway.reply("09121234567", "3000", "11")
    provider.block(LINE, [OTHER])

    assert provider.opted_out(LINE, NOW - timedelta(days=30)) == []
    assert provider.opted_out("3000", NOW) == [RECEPTOR]
    assert provider.opted_out("3000", NOW + timedelta(seconds=1)) == []


def test_yesterdays_opt_outs_are_asked_for_by_their_time(gateway, provider):
    provider.send(texts(1))
    gateway.reply("09121234567", LINE, "11")
    gateway.advance(timedelta(days=3))

    assert provider.opted_out(LINE, NOW) == [RECEPTOR]


def numbers(count):
    return [{"number": f"0912{n:07}", "blockreason": 2, "date": 1} for n in range(count)]


@pytest.mark.parametrize("first_page", [0, 1], ids=["pages from 0", "pages from 1"])
@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 400, 650])
def test_all_pages_are_read_wherever_the_gateway_begins_to_count(count, first_page):
    listed, provider = numbers(count), kavenegar()

    def page(method, asked):
        at = asked["pagenumber"]
        start = 200 * (0 if at is None else at - first_page)
        return listed[start : start + 200]

    provider._client.line_blocked = page

    assert provider.opted_out(LINE, NOW) == [f"+98{entry['number'][1:]}" for entry in listed]


def test_a_list_that_never_ends_is_given_up():
    provider = answering(success(numbers(200)))

    assert len(provider.opted_out(LINE, NOW)) == 200


def test_numbers_are_blocked_found_and_unblocked(provider):
    provider.block(LINE, [RECEPTOR, OTHER])
    provider.block(LINE, [OTHER])
    before = provider.blocked(LINE, [RECEPTOR, OTHER, "+989121110000"])
    provider.unblock(LINE, [RECEPTOR])

    assert before == {RECEPTOR, OTHER}
    assert provider.blocked(LINE, [RECEPTOR, OTHER]) == {OTHER}
    assert provider.blocked("3000", [OTHER]) == set()


def test_an_answer_by_eleven_cannot_be_undone_by_us(gateway, provider):
    provider.send(texts(1))
    gateway.reply("09121234567", LINE, "11")
    provider.unblock(LINE, [RECEPTOR])

    assert provider.blocked(LINE, [RECEPTOR]) == {RECEPTOR}


def test_many_numbers_go_in_calls_of_the_permitted_size(gateway, provider):
    many = [f"+98912{n:07}" for n in range(201)]
    provider.block(LINE, many)
    assert provider.blocked(LINE, many) == set(many)
    provider.unblock(LINE, many)

    assert provider.blocked(LINE, many) == set()
    assert [(call.method.rpartition("/")[2], call.verb) for call in gateway.calls] == [
        *[("add", "POST")] * 2,
        *[("exists", "POST")] * 2,
        *[("remove", "DELETE")] * 5,
        *[("exists", "POST")] * 2,
    ]


@pytest.mark.parametrize("ask", ["block", "unblock", "blocked"])
def test_a_number_it_cannot_reach_is_told_before_anything_leaves(gateway, provider, ask):
    error = raised_by(getattr(provider, ask), LINE, [RECEPTOR, "+982188776655"])

    assert (error.kind, error.reason) == (ErrorKind.MESSAGE, Reason.BAD_RECEPTOR)
    assert gateway.calls == []


def test_no_log_line_shows_the_numbers_of_a_removal(gateway, provider, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    provider.unblock(LINE, [RECEPTOR])
    gateway.fail_next("drop")
    error = raised_by(provider.unblock, LINE, [RECEPTOR])

    shown = [*caplog.messages, *traces(error)]
    assert any("***" in line for line in shown)
    assert [line for line in shown if "9121234567" in line] == []


def test_what_was_sent_to_one_number_is_found_within_a_day(gateway, provider):
    (accepted, _) = provider.send(texts(2))
    gateway.advance(timedelta(seconds=10))

    found = provider.sent_to(RECEPTOR, NOW, NOW + timedelta(days=1))

    assert found == {accepted.provider_id: DeliveryStatus.DELIVERED}
    assert provider.sent_to(OTHER, NOW, NOW + timedelta(days=1)) == {}
    assert raised_by(provider.sent_to, RECEPTOR, NOW, NOW + timedelta(days=2)).code == 417


def test_the_gateways_own_test_mode_is_seen(gateway, provider):
    assert provider.sends_nothing() is False
    provider._client.account_config({"debugmode": "enabled"})

    assert provider.sends_nothing() is True


ENTRIES = st.lists(
    st.dictionaries(
        st.sampled_from(["number", "receptor", "status", "messageid", "debugmode"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
        | st.sampled_from(["Active", "09121234567", "enabled", [], {}]),
    )
    | st.none()
    | st.text(max_size=3),
    max_size=4,
)  # fmt: skip


@given(ENTRIES | st.none() | st.text() | st.dictionaries(st.text(), st.integers()))
def test_no_list_gives_anything_but_numbers_and_states(entries):
    provider = answering(success(entries))
    for result, known in [
        (outcome(lambda: provider.opted_out(LINE, NOW)), str),
        (outcome(lambda: list(provider.blocked(LINE, [RECEPTOR]))), str),
        (outcome(lambda: list(provider.sent_to(RECEPTOR, NOW, NOW).values())), DeliveryStatus),
        (outcome(lambda: [provider.sends_nothing()]), bool),
    ]:
        assert isinstance(result, ProviderError) or all(isinstance(each, known) for each in result)
    assert provider.blocked(LINE, [RECEPTOR]) <= {RECEPTOR}


def test_a_refusal_of_links_has_a_reason_of_its_own(gateway, provider):
    gateway.options.links_allowed = False
    error = raised_by(provider.send, texts(text="https://peygir.example/s/abc"))

    assert (error.kind, error.reason, error.code) == (ErrorKind.MESSAGE, Reason.LINKS_REFUSED, 420)
    assert len(provider.send(texts())) == 1
