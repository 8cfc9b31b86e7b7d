"""No word that people read is written into a page, a script or a form past the catalogues."""

import ast
import re
from html.parser import HTMLParser

import pytest

from tests.test_catalogues import CATALOGUES, ROOMS, ROOT, catalogue

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LETTERS = sorted((ROOT / "templates").rglob("*.txt"))
SCRIPTS = [
    p for folder in ("static", "panel/static") for p in sorted((ROOT / folder).rglob("*.js"))
]
MODULES = [
    p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py")) if "migrations" not in p.parts
]

WORD = re.compile(r"[A-Za-z\u0621-\u06cc]{2,}")
PERSIAN = re.compile(r"[\u0621-\u06cc]")
#: What the template engine writes there, words from the catalogues among it.
WRITTEN = re.compile(
    # A block of this name fills an attribute.
    r"{%\s*block \w+_class\b.*?{%\s*endblock\s*%}"
    r"|{#.*?#}|{%\s*comment\b.*?{%\s*endcomment\s*%}"
    r"|{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)
#: Left over where a condition stands around a part of a tag, or a template is nothing else.
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')
READ_ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "label", "data-copied"}
#: Languages are called by their own names; a format's name is the same in both.
ALLOWED_IN_TEMPLATES = {"English", "فارسی", "CSV"}


class Words(HTMLParser):
    """Words that stand in a page as they are: between tags, or in attributes that are read."""

    def __init__(self, source):
        super().__init__()
        self.found, self._inside = [], []
        self.feed(WRITTEN.sub(" ", source))

    def handle_starttag(self, tag, attributes):
        if tag in {"script", "style"}:
            self._inside.append(tag)
        for name, value in attributes:
            if name in READ_ATTRIBUTES and value:
                self._note(value)

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, text):
        if not self._inside:
            self._note(text)

    def _note(self, text):
        text = ATTRIBUTE.sub(" ", text).strip()
        if WORD.search(text) and text not in ALLOWED_IN_TEMPLATES:
            self.found.append(" ".join(text.split()))


def test_no_template_has_words_of_its_own():
    found = {str(p.relative_to(ROOT)): Words(p.read_text()).found for p in TEMPLATES}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_letter_has_words_of_its_own():
    found = {p.name: WORD.findall(WRITTEN.sub(" ", p.read_text())) for p in LETTERS}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Nobody came</p>", ["Nobody came"]),
        ("<p>{% translate 'Hello' %} هیچ‌کس</p>", ["هیچ‌کس"]),
        ('<a title="Open it">{{ name }}</a>', ["Open it"]),
        ('<input placeholder="نام" name="full_name">', ["نام"]),
        ('<a class="wide red" href="/x/">{% icon "phone" %}</a>', []),
        ("{% blocktranslate %}Many words{% endblocktranslate %}{# and more #}", []),
        ('<button{% if a %} title="{{ b }}">{% else %} class="wide">{% endif %}</button>', []),
    ],
)
def test_the_search_of_templates_sees_what_is_read(source, words):
    assert Words(source).found == words


# -- Scripts -----------------------------------------------------------------------------------

LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
SELECTOR = re.compile(r"[.#\[]")
#: Directives, selectors and class names that look like one.
NO_SENTENCE = {"use strict", "cal-ghost at-", "cal-now at-", "form button:disabled"}


def has_words(literal):
    if SELECTOR.match(literal) or literal in NO_SENTENCE:
        return False
    return bool(PERSIAN.search(literal) or SENTENCE.search(literal))


def test_no_script_has_words_of_its_own():
    """What a script shows, it finds in the page, where the catalogues have put it."""
    found = [
        (path.name, said)
        for path in SCRIPTS
        for said in ("".join(pair) for pair in LITERAL.findall(COMMENT.sub("", path.read_text())))
        if has_words(said)
    ]
    assert SCRIPTS
    assert found == []


# -- Python ------------------------------------------------------------------------------------

#: Keywords, and calls with the place of the sentence among their arguments, that people read.
SHOWN_KEYWORDS = {"label", "help_text", "empty_label", "verbose_name"}
SHOWN_CALLS = {
    **dict.fromkeys(("success", "info", "warning", "error"), 1),
    "done": 1,
    "add_error": 1,
    "ValidationError": 0,
    "state_badge": 0,
}


def shown_and_raw(tree):
    """Sentences that people read and that no catalogue has seen: (line, text)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for text in _arguments(node):
                if words := "".join(_constants(text)):
                    yield node.lineno, words


def _arguments(call):
    yield from (it.value for it in call.keywords if it.arg in SHOWN_KEYWORDS)
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
    place = SHOWN_CALLS.get(name)
    logs = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") != "messages"
    if place is None or len(call.args) <= place or (place and logs and name in MESSAGE_CALLS):
        return
    yield call.args[place]


MESSAGE_CALLS = {"success", "info", "warning", "error"}


def _constants(node):
    """The words of a text that is written out, plain or with values put in."""
    match node:
        case ast.Constant(value=str(text)):
            yield from WORD.findall(text)
        case ast.JoinedStr(values=parts):
            for part in parts:
                yield from _constants(part)
        case ast.BinOp(left=left, op=ast.Mod()):
            yield from _constants(left)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('messages.error(request, "It failed.")', 1),
        ('messages.error(request, _("It failed."))', 0),
        ('messages.error(request, f"It failed: {why}")', 1),
        ('logger.error("it failed", extra)', 0),
        ('forms.CharField(label="Name")', 1),
        ('forms.CharField(label=_("Name"))', 0),
        ('raise ValidationError("no")', 1),
        ('done(request, "Moved to %s." % day)', 1),
    ],
)
def test_the_search_of_modules_sees_what_is_read(source, count):
    assert len(list(shown_and_raw(ast.parse(source)))) == count


def test_no_module_shows_words_of_its_own():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in MODULES
        for line, words in shown_and_raw(ast.parse(path.read_text()))
    ]
    assert found == []


#: What stands between these is data: what clients write back, and placeholders.
QUOTED = re.compile("«[^»]*»|{[^}]*}")


def test_no_message_is_persian_in_itself():
    """The English page shows the message as it is."""
    found = [
        (path.parts[-5], message.id)
        for path in CATALOGUES
        for message in catalogue(path)
        if PERSIAN.search(QUOTED.sub("", str(message.id)))
    ]
    assert found == []
