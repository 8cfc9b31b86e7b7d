"""Inbound texts as Kavenegar tells them: by callback, and from its inbox."""

import datetime as dt

import pytest
from hypothesis import given, strategies as st

from messaging.providers.base import ErrorKind, InboundText, ProviderError
from messaging.providers.kavenegar import Kavenegar
from tests.messaging.kavenegars import answering, outcome, raised_by, success

SENDER, LINE = "09121234567", "10004346"
FIELDS = {"messageid": "5", "from": SENDER, "to": LINE, "message": "لغو۱۱"}
ENTRY = {
    "messageid": 5,
    "message": "لغو۱۱",
    "sender": SENDER,
    "receptor": LINE,
    "date": 1_795_242_600,
}
TOLD = InboundText("5", SENDER, LINE, "لغو۱۱")
AT = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)


def changed(**changes):
    return {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (FIELDS, TOLD),
        ({name.title(): [value] for name, value in FIELDS.items()}, TOLD),
        (changed(messageid=5, to=10004346), TOLD),
        (changed(extra="x", status="10"), TOLD),
        (changed(message="11"), InboundText("5", SENDER, LINE, "11")),
        (changed(message=11), InboundText("5", SENDER, LINE, "11")),
        (changed(message=" سلام\n"), InboundText("5", SENDER, LINE, " سلام\n")),
        (changed(message=""), InboundText("5", SENDER, LINE, "")),
        (changed(to=None), InboundText("5", SENDER, "", "لغو۱۱")),
        (changed(**{"from": f" {SENDER} "}), TOLD),
        (changed(**{"from": "Bank"}), InboundText("5", "Bank", LINE, "لغو۱۱")),
        (changed(messageid=None), None),
        (changed(messageid="0"), None),
        (changed(messageid="-5"), None),
        (changed(messageid="۵"), None),
        (changed(messageid="9" * 30), None),
        (changed(messageid=["5", "6"]), None),
        (changed(**{"from": None}), None),
        (changed(**{"from": " "}), None),
        (changed(message=None), None),
        ({"messageid": "5", "status": "10"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_parse_inbound_takes_what_is_one(params, text):
    assert Kavenegar.parse_inbound(params) == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from([*FIELDS, *ENTRY]) | st.text(max_size=5)


def is_text(text):
    whole = isinstance(text, InboundText) and all(
        isinstance(each, str) for each in (text.sender, text.line, text.text)
    )
    return whole and text.sender != "" and 0 < int(text.provider_id) < 2**63


@given(st.dictionaries(NAMES | st.integers() | st.none(), VALUES, max_size=6))
def test_parse_inbound_never_raises(params):
    text = Kavenegar.parse_inbound(params)
    assert text is None or is_text(text)


def test_parse_inbound_survives_a_mapping_that_fails():
    class Trap(dict):
        def __getitem__(self, name):
            raise RuntimeError(name)

    assert Kavenegar.parse_inbound(Trap(FIELDS)) is None


def test_its_words_and_its_sender_stay_out_of_the_log():
    assert SENDER not in repr(TOLD)
    assert "لغو" not in repr(TOLD)


def test_receive_reads_the_inbox_and_its_times():
    entries = [ENTRY, {**ENTRY, "messageid": 6, "date": None}, {"messageid": 7}, None, "x"]
    assert answering(success(entries)).receive(LINE) == [
        InboundText("5", SENDER, LINE, "لغو۱۱", AT),
        InboundText("6", SENDER, LINE, "لغو۱۱", None),
    ]


@pytest.mark.parametrize("entries", [None, [], {}, "x", 5])
def test_an_empty_inbox_is_empty(entries):
    assert answering(success(entries)).receive(LINE) == []


def test_receive_asks_for_what_was_not_read():
    provider = answering(success([]))
    asked = []
    answer = provider._client._wire.post
    provider._client._wire.post = lambda *call, **rest: asked.append(call) or answer()
    provider.receive(LINE)
    ((url, form),) = asked
    assert url.endswith("/sms/receive.json")
    assert form == b"linenumber=10004346&isread=0"


def test_a_refusal_is_an_error_of_ours():
    refusal = {"return": {"status": 412, "message": "خط"}, "entries": None}
    error = raised_by(answering(refusal).receive, LINE)
    assert (error.kind, error.code) == (ErrorKind.ACCOUNT, 412)


@given(st.lists(st.dictionaries(NAMES, VALUES.filter(lambda v: not _has_bytes(v)), max_size=6)))
def test_no_inbox_gives_anything_but_texts(entries):
    result = outcome(lambda: answering(success(entries)).receive(LINE))
    assert isinstance(result, ProviderError) or all(map(is_text, result))


def _has_bytes(value):
    if isinstance(value, dict):
        return any(map(_has_bytes, value.values()))
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(_has_bytes, value)))
