"""Words after which a person has to look at once."""

import pytest
from hypothesis import given, strategies as st

from feedback.worries import PHRASES, worrying

WORRYING = [
    "به خودکشی فکر می‌کنم",
    "به خود‌کشی فکر مي‌كنم",  # an Arabic keyboard
    "خود کشی",
    "خـودکشی",
    "می‌خوام بمیرم",
    "میخوام  بمیرم",
    "کاش بمیرم",
    "دیگه نمی‌خوام زنده باشم",
    "ديگر نمیخواهم زنده باشم",
    "خودمو بکشم راحت شم",
    "به خودم آسیب زدم",
    "دیروز خودزنی کردم",
    "رگمو زدم",
    "درمانگر آزارِ جنسی کرد",
    "شوهرم کتکم می‌زند",
    "از من سوءاستفاده شد",
    "من را تهدید کرد",
    "I want to die",
    "SUICIDE",
    "thinking of Self-Harm",
    "khodkoshi",
]
CALM = [
    "",
    "خیلی خوب بود، ممنون",
    "وقت کم بود",
    "خودم را بهتر می‌شناسم",
    "زندگی‌ام بهتر شده است",
    "صبح‌ها دیر می‌رسم",
    "کشش خوبی داشت",
    "Thank you, it was good",
    "the dye of my hair",
]


@pytest.mark.parametrize("text", WORRYING)
def test_words_that_worry_are_found_however_they_are_written(text):
    assert worrying(text)


@pytest.mark.parametrize("text", CALM)
def test_ordinary_words_do_not_worry(text):
    assert not worrying(text)


@given(st.sampled_from(PHRASES), st.text(max_size=50), st.text(max_size=50))
def test_a_phrase_is_found_wherever_it_stands(phrase, before, after):
    assert worrying(f"{before} {phrase} {after}")


@given(st.text())
def test_no_text_whatever_is_an_error(text):
    assert worrying(text) in {True, False}
