"""WhatsApp Cloud API: texts and approved templates of one phone number, and its webhooks.

A repeated post is a second message and there is no look-up: our id travels along as
`biz_opaque_callback_data` and comes back in every webhook, which is the only way that a text whose
answer was lost can still be settled.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from django.utils.crypto import constant_time_compare

from messaging.providers import whatsapp_news
from messaging.providers.addresses import leads_to_loopback
from messaging.providers.base import (
    Accepted,
    AccountInfo,
    Approval,
    Callback,
    DeliveryStatus,
    Found,
    MessageRefused,
    News,
    NotFound,
    OutcomeUnknown,
    OutgoingText,
    Provider,
    Reason,
    RequestRefused,
)
from messaging.providers.values import dicts
from messaging.providers.whatsapp_client import GraphClient
from messaging.providers.whatsapp_news import kept_id
from messaging.providers.wire import CONNECT_SECONDS, READ_SECONDS

DEFAULT_BASE_URL: Final = "https://graph.facebook.com"
#: Templates are approved in one language; another is 132001.
LANGUAGE: Final = "fa"

_LONGEST_BODY: Final = 4096
_LONGEST_CHALLENGE: Final = 200
_E164: Final = re.compile(r"\+([1-9][0-9]{6,14})")
_SIGNATURE: Final = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)


class WhatsApp(Provider):
    """One phone number of a WhatsApp Business account.

    `api_key` is the access token and `sender` the phone number id (not the number itself). Raises
    `ValueError` for settings that cannot work.
    """

    name = "whatsapp"
    channel = "whatsapp"
    approval = Approval.OUTSIDE_WINDOW
    address_setting = "WHATSAPP_BASE_URL"
    # 80 a second and number; 20 where the number is also used in the Business app.
    calls_per_second = 20.0
    dedupes = False
    can_look_up = False
    max_batch = 1
    max_statuses = 1
    resend_window = timedelta(0)
    look_up_window = timedelta(0)
    status_window = timedelta(0)

    def __init__(
        self,
        *,
        api_key: str,
        sender: str,
        base_url: str = DEFAULT_BASE_URL,
        version: str = "v26.0",
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._client = GraphClient(
            api_key,
            sender,
            base_url,
            version,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    @property
    def is_loopback(self) -> bool:
        return leads_to_loopback(self._client.base_url)

    def send(self, texts: Sequence[OutgoingText]) -> list[Accepted]:
        if len(texts) != 1:
            raise RequestRefused(Reason.BAD_BATCH)
        answer = self._client.post("messages", _message(texts[0]))
        for message in dicts(answer.get("messages")):
            if provider_id := kept_id(message.get("id")):
                # Accepted, perhaps held for a quality check: the webhooks tell what comes of it.
                return [Accepted(texts[0].local_id, provider_id, DeliveryStatus.ACCEPTED)]
        raise OutcomeUnknown(Reason.INCOMPLETE)

    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        """Nothing: there is no such question."""
        return {}

    def statuses(self, provider_ids: Sequence[str]) -> dict[str, DeliveryStatus]:
        """Nothing: webhooks tell, and nobody can be asked."""
        return {}

    def account(self) -> AccountInfo:
        """Whether the token opens the number; what it costs is told nowhere."""
        self._client.get("id")
        return AccountInfo(None)

    @classmethod
    def hear(cls, callback: Callback) -> News:
        return whatsapp_news.heard(callback.body)

    @classmethod
    def is_genuine(cls, callback: Callback, app_secret: str) -> bool:
        """Whether the body is signed with the app's secret. Without a secret nothing is."""
        given = _SIGNATURE.fullmatch(callback.headers.get("x-hub-signature-256", ""))
        if not given or not app_secret:
            return False
        signed = hmac.new(app_secret.encode(), callback.body, hashlib.sha256).hexdigest()
        return constant_time_compare(signed, given[1].lower())

    @classmethod
    def greeting(cls, callback: Callback, verify_token: str) -> str | None:
        """The challenge, given back to who knows the verify token."""
        said = callback.fields
        challenge, token = said.get("hub.challenge"), said.get("hub.verify_token")
        if said.get("hub.mode") != "subscribe" or not isinstance(challenge, str):
            return None
        knows = isinstance(token, str) and constant_time_compare(token, verify_token)
        return challenge[:_LONGEST_CHALLENGE] if knows and verify_token else None


def _message(text: OutgoingText) -> dict[str, object]:
    """The message as it is posted, or an error before anything leaves."""
    number = _E164.fullmatch(text.receptor)
    if not number:
        raise MessageRefused(Reason.BAD_RECEPTOR)
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": number[1],
        "biz_opaque_callback_data": str(text.local_id),
        **(_template(text.approved.name, text.approved.values) if text.approved else _plain(text)),
    }


def _plain(text: OutgoingText) -> dict[str, object]:
    if not text.text.strip() or len(text.text) > _LONGEST_BODY:
        raise MessageRefused(Reason.BAD_TEXT)
    return {"type": "text", "text": {"body": text.text, "preview_url": False}}


def _template(name: str, values: Sequence[str]) -> Mapping[str, object]:
    """An approved wording with its values in order.

    A value may hold no line breaks and no run of spaces, and none may be empty.
    """
    said = [" ".join(value.split()) for value in values]
    if not all(said):
        raise MessageRefused(Reason.BAD_TEXT)
    body = {"type": "body", "parameters": [{"type": "text", "text": value} for value in said]}
    template = {"name": name, "language": {"code": LANGUAGE}, "components": [body] if said else []}
    return {"type": "template", "template": template}
