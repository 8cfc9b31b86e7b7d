"""Every verb keeps what the wire promises, and no header of it is shown."""

import json
import logging
import socket
from types import SimpleNamespace

import pytest

from messaging.providers.base import ErrorKind, MessageRefused, ProviderError, Reason
from messaging.providers.values import json_body
from messaging.providers.wire import JSON, Answer, Request, Wire
from tests.messaging.harnesses import traces
from tests.messaging.raw_server import always, http, raw_server

KEY = "canary-key"
BODY = b'{"messageText":"hi","mobiles":["09121234567"]}'
GOOD = http(b"{}")
VERBS = ["GET", "POST", "DELETE"]


def call(server, verb="POST", body=BODY, headers=None, wire=None):
    headers = {"X-API-KEY": KEY, "Content-Type": JSON} if headers is None else headers
    request = Request(verb, f"{server.base_url}/v1/send/5?count=1", body, headers)
    line = wire or Wire(direct=True, connect_seconds=1, read_seconds=0.5)
    return line.call(request, secrets=(KEY,))


def ending(server, verb):
    with pytest.raises(ProviderError) as caught:
        call(server, verb)
    return caught.value


def cut(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize("verb", VERBS)
def test_a_call_arrives_as_it_was_given(verb):
    with raw_server(always(http(b"[1]", b"201 Created"))) as server:
        assert call(server, verb) == Answer(201, b"[1]")

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"{verb} /v1/send/5?count=1 HTTP/1.1\r\n".encode())
    assert b"X-API-KEY: canary-key\r\n" in head
    assert b"Content-Type: application/json; charset=utf-8\r\n" in head
    assert body == BODY


def test_a_call_without_a_body_has_none():
    with raw_server(always(GOOD)) as server:
        call(server, "GET", b"", {})

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert (body, b"content-" in head.lower()) == (b"", False)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (cut, Reason.CONNECTION_LOST),
        (always(b""), Reason.CONNECTION_LOST),
        (always(http(b"", b"307 Temporary Redirect", b"Location: /x")), Reason.REDIRECTED),
    ],
    ids=["reset", "closed", "redirect"],
)
def test_whatever_happens_after_a_call_leaves_us_unknowing(verb, respond, reason):
    with raw_server(respond) as server:
        error = ending(server, verb)

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, reason)
    assert len(server.requests) == server.connections == 1


@pytest.mark.parametrize("verb", VERBS)
def test_a_refused_connection_is_certainly_not_accepted_for_every_verb(verb):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = SimpleNamespace(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")

    error = ending(nobody, verb)

    assert (error.kind, error.reason) == (ErrorKind.NOT_ACCEPTED, Reason.NOT_CONNECTED)


def test_verbs_share_one_connection():
    line = Wire(direct=True)
    with raw_server(always(GOOD, keep=True)) as server:
        for verb in VERBS:
            call(server, verb, wire=line)

    assert (len(server.requests), server.connections) == (3, 1)


def test_no_log_line_and_no_error_shows_a_header_or_a_body(caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    with raw_server(cut) as server:
        error = ending(server, "POST")

    shown = [*caplog.messages, *traces(error), repr(Request("POST", "u", BODY, {"X": KEY}))]
    assert [line for line in shown if KEY in line or "9121234567" in line] == []


@pytest.mark.parametrize("headers", [{"X-API-KEY": "a\nb"}, {"X-API-KEY": "کلید"}])
def test_a_header_that_cannot_be_written_shows_nothing_of_itself(headers):
    with raw_server(always(GOOD)) as server, pytest.raises(ProviderError) as caught:
        call(server, headers=headers)

    assert caught.value.__context__ is None
    assert server.requests == []


def test_json_is_written_as_it_reads():
    assert json_body({"متن": "سلام"}) == '{"متن": "سلام"}'.encode()
    assert json.loads(json_body({"x": "🌱"})) == {"x": "🌱"}


def test_half_an_emoji_is_refused_unseen():
    with pytest.raises(MessageRefused) as caught:
        json_body({"x": "سلام \ud83d"})

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
