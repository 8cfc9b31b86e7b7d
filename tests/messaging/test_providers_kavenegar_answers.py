import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from messaging.providers.base import (
    Accepted,
    DeliveryStatus,
    ErrorKind,
    Found,
    NotFound,
    ProviderError,
    Reason,
    Receipt,
)
from messaging.providers.kavenegar import Kavenegar
from tests.messaging.kavenegars import TEXT, answering, entry, outcome, raised_by, success, texts


@pytest.mark.parametrize(
    "changes",
    [
        {"receptor": "09121234567"},
        {"receptor": "9121234567"},
        {"receptor": "+989121234567"},
        {"receptor": "00989121234567"},
        {"receptor": "989121234567"},
        {"receptor": 9121234567},
        {"message": TEXT + "\r\nلغو۱۱"},
        {"message": TEXT.replace("ی", "ي").replace("\u200c", "")},
        {"messageid": "8792343"},
        {"localid": "7000001", "receptor": "+989121234567"},
        {"localid": 0},
        {"localid": None},
    ],
    ids=str,
)
def test_an_echo_may_be_spelt_differently(changes):
    (text,) = texts()
    provider = answering(success([entry(text, **changes)]))

    assert provider.send([text]) == [Accepted(7_000_001, "8792343", DeliveryStatus.ACCEPTED, 120)]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"receptor": "09121234500"}, ErrorKind.MISMATCH),
        ({"receptor": "0912***4567"}, ErrorKind.MISMATCH),
        ({"message": "متن دیگر"}, ErrorKind.MISMATCH),
        ({"message": TEXT[:-1]}, ErrorKind.MISMATCH),
        ({"message": ""}, ErrorKind.MISMATCH),
        ({"message": None}, ErrorKind.UNKNOWN),
        ({"receptor": None}, ErrorKind.UNKNOWN),
        ({"messageid": None}, ErrorKind.UNKNOWN),
        ({"messageid": 0}, ErrorKind.UNKNOWN),
        ({"messageid": True}, ErrorKind.UNKNOWN),
        ({"messageid": 2**63}, ErrorKind.UNKNOWN),
        ({"messageid": -5}, ErrorKind.UNKNOWN),
    ],
    ids=str,
)
def test_an_entry_that_is_not_ours_or_has_gaps_is_no_success(changes, kind):
    (text,) = texts()
    provider = answering(success([entry(text, **changes)]))

    assert raised_by(provider.send, [text]).kind is kind


def test_entries_that_contradict_each_other_are_no_success():
    one, two, three = texts(3)
    provider = answering(
        success([entry(one, 1), entry(one, 2), entry(two, 3), entry(three, 4), entry(three, 4)])
    )

    error = raised_by(provider.send, [one, two, three])

    assert error.kind is ErrorKind.UNKNOWN
    assert [(a.local_id, a.provider_id) for a in error.accepted] == [(two.local_id, "3")]


@pytest.mark.parametrize(
    ("told", "cost"),
    [(120, 120), ("120", 120), (0, 0), (-1, None), (2**31, None), (None, None), ("free", None)],
)
def test_only_a_believable_cost_is_kept(told, cost):
    (text,) = texts()

    assert answering(success([entry(text, cost=told)])).send([text])[0].cost_rial == cost


def test_one_number_for_two_texts_is_no_success():
    one, two = texts(2)

    error = raised_by(answering(success([entry(one, 5), entry(two, 5)])).send, [one, two])

    assert (error.kind, error.accepted) == (ErrorKind.UNKNOWN, ())


@pytest.mark.parametrize("echoes_ids", [True, False])
@given(st.integers(1, 30), st.randoms(use_true_random=False), st.data())
def test_each_entry_finds_its_own_text_in_any_order(echoes_ids, count, order, data):
    batch = texts(count)
    lost = data.draw(st.sets(st.integers(0, count - 1)))
    entries = [
        entry(text, 100 + n, **({"localid": str(text.local_id)} if echoes_ids else {}))
        for n, text in enumerate(batch)
        if n not in lost
    ]
    order.shuffle(entries)
    provider = answering(success(entries))

    accepted = raised_by(provider.send, batch).accepted if lost else provider.send(batch)

    assert {a.local_id: a.provider_id for a in accepted} == {
        text.local_id: str(100 + n) for n, text in enumerate(batch) if n not in lost
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1, DeliveryStatus.ACCEPTED),
        (2, DeliveryStatus.ACCEPTED),
        (4, DeliveryStatus.SENT),
        (5, DeliveryStatus.SENT),
        (6, DeliveryStatus.FAILED),
        (10, DeliveryStatus.DELIVERED),
        (11, DeliveryStatus.UNDELIVERED),
        (13, DeliveryStatus.CANCELLED),
        (14, DeliveryStatus.BLOCKED),
        (100, DeliveryStatus.UNKNOWN_ID),
        (50, DeliveryStatus.UNRECOGNISED),
        (-1, DeliveryStatus.UNRECOGNISED),
        ("10", DeliveryStatus.DELIVERED),
        (10.0, DeliveryStatus.DELIVERED),
    ],
)
def test_each_message_state_has_one_meaning(code, status):
    answer = success([{"messageid": 5, "status": code, "statustext": ""}])

    assert answering(answer).statuses(["5"]) == {"5": status}


def test_only_some_words_say_anything_about_delivery():
    silent = [status for status in DeliveryStatus if not status.is_state]
    final = [status for status in DeliveryStatus if status.is_final]

    assert silent == [DeliveryStatus.UNKNOWN_ID, DeliveryStatus.UNRECOGNISED]
    assert final == [
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.FAILED,
        DeliveryStatus.CANCELLED,
        DeliveryStatus.BLOCKED,
    ]


def test_statuses_speak_only_of_what_was_asked_and_answered():
    answer = success([{"messageid": 5, "status": 10}, {"messageid": 6}, {"status": 10}, "x", None])

    assert answering(answer).statuses(["5", "6", "7"]) == {"5": DeliveryStatus.DELIVERED}
    assert answering(answer).statuses(["7"]) == {}


@pytest.mark.parametrize(
    ("entries", "findings"),
    [
        pytest.param(None, {}, id="entries null"),
        pytest.param([], {}, id="no entry"),
        pytest.param(
            {"messageid": 5, "localid": "1", "status": 10},
            {1: Found("5", DeliveryStatus.DELIVERED)},
            id="one object instead of a list",
        ),
        pytest.param([{"localid": 1, "status": 100}], {1: NotFound()}, id="100 means not there"),
        pytest.param([{"localid": 2, "status": 100}], {}, id="another id"),
        pytest.param([{"localid": 1, "messageid": 5}], {}, id="no status is no answer"),
        pytest.param([{"localid": 1, "status": 10}], {}, id="no number is no answer"),
        pytest.param([{"messageid": 5, "status": 100}], {}, id="no id is no answer"),
        pytest.param(
            [{"localid": 1, "messageid": 5, "status": 77}],
            {1: Found("5", DeliveryStatus.UNRECOGNISED)},
            id="a new status is there all the same",
        ),
        pytest.param(
            [
                {"localid": 1, "status": 100},
                {"localid": 1, "messageid": 5, "status": 1},
                {"localid": 1, "status": 100},
            ],
            {1: Found("5", DeliveryStatus.ACCEPTED)},
            id="found outweighs not found",
        ),
    ],
)
def test_look_up_calls_missing_only_what_the_gateway_calls_missing(entries, findings):
    assert answering(success(entries)).look_up([1]) == findings


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (
            {"remaincredit": 1500, "expiredate": 1767225600},
            (1500, datetime(2026, 1, 1, tzinfo=UTC)),
        ),
        ({"remaincredit": "-20", "expiredate": 0}, (-20, None)),
        ({"remaincredit": 0}, (0, None)),
        ({"remaincredit": 5, "expiredate": 10**18}, (5, None)),
        ({"remaincredit": 5, "expiredate": "soon"}, (5, None)),
    ],
    ids=str,
)
def test_account_reads_what_there_is(entries, expected):
    info = answering(success(entries)).account()

    assert (info.credit_rial, info.expires_at) == expected


@pytest.mark.parametrize("entries", [None, {}, [], {"remaincredit": None}, {"remaincredit": "x"}])
def test_account_without_a_credit_is_no_answer(entries):
    error = raised_by(answering(success(entries)).account)

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.INCOMPLETE)


@pytest.mark.parametrize(
    ("params", "receipts"),
    [
        ({"messageid": "5", "status": "10"}, [Receipt("5", DeliveryStatus.DELIVERED)]),
        ({"messageid": 5, "status": 11}, [Receipt("5", DeliveryStatus.UNDELIVERED)]),
        ({"MessageId": ["5"], "Status": ["14"]}, [Receipt("5", DeliveryStatus.BLOCKED)]),
        ({"messageid": "5", "status": "10", "x": "y"}, [Receipt("5", DeliveryStatus.DELIVERED)]),
        ({"messageid": "5", "status": "100"}, [Receipt("5", DeliveryStatus.UNKNOWN_ID)]),
        ({"messageid": "5", "status": "77"}, [Receipt("5", DeliveryStatus.UNRECOGNISED)]),
        ({"messageid": "5"}, []),
        ({"status": "10"}, []),
        ({"messageid": "5", "status": "delivered"}, []),
        ({"messageid": "5;DROP", "status": "10"}, []),
        ({"messageid": "۵", "status": "10"}, []),
        ({"messageid": "5\n", "status": "10"}, []),
        ({"messageid": "9" * 30, "status": "10"}, []),
        ({"messageid": ["5", "6"], "status": "10"}, []),
        ({}, []),
    ],
    ids=str,
)
def test_parse_receipts_takes_what_is_one(params, receipts):
    assert Kavenegar.parse_receipts(params) == receipts


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["5", "10", "100", "-1", "09121234567", TEXT, 5, 10, 200, 2**64, 1e400])
)  # fmt: skip
WORDS = "return status entries messageid localid receptor message cost remaincredit expiredate"
NAMES = st.sampled_from(WORDS.split()) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=20,
)
ENTRIES = st.lists(st.dictionaries(NAMES, SCALARS, max_size=8), max_size=3) | JSON
ANSWERS = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | ENTRIES.map(lambda entries: json.dumps(success(entries)).encode())
)


@given(st.dictionaries(NAMES | st.integers() | st.none(), JSON | st.binary(), max_size=6))
def test_parse_receipts_never_raises(params):
    for receipt in Kavenegar.parse_receipts(params):
        assert 0 < int(receipt.provider_id) < 2**63


def test_parse_receipts_survives_a_mapping_that_fails():
    class Trap(dict):
        def __getitem__(self, name):
            raise RuntimeError(name)

    assert Kavenegar.parse_receipts(Trap(messageid="5", status="10")) == []


@settings(max_examples=400)
@given(ANSWERS, st.sampled_from([200, 201, 400, 418, 500, 502]))
def test_no_answer_gives_anything_but_our_own_types(body, status):
    provider, batch = answering(body, status), texts(2)
    calls = [
        lambda: provider.send(batch),
        lambda: provider.look_up([7_000_001]),
        lambda: provider.statuses(["5"]),
        provider.account,
    ]
    for result in map(outcome, calls):
        assert not isinstance(result, ProviderError) or result.kind in ErrorKind


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"return":' * 50_000, b"\xff\xfe", b"9" * 10_000, b"NaN", b"{}"],
    ids=["nested list", "nested object", "not UTF-8", "a long number", "not a number", "nothing"],
)
def test_hostile_json_is_only_unreadable(body):
    error = raised_by(answering(body).send, texts())

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.UNREADABLE)


def test_json_behind_a_byte_order_mark_is_read():
    (text,) = texts()
    body = b"\xef\xbb\xbf" + json.dumps(success([entry(text)])).encode()

    assert answering(body).send([text])[0].provider_id == "8792343"
