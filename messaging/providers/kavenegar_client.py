"""The released Kavenegar SDK with a transport that can be trusted.

The SDK's own has no time-out, follows redirects, puts the key into error texts and hides the code.
Every one of its methods goes through `_request`, the only thing replaced here.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import quote, urlencode, urlsplit

from kavenegar import KavenegarAPI

from messaging.providers.base import (
    AccountRefused,
    MessageRefused,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    Reason,
    RequestRefused,
)
from messaging.providers.wire import CONNECT_SECONDS, READ_SECONDS, Answer, Wire

_OK: Final = 200

#: What each return.status allows us to do. A code that is not here is `OutcomeUnknown`.
_ERRORS: Final[dict[int, type[ProviderError]]] = {
    # Turned away at the door. 429 may be a lasting block of our address rather than a rate; to the
    # message it is the same: nothing was taken.
    409: NotAccepted,
    429: NotAccepted,
    451: NotAccepted,
    # The text or its recipient. 417 (date past) cannot come of itself, we send no date; should the
    # gateway still see one, that text would arrive at the wrong time.
    # 420 (no links allowed) is a limit of the account, but it hits only texts with a link: pausing
    # the account would keep back the plain reminders too.
    411: MessageRefused,
    413: MessageRefused,
    417: MessageRefused,
    420: MessageRefused,
    422: MessageRefused,
    428: MessageRefused,
    431: MessageRefused,
    # Key, line, plan, credit, templates: every text would meet the same answer until a person acts.
    # The key's codes 401 and 403 are told apart differently in different places; both stop us.
    # 501 here is the gateway's word, read from its envelope ("a trial account texts only its
    # owner"), not the HTTP status of the same number.
    401: AccountRefused,
    403: AccountRefused,
    407: AccountRefused,
    412: AccountRefused,
    416: AccountRefused,
    418: AccountRefused,
    424: AccountRefused,
    426: AccountRefused,
    427: AccountRefused,
    432: AccountRefused,
    501: AccountRefused,
    # We asked wrongly.
    400: RequestRefused,
    404: RequestRefused,
    405: RequestRefused,
    406: RequestRefused,
    414: RequestRefused,
    415: RequestRefused,
    419: RequestRefused,
    604: RequestRefused,
    607: RequestRefused,
    # 402 "operation failed" does not say before or after which step: left out, hence unknown.
}


class KavenegarClient(KavenegarAPI):
    """The SDK's methods over our own wire; each returns `entries` or raises `ProviderError`.

    `base_url` is scheme, host and port. Plain http is taken only on loopback: the key is part of
    the address and the texts are a clinic's.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__(_checked_key(api_key))  # type: ignore[no-untyped-call]
        self.base_url = _checked_base(base_url)
        self.is_loopback = _is_loopback(urlsplit(self.base_url).hostname or "")
        self._wire = Wire(
            direct=self.is_loopback, connect_seconds=connect_seconds, read_seconds=read_seconds
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    __str__ = __repr__

    def _request(
        self, action: str, method: str, params: Mapping[str, object] | None = None
    ) -> object:
        form, refusal = _encoded(params or {})
        if refusal:
            raise refusal
        key = quote(self.apikey, safe="")
        url = f"{self.base_url}/{self.version}/{key}/{action}/{method}.json"
        answer = self._wire.post(url, form, secrets=(key, self.apikey))
        return _entries(answer)


def _encoded(params: Mapping[str, object]) -> tuple[bytes, ProviderError | None]:
    """The form body. Half a surrogate pair has no UTF-8; its error would quote the whole text."""
    given = {name: value for name, value in params.items() if value is not None}
    try:
        return urlencode(given).encode("ascii"), None
    except UnicodeEncodeError:
        return b"", MessageRefused(Reason.BAD_TEXT)


def _entries(answer: Answer) -> object:
    """The `entries` of a success. The body speaks first; the HTTP status is only a fallback."""
    envelope = _parsed(answer.body)
    verdict = envelope.get("return") if isinstance(envelope, dict) else None
    code = whole_number(verdict.get("status")) if isinstance(verdict, dict) else None
    if not isinstance(envelope, dict) or code is None:
        raise OutcomeUnknown(Reason.UNREADABLE, answer.status)
    if code == _OK:
        return envelope.get("entries")
    if code in _ERRORS:
        raise _ERRORS[code](Reason.REFUSED, code)
    raise OutcomeUnknown(Reason.UNCLEAR, code)


def _parsed(body: bytes) -> Any:
    """The JSON of a body, or None. Deep nesting overflows the parser's stack."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def whole_number(value: object) -> int | None:
    """A number as the gateway writes it, 8792343 or "8792343"; None for anything else.

    Bounded to 64 bits: nothing longer can be kept.
    """
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif _is_written_number(value):
        number = int(value)
    return number if number is not None and abs(number) < 2**63 else None


def _is_written_number(value: object) -> TypeGuard[float | str]:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, str) and bool(re.fullmatch(r"-?[0-9]{1,19}", value))


def _checked_key(api_key: str) -> str:
    """Dots alone would climb up the address; white space is a slip of the clipboard."""
    if not re.fullmatch(r"[!-~]{1,200}", api_key) or not api_key.strip("."):
        raise ValueError("the Kavenegar API key is empty or has characters no key has")
    return api_key


def _checked_base(base_url: str) -> str:
    base = base_url.rstrip("/")
    found = re.fullmatch(r"(https?)://([^/?#@\s\\]+)", base, re.IGNORECASE)
    host = _host(base) if found else None
    if not found or not host:
        raise ValueError("the Kavenegar base URL is a scheme, a host and perhaps a port")
    if found[1].lower() != "https" and not _is_loopback(host):
        raise ValueError("the Kavenegar base URL must be https, except on loopback")
    return base


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
