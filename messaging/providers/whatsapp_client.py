"""Calls of the Graph API over our own wire, and what each of its errors allows us to do."""

import re
from typing import Any, Final
from urllib.parse import quote

from messaging.providers.addresses import checked_base, checked_key, leads_to_loopback
from messaging.providers.base import (
    AccountRefused,
    MessageRefused,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    Reason,
)
from messaging.providers.values import json_body, parsed, whole_number
from messaging.providers.wire import Answer, Request, Wire

_OK: Final = range(200, 300)
_SERVICE_UNAVAILABLE: Final = 503
_INVALID: Final = 100
_NO_SUCH_OBJECT: Final = 33  # as a subcode of 100: the phone number id is wrong or not ours
_LONGEST_TOKEN: Final = 1024

#: What each error.code allows us to do. A code that is not here is `OutcomeUnknown`.
_ERRORS: Final[dict[int, type[ProviderError]]] = {
    # Turned away at the door by a limit: of the app (4), the account (80007), the number (130429)
    # or the pair of sender and recipient (131056); and while the account is being moved (131057).
    4: NotAccepted,
    80007: NotAccepted,
    130429: NotAccepted,
    131056: NotAccepted,
    131057: NotAccepted,
    # Token, permission, payment, quality, registration: every text would meet the same answer.
    0: AccountRefused,
    3: AccountRefused,
    10: AccountRefused,
    33: AccountRefused,
    190: AccountRefused,
    **dict.fromkeys(range(200, 300), AccountRefused),
    368: AccountRefused,
    131005: AccountRefused,
    131031: AccountRefused,
    131042: AccountRefused,
    131048: AccountRefused,
    133010: AccountRefused,
    # The recipient: no WhatsApp there, a country or person that is not served, or does not want it.
    131021: MessageRefused,
    131026: MessageRefused,
    131030: MessageRefused,
    130472: MessageRefused,
    130497: MessageRefused,
    131049: MessageRefused,
    131050: MessageRefused,
    # The words: outside the window, a template that is missing, paused or filled wrongly.
    _INVALID: MessageRefused,
    131008: MessageRefused,
    131009: MessageRefused,
    131047: MessageRefused,
    131051: MessageRefused,
    **dict.fromkeys(range(132000, 133000), MessageRefused),
    135000: MessageRefused,
    # 1, 2, 131000, 131016 and 133004 say that something went wrong on their side, but not before or
    # after which step: left out, hence unknown. See also `_kind`.
}
#: "Temporarily unavailable". With a 503 nothing was let in; with any other status nobody can say.
_UNAVAILABLE: Final = frozenset({2, 131016, 133004})


class GraphClient:
    """One phone number at the Graph API. Each call returns the answer's object or raises.

    Errors carry Meta's `error.code`, never its words: they may repeat a number or the token.
    """

    def __init__(
        self,
        token: str,
        phone_number_id: str,
        base_url: str,
        version: str,
        *,
        connect_seconds: float,
        read_seconds: float,
    ) -> None:
        token = checked_key(token, "WhatsApp access token", _LONGEST_TOKEN)
        if not re.fullmatch(r"[0-9]{1,32}", phone_number_id):
            raise ValueError("the WhatsApp phone number id is a number of at most 32 digits")
        if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", version):
            raise ValueError("the Graph API version looks like v26.0")
        self.base_url = checked_base(base_url, "WhatsApp")
        self._number_url = f"{self.base_url}/{version}/{phone_number_id}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._wire = Wire(
            direct=leads_to_loopback(self.base_url),
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    def post(self, edge: str, value: object) -> dict[str, Any]:
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._called(
            Request("POST", f"{self._number_url}/{edge}", json_body(value), headers)
        )

    def get(self, fields: str) -> dict[str, Any]:
        url = f"{self._number_url}?fields={quote(fields)}"
        return self._called(Request("GET", url, b"", self._headers))

    def _called(self, request: Request) -> dict[str, Any]:
        return _result(self._wire.call(request))


def _result(answer: Answer) -> dict[str, Any]:
    """The object of a success. The error's own code speaks, the HTTP status only beside it."""
    said = parsed(answer.body)
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        raise _refusal(error, answer.status)
    if not isinstance(said, dict) or answer.status not in _OK:
        raise OutcomeUnknown(Reason.UNREADABLE, answer.status)
    return said


def _refusal(error: dict[str, Any], http_status: int) -> ProviderError:
    code = whole_number(error.get("code"))
    if code is None:
        return OutcomeUnknown(Reason.UNREADABLE, http_status)
    kind = _kind(code, whole_number(error.get("error_subcode")), http_status)
    return kind(Reason.UNCLEAR if kind is OutcomeUnknown else Reason.REFUSED, code)


def _kind(code: int, subcode: int | None, http_status: int) -> type[ProviderError]:
    if code in _UNAVAILABLE and http_status == _SERVICE_UNAVAILABLE:
        return NotAccepted
    if (code, subcode) == (_INVALID, _NO_SUCH_OBJECT):
        return AccountRefused
    return _ERRORS.get(code, OutcomeUnknown)
