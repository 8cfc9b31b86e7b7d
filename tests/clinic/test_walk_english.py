"""Every page in English, of a clinic whose data is Latin: no Persian letter is left over."""

import re
from html import unescape

import pytest
from django.conf import settings

from messaging.placeholders import all_placeholders
from messaging.stop_note import NOTE
from patients.forms import HONORIFICS
from tests.clinic.walk import TABLE, addresses, signed_in
from tests.clinic.world import publish_pages

pytestmark = pytest.mark.slow

PERSIAN_WORD = re.compile(r"[\u0621-\u06cc\u200c]+")
#: The other language by its own name; and texts are Persian in an English panel too: how a client
#: is addressed in them, the placeholders with their samples, and the word that stops them.
ALLOWED = set(PERSIAN_WORD.findall(" ".join([
    *("فارسی", NOTE, *HONORIFICS),
    *(f"{it.persian} {it.sample}" for it in all_placeholders()),
])))  # fmt: skip


def persian_in(html):
    return set(PERSIAN_WORD.findall(unescape(html))) - ALLOWED


def pages(world):
    """Path and body of every page that a GET gives the owner."""
    browser = signed_in(world.ours.person)
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    for address in addresses():
        way = TABLE[address.name]
        if way.kind == "operator" or address.name == "account_logout":
            continue
        path = address.path(world.ours, way)
        answer = browser.get(path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            yield path, answer.content.decode()


def test_an_english_page_has_no_persian_words(world):
    publish_pages(world.ours)
    found = dict(pages(world))
    assert len(found) > 80
    assert all('lang="en"' in html for html in found.values() if "<html" in html)
    left = {path: persian_in(html) for path, html in found.items()}
    assert {path: words for path, words in left.items() if words} == {}
