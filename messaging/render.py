"""From a template to the text a client reads.

Braces hold a placeholder's name, `{خطاب}` or `{client}`. A template with an unknown, empty or
unclosed one is refused when saved; and should one get past that, or a value be empty at the moment
of sending, nothing is sent. A raw brace never reaches a client.
"""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.text import clean
from messaging.parts import count_parts
from messaging.placeholders import Occasion, Placeholder, find
from sessions_app.links import Page

#: What the gateways take at most, in characters.
LONGEST = 900
_BRACES = re.compile(r"\{([^{}]*)\}")
#: What gateways take for a link.
_ADDRESS = re.compile(r"://|\b[a-z0-9-]+\.[a-z]{2,}", re.IGNORECASE)


class Unrenderable(ValueError):
    """The text cannot be written for this occasion; it carries no client text."""


def check(body: str) -> None:
    """Refuse a body that could not become a text. Raises ValidationError on the field `body`."""
    problems = _problems(body)
    if problems:
        raise ValidationError({"body": problems})


def placeholders_of(body: str) -> list[Placeholder]:
    return [found for name in _BRACES.findall(body) if (found := find(name))]


def has_link(body: str) -> bool:
    """Whether a text of this body has an address in it: a page of the client's, or one written out."""
    linked = any(placeholder.page is not None for placeholder in placeholders_of(body))
    return linked or _ADDRESS.search(body) is not None


def pages_of(body: str, occasion: Occasion) -> list[Page]:
    """The client's pages that a body links to; they must be published before it leaves."""
    found = (placeholder.page for placeholder in placeholders_of(body))
    return [occasion.page(purpose) for purpose in found if purpose is not None]


def render(body: str, occasion: Occasion) -> str:
    """The finished text. Raises Unrenderable for an unknown or empty placeholder or no text."""

    def fill(match: re.Match[str]) -> str:
        placeholder = find(match[1])
        value = clean(placeholder.value(occasion)) if placeholder else ""
        if not value:
            raise Unrenderable("unknown or empty placeholder")
        return value

    if _problems(body):
        raise Unrenderable("bad template")
    try:
        return clean(_BRACES.sub(fill, body), lines=True)
    except LookupError:
        raise Unrenderable("placeholder without its subject") from None


def values_of(body: str, occasion: Occasion) -> list[str]:
    """The values of a body that can be rendered, in the order of its placeholders."""
    return [clean(placeholder.value(occasion)) for placeholder in placeholders_of(body)]


def sample(body: str) -> str:
    """The text with sample values, for the editor's preview. Raises ValidationError."""
    check(body)
    return clean(_BRACES.sub(lambda m: _sample_of(m[1]), body), lines=True)


def parts_of(text: str) -> int:
    return count_parts(text).parts


def _sample_of(name: str) -> str:
    found = find(name)
    return found.sample if found else ""


def _problems(body: str) -> list[str]:
    if not body.strip():
        return [_("The text is empty.")]
    problems = [_about(name) for name in _BRACES.findall(body) if not find(name)]
    if re.search(r"[{}]", _BRACES.sub("", body)):
        problems.append(_("A brace is not closed. Placeholders look like {خطاب}."))
    if not problems and not re.sub(r"[\s\W]", "", _BRACES.sub("", body)):
        problems.append(_("The text has no words of its own."))
    if len(body) > LONGEST:
        problems.append(_("The text is longer than %(n)s characters.") % {"n": LONGEST})
    return problems


def _about(name: str) -> str:
    if not name.strip():
        return _("A placeholder is empty: {}")
    return _("Unknown placeholder: {%(name)s}") % {"name": name.strip()}
