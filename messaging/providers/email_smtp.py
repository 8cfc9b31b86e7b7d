"""Django's SMTP backend, watched: it notes whether the server may have taken the letter.

What was refused before the letter's own lines left is certainly not accepted. Once they leave, only
the server's last word tells: 250 is yes, 4xx and 5xx are no, and silence is neither.
"""

import smtplib
from enum import Enum, auto
from typing import Any, Final

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from messaging.providers.base import (
    AccountRefused,
    MessageRefused,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    Reason,
)

_OK: Final = 250
_LATER: Final = range(400, 500)
_NEVER: Final = range(500, 600)
_GO_AHEAD: Final = 354
#: Said of whom we are, whichever command it answers: sign in first, not with these words.
_NOT_US: Final = frozenset({530, 534, 535, 538})
#: What a server says of us before it hears of a letter: its greeting, the sign-in, the sender.
_OF_US: Final = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPSenderRefused,
)


class _Stage(Enum):
    BEFORE = auto()
    WRITING = auto()
    TAKEN = auto()


class _Watched:
    """Mixed into a connection: notes when a letter begins to leave, and that it was taken."""

    stage = _Stage.BEFORE

    def data(self, msg: Any) -> Any:
        answer = super().data(msg)  # type: ignore[misc]
        if answer[0] == _OK:
            self.stage = _Stage.TAKEN
        return answer

    def getreply(self) -> Any:
        answer = super().getreply()  # type: ignore[misc]
        if answer[0] == _GO_AHEAD:  # the next bytes are the letter
            self.stage = _Stage.WRITING
        return answer


class _SMTP(_Watched, smtplib.SMTP):
    pass


class _SMTP_SSL(_Watched, smtplib.SMTP_SSL):  # noqa: N801 - the base class's name
    pass


class WatchedBackend(EmailBackend):
    """Hands over one letter a connection, and says what became of it."""

    _partial_connection: smtplib.SMTP | None

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SMTP_SSL if self.use_ssl else _SMTP

    def hand_over(self, letter: EmailMessage) -> ProviderError | None:
        """None when the server has taken it. Returned and not raised: the errors caught in here
        quote addresses, and would hang on to ours as its context."""
        try:
            self.open()
            self._send(letter)  # type: ignore[attr-defined]
            return None
        except Exception as error:  # noqa: BLE001 - any failure past the first line is "unknown"
            return self._verdict(error)
        finally:
            self._let_go()

    def try_out(self) -> ProviderError | None:
        """Connect and sign in, and no more."""
        try:
            self.open()
            return None
        except Exception as error:  # noqa: BLE001 - see `hand_over`
            return self._verdict(error)
        finally:
            self._let_go()

    def _verdict(self, error: Exception) -> ProviderError | None:
        stage = getattr(self.connection, "stage", _Stage.BEFORE)
        if stage is _Stage.TAKEN:
            return None
        if refusal := _refusal(error):
            return refusal
        if stage is _Stage.BEFORE:
            return NotAccepted(Reason.NOT_CONNECTED)
        # smtplib makes one "disconnected" of a time-out and of a lost connection.
        return OutcomeUnknown(Reason.CONNECTION_LOST)

    def _let_go(self) -> None:
        """Close without a goodbye that could fail: what matters has been said."""
        for connection in (self.connection, self._partial_connection):
            if connection is not None:
                connection.close()
        self.connection = self._partial_connection = None


def _refusal(error: Exception) -> ProviderError | None:
    """What the server's own words mean; None where it said nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next((said[0] for said in error.recipients.values()), 0)
        return _by_code(code, MessageRefused)
    if isinstance(error, smtplib.SMTPDataError):
        return _by_code(error.smtp_code, MessageRefused)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        # No STARTTLS, or no way to sign in that we know: a setting, or somebody in between.
        return AccountRefused(Reason.REFUSED)
    return _by_code(error.smtp_code, AccountRefused) if isinstance(error, _OF_US) else None


def _by_code(code: int, for_good: type[ProviderError]) -> ProviderError | None:
    if code in _NOT_US:
        return AccountRefused(Reason.REFUSED, code)
    if code in _LATER:
        return NotAccepted(Reason.REFUSED, code)
    return for_good(Reason.REFUSED, code) if code in _NEVER else None
