import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from messaging.providers import UnknownProviderError, get_provider, provider_class
from messaging.providers.base import (
    Accepted,
    DeliveryStatus,
    ErrorKind,
    Found,
    NotFound,
    OutgoingText,
    Reason,
)
from messaging.providers.kavenegar import Kavenegar
from sandbox.testing import running_gateway
from tests.messaging.harnesses import traces
from tests.messaging.kavenegars import KEY, RECEPTOR, TEXT, kavenegar, raised_by, texts

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@pytest.fixture
def gateway():
    with running_gateway() as running:
        running.set_clock(NOW)
        yield running


@pytest.fixture
def provider(gateway):
    return kavenegar(gateway.base_url)


def test_send_gives_the_gateways_numbers_in_the_order_asked(gateway, provider):
    accepted = provider.send(texts(3))

    assert accepted == [
        Accepted(7_000_001 + n, str(gateway.messages[n].id), DeliveryStatus.ACCEPTED, 2_000)
        for n in range(3)
    ]
    assert [m.receptor for m in gateway.messages] == ["09121234567", "09121234568", "09121234569"]
    assert {m.body for m in gateway.messages} == {TEXT}
    assert [m.local_id for m in gateway.messages] == [7_000_001, 7_000_002, 7_000_003]
    assert all(m.hidden for m in gateway.messages)


def test_send_uses_the_senders_own_line(gateway):
    kavenegar(gateway.base_url, sender="30002626").send(texts())

    assert gateway.messages[0].sender == "30002626"


def test_send_repeats_nothing_when_an_id_is_sent_twice(gateway, provider):
    first, second = provider.send(texts(2)), provider.send(texts(2))

    assert [a.provider_id for a in first] == [a.provider_id for a in second]
    assert len(gateway.messages) == 2


def test_a_full_batch_goes_in_one_call(gateway, provider):
    batch = [OutgoingText(n, f"+98912{n:07}", TEXT) for n in range(1, 201)]

    assert [a.local_id for a in provider.send(batch)] == list(range(1, 201))
    assert len(gateway.calls) == 1


@pytest.mark.parametrize(
    ("batch", "kind", "reason"),
    [
        pytest.param([], ErrorKind.BUG, Reason.BAD_BATCH, id="none"),
        pytest.param(
            [OutgoingText(n, f"+98912{n:07}", TEXT) for n in range(1, 202)],
            *(ErrorKind.BUG, Reason.BAD_BATCH),
            id="too many",
        ),
        pytest.param(
            [OutgoingText(1, RECEPTOR, TEXT), OutgoingText(2, RECEPTOR, TEXT)],
            *(ErrorKind.BUG, Reason.BAD_BATCH),
            id="one recipient twice",
        ),
        pytest.param(
            [OutgoingText(1, RECEPTOR, TEXT), OutgoingText(1, "+989121234568", TEXT)],
            *(ErrorKind.BUG, Reason.BAD_BATCH),
            id="one id twice",
        ),
        pytest.param(
            [OutgoingText(1, RECEPTOR, TEXT), OutgoingText(2, "+989121234568", "متن دیگر")],
            *(ErrorKind.BUG, Reason.BAD_BATCH),
            id="two texts",
        ),
        pytest.param(
            [OutgoingText(1, "+982188776655", TEXT)],
            *(ErrorKind.MESSAGE, Reason.BAD_RECEPTOR),
            id="a landline",
        ),
        pytest.param(
            [OutgoingText(1, "+447911123456", TEXT)],
            *(ErrorKind.MESSAGE, Reason.BAD_RECEPTOR),
            id="a foreign mobile",
        ),
        pytest.param(
            [OutgoingText(1, RECEPTOR, " \n")], ErrorKind.MESSAGE, Reason.BAD_TEXT, id="no words"
        ),
        pytest.param(
            [OutgoingText(1, RECEPTOR, "سلام \ud83d")],
            *(ErrorKind.MESSAGE, Reason.BAD_TEXT),
            id="half an emoji",
        ),
    ],
)
def test_what_cannot_be_sent_never_leaves(gateway, provider, batch, kind, reason):
    error = raised_by(provider.send, batch)

    assert (error.kind, error.reason) == (kind, reason)
    assert gateway.calls == []


CODES = {
    ErrorKind.NOT_ACCEPTED: (409, 429, 451),
    ErrorKind.MESSAGE: (411, 413, 417, 420, 422, 428, 431),
    ErrorKind.ACCOUNT: (401, 403, 407, 412, 416, 418, 424, 426, 427, 432, 501),
    ErrorKind.BUG: (400, 404, 405, 406, 414, 415, 419, 604, 607),
    ErrorKind.UNKNOWN: (402, 423, 500, 502, 503, 504, 999),
}


@pytest.mark.parametrize("hidden", [False, True], ids=["HTTP status", "inside HTTP 200"])
@pytest.mark.parametrize(
    ("code", "kind"), [(code, kind) for kind, codes in CODES.items() for code in codes]
)
def test_each_return_code_says_what_may_be_done(gateway, provider, code, kind, hidden):
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
        ("html", {}, ErrorKind.UNKNOWN, Reason.UNREADABLE, 502),
        ("html", {"code": 200}, ErrorKind.UNKNOWN, Reason.UNREADABLE, 200),
        ("html", {"code": 429}, ErrorKind.UNKNOWN, Reason.UNREADABLE, 429),
        ("redirect", {}, ErrorKind.UNKNOWN, Reason.REDIRECTED, 302),
        ("wrong_receptor", {}, ErrorKind.MISMATCH, Reason.WRONG_ECHO, None),
        ("wrong_text", {}, ErrorKind.MISMATCH, Reason.WRONG_ECHO, None),
    ],
    ids=str,
)
def test_each_failure_says_what_may_be_done(gateway, provider, mode, details, kind, reason, code):
    gateway.fail_next(mode, **details)

    error = raised_by(provider.send, texts(2))

    assert (error.kind, error.reason, error.code) == (kind, reason, code)
    assert len(gateway.calls) == 1


def test_an_answer_that_comes_too_late_leaves_us_unknowing(gateway):
    impatient = kavenegar(gateway.base_url, read_seconds=0.2)
    gateway.fail_next("delay", seconds=1)

    error = raised_by(impatient.send, texts())

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.TIMED_OUT)
    assert impatient.look_up([7_000_001]) == {
        7_000_001: Found(str(gateway.messages[0].id), DeliveryStatus.ACCEPTED)
    }


def test_a_text_taken_before_the_line_went_dead_is_found_and_not_sent_again(gateway, provider):
    gateway.fail_next("accept_then_drop")
    raised_by(provider.send, texts(2))

    found = provider.look_up([7_000_001, 7_000_002, 7_000_003])
    again = provider.send(texts(2))

    assert found == {
        7_000_001: Found(again[0].provider_id, DeliveryStatus.ACCEPTED),
        7_000_002: Found(again[1].provider_id, DeliveryStatus.ACCEPTED),
        7_000_003: NotFound(),
    }
    assert len(gateway.messages) == 2


def test_what_was_taken_of_a_batch_is_told_with_the_error(gateway, provider):
    gateway.fail_next("missing_entry")

    error = raised_by(provider.send, texts(3))

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.INCOMPLETE)
    assert [a.local_id for a in error.accepted] == [7_000_001, 7_000_002]


def test_an_id_that_another_message_holds_is_an_alarm(gateway, provider):
    provider.send([OutgoingText(7_000_001, "+989350000000", "متنِ کسی دیگر")])

    error = raised_by(provider.send, texts(2))

    assert error.kind is ErrorKind.MISMATCH
    assert [a.local_id for a in error.accepted] == [7_000_002]


def test_statuses_follow_a_text_until_the_gateway_forgets_it(gateway, provider):
    number = provider.send(texts())[0].provider_id
    seen = []
    for step in (timedelta(), timedelta(seconds=3), timedelta(seconds=4), timedelta(hours=48)):
        gateway.advance(step)
        seen.append(provider.statuses([number])[number])

    assert seen == [
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNKNOWN_ID,
    ]


def test_statuses_of_another_gateways_ids_are_not_asked(gateway, provider):
    assert provider.statuses(["wamid.HBg", "", "۱۲", "0", "-3", "007"]) == {}
    assert provider.statuses([]) == {}
    assert gateway.calls == []


def test_look_up_of_nothing_asks_nothing(gateway, provider):
    assert provider.look_up([]) == {}
    assert gateway.calls == []


@pytest.mark.parametrize("ask", ["look_up", "statuses"])
def test_too_many_questions_at_once_are_our_own_mistake(gateway, provider, ask):
    ids = range(1, 502)
    error = raised_by(getattr(provider, ask), [str(i) if ask == "statuses" else i for i in ids])

    assert (error.kind, error.reason) == (ErrorKind.BUG, Reason.BAD_BATCH)
    assert gateway.calls == []


def test_look_up_no_longer_finds_what_is_twelve_hours_old(gateway, provider):
    provider.send(texts())
    gateway.advance(provider.look_up_window)

    assert provider.look_up([7_000_001]) == {7_000_001: NotFound()}
    assert provider.resend_window < provider.look_up_window


def test_account_tells_credit_and_expiry(gateway, provider):
    provider.send(texts(2))

    info = provider.account()

    assert info.credit_rial == 50_000_000 - 2 * 2_000
    assert info.expires_at == NOW + timedelta(days=365)


def secrets():
    national = [text.receptor.removeprefix("+98") for text in texts(3)]
    return [KEY, "4B6E2F7A", "canary", TEXT, TEXT[:12], "%D8%B3", "127.0.0.1", *national]


@pytest.mark.parametrize(
    ("mode", "details"),
    [
        *(("code", {"code": code}) for code in (400, 402, 403, 409, 411, 418)),
        *((mode, {}) for mode in ("drop", "half", "empty", "html", "redirect", "null_entries")),
        *((mode, {}) for mode in ("wrong_receptor", "wrong_text", "missing_entry")),
        ("delay", {"seconds": 1}),
    ],
    ids=str,
)
def test_no_error_shows_key_phone_or_text(gateway, mode, details):
    gateway.fail_next(mode, **details)
    provider = kavenegar(gateway.base_url, read_seconds=0.3)

    error = raised_by(provider.send, texts(3))

    assert error.__cause__ is None
    assert error.__context__ is None
    for trace in traces(error):
        assert [secret for secret in secrets() if secret in trace] == []


def test_no_error_before_sending_shows_key_phone_or_text():
    refused = kavenegar("http://127.0.0.1:9")
    half_an_emoji = [OutgoingText(1, RECEPTOR, TEXT + "\ud83d")]
    landline = [OutgoingText(1, "+982112345678", TEXT)]

    for provider, batch in [(refused, texts(3)), (refused, half_an_emoji), (refused, landline)]:
        for trace in traces(raised_by(provider.send, batch)):
            assert [s for s in [*secrets(), "2112345678"] if s in trace] == []


def test_nothing_shows_the_key_when_printed():
    provider = kavenegar()
    shown = f"{provider} {provider!r} {provider._client} {provider._client!r} {texts()}"

    assert [s for s in (KEY, "4B6E2F7A", TEXT, "9121234567") if s in shown] == []


def test_errors_survive_pickling(gateway, provider):
    gateway.fail_next("missing_entry")
    error = raised_by(provider.send, texts(2))

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own

    assert type(copy) is type(error)
    assert (copy.kind, copy.reason, copy.accepted) == (error.kind, error.reason, error.accepted)


@pytest.mark.parametrize(
    ("base_url", "loopback"),
    [
        ("https://api.kavenegar.com", False),
        ("https://api.kavenegar.com/", False),
        ("https://10.0.0.7:8443", False),
        ("https://0.0.0.0", False),
        ("https://localhost.example.com", False),
        ("https://127.0.0.1.example.com", False),
        ("http://127.0.0.1:8010", True),
        ("http://127.8.9.10:8010", True),
        ("http://localhost:8010", True),
        ("http://LOCALHOST:8010", True),
        ("http://[::1]:8010", True),
        ("http://[::ffff:127.0.0.1]:8010", True),
        ("https://127.0.0.1", True),
    ],
)
def test_is_loopback_only_where_nothing_can_leave(base_url, loopback):
    assert kavenegar(base_url).is_loopback is loopback


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.kavenegar.com",
        "ftp://api.kavenegar.com",
        "http://api.kavenegar.com",
        "http://10.0.0.7:8010",
        "http://localhost.example.com",
        "https://",
        "https://api.kavenegar.com/v1",
        "https://api.kavenegar.com?x=1",
        "https://api.kavenegar.com#x",
        "https://user:password@api.kavenegar.com",
        "http://127.0.0.1@api.kavenegar.com",
        "http://127.0.0.1\\@api.kavenegar.com",
        "https://api.kavenegar.com:99999",
        "https://api.kavenegar.com:port",
        "https://[::1",
        "https://api kavenegar.com",
        "https://api.kavenegar.com\n",
    ],
)
def test_a_base_url_that_cannot_work_is_refused(base_url):
    with pytest.raises(ValueError, match="the Kavenegar base URL"):
        kavenegar(base_url)


@pytest.mark.parametrize("key", ["", " ", "key\n", "a key", "..", ".", "کلید", "k" * 201])
def test_a_key_that_cannot_be_one_is_refused_unseen(key):
    with pytest.raises(ValueError, match="the Kavenegar API key") as caught:
        Kavenegar(api_key=key)

    assert not key.strip() or key not in str(caught.value)


def test_a_key_is_escaped_in_the_address(gateway, provider):
    provider.send(texts())
    gateway.options.bad_keys = (KEY,)

    assert raised_by(provider.send, texts(1, first_id=8)).code == 403


def test_the_form_is_the_documented_one(gateway):
    seen = {}
    provider = kavenegar(gateway.base_url, sender="10004346", hide=False)
    post = provider._client._wire.post

    def spy(url, form, **more):
        seen.update(url=url, form=parse_qs(form.decode()))
        return post(url, form, **more)

    provider._client._wire.post = spy
    provider.send(texts(2))

    assert seen["url"].endswith("/v1/4B6E2F7A%2Fcanary%2Bkey%3D/sms/send.json")
    assert seen["form"] == {
        "receptor": ["09121234567,09121234568"],
        "message": [TEXT],
        "localid": ["7000001,7000002"],
        "sender": ["10004346"],
    }


def test_a_provider_is_found_by_its_name():
    assert provider_class("kavenegar") is Kavenegar
    assert isinstance(kavenegar(), Kavenegar)


@pytest.mark.parametrize("kind", ["", "Kavenegar", "messaging.providers.kavenegar.Kavenegar"])
def test_an_unknown_name_is_refused(kind):
    with pytest.raises(UnknownProviderError):
        get_provider(kind)


def test_many_threads_may_share_one_account(gateway, provider):
    batches = [texts(2, first_id=1 + 2 * n) for n in range(40)]
    random.Random(5).shuffle(batches)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(provider.send, batches))

    assert [[a.local_id for a in answer] for answer in answers] == [
        [text.local_id for text in batch] for batch in batches
    ]
    assert len(gateway.messages) == 80
