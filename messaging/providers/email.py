"""E-mail through the mail server of this installation, which `EMAIL_URL` names.

A letter that was handed over twice arrives twice, and no server can be asked about one; the reader's
program may recognise the copy by its Message-ID. What comes back is told by its bounce.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from messaging.providers import email_bounces
from messaging.providers.addresses import is_loopback
from messaging.providers.base import (
    Accepted,
    AccountInfo,
    Callback,
    DeliveryStatus,
    Found,
    MessageRefused,
    News,
    NotFound,
    OutcomeUnknown,
    OutgoingText,
    Provider,
    ProviderError,
    Reason,
    RequestRefused,
)
from messaging.providers.email_letters import letter
from messaging.providers.email_smtp import WatchedBackend
from messaging.providers.email_tags import tag

_DJANGOS: Final = "django.core.mail.backends"
_SMTP: Final = f"{_DJANGOS}.smtp.EmailBackend"
#: Backends that keep a letter where it was written.
_STAY: Final = frozenset(
    f"{_DJANGOS}.{name}.EmailBackend" for name in ("console", "dummy", "filebased", "locmem")
)
#: What the SMTP backend is told, by the settings that say it.
_SERVER: Final = {
    "host": "EMAIL_HOST",
    "port": "EMAIL_PORT",
    "username": "EMAIL_HOST_USER",
    "password": "EMAIL_HOST_PASSWORD",
    "use_tls": "EMAIL_USE_TLS",
    "use_ssl": "EMAIL_USE_SSL",
    "timeout": "EMAIL_TIMEOUT",
}
#: Where a mail server listens that passes letters on to the world, on this machine, too.
_MAIL_PORTS: Final = frozenset({25, 465, 587})


class Email(Provider):
    """The installation's mail server, as its settings name it when this is made.

    What a caller gives for all gateways alike, key, sender and address, is not used. Raises
    `ValueError` for a server elsewhere that is spoken to in the clear.
    """

    name = "email"
    channel = "email"
    address_setting = "EMAIL_HOST"
    calls_per_second = 2.0
    dedupes = False
    can_look_up = False
    max_batch = 1
    max_statuses = 1
    resend_window = timedelta(0)
    look_up_window = timedelta(0)
    status_window = timedelta(0)

    def __init__(self, *, api_key: str = "", sender: str = "", base_url: str = "") -> None:
        self._backend: str = settings.EMAIL_BACKEND
        self._server = {name: getattr(settings, setting) for name, setting in _SERVER.items()}
        encrypted = self._server["use_tls"] or self._server["use_ssl"]
        if self._speaks_smtp and not encrypted and not is_loopback(self._server["host"]):
            raise ValueError("letters leave this machine by TLS only: smtp+tls:// or smtp+ssl://")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._server['host']}:{self._server['port']}>"

    @property
    def is_loopback(self) -> bool:
        if not self._speaks_smtp:
            return self._backend in _STAY
        return is_loopback(self._server["host"]) and self._server["port"] not in _MAIL_PORTS

    def send(self, texts: Sequence[OutgoingText]) -> list[Accepted]:
        if len(texts) != 1:
            raise RequestRefused(Reason.BAD_BATCH)
        text = texts[0]
        written = _written(text)
        failure = written if isinstance(written, ProviderError) else self.hand_over(written)
        # Raised here, not where it was caught: the caught error quotes the address.
        if failure:
            raise failure
        return [Accepted(text.local_id, tag(text.local_id), DeliveryStatus.ACCEPTED)]

    def look_up(self, local_ids: Sequence[int]) -> dict[int, Found | NotFound]:
        """Nothing: there is no such question."""
        return {}

    def statuses(self, provider_ids: Sequence[str]) -> dict[str, DeliveryStatus]:
        """Nothing: only what did not arrive is told, by its bounce."""
        return {}

    def account(self) -> AccountInfo:
        """Whether the server lets us in."""
        failure = self._smtp().try_out() if self._speaks_smtp else None
        if failure:
            raise failure
        return AccountInfo(None)

    @classmethod
    def hear(cls, callback: Callback) -> News:
        return email_bounces.heard(callback.body)

    @property
    def _speaks_smtp(self) -> bool:
        return self._backend == _SMTP

    def _smtp(self) -> WatchedBackend:
        return WatchedBackend(**self._server)

    def hand_over(self, written: EmailMessage) -> ProviderError | None:
        """A letter that is written already. None when it was taken, else why not, unraised."""
        if self._speaks_smtp:
            return self._smtp().hand_over(written)
        try:
            taken = get_connection(self._backend).send_messages([written])
        except Exception:  # noqa: BLE001 - a backend we do not know may have done anything
            return OutcomeUnknown(Reason.UNCLEAR)
        return None if taken else OutcomeUnknown(Reason.INCOMPLETE)


def _written(text: OutgoingText) -> EmailMessage | MessageRefused:
    """The letter, or why it cannot be written; found out before a server is bothered."""
    if not text.text.strip():
        return MessageRefused(Reason.BAD_TEXT)
    try:
        validate_email(text.receptor)
    except ValidationError:
        return MessageRefused(Reason.BAD_RECEPTOR)
    try:
        written = letter(text)
        written.message().as_bytes()
    except ValueError:  # half a surrogate pair, or a line break in a header
        return MessageRefused(Reason.BAD_TEXT)
    return written
