"""Names as they stand in the texts of a client who wants them discreet.

Whoever looks over a shoulder should read that there is an appointment, and not of which sort. What
is left out are words of a name; the sentence around it is the clinic's. Pure: no database.
"""

from __future__ import annotations

from typing import Final

from clinic.telling import PRIVATE, is_private
from clinic.text import fold

#: What is said of every service.
SERVICE: Final = "جلسه"
#: For a clinic whose whole name says what it does.
NAMELESS: Final = "مرکز ما"

_TITLES = frozenset({"دکتر", "دکتری", "پروفسور", "متخصص", "کارشناس", "استاد", "dr", "dr.", "prof"})
_KINDS_OF_PLACE = frozenset(
    {"کلینیک", "پلیکلینیک", "مرکز", "موسسه", "مطب", "دفتر", "خانه", "انستیتو", "خدمات"}
    | {"تخصصی", "جامع", "clinic", "center", "centre", "office", "institute"}
)
#: These go with the word after them: «سلامت روان», «علوم شناختی».
_OF_THE_TRADE = ("سلامت روان", "بهداشت روان", "سلامت روانی", "علوم روان")
_AND = frozenset({"و", "and", "&"})


def therapist(spoken: str) -> str:
    """«خانم دکتر صادقی» as «خانم صادقی»; a name that is nothing but a title as it is."""
    kept = [word for word in spoken.split() if not _is_title(word)]
    return " ".join(kept).strip("،,؛ ") or spoken


def clinic(name: str) -> str:
    """«کلینیک روان‌شناسی آرامش» as «آرامش»."""
    words = name.split()
    telling = [_tells_trade(words, n) for n in range(len(words))]
    kept = [
        word
        for n, word in enumerate(words)
        if not telling[n] and not (word in _AND and _stands_alone(telling, n))
    ]
    return " ".join(kept).strip("،,؛-–() ") or NAMELESS


def _is_title(word: str) -> bool:
    return fold(word).strip(".،,") in _TITLES or is_private(word)


def _tells_trade(words: list[str], n: int) -> bool:
    """Whether the word, or a phrase that it stands in, says what sort of place it is."""
    pairs = [fold(" ".join(words[at : at + 2])) for at in (n - 1, n) if at >= 0]
    phrase = any(pair in _OF_THE_TRADE or PRIVATE.fullmatch(pair) for pair in pairs)
    return phrase or fold(words[n]) in _KINDS_OF_PLACE or is_private(words[n])


def _stands_alone(telling: list[bool], n: int) -> bool:
    """Whether an «and» has lost what it joined on either side."""
    return n == 0 or n == len(telling) - 1 or telling[n - 1] or telling[n + 1]
