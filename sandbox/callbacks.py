"""Callbacks to the product: delivery states and inbound texts, posted as the gateway posts them."""

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Final
from urllib.parse import urlencode

from sandbox.codes import OK, Status
from sandbox.gateway import Gateway
from sandbox.records import Inbound, Text

_SECONDS: Final = 5.0


@dataclass(slots=True)
class CallbackOptions:
    """Where callbacks go, and how badly they behave on the way. An empty URL means none."""

    status_url: str = ""
    inbound_url: str = ""
    method: str = "POST"
    duplicate: bool = False  # everything arrives twice
    shuffled: bool = False  # the latest news arrives first
    retry_after: timedelta = timedelta(minutes=2)
    retry_limit: int = 30


@dataclass(slots=True)
class Delivery:
    """One callback on its way. `settle` is told the last HTTP status, 0 for none."""

    url: str
    fields: dict[str, str]
    due_at: datetime
    settle: Callable[[int], None]
    attempts: int = 0


class Callbacks:
    """The callbacks still to be delivered.

    `collect` and `settle` touch the gateway, `post` the network: whoever shares the gateway with
    other threads locks the former and never the latter.
    """

    def __init__(self, gateway: Gateway, options: CallbackOptions) -> None:
        self.gateway = gateway
        self.options = options
        self._waiting: list[Delivery] = []
        self._queued: set[tuple[int, Status]] = set()

    def collect(self, now: datetime) -> list[Delivery]:
        """Take what is due out of the queue."""
        if self.options.status_url:
            self._queue_states(now)
        due = [delivery for delivery in self._waiting if delivery.due_at <= now]
        self._waiting = [delivery for delivery in self._waiting if delivery.due_at > now]
        return due[::-1] if self.options.shuffled else due

    def post(self, delivery: Delivery) -> int:
        """Deliver one and give the HTTP status, 0 for none."""
        status = 0
        for _ in range(2 if self.options.duplicate else 1):
            status = _posted(self.options.method, delivery.url, delivery.fields)
        return status

    def settle(self, delivery: Delivery, status: int, now: datetime) -> None:
        """Note the outcome; what was not answered with 200 is tried again, for a while."""
        delivery.attempts += 1
        if status == OK or delivery.attempts >= self.options.retry_limit:
            delivery.settle(status)
            return
        delivery.due_at = now + self.options.retry_after
        self._waiting.append(delivery)

    def queue_inbound(self, message: Inbound, now: datetime) -> None:
        """An inbound text goes out as soon as there is somewhere to send it."""
        if not self.options.inbound_url:
            return
        fields = {
            "messageid": str(message.id),
            "from": message.sender,
            "to": message.receptor,
            "message": message.body,
        }

        def answered(status: int) -> None:
            self.gateway.mark_answered(message, status)

        self._waiting.append(Delivery(self.options.inbound_url, fields, now, answered))

    def _queue_states(self, now: datetime) -> None:
        for text, status in list(self.gateway.untold(now)):
            if (text.id, status) not in self._queued:
                self._queued.add((text.id, status))
                self._waiting.append(self._state(text, status, now))

    def _state(self, text: Text, status: Status, now: datetime) -> Delivery:
        fields = {"messageid": str(text.id), "status": str(int(status))}

        def told(_: int) -> None:
            self.gateway.mark_told(text, status)
            self._queued.discard((text.id, status))

        return Delivery(self.options.status_url, fields, now, told)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        """A redirect is an answer like any other: not a 200."""


# No proxies: callbacks go where they are told, most often to this very machine.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def _posted(method: str, url: str, fields: dict[str, str]) -> int:
    try:
        with _OPENER.open(_request(method, url, fields), timeout=_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException, ValueError):
        return 0


def _request(method: str, url: str, fields: dict[str, str]) -> urllib.request.Request:
    form = urlencode(fields)
    if not url.startswith(("http://", "https://")):
        raise ValueError("a callback goes to an http address")
    if method == "GET":
        joint = "&" if "?" in url else "?"
        return urllib.request.Request(f"{url}{joint}{form}")  # noqa: S310 - checked above
    return urllib.request.Request(url, form.encode(), method="POST")  # noqa: S310 - checked above
