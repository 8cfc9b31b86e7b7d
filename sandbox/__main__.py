"""`python -m sandbox`: the gateway and its phones, until interrupted."""

import argparse
import signal
import sys
from pathlib import Path

from sandbox.callbacks import CallbackOptions
from sandbox.mail import MailServer
from sandbox.server import Server
from sandbox.whatsapp import WhatsAppOptions
from sandbox.world import make_world


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Exit code 1 when the port is taken or a file unwritable."""
    given = _parser().parse_args(arguments)
    callbacks = CallbackOptions(
        status_url=given.callback_url,
        inbound_url=given.inbound_url,
        method=given.callback_method,
    )
    try:
        world = make_world(
            callbacks=callbacks,
            whatsapp=WhatsAppOptions(callback_url=given.whatsapp_url, any_template=True),
            journal=given.journal,
            title=given.public_name,
        )
        server = Server(world, given.host, given.port)
        mail = MailServer(world.post_office, given.smtp_port) if given.smtp_port else None
    except OSError as error:
        _say(f"cannot start: {error}")
        return 1
    _serve(server, mail)
    return 0


def _serve(server: Server, mail: MailServer | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: server.stopping.set())
    server.start()
    if mail:
        mail.start()
        _say(f"mail server at 127.0.0.1:{mail.port}")
    _say(f"gateway and phones at {server.base_url}/")
    if not server.is_private:
        _say("whoever reaches this address can read every text: mind the network it is on")
    server.wait()
    if mail:
        mail.stop()
    server.stop()


def _say(words: str) -> None:
    sys.stderr.write(f"sandbox: {words}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8010, help="port; 0 takes a free one")
    parser.add_argument("--journal", type=Path, help="file that keeps the texts over a restart")
    parser.add_argument("--callback-url", default="", help="where delivery states are posted")
    parser.add_argument("--inbound-url", default="", help="where the phones' replies are posted")
    parser.add_argument("--callback-method", choices=("POST", "GET"), default="POST")
    parser.add_argument("--whatsapp-url", default="", help="where WhatsApp's webhooks are posted")
    parser.add_argument("--smtp-port", type=int, default=0, help="port for letters; 0 for none")
    parser.add_argument("--public-name", default="", help="name shown above the phones")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
