import contextlib
import datetime as dt
import ipaddress
import json
import logging
import os
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings, strategies as st

from messaging.providers.base import ErrorKind, OutcomeUnknown, ProviderError, Reason
from messaging.providers.wire import Answer, Wire
from tests.messaging.kavenegars import outcome
from tests.messaging.raw_server import always, http, raw_server

FORM = b"receptor=09121234567&message=hi"
KEY = "canary-key"
GOOD = http(json.dumps({"return": {"status": 200}, "entries": []}).encode())


def post(wire, server, path=f"/v1/{KEY}/sms/send.json"):
    base_url = getattr(server, "base_url", server)
    return wire.post(base_url + path, FORM, secrets=(KEY,))


def wire(**options):
    """Patient enough for a busy machine; where patience must end, the test says after how long."""
    return Wire(**{"direct": True, "connect_seconds": 5, "read_seconds": 10, **options})


def ending(server, **options):
    with pytest.raises(ProviderError) as caught:
        post(wire(**options), server)
    return caught.value.kind, caught.value.reason


NOT_ACCEPTED = (ErrorKind.NOT_ACCEPTED, Reason.NOT_CONNECTED)
LOST = (ErrorKind.UNKNOWN, Reason.CONNECTION_LOST)
TIMED_OUT = (ErrorKind.UNKNOWN, Reason.TIMED_OUT)


def cut(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang(connection, _):
    """Until the other side hangs up."""
    connection.settimeout(20)
    connection.recv(1)


def test_post_gives_the_status_and_the_whole_body():
    with raw_server(always(http(b"x" * 300_000, b"418 I'm a teapot"))) as server:
        assert post(wire(), server) == Answer(418, b"x" * 300_000)

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/canary-key/sms/send.json HTTP/1.1\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded; charset=utf-8" in head
    assert body == FORM


def test_a_refused_connection_is_certainly_not_accepted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert ending(f"http://127.0.0.1:{port}") == NOT_ACCEPTED


def test_an_unknown_host_is_certainly_not_accepted(monkeypatch):
    def nowhere(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    assert ending("https://gateway.example") == NOT_ACCEPTED


def test_a_connection_that_takes_too_long_is_certainly_not_accepted(monkeypatch):
    def never(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", never)

    assert ending("http://127.0.0.1:9") == NOT_ACCEPTED


@pytest.mark.parametrize("respond", [always(GOOD), cut, hang], ids=["plain http", "reset", "hangs"])
def test_a_failed_tls_handshake_is_certainly_not_accepted(respond):
    def greeted(connection, number):
        return respond(connection, number)

    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            greeted(connection, 1)

    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]

    assert ending(f"https://127.0.0.1:{port}", connect_seconds=0.5) == NOT_ACCEPTED
    listener.close()


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@contextlib.contextmanager
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with raw_server(always(GOOD), wrap=context.wrap_socket) as server:
        server.base_url = server.base_url.replace("http:", "https:")
        yield server


def test_a_gateway_with_a_trusted_certificate_is_spoken_to(monkeypatch, certificate):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with tls_server(certificate) as server:
        assert post(wire(direct=False), server).status == 200

    assert server.requests[0].endswith(FORM)


def test_a_gateway_with_a_strange_certificate_gets_not_a_byte(certificate):
    with tls_server(certificate) as server:
        assert ending(server) == NOT_ACCEPTED

    assert server.requests == []


@pytest.mark.parametrize(
    ("respond", "expected"),
    [
        pytest.param(cut, LOST, id="reset after the request"),
        pytest.param(always(b""), LOST, id="closed without a word"),
        pytest.param(always(GOOD[:-4]), LOST, id="cut in the body"),
        pytest.param(always(b"220 mail.example ESMTP\r\n"), LOST, id="not HTTP at all"),
        pytest.param(always(b"HTTP/1.1 abc OK\r\n\r\n"), LOST, id="no status"),
        pytest.param(
            always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            LOST,
            id="a broken chunk",
        ),
        pytest.param(
            always(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"), LOST, id="headers no end"
        ),
        pytest.param(
            always(http(b"", b"302 Found", b"Location: /elsewhere")),
            (ErrorKind.UNKNOWN, Reason.REDIRECTED),
            id="redirect",
        ),
        pytest.param(
            always(http(b"", b"308 Permanent Redirect")),
            (ErrorKind.UNKNOWN, Reason.REDIRECTED),
            id="redirect to nowhere",
        ),
    ],
)
def test_whatever_happens_after_the_request_leaves_us_unknowing(respond, expected):
    with raw_server(respond) as server:
        assert ending(server) == expected
        time.sleep(0.05)

    assert len(server.requests) == server.connections == 1


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        pytest.param(b"HTTP/1.1 200", b"", id="cut in the status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-L", b"", id="cut in the headers"),
        pytest.param(http(b"x", b"200 OK", b"Content-Encoding: gzip"), b"x", id="unasked coding"),
    ],
)
def test_what_passes_for_an_answer_is_handed_on_as_it_is(sent, body):
    with raw_server(always(sent)) as server:
        assert post(wire(), server) == Answer(200, body)


def test_silence_times_out_and_leaves_us_unknowing():
    with raw_server(hang) as server:
        assert ending(server, read_seconds=0.5) == TIMED_OUT

    assert len(server.requests) == server.connections == 1


def test_an_answer_that_stops_halfway_times_out():
    def half(connection, number):
        connection.sendall(GOOD[:-4])
        hang(connection, number)

    with raw_server(half) as server:
        assert ending(server, read_seconds=0.5) == TIMED_OUT


def test_an_answer_that_drips_is_given_up():
    def drip(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(400):
            connection.sendall(b"x")
            time.sleep(0.05)

    with raw_server(drip) as server:
        began = time.monotonic()
        patience = {"connect_seconds": 0.3, "read_seconds": 1}
        assert ending(server, **patience) == (ErrorKind.UNKNOWN, Reason.TOO_LONG)

    assert time.monotonic() - began < 10


def test_an_answer_without_an_end_is_given_up():
    def flood(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"x" * 65536)

    with raw_server(flood) as server:
        assert ending(server, read_seconds=5) == (ErrorKind.UNKNOWN, Reason.TOO_LONG)


def test_calls_share_one_connection():
    line = wire()
    with raw_server(always(GOOD, keep=True)) as server:
        for _ in range(3):
            post(line, server)

    assert (len(server.requests), server.connections) == (3, 1)


def test_a_connection_that_sat_idle_is_not_trusted(monkeypatch):
    line = wire()
    with raw_server(always(GOOD, keep=True)) as server:
        post(line, server)
        real = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: real() + 5)
        post(line, server)

    assert (len(server.requests), server.connections) == (2, 2)


def test_a_forked_process_opens_its_own_connection(monkeypatch):
    line = wire()
    with raw_server(always(GOOD, keep=True)) as server:
        post(line, server)
        real = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: real + 1)
        post(line, server)

    assert server.connections == 2


def test_a_connection_closed_while_idle_is_opened_anew():
    line = wire()
    with raw_server(always(GOOD)) as server:
        post(line, server)
        assert server.hung_up.wait(20)
        assert post(line, server).status == 200

    assert (len(server.requests), server.connections) == (2, 2)


def test_a_kept_connection_that_dies_under_a_request_is_not_tried_again():
    def once(connection, number):
        if number == 1:
            connection.sendall(GOOD)
            return True
        return cut(connection, number)

    line = wire()
    with raw_server(once) as server:
        post(line, server)
        with pytest.raises(OutcomeUnknown):
            post(line, server)
        time.sleep(0.05)

    assert (len(server.requests), server.connections) == (2, 1)


def test_after_a_failure_the_next_call_works():
    line = wire()
    with raw_server(lambda c, n: cut(c, n) if n == 1 else c.sendall(GOOD)) as server:
        with pytest.raises(OutcomeUnknown):
            post(line, server)
        assert post(line, server).status == 200


@pytest.mark.parametrize("direct", [True, False])
def test_no_password_is_taken_from_netrc(monkeypatch, tmp_path, direct):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with raw_server(always(GOOD)) as server:
        assert post(wire(direct=direct), server).status == 200

    assert b"authorization" not in server.requests[0].lower()


def test_direct_calls_use_no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with raw_server(always(GOOD)) as server:
        assert post(wire(), server).status == 200


def test_a_proxy_that_refuses_the_tunnel_has_passed_nothing_on(monkeypatch):
    with raw_server(always(http(b"", b"403 Forbidden"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ending("https://gateway.example", direct=False) == NOT_ACCEPTED

    assert proxy.requests[0].startswith(b"CONNECT gateway.example:443 ")
    assert KEY.encode() not in proxy.requests[0]


def test_no_log_line_shows_the_key(caplog):
    caplog.set_level(logging.DEBUG)
    odd = http(b"{}", b"200 OK", b"Broken header line without a colon", b": nameless")
    with raw_server(always(odd)) as server:
        post(wire(), server)
    assert ending("http://127.0.0.1:9") == NOT_ACCEPTED

    lines = [record.getMessage() + str(record.exc_info) for record in caplog.records]
    assert any("***" in line for line in lines)
    assert [line for line in lines if KEY in line] == []


def test_other_log_lines_of_the_library_are_left_alone(caplog):
    caplog.set_level(logging.INFO)
    logging.getLogger("urllib3.connectionpool").warning("about %s", KEY)

    assert caplog.messages == [f"about {KEY}"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300)
    | st.builds(
        lambda status, body, length: (
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, length) + body
        ),
        st.integers(0, 999),
        st.binary(max_size=50),
        st.integers(0, 60),
    )
)
def test_any_bytes_on_the_line_give_an_answer_or_our_own_error(answer):
    with raw_server(always(answer)) as server:
        result = outcome(lambda: post(wire(), server))

    if not isinstance(result, Answer):
        assert result.kind is ErrorKind.UNKNOWN
        assert result.__context__ is None
