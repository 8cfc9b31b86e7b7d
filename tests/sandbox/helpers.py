"""What several tests of the sandbox need."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

from sandbox.records import Draft


def draft(send_at, *, local_id=None, receptor="09121234567", body="سلام"):
    return Draft(receptor, body, "10004346", send_at, parts=1, local_id=local_id)


class Product:
    """The other end of the callbacks: remembers what arrived and answers as told."""

    def __init__(self, url):
        self.url = url
        self.received = []
        self.verbs = []
        self.answer = 200

    @property
    def states(self):
        return [(int(fields["messageid"]), int(fields["status"])) for fields in self.received]


@contextlib.contextmanager
def product():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.note(self.path.partition("?")[2])

        def do_POST(self):
            self.note(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def note(self, form):
            there.received.append(dict(parse_qsl(form)))
            there.verbs.append(self.command)
            self.send_response(there.answer)
            self.send_header("Location", "/again")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    there = Product(f"http://127.0.0.1:{server.server_address[1]}/hook?secret=s")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
