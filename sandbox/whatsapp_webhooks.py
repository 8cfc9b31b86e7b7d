"""Webhooks of the Cloud API: signed, in batches, twice or out of order, and sent again until heard."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any, Final

from sandbox.whatsapp import Sent, WhatsApp, WhatsAppOptions, Written

_SECONDS: Final = 5.0
_OK: Final = 200
_AGAIN: Final = timedelta(minutes=2)
_ATTEMPTS: Final = 30

News = tuple[datetime, Sent | Written, str, int]


@dataclass(slots=True)
class Webhook:
    """One on its way, and what it tells."""

    body: bytes
    tells: tuple[tuple[str, str], ...]
    due_at: datetime
    attempts: int = 0


class Webhooks:
    """`collect` and `settle` touch the world, `post` the network, as `sandbox.callbacks` has it."""

    def __init__(self, world: WhatsApp) -> None:
        self.world = world
        self._waiting: list[Webhook] = []
        self._queued: set[tuple[str, str]] = set()

    def collect(self, now: datetime) -> list[Webhook]:
        """Take what is due out of the queue."""
        options = self.world.options
        if options.callback_url:
            news = [n for n in self.world.untold(now) if (n[1].id, n[2]) not in self._queued]
            for some in [news] if options.batched and news else [[each] for each in news]:
                webhook = webhook_of(some, options, now)
                self._queued.update(webhook.tells)
                self._waiting.append(webhook)
        due = [webhook for webhook in self._waiting if webhook.due_at <= now]
        self._waiting = [webhook for webhook in self._waiting if webhook.due_at > now]
        return due[::-1] if options.shuffled else due

    def post(self, webhook: Webhook) -> int:
        """Deliver one and give the HTTP status, 0 for none."""
        options, status = self.world.options, 0
        for _ in range(2 if options.duplicate else 1):
            status = _posted(options, webhook.body)
        return status

    def settle(self, webhook: Webhook, status: int, now: datetime) -> None:
        """Note the outcome; what was not answered with 200 is tried again, for a while."""
        webhook.attempts += 1
        if status != _OK and webhook.attempts < _ATTEMPTS:
            webhook.due_at = now + _AGAIN
            self._waiting.append(webhook)
            return
        for about, word in webhook.tells:
            self.world.mark_told(about, word)
            self._queued.discard((about, word))


def webhook_of(news: Sequence[News], options: WhatsAppOptions, now: datetime) -> Webhook:
    changes = [{"field": "messages", "value": _value(each, options)} for each in news]
    payload = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "0", "changes": changes[::-1] if options.shuffled else changes}],
    }
    # Persian leaves as \u escapes, as Meta writes it: whoever signs it anew signs other bytes.
    body = json.dumps(payload, ensure_ascii=True).encode()
    return Webhook(body, tuple((about.id, word) for _, about, word, _ in news), now)


def _value(news: News, options: WhatsAppOptions) -> dict[str, Any]:
    _, about, _, _ = news
    metadata = {"display_phone_number": "15550001111", "phone_number_id": about.number_id}
    number = about.receptor if isinstance(about, Sent) else about.sender
    person = {"profile": {"name": "…"}, "user_id": f"CC.{number}"}
    contact = person if options.without_wa_id else {**person, "wa_id": number}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    value["contacts"] = [contact]
    if isinstance(about, Sent):
        return {**value, "statuses": [_status(news, about, options)]}
    return {**value, "messages": [_message(about, options)]}


def _status(news: News, sent: Sent, options: WhatsAppOptions) -> dict[str, Any]:
    at, _, word, code = news
    told: dict[str, Any] = {
        "id": sent.id,
        "status": word,
        "timestamp": str(int(at.timestamp())),
        "biz_opaque_callback_data": sent.callback_data,
    }
    if not options.without_wa_id:
        told["recipient_id"] = sent.receptor
    if code:
        told["errors"] = [{"code": code, "title": "Message undeliverable"}]
    return told


def _message(written: Written, options: WhatsAppOptions) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": written.id,
        "timestamp": str(int(written.at.timestamp())),
        "type": written.kind,
    }
    told |= (
        {"user_id": f"CC.{written.sender}"} if options.without_wa_id else {"from": written.sender}
    )
    if written.kind == "button":
        return {**told, "button": {"text": written.body, "payload": written.body}}
    return {**told, "text": {"body": written.body}}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        """A redirect is an answer like any other: not a 200."""


_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def _posted(options: WhatsAppOptions, body: bytes) -> int:
    signature = hmac.new(options.app_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    if not options.callback_url.startswith(("http://", "https://")):
        return 0
    request = urllib.request.Request(options.callback_url, body, headers)  # noqa: S310 - checked
    try:
        with _OPENER.open(request, timeout=_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException, ValueError):
        return 0
