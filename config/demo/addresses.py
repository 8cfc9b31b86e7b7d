"""Where everything listens, and what its processes are told."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.urls import reverse

from messaging.views import callback_token

HOST = "127.0.0.1"
SANDBOX_PORT = 8010
MAIL_PORT = 8025
#: Which key it is does not matter: the sandbox opens an account for any.
API_KEY = "sandbox"


@dataclass(frozen=True, slots=True)
class Addresses:
    web_port: int
    sandbox_port: int
    #: The public address, when the environment gives one.
    public_url: str
    #: Where the sandbox takes letters.
    mail_port: int = MAIL_PORT

    @property
    def web(self) -> str:
        return f"http://{HOST}:{self.web_port}"

    @property
    def panel(self) -> str:
        return self.public_url or self.web

    @property
    def sandbox(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"

    def environment(self) -> dict[str, str]:
        """The children's: as ours, with the sandbox where the gateway would be."""
        return {
            **os.environ,
            "PORT": str(self.web_port),
            "PUBLIC_URL": self.panel,
            "KAVENEGAR_BASE_URL": self.sandbox,
            "SMSIR_BASE_URL": self.sandbox,
            "WHATSAPP_BASE_URL": self.sandbox,
            "EMAIL_URL": f"smtp://{HOST}:{self.mail_port}",
            "KAVENEGAR_API_KEY": API_KEY,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def sandbox_command(self, journal: Path, title: str) -> list[str]:
        ports = [f"--port={self.sandbox_port}", f"--smtp-port={self.mail_port}"]
        options = [*ports, f"--journal={journal}", f"--public-name={title}"]
        news = [
            f"--callback-url={self._hook('receipts')}",
            f"--inbound-url={self._hook('inbound')}",
        ]
        return _module("sandbox", *options, *news)

    def _hook(self, name: str) -> str:
        token = callback_token("kavenegar", None)
        return self.web + reverse(f"hooks:{name}", args=["kavenegar", token])

    def web_command(self) -> list[str]:
        # No access log: it would hold the tokens of links.
        options = ["--workers=2", "--threads=4", "--no-control-socket", "--log-level=warning"]
        return _module("gunicorn", "config.wsgi", f"--bind={HOST}:{self.web_port}", *options)

    @staticmethod
    def worker_command() -> list[str]:
        options = ["--concurrency=2", "--loglevel=info", "--without-gossip", "--without-mingle"]
        return _module("celery", "-A", "config.celery", "worker", *options)

    @staticmethod
    def beat_command(schedule: Path) -> list[str]:
        options = ["--loglevel=info", "--pidfile=", f"--schedule={schedule}"]
        return _module("celery", "-A", "config.celery", "beat", *options)


def choose(wanted_port: int) -> Addresses:
    """The wanted port and the sandbox's usual one, or the next that are free."""
    web_port = next_free(wanted_port)
    sandbox_port = next_free(SANDBOX_PORT, taken=web_port)
    public_url = os.environ.get("PUBLIC_URL", "").strip()
    return Addresses(web_port, sandbox_port, public_url, next_free(MAIL_PORT))


def is_well(port: int) -> bool:
    """Whether the panel at that port calls itself healthy."""
    panel = HTTPConnection(HOST, port, timeout=5)
    try:
        panel.request("GET", "/healthz")
        return panel.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        panel.close()


def next_free(port: int, taken: int = 0) -> int:
    """The first free port from this one on. Raises OSError when there is none in a hundred."""
    for candidate in range(port, min(port + 100, 65536)):
        if candidate != taken and _is_free(candidate):
            return candidate
    raise OSError(f"no free port from {port} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]
