"""The parameters of a call, read the way the gateway reads them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sandbox.codes import Refused

_MOBILE: Final = re.compile(r"(?:\+98|0098|0)?(9[0-9]{9})")
_LINE: Final = re.compile(r"(?:\+98|0098)?([0-9]{3,15})")


class Params:
    """Named values of one call. What cannot be read is `Refused` with the protocol's code."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._values.items())

    def given(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def required(self, name: str) -> str:
        """400 when it is not given, 406 when it is given empty."""
        if name not in self._values:
            raise Refused(400)
        if not self._values[name].strip():
            raise Refused(406)
        return self._values[name]

    def listed(self, name: str, *, limit: int, too_many: int = 414) -> list[str]:
        """A list joined by commas."""
        found = [part.strip() for part in self.required(name).split(",")]
        if len(found) > limit:
            raise Refused(too_many)
        return found

    def numbers(self, name: str, *, limit: int, too_many: int = 414) -> list[int]:
        return [whole(part) for part in self.listed(name, limit=limit, too_many=too_many)]

    def array(self, name: str) -> list[object]:
        """A JSON array."""
        try:
            found = json.loads(self.required(name))
        except (ValueError, RecursionError):
            raise Refused(400) from None
        if not isinstance(found, list):
            raise Refused(400)
        return found

    def number(self, name: str, default: int | None = None) -> int:
        if default is not None and not self._values.get(name):
            return default
        return whole(self.required(name))


def whole(text: str, code: int = 400) -> int:
    """A non-negative number of at most 64 bits, or `Refused`."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) >= 2**63:
        raise Refused(code)
    return int(text)


def mobile(text: str) -> str:
    """A receptor as `09…`. Refused with 411 when it is no Iranian mobile."""
    found = _MOBILE.fullmatch(text.strip())
    if not found:
        raise Refused(411)
    return f"0{found[1]}"


def line(text: str, ours: Sequence[str]) -> str:
    """A sender line in its short form. Refused with 412 when it is not one of ours."""
    found = _LINE.fullmatch(text.strip())
    if not found or (ours and found[1] not in ours):
        raise Refused(412)
    return found[1]
