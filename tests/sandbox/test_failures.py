"""The gateway's failures, as a caller's socket sees them."""

import time

import pytest
import requests

from sandbox.faults import MODES, Fault
from sandbox.testing import running_gateway


@pytest.fixture
def gateway():
    with running_gateway() as running:
        yield running


def send(gateway, timeout=5):
    return requests.post(
        f"{gateway.base_url}/v1/key/sms/send.json",
        data={"receptor": "09121234567,09350000000", "message": "x", "localid": "1,2"},
        allow_redirects=False,
        timeout=timeout,
    )


@pytest.mark.parametrize(
    ("mode", "stored"),
    [(mode, 2 if stores else 0) for mode, (stores, _) in MODES.items()],
)
def test_each_failure_takes_effect_as_it_says_and_only_once(gateway, mode, stored):
    gateway.fail_next(mode)
    try:
        send(gateway)
    except requests.RequestException:
        assert mode in ("drop", "accept_then_drop", "half")

    assert len(gateway.messages) == stored
    assert send(gateway).json()["return"]["status"] == 200
    assert [call.fault for call in gateway.calls] == [mode, ""]
    assert [call.local_ids for call in gateway.calls] == [(1, 2), (1, 2)]


@pytest.mark.parametrize(
    ("mode", "details", "status", "body"),
    [
        ("code", {"code": 451}, 451, b'"entries": null'),
        ("html", {}, 502, b"<html>"),
        ("html", {"code": 200}, 200, b"<html>"),
        ("empty", {}, 200, b""),
        ("redirect", {}, 302, b""),
        ("null_entries", {}, 200, b'"entries": null'),
        ("wrong_receptor", {}, 200, b'"receptor": "09000000000"'),
        ("wrong_text", {}, 200, '"message": "…"'.encode()),
    ],
    ids=str,
)
def test_each_failure_looks_as_ordered(gateway, mode, details, status, body):
    gateway.fail_next(mode, **details)

    response = send(gateway)

    assert response.status_code == status
    assert body in response.content


@pytest.mark.parametrize("mode", ["drop", "accept_then_drop", "half"])
def test_a_cut_line_is_an_error_for_the_caller(gateway, mode):
    gateway.fail_next(mode)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        send(gateway)


def test_a_missing_entry_is_the_last(gateway):
    gateway.fail_next("missing_entry")

    assert [entry["receptor"] for entry in send(gateway).json()["entries"]] == ["09121234567"]


def test_a_delay_holds_back_the_answer_not_the_effect(gateway):
    gateway.fail_next("delay", seconds=0.3)
    began = time.monotonic()

    assert send(gateway).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_a_delayed_answer_keeps_nobody_else_waiting(gateway):
    gateway.fail_next("delay", seconds=20)
    with pytest.raises(requests.Timeout):
        send(gateway, timeout=0.2)
    began = time.monotonic()

    assert send(gateway).status_code == 200
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("accepted", "stored"), [(True, 2), (False, 0)])
def test_whether_a_failing_call_takes_effect_can_be_chosen(gateway, accepted, stored):
    gateway.fail_next("html", accepted=accepted)
    send(gateway)

    assert len(gateway.messages) == stored


def test_failures_come_in_order_and_only_to_their_method(gateway):
    gateway.fail_next("code", times=2, code=409, method="sms/send")
    gateway.fail_next("code", code=451)

    info = requests.get(f"{gateway.base_url}/v1/key/account/info.json", timeout=5).status_code

    assert [info, *(send(gateway).status_code for _ in range(3))] == [451, 409, 409, 200]


@pytest.mark.parametrize(
    "details", [{"mode": "fire"}, {"mode": "drop", "times": 0}, {"mode": "delay", "seconds": 61}]
)
def test_a_failure_that_cannot_happen_is_refused(details):
    with pytest.raises(ValueError, match="fault"):
        Fault(**details)


def test_a_body_without_a_telling_length_is_refused(gateway):
    response = requests.post(
        f"{gateway.base_url}/v1/key/sms/send.json", data=iter([b"receptor=1"]), timeout=5
    )

    assert response.status_code == 400
    assert gateway.calls == []
