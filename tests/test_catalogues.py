"""Every sentence that staff can meet has a Persian wording, in one catalogue or another."""

import ast
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.template import Engine, engines
from django.template.base import Node, NodeList
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "clinic",
    "patients",
    "sessions_app",
    "messaging",
    "feedback",
    "followup",
    "exchange",
    "panel",
    "config",
)
CATALOGUES = sorted(
    path
    for path in ROOT.glob("**/locale/fa/LC_MESSAGES/django.po")
    if "node_modules" not in path.parts and ".venv" not in path.parts
)
# Where the message stands among a call's arguments, and the context before it if there is one.
CALLS = {
    "_": (None, 0),
    "gettext": (None, 0),
    "gettext_lazy": (None, 0),
    "gettext_noop": (None, 0),
    "ngettext": (None, 0),
    "ngettext_lazy": (None, 0),
    "pgettext": (0, 1),
    "pgettext_lazy": (0, 1),
    "npgettext": (0, 1),
    "npgettext_lazy": (0, 1),
}


def catalogue(path):
    with path.open("rb") as file:
        return read_po(file, locale="fa")


def wordings():
    """(context, message) → the Persian, from every catalogue; Django's own are not counted."""
    found = {}
    for path in CATALOGUES:
        for message in catalogue(path):
            msgid = message.id[0] if isinstance(message.id, tuple) else message.id
            string = message.string[0] if isinstance(message.string, tuple) else message.string
            if string:
                found[message.context, msgid] = string
    return found


def in_python(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        where, what = CALLS.get(name, (None, None))
        if what is None or len(node.args) <= what:
            continue
        texts = [a.value if isinstance(a, ast.Constant) else None for a in node.args]
        if isinstance(texts[what], str):
            yield (texts[where] if where is not None else None, texts[what])


def each_node(nodes):
    for node in nodes:
        yield node
        for value in vars(node).values():
            if isinstance(value, NodeList):
                yield from each_node(value)
            elif isinstance(value, Node):
                yield from each_node([value])
        # {% if %} and {% for %} keep their branches in lists of their own making.
        for branch in getattr(node, "conditions_nodelists", []):
            yield from each_node(branch[1])


def in_template(path):
    engine: Engine = engines["django"].engine
    for node in each_node(engine.from_string(path.read_text()).nodelist):
        if isinstance(node, TranslateNode):
            text = node.filter_expression.var
            context = node.message_context.var if node.message_context else None
            yield (context and str(context), str(getattr(text, "literal", text)).strip("'\""))
        elif isinstance(node, BlockTranslateNode):
            context = node.message_context.var if node.message_context else None
            singular, _ = node.render_token_list(node.singular)
            yield (context and str(context), singular)


def templates():
    yield from ROOT.glob("templates/**/*.html")
    yield from ROOT.glob("templates/**/*.txt")
    for room in ROOMS:
        yield from ROOT.glob(f"{room}/templates/**/*.html")


def sources():
    for room in ROOMS:
        for path in ROOT.glob(f"{room}/**/*.py"):
            yield from ((path, key) for key in in_python(path))
    for path in templates():
        yield from ((path, key) for key in in_template(path))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_catalogue_has_no_empty_doubtful_or_broken_wording(path):
    read = catalogue(path)
    bad = [m.id for m in read if m.id and (m.fuzzy or not all(_strings(m)))]
    bad += [(m.id, [str(e) for e in errors]) for m, errors in read.check()]
    assert bad == []


def _strings(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def test_every_message_has_a_persian_wording():
    known = wordings()
    missing = sorted(
        {f"{path.relative_to(ROOT)}: {key}" for path, key in sources() if key not in known}
    )
    assert missing == []


def test_the_extractor_sees_all_kinds_of_messages():
    seen = {key for _, key in sources()}
    assert (None, "This field is required.") in seen
    assert ("message", "delivered") in seen
    assert (None, "page %(page)s of %(pages)s") in seen
    assert (None, "Sign in") in seen


def test_two_catalogues_do_not_word_one_message_differently():
    told = {}
    for path in CATALOGUES:
        for message in catalogue(path):
            if message.id and not isinstance(message.id, tuple):
                wording = (message.context, message.id)
                told.setdefault(wording, {}).setdefault(message.string, []).append(path.parts[-5])
    assert {key: ways for key, ways in told.items() if len(ways) > 1} == {}
