"""sms.ir's JSON interface: addresses, the envelope, and what its codes allow us to do."""

from typing import Final

from messaging.providers.addresses import checked_base, checked_key, leads_to_loopback
from messaging.providers.base import (
    AccountRefused,
    MessageRefused,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    Reason,
    RequestRefused,
)
from messaging.providers.values import json_body, parsed, whole_number
from messaging.providers.wire import CONNECT_SECONDS, JSON, READ_SECONDS, Answer, Request, Wire

NOT_FOUND: Final = 111
BAD_NUMBER: Final = 104
BLACKLISTED: Final = 115
_OK: Final = 1

#: What each code allows us to do. One that is not here is `OutcomeUnknown`, above all 0: "a problem
#: in the system" does not say before or after which step.
_ERRORS: Final[dict[int, type[ProviderError]]] = {
    20: NotAccepted,  # too many calls
    # Key, account, line, credit, plan: every text would meet the same answer until a person acts.
    10: AccountRefused,
    11: AccountRefused,
    12: AccountRefused,
    13: AccountRefused,
    14: AccountRefused,
    101: AccountRefused,
    102: AccountRefused,
    119: AccountRefused,
    123: AccountRefused,
    # The text or its recipient.
    103: MessageRefused,
    BAD_NUMBER: MessageRefused,
    108: MessageRefused,
    113: MessageRefused,
    114: MessageRefused,
    BLACKLISTED: MessageRefused,
    116: MessageRefused,
    117: MessageRefused,
    # We asked wrongly.
    105: RequestRefused,
    106: RequestRefused,
    107: RequestRefused,
    109: RequestRefused,
    110: RequestRefused,
    NOT_FOUND: RequestRefused,
    112: RequestRefused,
    118: RequestRefused,
}
#: Where there is no code to read: both are documented, and given before a call is looked at.
_HTTP_ERRORS: Final[dict[int, type[ProviderError]]] = {401: AccountRefused, 429: NotAccepted}


class SmsIrClient:
    """Calls with the account's key in a header; each returns `data` or raises `ProviderError`."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._key = checked_key(api_key, "sms.ir API key")
        self.base_url = checked_base(base_url, "sms.ir")
        self.is_loopback = leads_to_loopback(self.base_url)
        self._wire = Wire(
            direct=self.is_loopback, connect_seconds=connect_seconds, read_seconds=read_seconds
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    def get(self, path: str) -> object:
        return self._call("GET", path, b"", {})

    def post(self, path: str, value: object) -> object:
        """Raises `MessageRefused` for characters that have no UTF-8."""
        return self._call("POST", path, json_body(value), {"Content-Type": JSON})

    def _call(self, verb: str, path: str, body: bytes, headers: dict[str, str]) -> object:
        url = f"{self.base_url}/v1/{path}"
        request = Request(verb, url, body, {"X-API-KEY": self._key, **headers})
        return _data(self._wire.call(request, secrets=(self._key,)))


def _data(answer: Answer) -> object:
    """The `data` of a success. The body speaks first; the HTTP status is only a fallback."""
    envelope = parsed(answer.body)
    code = whole_number(envelope.get("status")) if isinstance(envelope, dict) else None
    if not isinstance(envelope, dict) or code is None:
        raise _HTTP_ERRORS.get(answer.status, OutcomeUnknown)(Reason.UNREADABLE, answer.status)
    if code == _OK:
        return envelope.get("data")
    raise _ERRORS.get(code, OutcomeUnknown)(
        Reason.REFUSED if code in _ERRORS else Reason.UNCLEAR, code
    )
