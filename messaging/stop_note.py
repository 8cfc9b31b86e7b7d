"""«لغو۱۱» at the end of texts: lines that carry more than reminders have to say how to stop."""

from __future__ import annotations

import re
from typing import Final

from clinic.models import Clinic, StopNote
from clinic.text import fold
from messaging.render import LONGEST
from patients.models import Purpose

NOTE: Final = "لغو۱۱"
_SAYS_SO: Final = re.compile(r"\bلغو\s*11\b")


def with_stop_note(text: str, clinic: Clinic, purpose: str) -> str:
    """The text with the words that stop it, once, where the clinic's line asks for them.

    A text that the gateway takes stays one that it takes: of the very longest the last words make
    room. Measure parts and cost on what this returns.
    """
    if not _is_wanted(clinic, purpose) or _SAYS_SO.search(fold(text)):
        return text
    noted = f"{text}\n{NOTE}"
    if len(noted) <= LONGEST or len(text) > LONGEST:
        return noted
    room = LONGEST - len(f"…\n{NOTE}")
    return f"{_shortened(text, room)}…\n{NOTE}"


def _is_wanted(clinic: Clinic, purpose: str) -> bool:
    if clinic.stop_note == StopNote.FOLLOW_UP:
        return purpose != Purpose.TRANSACTIONAL
    return clinic.stop_note == StopNote.ALL


def _shortened(text: str, room: int) -> str:
    """Whole words: half a link leads nowhere."""
    kept = re.match(r".*(?=\s)", text[: room + 1], re.DOTALL)
    return kept[0].rstrip() if kept and kept[0].strip() else text[:room]
