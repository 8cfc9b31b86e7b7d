"""What is said about a text before it is saved."""

import re

import pytest
from hypothesis import given, strategies as st

from followup.defaults import DEFAULT_RULES
from messaging.hints import hints, on_lock_screen


def said(text):
    return [(hint.about.value, *hint.words) for hint in hints(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("جلسه‌ی درمان شما فردا است", [("privacy", "درمان")], id="therapy"),
        pytest.param("درمانگر شما منتظر است", [("privacy", "درمانگر")], id="therapist"),
        pytest.param("مشاوره‌ی فردی شما", [("privacy", "مشاوره‌ی")], id="counselling"),
        pytest.param("دکتر روان‌شناس", [("privacy", "روان‌شناس")], id="half-space"),
        pytest.param("دکتر روانشناس", [("privacy", "روانشناس")], id="without half-space"),
        pytest.param("سلامت روان", [("privacy", "روان")], id="mind"),
        pytest.param("افسردگی و اضطراب", [("privacy", "افسردگی", "اضطراب")], id="two words"),
        pytest.param("اضطراب، اضطراب", [("privacy", "اضطراب")], id="each once"),
        pytest.param("مشاوره با كمك ما", [("privacy", "مشاوره")], id="Arabic letters"),
        pytest.param("Your therapy session", [("privacy", "therapy")], id="English"),
        pytest.param("حتماً بیایید", [("pressure", "حتماً")], id="certainly"),
        pytest.param("باید خبر دهید", [("pressure", "باید")], id="must"),
        pytest.param("این آخرین فرصت شماست", [("pressure", "آخرین فرصت")], id="last chance"),
        pytest.param("هر چه سریع‌تر تماس بگیرید", [("pressure", "هر چه سریع‌تر")], id="at once"),
        pytest.param("چرا نیامدید؟", [("blame", "چرا", "نیامدید")], id="why"),
        pytest.param("غیبت شما ثبت شد", [("blame", "غیبت")], id="absence"),
        pytest.param("سلام!", [("shouting", "!")], id="exclamation mark"),
        pytest.param(
            "حتماً به مشاوره بیایید!!",
            [("privacy", "مشاوره"), ("pressure", "حتماً"), ("shouting", "!")],
            id="all at once",
        ),
        pytest.param("سلام خانم کریمی، فردا می‌بینیمتان", [], id="a good text"),
        pytest.param("روانه شدیم و روان‌نویس آوردیم", [], id="words that begin alike"),
        pytest.param("چراغ راه", [], id="a lamp"),
        pytest.param("https://peygir.ir/s/therapy!", [], id="an address"),
        pytest.param("شایسته و بایسته", [], id="letters inside a word"),
        pytest.param("", [], id="empty"),
    ],
)
def test_a_text_is_hinted_at(text, found):
    assert said(text) == found


BODIES = [
    pytest.param(body, id=f"{default.key} {n}")
    for default in DEFAULT_RULES
    for n, body in enumerate(default.bodies + default.inviting + default.plain)
]


@pytest.mark.parametrize("body", BODIES)
def test_our_own_words_need_no_hint(body):
    assert said(re.sub(r"\{[^{}]*\}", "", body)) == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("سلام", "سلام", id="short"),
        pytest.param("الف\nب", "الف ب", id="lines"),
        pytest.param("ا" * 40, "ا" * 40, id="just as long"),
        pytest.param("ا" * 41, "ا" * 40 + "…", id="longer"),
    ],
)
def test_a_locked_phone_shows_the_beginning(text, seen):
    assert on_lock_screen(text) == seen


@given(st.text())
def test_whatever_is_typed_is_looked_at(text):
    for hint in hints(text):
        assert all(hint.words)
