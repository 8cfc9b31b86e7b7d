"""The Cloud API's stand-in: what its webhooks tell, signed, twice, in batches and out of order."""

import hashlib
import hmac
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from messaging.providers.base import DeliveryStatus
from messaging.providers.whatsapp_news import heard
from sandbox.testing import running_gateway

START = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
SECRET = "secret-of-the-app"


@contextmanager
def product():
    """The other end of the webhooks: remembers bodies and signatures, and answers as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.received.append((body, self.headers["X-Hub-Signature-256"]))
            self.send_response(there.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    there = HTTPServer(("127.0.0.1", 0), Handler)
    there.received, there.answer = [], 200
    there.url = f"http://127.0.0.1:{there.server_address[1]}/hooks/whatsapp/t/"
    threading.Thread(target=there.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield there
    finally:
        there.shutdown()
        there.server_close()


@pytest.fixture
def graph():
    with product() as there, running_gateway() as gateway:
        gateway.set_clock(START)
        options = gateway.whatsapp.options
        options.callback_url, options.app_secret, options.any_template = there.url, SECRET, True
        yield gateway, there


def send(gateway, to="4915112345678", token="EAAG"):
    template = {"name": "reminder", "language": {"code": "fa"}}
    said = {"messaging_product": "whatsapp", "to": to, "type": "template", "template": template}
    said["biz_opaque_callback_data"] = "77"
    request = urllib.request.Request(
        f"{gateway.base_url}/v26.0/1065/messages",
        json.dumps(said).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def words(there):
    return [r.status for body, _ in there.received for r in heard(body).receipts]


def test_a_text_is_told_sent_delivered_and_read_with_our_own_id(graph):
    gateway, there = graph
    wamid = send(gateway)["messages"][0]["id"]

    for _ in range(9):
        gateway.advance(timedelta(seconds=1))
        gateway.pump()

    told = [json.loads(body)["entry"][0]["changes"][0]["value"] for body, _ in there.received]
    assert [value["statuses"][0]["status"] for value in told] == ["sent", "delivered", "read"]
    assert {value["statuses"][0]["biz_opaque_callback_data"] for value in told} == {"77"}
    assert {value["statuses"][0]["id"] for value in told} == {wamid}


def test_a_number_of_iran_gets_a_200_and_then_fails(graph):
    gateway, there = graph
    assert send(gateway, "989121234567")["messages"]

    gateway.advance(timedelta(seconds=10))
    gateway.pump()

    (receipt,) = [r for body, _ in there.received for r in heard(body).receipts]
    assert (receipt.status, receipt.code, receipt.local_id) == (DeliveryStatus.FAILED, "131026", 77)


def test_every_webhook_is_signed_over_its_escaped_bytes(graph):
    gateway, there = graph
    gateway.world.write_by_whatsapp("4915112345678", "سلام")
    gateway.pump()

    ((body, signature),) = there.received
    assert rb"\u0633\u0644\u0627\u0645" in body
    assert signature == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert [text.text for text in heard(body).inbound] == ["سلام"]


def test_webhooks_come_twice_in_batches_and_out_of_order_when_told_to(graph):
    gateway, there = graph
    options = gateway.whatsapp.options
    options.batched = options.duplicate = options.shuffled = True
    send(gateway)
    gateway.advance(timedelta(seconds=10))
    gateway.pump()

    expected = [DeliveryStatus.DELIVERED, DeliveryStatus.DELIVERED, DeliveryStatus.SENT]
    assert words(there) == expected * 2
    assert len(there.received) == 2


def test_people_without_a_number_write_by_their_id_alone(graph):
    gateway, there = graph
    gateway.whatsapp.options.without_wa_id = True
    gateway.world.write_by_whatsapp("4915112345678", "سلام", "button")
    gateway.pump()

    (text,) = heard(there.received[0][0]).inbound
    assert (text.sender, text.text) == ("CC.4915112345678", "سلام")


def test_a_webhook_that_was_not_heard_comes_again(graph):
    gateway, there = graph
    there.answer = 500
    gateway.world.write_by_whatsapp("4915112345678", "سلام")
    gateway.pump()
    there.answer = 200
    gateway.pump()
    assert len(there.received) == 1

    gateway.advance(timedelta(minutes=2))
    gateway.pump()
    gateway.pump()

    assert len(there.received) == 2


def test_a_bad_token_opens_nothing(graph):
    gateway, _ = graph
    gateway.whatsapp.options.bad_tokens = ("stolen",)

    assert send(gateway, token="stolen")["error"]["code"] == 190
    assert gateway.whatsapp.sent == {}


def test_a_restart_forgets_nothing_and_tells_nothing_twice(tmp_path):
    journal = tmp_path / "journal.jsonl"
    with product() as there:
        with running_gateway(journal=journal) as gateway:
            gateway.set_clock(START)
            gateway.whatsapp.options.any_template = True
            gateway.whatsapp.options.callback_url = there.url
            wamid = send(gateway)["messages"][0]["id"]
            gateway.advance(timedelta(seconds=10))
            gateway.pump()
        with running_gateway(journal=journal) as gateway:
            gateway.set_clock(START + timedelta(seconds=20))
            gateway.whatsapp.options.callback_url = there.url
            gateway.pump()
            assert list(gateway.whatsapp.sent) == [wamid]
            assert gateway.world.write_by_whatsapp("49151", "x").id != wamid
    assert len(there.received) == 3


def ask(gateway, name, given=None):
    body = None if given is None else json.dumps(given).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{gateway.base_url}/_sandbox/{name}", body, headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_it_is_ruled_through_the_control_interface(graph):
    gateway, _ = graph
    ask(gateway, "whatsapp/options", {"any_template": False, "templates": {"reminder/fa": 0}})
    ask(gateway, "whatsapp/fail", {"mode": "code", "code": 130429, "http": 429})
    assert send(gateway)["error"]["code"] == 130429
    assert send(gateway)["messages"]
    ask(gateway, "whatsapp/inbound", {"from": "4915112345678", "message": "بله", "kind": "button"})

    seen = ask(gateway, "whatsapp")

    assert [each["status"] for each in seen["sent"]] == ["accepted"]
    assert [each["body"] for each in seen["written"]] == ["بله"]
    assert [each["code"] for each in seen["calls"]] == [130429, 0]


def page(gateway, path="/"):
    with urllib.request.urlopen(gateway.base_url + path) as response:
        return response.read().decode()


def test_its_messages_stand_on_the_phones_page_and_are_answered_there(graph):
    gateway, _ = graph
    send(gateway, "989121234567")
    shown = page(gateway)
    assert 'data-phone="09121234567"' in shown
    assert "واتس‌اپ" in shown

    form = urllib.parse.urlencode({"phone": "09121234567", "line": "واتس‌اپ", "text": "می‌آیم"})
    urllib.request.urlopen(f"{gateway.base_url}/reply", form.encode()).close()

    assert [(each.sender, each.body) for each in gateway.whatsapp.written] == [
        ("989121234567", "می‌آیم")
    ]


def test_letters_stand_on_a_page_of_their_own_and_bring_no_markup_along(graph):
    gateway, _ = graph
    raw = "Subject: =?utf-8?b?2LPZhNin2YU=?=\r\nFrom: a\r\n\r\n<script>x</script> https://a.ir/s/1\r\n"
    gateway.world.post_office.take("a@example.ir", "b@example.org", raw.encode())
    gateway.world.post_office.take("a@example.ir", "b@example.org", b"\xff\xfe\0 broken")

    shown = page(gateway, "/letters")

    assert "سلام" in shown
    assert "<script>x" not in shown
    assert "href='https://a.ir/s/1'" in shown
    assert len(ask(gateway, "letters")) == 2
