"""The HTTP server: one thread per connection, kept alive, as a real gateway would."""

import contextlib
import ipaddress
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from sandbox import control, kavenegar_http, letters, phones, smsir_http, whatsapp_http
from sandbox.web import Request, Response, json_response, not_found
from sandbox.world import World

_MAX_BODY: Final = 4 * 1024 * 1024
_CALLBACK_SECONDS: Final = 0.5
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
# Nothing but our own style sheet, script and font: the texts shown come from anywhere.
_SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "font-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def route(world: World, request: Request) -> Response:
    """Give a request to the part that answers it."""
    if request.path.startswith("/v1/"):
        # Both begin alike: Kavenegar's go on with a key and end in .json, sms.ir's do neither.
        by_smsir = smsir_http.speaks(request.path)
        answer = smsir_http.answer if by_smsir else kavenegar_http.answer
        with world.lock:
            return answer(world.gateway, request, world.clock.now())
    if whatsapp_http.speaks(request.path):
        with world.lock:
            return whatsapp_http.answer(world.whatsapp, request, world.clock.now())
    if request.path.startswith(control.PREFIX):
        return control.answer(world, request)
    if request.path == "/healthz":
        return json_response({"status": "ok"})
    return phones.answer(world, request) or letters.answer(world, request) or not_found()


class Server:
    """A sandbox listening on an address. Port 0 takes a free one."""

    def __init__(self, world: World, host: str = "127.0.0.1", port: int = 0) -> None:
        self.world = world
        self.stopping = threading.Event()
        self._http = _Listener((host, port), _handler(world, self.stopping))
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._call_back, daemon=True),
        ]

    @property
    def base_url(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(str(self._http.server_address[0])).is_loopback

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until `stop`."""
        self.stopping.wait()

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        self.world.close()

    def _call_back(self) -> None:
        while not self.stopping.wait(_CALLBACK_SECONDS):
            # The product may be down, or the journal's disk full: neither ends the gateway.
            with contextlib.suppress(OSError):
                self.world.pump()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is none of our errors."""


def _handler(world: World, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        answer = staticmethod(lambda request: route(world, request))
        pause = staticmethod(stopping.wait)

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    timeout = 60
    # Head and body in one packet: two small ones would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    answer: Callable[[Request], Response]
    pause: Callable[[float], bool]

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        request = Request(self.command, path, query, body, dict(self.headers.items()))
        self._write(type(self).answer(request))

    do_GET = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: addresses hold keys and numbers."""

    def _read_body(self) -> bytes | None:
        """The body, or None when there is no telling where it ends."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MAX_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send_error(400)
            return None
        return self.rfile.read(int(length))

    def _write(self, response: Response) -> None:
        if response.wait:
            type(self).pause(response.wait)
        if response.drop:
            self._cut()
            return
        self.send_response(response.status)
        for name, value in {**_SECURITY, **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", response.kind)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        shown = b"" if self.command == "HEAD" else response.body
        self.wfile.write(shown[: int(len(shown) * response.keep)])
        self.wfile.flush()
        if response.keep < 1:
            self._cut()

    def _cut(self) -> None:
        """End the connection with a reset, as a gateway does that dies."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
