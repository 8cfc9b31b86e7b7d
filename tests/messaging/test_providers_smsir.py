"""sms.ir: what is sent, and what its answers mean."""

import json
from datetime import timedelta

import pytest

from messaging.providers.base import (
    Accepted,
    AccountInfo,
    Callback,
    DeliveryStatus,
    ErrorKind,
    InboundText,
    News,
    OutgoingText,
    ProviderError,
    Reason,
    Receipt,
)
from messaging.providers.smsir import SmsIr
from sandbox.testing import running_gateway
from tests.messaging.kavenegars import RECEPTOR, TEXT, outcome, raised_by, texts
from tests.messaging.smsirs import KEY, LINE, NOW, answering, pack, smsir, success


@pytest.fixture
def gateway():
    with running_gateway() as running:
        running.set_clock(NOW)
        yield running


@pytest.fixture
def provider(gateway):
    return smsir(gateway.base_url)


def test_send_gives_the_gateways_numbers_in_the_order_asked(gateway, provider):
    accepted = provider.send(texts(3))

    assert accepted == [
        Accepted(7_000_001 + n, str(gateway.messages[n].id), DeliveryStatus.ACCEPTED)
        for n in range(3)
    ]
    assert [m.receptor for m in gateway.messages] == ["09121234567", "09121234568", "09121234569"]
    assert {(m.body, m.sender) for m in gateway.messages} == {(TEXT, LINE)}
    assert len(gateway.calls) == 1


def test_the_call_is_the_documented_one():
    seen = []
    provider = answering(pack(86522023))
    answer = provider._client._wire.call
    provider._client._wire.call = lambda request, **more: seen.append((request, more)) or answer()
    provider.send(texts())

    ((request, more),) = seen
    assert (request.verb, request.url) == ("POST", "http://127.0.0.1:9/v1/send/bulk")
    assert request.headers == {
        "X-API-KEY": KEY,
        "Content-Type": "application/json; charset=utf-8",
    }
    assert json.loads(request.body) == {
        "lineNumber": 30007732,
        "messageText": TEXT,
        "mobiles": ["09121234567"],
        "sendDateTime": None,
    }
    assert more == {"secrets": (KEY,)}
    assert [s for s in (KEY, "9121234567", TEXT[:9]) if s in repr(request)] == []


@pytest.mark.parametrize(
    ("batch", "kind", "reason"),
    [
        ([], ErrorKind.BUG, Reason.BAD_BATCH),
        (
            [OutgoingText(n, f"+98912{n:07}", TEXT) for n in range(1, 102)],
            *(ErrorKind.BUG, Reason.BAD_BATCH),
        ),
        ([*texts(1), *texts(1, first_id=2)], ErrorKind.BUG, Reason.BAD_BATCH),
        ([OutgoingText(1, "+447911123456", TEXT)], ErrorKind.MESSAGE, Reason.BAD_RECEPTOR),
        ([OutgoingText(1, RECEPTOR, " ")], ErrorKind.MESSAGE, Reason.BAD_TEXT),
        ([OutgoingText(1, RECEPTOR, "half \ud83d")], ErrorKind.MESSAGE, Reason.BAD_TEXT),
    ],
    ids=["none", "too many", "one recipient twice", "a foreigner", "no words", "half an emoji"],
)
def test_what_cannot_be_sent_never_leaves(gateway, provider, batch, kind, reason):
    error = raised_by(provider.send, batch)

    assert (error.kind, error.reason) == (kind, reason)
    assert (error.__cause__, error.__context__) == (None, None)
    assert gateway.calls == []


def test_who_refuses_is_refused_and_the_others_are_taken(gateway, provider):
    one, two, three = texts(3)
    provider.send([two])
    gateway.reply("09121234568", LINE, "11")

    error = raised_by(provider.send, [one, two, three])

    assert (error.kind, error.code) == (ErrorKind.MESSAGE, 115)
    assert [a.local_id for a in error.accepted] == [one.local_id, three.local_id]
    assert [m.receptor for m in gateway.messages[1:]] == ["09121234567", "09121234569"]


@pytest.mark.parametrize(
    ("ids", "kind", "code", "taken"),
    [
        ((5, 6), None, None, [5, 6]),
        (("5", 6.0), None, None, [5, 6]),
        ((5, 0), ErrorKind.MESSAGE, 115, [5]),
        ((None, 6), ErrorKind.MESSAGE, 104, [6]),
        ((None, 0), ErrorKind.MESSAGE, 104, []),
        ((0, 0), ErrorKind.MESSAGE, 115, []),
        ((5, 5), ErrorKind.UNKNOWN, None, []),
        ((5, "x"), ErrorKind.UNKNOWN, None, [5]),
        ((5, -6), ErrorKind.UNKNOWN, None, [5]),
        ((5, False), ErrorKind.UNKNOWN, None, [5]),
        ((5, 2**63), ErrorKind.UNKNOWN, None, [5]),
        (("x", 0), ErrorKind.UNKNOWN, None, []),
        ((5,), ErrorKind.UNKNOWN, None, []),
        ((5, 6, 7), ErrorKind.UNKNOWN, None, []),
        ((), ErrorKind.UNKNOWN, None, []),
    ],
    ids=str,
)
def test_each_text_gets_the_number_at_its_place_or_none(ids, kind, code, taken):
    result = outcome(lambda: answering(pack(*ids)).send(texts(2)))
    failed = isinstance(result, ProviderError)
    accepted = result.accepted if failed else result

    assert (result.kind, result.code) == (kind, code) if failed else kind is None
    assert [int(a.provider_id) for a in accepted] == taken


@pytest.mark.parametrize("data", [None, [], {}, "x", 5, {"messageIds": None}, {"messageIds": "5"}])
def test_a_success_without_numbers_leaves_us_unknowing(data):
    error = raised_by(answering(success(data)).send, texts())

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.INCOMPLETE)


@pytest.mark.parametrize(
    ("ids", "cost", "price", "costs"),
    [
        ((5, 6), 2.0, 1_500, [1_500, 1_500]),
        ((5, 6, 7), 1.0, 100, [34, 33, 33]),
        ((5, 0, 7), 3.0, 1_000, [1_500, 1_500]),
        ((5, 6), "2.5", 1_000, [1_250, 1_250]),
        ((5, 6), 0, 1_000, [0, 0]),
        ((5, 6), 2.0, 0, [None, None]),
        ((5, 6), None, 1_000, [None, None]),
        ((5, 6), -2, 1_000, [None, None]),
        ((5, 6), float("nan"), 1_000, [None, None]),
        ((5, 6), float("inf"), 1_000, [None, None]),
        ((5, 6), 1e300, 1_000, [None, None]),
        ((5, 6), 10**400, 1_000, [None, None]),
        ((5, 6), True, 1_000, [None, None]),
    ],
    ids=str,
)
def test_a_packs_cost_is_divided_among_its_texts(ids, cost, price, costs):
    provider = answering(pack(*ids, cost=cost), rial_per_credit=price)
    result = outcome(lambda: provider.send(texts(len(ids))))

    accepted = result.accepted if isinstance(result, ProviderError) else result
    assert [a.cost_rial for a in accepted] == costs


CODES = {
    ErrorKind.NOT_ACCEPTED: (20,),
    ErrorKind.ACCOUNT: (10, 11, 12, 13, 14, 101, 102, 119, 123),
    ErrorKind.MESSAGE: (103, 104, 108, 113, 114, 115, 116, 117),
    ErrorKind.BUG: (105, 106, 107, 109, 110, 111, 112, 118),
    ErrorKind.UNKNOWN: (0, 2, 15, 100, 120, 200, 999),
}


@pytest.mark.parametrize("hidden", [False, True], ids=["HTTP status", "inside HTTP 200"])
@pytest.mark.parametrize(
    ("code", "kind"), [(code, kind) for kind, codes in CODES.items() for code in codes]
)
def test_each_code_says_what_may_be_done(gateway, provider, code, kind, hidden):
    gateway.options.error_inside_200 = hidden
    gateway.fail_next("code", code=code)

    error = raised_by(provider.send, texts())

    assert (error.kind, error.code) == (kind, code)
    assert error.accepted == ()


@pytest.mark.parametrize(
    ("mode", "details", "kind", "reason", "code"),
    [
        ("drop", {}, ErrorKind.UNKNOWN, Reason.CONNECTION_LOST, None),
        ("accept_then_drop", {}, ErrorKind.UNKNOWN, Reason.CONNECTION_LOST, None),
        ("half", {}, ErrorKind.UNKNOWN, Reason.CONNECTION_LOST, None),
        ("empty", {}, ErrorKind.UNKNOWN, Reason.UNREADABLE, 200),
        ("null_entries", {}, ErrorKind.UNKNOWN, Reason.INCOMPLETE, None),
        ("missing_entry", {}, ErrorKind.UNKNOWN, Reason.INCOMPLETE, None),
        ("html", {}, ErrorKind.UNKNOWN, Reason.UNREADABLE, 502),
        ("html", {"code": 500}, ErrorKind.UNKNOWN, Reason.UNREADABLE, 500),
        ("html", {"code": 401}, ErrorKind.ACCOUNT, Reason.UNREADABLE, 401),
        ("html", {"code": 429}, ErrorKind.NOT_ACCEPTED, Reason.UNREADABLE, 429),
        ("redirect", {}, ErrorKind.UNKNOWN, Reason.REDIRECTED, 302),
    ],
    ids=str,
)
def test_each_failure_says_what_may_be_done(gateway, provider, mode, details, kind, reason, code):
    gateway.fail_next(mode, **details)

    error = raised_by(provider.send, texts(2))

    assert (error.kind, error.reason, error.code) == (kind, reason, code)
    assert len(gateway.calls) == 1


def test_an_account_without_credit_pauses(gateway, provider):
    gateway.options.credit_rial = 1_000

    assert raised_by(provider.send, texts()).kind is ErrorKind.ACCOUNT
    assert gateway.messages == []


def test_nothing_is_ever_looked_up(gateway, provider):
    provider.send(texts())

    assert provider.look_up([7_000_001]) == {}
    assert (provider.can_look_up, provider.dedupes, len(gateway.calls)) == (False, False, 1)


def test_statuses_follow_a_text(gateway, provider):
    number = provider.send(texts())[0].provider_id
    seen = []
    for _ in range(3):
        seen.append(provider.statuses([number])[number])
        gateway.advance(timedelta(seconds=3))

    assert seen == [DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.DELIVERED]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (1, DeliveryStatus.DELIVERED),
        (2, DeliveryStatus.UNDELIVERED),
        (3, DeliveryStatus.SENT),
        (4, DeliveryStatus.ACCEPTED),
        (5, DeliveryStatus.SENT),
        (6, DeliveryStatus.FAILED),
        (7, DeliveryStatus.BLOCKED),
        ("1", DeliveryStatus.DELIVERED),
        (8, DeliveryStatus.UNRECOGNISED),
        (None, None),
        ("x", None),
    ],
)
def test_each_delivery_state_has_one_meaning(state, status):
    told = answering(success({"messageId": 5, "deliveryState": state})).statuses(["5"])

    assert told == ({"5": status} if status else {})


def test_statuses_speak_only_of_what_was_asked(gateway, provider):
    number = provider.send(texts())[0].provider_id
    told = provider.statuses([number, "5", "wamid.HBg", "", "۱۲", "007"])

    assert told == {number: DeliveryStatus.ACCEPTED, "5": DeliveryStatus.UNKNOWN_ID}
    assert answering(success({"messageId": 6, "deliveryState": 1})).statuses(["5"]) == {}


def test_statuses_told_before_a_call_fails_are_kept(gateway, provider):
    numbers = [a.provider_id for a in provider.send(texts(3))]
    gateway.fail_next("code", code=20)
    with pytest.raises(ProviderError):
        provider.statuses(numbers)
    wanted = provider.statuses(numbers[:1])
    answer, calls = provider._client.get, []

    def tiring(path):
        calls.append(path)
        if len(calls) > 1:
            gateway.fail_next("code", code=20)
        return answer(path)

    provider._client.get = tiring

    assert provider.statuses(numbers) == wanted
    assert len(calls) == 2


def test_too_many_questions_at_once_are_our_own_mistake(gateway, provider):
    error = raised_by(provider.statuses, [str(n) for n in range(1, 22)])

    assert (error.kind, error.reason) == (ErrorKind.BUG, Reason.BAD_BATCH)
    assert gateway.calls == []


def test_the_inbox_is_read_once_whatever_the_line(gateway, provider):
    provider.send(texts())
    message = gateway.reply("09121234567", LINE, "بله")
    other = gateway.reply("09121234567", "3000", "خیر")

    assert provider.receive(LINE) == [
        InboundText(str(message.id), "989121234567", LINE, "بله", NOW),
        InboundText(str(other.id), "989121234567", "3000", "خیر", NOW),
    ]
    assert provider.receive(LINE) == []


def received(**changes):
    entry = {
        "receiveReturnId": 5,
        "messageText": "بله",
        "number": int(LINE),
        "mobile": 989121234567,
        "receivedDateTime": int(NOW.timestamp()),
        **changes,
    }
    return {name: value for name, value in entry.items() if value is not None}


TOLD = InboundText("5", "989121234567", LINE, "بله", NOW)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (received(), TOLD),
        (received(number=LINE, mobile="989121234567", receiveReturnId="5"), TOLD),
        (received(receivedDateTime=None), InboundText("5", "989121234567", LINE, "بله")),
        (received(number=None), InboundText("5", "989121234567", "", "بله", NOW)),
        (received(messageText=""), InboundText("5", "989121234567", LINE, "", NOW)),
        (received(mobile=None), None),
        (received(messageText=None), None),
        (received(messageText=5), None),
        ("x", None),
        (None, None),
    ],
    ids=str,
)
def test_an_inbox_entry_is_a_text_or_nothing(entry, text):
    assert answering(success([entry])).receive(LINE) == ([text] if text else [])


def test_a_text_without_a_number_gets_one_that_stays():
    numberless = received(receiveReturnId=None)
    provider = answering(success([numberless, received(receiveReturnId=None, messageText="نه")]))
    first, second = provider.receive(LINE), provider.receive(LINE)

    assert [text.provider_id for text in first] == [text.provider_id for text in second]
    assert len({text.provider_id for text in first}) == 2
    assert len(first[0].provider_id) == 32


def test_a_callback_is_understood_as_a_report_would_be():
    report = {"messageId": 5, "deliveryState": 1, "mobile": 989121234567, "messageText": TEXT}

    assert SmsIr.hear(Callback({}, json.dumps(report).encode())) == News(
        (Receipt("5", DeliveryStatus.DELIVERED),)
    )
    assert SmsIr.hear(Callback({"messageid": ["5"], "deliverystate": "2"})) == News(
        (Receipt("5", DeliveryStatus.UNDELIVERED),)
    )
    assert SmsIr.hear(Callback({}, json.dumps([received(), report]).encode())) == News(
        (Receipt("5", DeliveryStatus.DELIVERED),), (TOLD,)
    )
    assert SmsIr.hear(Callback({}, b'{"status":1,"message":"x","data":null}')) == News()


def test_a_callback_tells_only_so_much():
    many = json.dumps([received(receiveReturnId=n) for n in range(1, 500)]).encode()

    assert len(SmsIr.hear(Callback({}, many)).inbound) == 100


@pytest.mark.parametrize(
    ("credit", "price", "left"),
    [
        (1000.5, 2_000, 2_001_000),
        ("12", 1_000, 12_000),
        (1000.5, 0, None),
        (0, 0, 0),
        (0.0, 2_000, 0),
        (-3, 0, 0),
        (1e300, 2_000, None),
    ],
)
def test_credit_is_money_only_when_its_price_is_known(credit, price, left):
    provider = answering(success(credit), rial_per_credit=price)

    assert provider.account() == AccountInfo(left)


@pytest.mark.parametrize("data", [None, {}, [], "x", True, float("nan")])
def test_an_account_without_a_credit_is_no_answer(data):
    error = raised_by(answering(success(data)).account)

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.INCOMPLETE)


@pytest.mark.parametrize("line", ["", " ", "Peygir", "0", "-5", "3000 7732", "۳۰۰۰", "9" * 30])
def test_a_line_that_is_no_number_is_refused(line):
    with pytest.raises(ValueError, match=r"sms\.ir line"):
        smsir(sender=line)


@pytest.mark.parametrize("key", ["", " ", "a key", "key\n", "کلید", "k" * 201])
def test_a_key_that_cannot_be_one_is_refused_unseen(key):
    with pytest.raises(ValueError, match=r"sms\.ir API key") as caught:
        smsir(api_key=key)

    assert not key.strip() or key not in str(caught.value)


def test_nothing_shows_the_key_when_printed():
    provider = smsir()

    assert KEY not in f"{provider} {provider!r} {provider._client} {provider._client!r}"
