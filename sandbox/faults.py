"""The ways a gateway can fail, to be ordered one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sandbox.web import HTML, JSON, Response

#: What each mode does. "stores" says whether the call takes effect before the failure.
MODES: Final = {
    "code": (False, "answers with a return code"),
    "html": (False, "answers with an HTML page, HTTP 502 unless told otherwise"),
    "redirect": (False, "answers with HTTP 302"),
    "drop": (False, "cuts the connection without an answer"),
    "accept_then_drop": (True, "takes the call, then cuts the connection"),
    "delay": (True, "takes the call and answers only after some seconds"),
    "half": (True, "takes the call and cuts the answer in the middle"),
    "empty": (True, "takes the call and answers without a body"),
    "null_entries": (True, "takes the call and answers with entries null"),
    "missing_entry": (True, "takes the call and leaves the last entry out"),
    "wrong_receptor": (True, "takes the call and names another receptor"),
    "wrong_text": (True, "takes the call and repeats another text"),
}

_LONGEST: Final = 60
_CODES: Final = range(1000)
_BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(slots=True)
class Fault:
    """One failure, for the next `times` calls of `method` (all methods when empty)."""

    mode: str
    times: int = 1
    method: str = ""
    code: int = 0
    seconds: float = 0.0
    accepted: bool | None = None  # whether the call takes effect; None: as is usual for the mode

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"no such fault: {self.mode!r}; known are {', '.join(MODES)}")
        if self.times < 1 or not 0 <= self.seconds <= _LONGEST or self.code not in _CODES:
            raise ValueError("a fault happens at least once, for at most a minute")

    @property
    def stores(self) -> bool:
        usual, _ = MODES[self.mode]
        return usual if self.accepted is None else self.accepted


class Faults:
    """The failures still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._coming: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._coming.append(fault)

    def clear(self) -> None:
        self._coming.clear()

    def take(self, method: str) -> Fault | None:
        """The failure that this call meets, if any; one of its times is used up."""
        for fault in self._coming:
            if fault.method in ("", method):
                fault.times -= 1
                if not fault.times:
                    self._coming.remove(fault)
                return fault
        return None


Entries = list[dict[str, object]]


def spoilt(response: Response, fault: Fault) -> Response:
    """The answer as the failure lets it through."""
    match fault.mode:
        case "drop" | "accept_then_drop":
            response = Response(drop=True)
        case "half":
            response = replace(response, keep=0.5)
        case "empty":
            response = Response(fault.code or 200, b"", JSON)
        case "html":
            response = Response(fault.code or 502, _BAD_GATEWAY, HTML)
        case "redirect":
            response = Response(fault.code or 302, b"", HTML, {"Location": "/v1/elsewhere"})
    return replace(response, wait=fault.seconds)


def bent(fault: Fault, entries: object) -> object:
    """The entries as this failure shows them."""
    if fault.mode == "null_entries":
        return None
    if not isinstance(entries, list):
        return entries
    if fault.mode == "missing_entry":
        return entries[:-1]
    changes = {"wrong_receptor": {"receptor": "09000000000"}, "wrong_text": {"message": "…"}}
    return list(_with(entries, changes.get(fault.mode, {})))


def _with(entries: Entries, changes: dict[str, str]) -> Iterable[dict[str, object]]:
    return ({**entry, **changes} for entry in entries)
