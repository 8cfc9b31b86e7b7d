"""How many SMS parts a text costs, counted the way the networks count them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("\f^{}\\[~]|€")
_LAST_OF_THE_BASIC_PLANE = 0xFFFF


class Encoding(StrEnum):
    """The alphabet a text is sent in: one character outside GSM-7 moves all of it to UCS-2."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Parts:
    """The size of a text on the air.

    `units` are septets in GSM-7 and UTF-16 code units in UCS-2. `per_part` is what one part holds
    at this length (a part of several loses room to its header); `left` is how many more units fit
    before another part is needed.
    """

    encoding: Encoding
    units: int
    parts: int
    per_part: int
    left: int


@dataclass(frozen=True, slots=True)
class _Room:
    single: int
    of_several: int


_ROOM = {Encoding.GSM7: _Room(160, 153), Encoding.UCS2: _Room(70, 67)}


def count_parts(text: str) -> Parts:
    """Measure `text` as it stands. An empty text needs no part."""
    encoding = encoding_of(text)
    widths = [_width(character, encoding) for character in text]
    units, room = sum(widths), _ROOM[encoding]
    if units <= room.single:
        return Parts(encoding, units, min(units, 1), room.single, room.single - units)
    parts, used = _fill(widths, room.of_several)
    return Parts(encoding, units, parts, room.of_several, room.of_several - used)


def encoding_of(text: str) -> Encoding:
    """The narrowest alphabet that can carry the whole of `text`."""
    if all(c in _GSM_BASIC or c in _GSM_EXTENSION for c in text):
        return Encoding.GSM7
    return Encoding.UCS2


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if character in _GSM_EXTENSION else 1
    return 2 if ord(character) > _LAST_OF_THE_BASIC_PLANE else 1


def _fill(widths: Iterable[int], room: int) -> tuple[int, int]:
    """The number of parts, and the units used in the last of them.

    A pair (an emoji's surrogates, an escape and its sign) is never cut: it moves whole to the next
    part, so a unit may stay empty and a text may need one part more than plain division says.
    """
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts, used
