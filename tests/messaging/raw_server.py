"""A server that answers with exactly the bytes it is told, or hangs up."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

Respond = Callable[[socket.socket, int], bool | None]
Wrap = Callable[..., socket.socket]


class RawServer:
    """`requests` are the raw requests read, `connections` how many callers came.

    `hung_up` says that it has ended one of the connections.
    """

    def __init__(self, respond: Respond, wrap: Wrap | None = None) -> None:
        self.respond = respond
        self.wrap = wrap
        self.requests: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """Answer requests until `respond` gives anything but True."""
        with contextlib.suppress(OSError), connection:
            if self.wrap:
                connection = self.wrap(connection, server_side=True)
            while request := _read_request(connection):
                self.requests.append(request)
                if self.respond(connection, len(self.requests)) is not True:
                    break
        self.hung_up.set()


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if end and len(body) >= (int(length[1]) if length else 0):
            return received
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk


@contextlib.contextmanager
def raw_server(respond: Respond, wrap: Wrap | None = None) -> Iterator[RawServer]:
    """Serve `respond(connection, number of the request)` on a free port."""
    server = RawServer(respond, wrap)
    try:
        yield server
    finally:
        server.close()


def http(body: bytes, status: bytes = b"200 OK", *headers: bytes) -> bytes:
    """A whole HTTP answer."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def always(answer: bytes, *, keep: bool = False) -> Respond:
    def respond(connection: socket.socket, _: int) -> bool:
        connection.sendall(answer)
        return keep

    return respond
