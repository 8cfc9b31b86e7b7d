"""A text as a letter: plain and HTML, in the clinic's name, with a way to stop such letters."""

import re
from email.utils import formataddr, parseaddr
from html import escape
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from messaging.providers.base import OutgoingText
from messaging.providers.email_tags import tag

_LINK: Final = re.compile(r"https?://[^\s<>\"'«»]+[^\s<>\"'«».,،؛;:!?؟()]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]+")


def letter(text: OutgoingText) -> EmailMultiAlternatives:
    """The letter to one reader, in the installation's language, which is that of the texts.

    Its subject and its sender say whose it is and nothing of what it is about: both are read on
    locked screens.
    """
    clinic = " ".join(_UNPRINTABLE.sub(" ", text.sender_name).split())
    with translation.override(settings.LANGUAGE_CODE):
        return EmailMultiAlternatives(
            subject=_("A message from %(clinic)s") % {"clinic": clinic} if clinic else _subject(),
            body=_plain(text),
            from_email=_envelope_sender(text.local_id),
            to=[text.receptor],
            headers=_headers(text, clinic),
            alternatives=[(_html(text, clinic), "text/html")],
        )


def _subject() -> str:
    return _("A message for you")


def _headers(text: OutgoingText, clinic: str) -> dict[str, str]:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    headers = {
        "From": formataddr((clinic or name, address)),
        "Message-ID": f"<{tag(text.local_id)}@{address.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": settings.LANGUAGE_CODE,
    }
    if text.stop_url:
        # One click in the reader's own program, without a visit (RFC 8058).
        headers["List-Unsubscribe"] = f"<{text.stop_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _envelope_sender(local_id: int) -> str:
    """Where a bounce goes: with an address for bounces, to one that names the letter by itself."""
    local, at, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local}+{tag(local_id)}{at}{domain}" if at else settings.DEFAULT_FROM_EMAIL


def _plain(text: OutgoingText) -> str:
    if not text.stop_url:
        return text.text
    return f"{text.text}\n\n-- \n{_('To stop such letters:')}\n{text.stop_url}\n"


def _html(text: OutgoingText, clinic: str) -> str:
    return render_to_string(
        "messaging/letter.html",
        {"clinic": clinic, "lines": _lines(text.text), "stop_url": text.stop_url},
    )


def _lines(text: str) -> list[list[SafeString]]:
    """Paragraphs of lines, escaped, their addresses made links."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return [[_linked(line) for line in paragraph.splitlines()] for paragraph in paragraphs]


def _linked(line: str) -> SafeString:
    pieces, end = [], 0
    for found in _LINK.finditer(line):
        pieces.append(escape(line[end : found.start()]))
        pieces.append(
            format_html('<a href="{}" dir="ltr" style="color:#0b615a">{}</a>', found[0], found[0])
        )
        end = found.end()
    return mark_safe("".join([*pieces, escape(line[end:])]))  # noqa: S308 - each piece is escaped
