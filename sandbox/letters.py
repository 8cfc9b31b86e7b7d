"""The page of letters: what the mail server has taken, as its readers see it, newest first."""

from html import escape
from pathlib import Path
from string import Template
from typing import Final

from clinic import jalali
from clinic.text import persian_digits
from sandbox.mail import Letter
from sandbox.phones import linked
from sandbox.web import Request, Response
from sandbox.world import World

_PAGE: Final = Path(__file__).parent / "static" / "letters.html"
_SHOWN: Final = 50


def answer(world: World, request: Request) -> Response | None:
    """The page; None for any other address."""
    if request.path != "/letters" or request.verb not in ("GET", "HEAD"):
        return None
    letters = list(world.post_office.letters)[: -_SHOWN - 1 : -1]
    shown = "".join(map(_letter, letters)) or "<p class='nothing'>هنوز نامه‌ای نرسیده است.</p>"
    page = Template(_PAGE.read_text(encoding="utf-8"))
    return Response(body=page.substitute(letters=shown).encode())


def _letter(letter: Letter) -> str:
    """Only the plain words: the page's rules let no letter's own styles in."""
    head, words = _head_and_words(letter)
    clock = jalali.time(letter.at, language="fa")
    return (
        f"<article class='letter'><h2>{escape(head['subject'])}</h2>"
        f"<p class='who'>{escape(head['from'])} ← <bdi dir='ltr'>{escape(letter.receptor)}</bdi>"
        f" · <bdi dir='ltr'>{persian_digits(clock)}</bdi></p>"
        f"<p class='words' dir='auto'>{linked(words)}</p></article>"
    )


def _head_and_words(letter: Letter) -> tuple[dict[str, str], str]:
    """Anybody may have sent it: what cannot be read is shown as unreadable."""
    try:
        parsed = letter.parsed()
        part = parsed.get_body(preferencelist=("plain", "html"))
        words = str(part.get_content()) if part is not None else ""
        return {name: str(parsed.get(name, "")) for name in ("subject", "from")}, words
    except Exception:  # noqa: BLE001 - a broken letter is shown as one
        return {"subject": "؟", "from": letter.sender}, "این نامه خوانا نیست."
