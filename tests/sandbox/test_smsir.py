"""sms.ir's methods as a caller meets them, beside Kavenegar's on one server."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from sandbox.testing import running_gateway
from tests.sandbox.helpers import product

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
UNIX = int(NOW.timestamp())
LINE = 30007732
WORDS = "سلام؛ جلسه‌ی شما فردا ساعت ۱۷:۳۰ است."


@pytest.fixture
def gateway():
    with running_gateway() as running:
        running.set_clock(NOW)
        yield running


@pytest.fixture
def call(gateway):
    def ask(path, verb="GET", key="key", **body):
        given = {"json": body} if verb == "POST" else {}
        headers = {"x-api-key": key} if key else {}
        url = f"{gateway.base_url}/v1/{path}"
        response = requests.request(verb, url, headers=headers, timeout=5, **given)
        return response.status_code, response.json()["status"], response.json()["data"]

    return ask


@pytest.fixture
def send(call):
    def post(*mobiles, **changes):
        body = {"lineNumber": LINE, "messageText": WORDS, "mobiles": list(mobiles), **changes}
        return call("send/bulk", "POST", **{"sendDateTime": None, **body})

    return post


def test_a_pack_is_answered_as_documented(gateway, send):
    status, code, data = send("09121234567", "+989350000000")

    assert (status, code) == (200, 1)
    assert data["messageIds"] == [text.id for text in gateway.messages]
    assert data["cost"] == 2.0
    assert len(data["packId"]) == 36
    assert [text.receptor for text in gateway.messages] == ["09121234567", "09350000000"]
    assert {(text.sender, text.body) for text in gateway.messages} == {(str(LINE), WORDS)}


def test_who_refuses_gets_nought_and_a_bad_number_nothing(gateway, send):
    send("09121234567")
    gateway.reply("09121234567", str(LINE), "11")

    _, code, data = send("09121234567", "021", "09350000000")

    assert code == 1
    assert data["messageIds"] == [0, None, gateway.messages[-1].id]
    assert (data["cost"], len(gateway.messages)) == (1.0, 2)


@pytest.mark.parametrize(
    ("status", "code", "changes"),
    [
        (400, 101, {"lineNumber": None}),
        (400, 101, {"lineNumber": "x"}),
        (400, 103, {"messageText": " "}),
        (400, 103, {"messageText": None}),
        (400, 105, {"mobiles": ["09121234567"] * 101}),
        (400, 107, {"mobiles": []}),
        (400, 107, {"mobiles": None}),
        (400, 109, {"sendDateTime": UNIX + 60}),
        (400, 109, {"sendDateTime": UNIX + 366 * 86_400}),
        (400, 109, {"sendDateTime": "tomorrow"}),
        (400, 117, {"messageText": "https://peygir.example"}),
    ],
    ids=str,
)
def test_a_pack_is_refused_as_documented(gateway, send, status, code, changes):
    gateway.options.links_allowed = False

    assert send("09121234567", **changes) == (status, code, None)
    assert gateway.messages == []


def test_a_text_that_is_too_long_gets_no_number(send):
    assert send("09121234567", messageText="x" * 901)[2]["messageIds"] == [None]


def test_a_text_may_wait_for_its_time(gateway, send):
    send("09121234567", sendDateTime=UNIX + 3600)

    assert gateway.messages[0].send_at == NOW + timedelta(hours=1)


def test_lines_of_others_are_refused(gateway, send):
    gateway.options.lines = ("3000",)

    assert send("09121234567")[1] == 101


def test_credit_is_counted_in_texts_and_runs_out(gateway, call, send):
    gateway.options.credit_rial = 6_000
    send("09121234567", "09350000000")

    assert call("credit") == (200, 1, 1.0)
    assert send("09121234567", "09350000000") == (400, 102, None)
    assert len(gateway.messages) == 2


@pytest.mark.parametrize(("bad", "inactive", "code"), [(("key",), (), 10), ((), ("key",), 13)])
def test_a_key_that_opens_nothing_is_refused(gateway, call, bad, inactive, code):
    gateway.options.bad_keys, gateway.options.inactive_keys = bad, inactive

    assert call("credit") == (401, code, None)
    assert call("credit", key="") == (401, 10, None)


def test_a_report_follows_the_text(gateway, call, send):
    number = send("09121234567")[2]["messageIds"][0]
    seen = []
    for _ in range(3):
        seen.append(call(f"send/{number}")[2]["deliveryState"])
        gateway.advance(timedelta(seconds=3))

    assert seen == [4, 5, 1]
    assert call(f"send/{number}")[2] == {
        "messageId": number,
        "mobile": 989121234567,
        "messageText": WORDS,
        "sendDateTime": UNIX,
        "lineNumber": LINE,
        "cost": 1.0,
        "deliveryState": 1,
        "deliveryDateTime": UNIX + 6,
    }


@pytest.mark.parametrize(
    ("ending", "state"), [("0001", 4), ("0005", 5), ("0006", 6), ("0011", 2), ("0014", 7)]
)
def test_the_end_of_a_number_decides_its_fate_here_too(gateway, call, send, ending, state):
    number = send(f"0912123{ending}")[2]["messageIds"][0]
    gateway.advance(timedelta(minutes=1))

    assert call(f"send/{number}")[2]["deliveryState"] == state


def test_a_report_of_another_account_is_not_found(call, send):
    number = send("09121234567")[2]["messageIds"][0]

    assert call(f"send/{number}", key="other") == (400, 111, None)
    assert call("send/5") == (400, 111, None)


def test_what_came_in_is_read_once(gateway, call, send):
    send("09121234567")
    message = gateway.reply("09121234567", str(LINE), "بله")

    assert call("receive/latest?count=1")[2] == [
        {
            "receiveReturnId": message.id,
            "messageText": "بله",
            "number": LINE,
            "mobile": 989121234567,
            "receivedDateTime": UNIX,
        }
    ]
    assert call("receive/latest")[2] == []


def test_the_accounts_lines_are_told(gateway, call):
    assert call("line")[2] == [10004346]
    gateway.options.lines = ("3000", "5000")
    assert call("line")[2] == [3000, 5000]


@pytest.mark.parametrize(
    ("path", "verb"), [("send/bulk", "GET"), ("receive/none", "GET"), ("credit", "DELETE")]
)
def test_what_there_is_not_is_a_problem_of_the_system(call, path, verb):
    assert call(path, verb) == (500, 0, None)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object_is_one_too(gateway, body):
    url = f"{gateway.base_url}/v1/send/bulk"
    response = requests.post(url, data=body, headers={"X-API-KEY": "key"}, timeout=5)

    assert (response.status_code, response.json()["status"]) == (500, 0)


def test_no_callback_tells_of_its_texts_and_replies(gateway, send):
    with product() as there:
        gateway.world.callbacks.options.status_url = there.url
        gateway.world.callbacks.options.inbound_url = there.url
        send("09121234567")
        gateway.reply("09121234567", str(LINE), "بله")
        gateway.advance(timedelta(minutes=1))
        gateway.pump()

    assert there.received == []


def test_its_texts_stand_on_the_phones_and_its_replies_come_to_it(gateway, call, send):
    send("09121234567")
    page = requests.get(f"{gateway.base_url}/", timeout=5).text
    answer = {"phone": "09121234567", "line": str(LINE), "text": "بله"}
    requests.post(f"{gateway.base_url}/reply", data=answer, timeout=5)

    assert WORDS in page
    assert [message["messageText"] for message in call("receive/latest")[2]] == ["بله"]


def test_both_protocols_share_a_server_and_their_accounts_are_kept_apart(gateway, call, send):
    send("09121234567")
    url = f"{gateway.base_url}/v1/send/sms/send.json"
    form = {"receptor": "09121234567", "message": "x", "localid": "7"}
    answer = requests.post(url, data=form, timeout=5).json()

    assert answer["return"]["status"] == 200
    assert [text.local_id for text in gateway.messages] == [None, 7]
    assert [each.method for each in gateway.calls] == ["send/bulk", "sms/send"]


@pytest.mark.parametrize(
    ("mode", "details", "stored", "status", "body"),
    [
        ("code", {"code": 20}, 0, 429, b'"status": 20'),
        ("code", {}, 0, 500, b'"status": 0'),
        ("html", {}, 0, 502, b"<html>"),
        ("redirect", {}, 0, 302, b""),
        ("empty", {}, 1, 200, b""),
        ("null_entries", {}, 1, 200, b'"data": null'),
        ("missing_entry", {}, 1, 200, b'"messageIds": []'),
        ("delay", {"seconds": 0.1}, 1, 200, b'"messageIds": ['),
    ],
    ids=str,
)
def test_it_fails_as_ordered(gateway, mode, details, stored, status, body):
    gateway.fail_next(mode, method="send/bulk", **details)
    response = requests.post(
        f"{gateway.base_url}/v1/send/bulk",
        json={"lineNumber": LINE, "messageText": WORDS, "mobiles": ["09121234567"]},
        headers={"X-API-KEY": "key"},
        allow_redirects=False,
        timeout=5,
    )

    assert (response.status_code, len(gateway.messages)) == (status, stored)
    assert body in response.content


@pytest.mark.parametrize(("mode", "stored"), [("drop", 0), ("accept_then_drop", 1), ("half", 1)])
def test_it_hangs_up_as_ordered(gateway, send, mode, stored):
    gateway.fail_next(mode)
    with pytest.raises(requests.RequestException):
        send("09121234567")

    assert len(gateway.messages) == stored


def test_refusals_may_hide_in_a_success(gateway, call):
    gateway.options.error_inside_200 = True
    gateway.options.bad_keys = ("key",)

    assert call("credit") == (200, 10, None)
