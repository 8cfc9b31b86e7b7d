"""What a careful colleague would say about a text before it is saved: hints, never refusals.

A text is read where its client did not choose to be seen: on a locked phone, over a shoulder, by
whoever shares the number. And nobody should feel chased.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.telling import HARMLESS, MIND, PRIVATE, words_that_begin
from clinic.text import fold

#: What a locked phone shows of a text, about; the rest is seen by whoever unlocks it. An Android
#: shows a line, an iPhone about four.
LOCK_SCREEN: Final = 40
TALL_LOCK_SCREEN: Final = 150


class About(TextChoices):
    PRIVACY = "privacy", _("tells a stranger what the visits are about")
    PRESSURE = "pressure", _("presses the reader")
    BLAME = "blame", _("may be read as a reproach")
    SHOUTING = "shouting", _("exclamation marks sound louder than they are meant")


@dataclass(frozen=True, slots=True)
class Hint:
    about: About
    #: The words that gave rise to it, as they stand in the text, each once.
    words: tuple[str, ...]


_PRESSING = (
    *("حتما", "باید", "لازم است", "اخرین فرصت", "فرصت محدود", "اخطار", "هشدار", "جریمه"),
    *("هر چه سریعتر", "هرچه سریعتر", "در اسرع وقت", "فوری", "فورا", "الزامی", "موظف"),
    *("در غیر این صورت", "در غیر اینصورت", "مهلت", "عجله", "همین حالا", "همین الان"),
)
_BLAMING = (
    *("نیامدید", "نیامده اید", "نیامدهاید", "غیبت", "بدقول", "کوتاهی", "تاخیر شما", "چرا"),
    *("متاسفانه شما", "پاسخ ندادید", "جواب ندادید", "بیتوجه"),
)
_PUNCTUATION = "،؛؟.!«»()[]…:,;?\"'-–"


_SAID = (
    (About.PRIVACY, PRIVATE),
    (About.PRESSURE, words_that_begin(_PRESSING)),
    (About.BLAME, words_that_begin(_BLAMING)),
)


def hints(text: str) -> list[Hint]:
    """What there is to say about a finished text, one hint for each matter."""
    words = _words(text)
    read = fold(words)
    found = []
    for about, pattern in _SAID:
        matches = [match for match in pattern.findall(read) if match not in HARMLESS]
        if about is About.PRIVACY:
            matches += MIND.findall(read)
        if matches:
            found.append(Hint(about, tuple(_as_written(match, words) for match in _once(matches))))
    if "!" in read or "！" in text:
        found.append(Hint(About.SHOUTING, ("!",)))
    return found


def on_lock_screen(text: str, most: int = LOCK_SCREEN) -> str:
    """The beginning that a locked phone shows, cut where the screen cuts it."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[:most].rstrip() + "…"


def _words(text: str) -> str:
    """Without addresses: their letters are nobody's words."""
    return re.sub(r"\S+://\S+", " ", text)


def _once(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _as_written(folded: str, text: str) -> str:
    """The words of `text` that fold to this: with their half-spaces and hamzas."""
    words = text.split()
    for size in range(1, folded.count(" ") + 2):
        for start in range(len(words) - size + 1):
            there = " ".join(words[start : start + size]).strip(_PUNCTUATION)
            if fold(there) == folded:
                return there
    return folded
