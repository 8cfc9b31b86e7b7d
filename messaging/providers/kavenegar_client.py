"""The released Kavenegar SDK with a transport that can be trusted.

The SDK's own has no time-out, follows redirects, puts the key into error texts and hides the code.
Every one of its methods goes through `_request`, the only thing replaced here.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from kavenegar import KavenegarAPI

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
from messaging.providers.values import parsed, whole_number
from messaging.providers.wire import CONNECT_SECONDS, READ_SECONDS, Answer, Request, Wire

_OK: Final = 200
_NO_LINKS: Final = 420

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
    # the account would keep back the plain reminders too. It has a reason of its own, so that the
    # sender can learn it and write without.
    411: MessageRefused,
    413: MessageRefused,
    417: MessageRefused,
    _NO_LINKS: MessageRefused,
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
        super().__init__(checked_key(api_key, "Kavenegar API key"))  # type: ignore[no-untyped-call]
        self.base_url = checked_base(base_url, "Kavenegar")
        self.is_loopback = leads_to_loopback(self.base_url)
        self._wire = Wire(
            direct=self.is_loopback, connect_seconds=connect_seconds, read_seconds=read_seconds
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    __str__ = __repr__

    def _request(
        self, action: str, method: str, params: Mapping[str, object] | None = None
    ) -> object:
        url, form = self._address(action, method), _form(params or {})
        return _entries(self._wire.post(url, form, secrets=self._secrets))

    def line_blocked(self, method: str, params: Mapping[str, object]) -> object:
        """`list`, `add` or `exists` of a line's block list, which the SDK lacks."""
        return self._request("line/blocked", method, params)

    def line_blocked_remove(self, params: Mapping[str, object]) -> object:
        """Unblock numbers. The one method of the gateway that takes DELETE."""
        query = _form(params).decode("ascii")
        request = Request("DELETE", f"{self._address('line/blocked', 'remove')}?{query}")
        # The numbers, too, stand in the address here.
        secrets = (*self._secrets, query)
        return _entries(self._wire.call(request, secrets=secrets))

    def sms_statusbyreceptor(self, params: Mapping[str, object]) -> object:
        """What became of the texts to one number within a day."""
        return self._request("sms", "statusbyreceptor", params)

    def _address(self, action: str, method: str) -> str:
        key = quote(self.apikey, safe="")
        return f"{self.base_url}/{self.version}/{key}/{action}/{method}.json"

    @property
    def _secrets(self) -> tuple[str, ...]:
        return quote(self.apikey, safe=""), self.apikey


def _form(params: Mapping[str, object]) -> bytes:
    """The form body. Raises `MessageRefused` for half a surrogate pair, which has no UTF-8.

    Raised outside: the encoder's own error would quote the whole text.
    """
    given = {name: value for name, value in params.items() if value is not None}
    try:
        return urlencode(given).encode("ascii")
    except UnicodeEncodeError:
        pass
    raise MessageRefused(Reason.BAD_TEXT)


def _entries(answer: Answer) -> object:
    """The `entries` of a success. The body speaks first; the HTTP status is only a fallback."""
    envelope = parsed(answer.body)
    verdict = envelope.get("return") if isinstance(envelope, dict) else None
    code = whole_number(verdict.get("status")) if isinstance(verdict, dict) else None
    if not isinstance(envelope, dict) or code is None:
        raise OutcomeUnknown(Reason.UNREADABLE, answer.status)
    if code == _OK:
        return envelope.get("entries")
    if code in _ERRORS:
        raise _ERRORS[code](Reason.LINKS_REFUSED if code == _NO_LINKS else Reason.REFUSED, code)
    raise OutcomeUnknown(Reason.UNCLEAR, code)
