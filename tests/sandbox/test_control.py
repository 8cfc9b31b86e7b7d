import pytest
import requests

from sandbox.testing import running_gateway
from tests.sandbox.helpers import product


@pytest.fixture
def gateway():
    with running_gateway() as running:
        yield running


def post(gateway, name, **given):
    return requests.post(f"{gateway.base_url}/_sandbox/{name}", json=given, timeout=5)


def get(gateway, name, **query):
    return requests.get(f"{gateway.base_url}/_sandbox/{name}", params=query, timeout=5).json()


def send(gateway, receptor="09121234567", **more):
    data = {"receptor": receptor, "message": "سلام", **more}
    return requests.post(f"{gateway.base_url}/v1/key/sms/send.json", data=data, timeout=5)


def test_messages_are_told_with_their_state(gateway):
    send(gateway, localid="7")
    send(gateway, receptor="09350000000")

    (message,) = get(gateway, "messages", receptor="+989121234567")

    assert (message["body"], message["local_id"], message["status"]) == ("سلام", 7, 1)
    assert len(get(gateway, "messages")) == 2


def test_a_failure_is_ordered_from_outside(gateway):
    assert post(gateway, "fail", mode="code", code=409).json() == {"ok": True}

    assert send(gateway).status_code == 409
    assert [call["fault"] for call in get(gateway, "calls")] == ["code"]


def test_the_clock_is_set_and_let_go(gateway):
    post(gateway, "clock", now="2026-11-21T10:00:00+03:30")
    assert get(gateway, "state")["now"] == "2026-11-21T06:30:00+00:00"
    assert post(gateway, "clock", now=None).status_code == 200

    assert get(gateway, "state")["now"] != "2026-11-21T06:30:00+00:00"


def test_options_are_changed_while_it_runs(gateway):
    post(gateway, "options", credit_rial=0, bad_keys=["bad"], to_phone=1, links_allowed=False)

    assert send(gateway).status_code == 418
    assert gateway.options.bad_keys == ("bad",)
    assert gateway.options.pace.to_phone.total_seconds() == 1
    assert gateway.options.pace.to_carrier.total_seconds() == 2


def test_callbacks_are_aimed_and_fired(gateway):
    with product() as there:
        post(gateway, "callbacks", inbound_url=there.url, method="GET", retry_after=5)
        post(gateway, "inbound", **{"from": "09121234567", "to": "10004346", "message": "بله"})
        post(gateway, "pump")
        assert [fields["message"] for fields in there.received] == ["بله"]

    assert get(gateway, "inbound")[0]["answer"] == 200


def test_reset_forgets_all_but_the_options(gateway):
    send(gateway, localid="7")
    post(gateway, "fail", mode="drop")
    post(gateway, "options", tariff_rial=5)
    version = get(gateway, "state")["version"]
    post(gateway, "reset")

    state = get(gateway, "state")
    assert (state["messages"], state["calls"], state["options"]["tariff_rial"]) == (0, 0, 5)
    assert state["version"] > version
    assert send(gateway, localid="7").json()["entries"][0]["cost"] == 5


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("fail", {"mode": "fire"}),
        ("fail", {"colour": "red"}),
        ("clock", {"now": "tomorrow"}),
        ("clock", {"now": "2026-11-21T10:00:00"}),
        ("clock", {}),
        ("options", {"colour": "red"}),
        ("callbacks", {"colour": "red"}),
        ("inbound", {"from": "5", "to": "10004346", "message": "x"}),
    ],
    ids=str,
)
def test_a_wrong_order_is_answered_with_what_is_wrong(gateway, name, given):
    response = post(gateway, name, **given)

    assert response.status_code == 400
    assert response.json()["error"]


def test_orders_must_be_declared_json(gateway):
    url = f"{gateway.base_url}/_sandbox/reset"

    assert requests.post(url, data="{}", timeout=5).status_code == 400
    assert requests.post(url, json=[], timeout=5).status_code == 400
    assert requests.get(url, timeout=5).status_code == 404
