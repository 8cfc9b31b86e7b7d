"""«لغو۱۱» at the end of texts."""

import pytest
from hypothesis import given, strategies as st

from clinic.models import Clinic
from messaging.parts import count_parts
from messaging.stop_note import NOTE, with_stop_note
from patients.models import Purpose

TEXT = "خانم رضایی، ممنون که آمدید. کلینیک آرامش"


@pytest.mark.parametrize(
    ("choice", "noted"),
    [
        ("none", []),
        ("follow_up", ["follow_up", "motivation", "campaign"]),
        ("all", ["transactional", "follow_up", "motivation", "campaign"]),
    ],
)
def test_the_line_decides_which_texts_say_it(choice, noted):
    clinic = Clinic(stop_note=choice)
    found = [p.value for p in Purpose if with_stop_note(TEXT, clinic, p) == f"{TEXT}\nلغو۱۱"]
    untouched = [p.value for p in Purpose if with_stop_note(TEXT, clinic, p) == TEXT]
    assert (found, untouched) == (noted, [p.value for p in Purpose if p.value not in noted])


def test_a_new_clinic_says_it_in_all_but_the_sessions_texts():
    assert with_stop_note(TEXT, Clinic(), "transactional") == TEXT
    assert with_stop_note(TEXT, Clinic(), "follow_up").endswith("\nلغو۱۱")


@pytest.mark.parametrize(
    "text",
    [f"{TEXT}\nلغو۱۱", f"{TEXT} لغو 11", "برای لغو ۱۱ بفرستید", "لغو\u200c١١، با سپاس"],
)
def test_a_text_that_says_so_says_it_once(text):
    assert with_stop_note(text, Clinic(stop_note="all"), "campaign") == text


@pytest.mark.parametrize("text", ["برای لغو جلسه زنگ بزنید", "ساعت ۱۱", "لغو ۱۱۰", "لغو ۱۲"])
def test_like_words_are_not_the_words(text):
    assert with_stop_note(text, Clinic(stop_note="all"), "campaign") == f"{text}\n{NOTE}"


def test_the_note_may_cost_a_part():
    text = "ا" * 66
    noted = with_stop_note(text, Clinic(stop_note="all"), "follow_up")
    assert (count_parts(text).parts, count_parts(noted).parts) == (1, 2)


def test_the_last_words_of_the_longest_text_make_room():
    text = "سلام " * 179 + "بدرود"
    noted = with_stop_note(text, Clinic(stop_note="all"), "follow_up")
    assert (len(text), len(noted)) == (900, 896)
    assert noted.endswith("سلام سلام…\nلغو۱۱")


def test_a_text_too_long_anyway_is_not_hidden():
    assert len(with_stop_note("ا" * 901, Clinic(stop_note="all"), "follow_up")) > 900


@given(st.text(max_size=950), st.sampled_from(["none", "follow_up", "all"]))
def test_it_is_said_once_and_fits(text, choice):
    clinic = Clinic(stop_note=choice)
    noted = with_stop_note(text, clinic, "follow_up")
    assert len(noted) <= 900 or len(text) > 900
    assert with_stop_note(noted, clinic, "follow_up") == noted
