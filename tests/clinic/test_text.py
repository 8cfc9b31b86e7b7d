import pytest
from hypothesis import given, strategies as st

from clinic.text import ascii_digits, clean, fold, persian_digits, sort_key

any_text = st.text() | st.text(
    alphabet="اآأإبيی كک هة\u200c\u200b\u00ac\u200d\u200f۱٤5ء\u0653\nـءِA"
)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("علي كريمي", "علی کریمی"),
        ("می‌شود", "میشود"),
        ("نمــونه", "نمونه"),
        ("مُحَمَّد", "محمد"),
        ("فاطمة", "فاطمه"),
        ("آرش أحمد إيمان", "ارش احمد ایمان"),
        ("رضائی مسؤول", "رضایی مسوول"),
        ("زهراء", "زهرا"),
        ("خانهٔ ما", "خانه ما"),
        ("۱۲٣4", "1234"),
        ("\u202bسلام\u202c\u200f", "سلام"),
        ("  دو \u00a0\t سه\n", "دو سه"),
        ("ﻋﻠﯽ", "علی"),
        ("FILE No. É", "file no. e"),
    ],
)
def test_fold_makes_two_spellings_one(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  علي   كريمي ", "علی کریمی"),
        ("آقای آریا", "آقای آریا"),
        ("رئیس مؤسسه", "رئیس مؤسسه"),
        ("٠٩١٢ 12 ۳۴", "۰۹۱۲ 12 ۳۴"),
        ("می\u200c\u200cشود", "می\u200cشود"),
        ("می\u200bشود", "می\u200cشود"),
        ("می\u00acشود", "می\u200cشود"),
        ("می\u200b\u200dشود", "می\u200cشود"),
        ("می \u200cشود\u200c", "می شود"),
        ("\u200fسلام\u202c", "سلام"),
        ("a\u0000b\u001bc", "abc"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("خط یک\r\nخط دو", "خط یک خط دو"),
        ("\ud800x", "x"),
    ],
)
def test_clean_keeps_what_was_meant(typed: str, kept: str) -> None:
    assert clean(typed) == kept


def test_clean_keeps_line_breaks_when_asked() -> None:
    assert clean("\n سلام \r\n\r\n دوم\u2028سوم\n", lines=True) == "سلام\n\nدوم\nسوم"


def test_ascii_digits_translates_every_script_and_nothing_else() -> None:
    assert ascii_digits("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ x½") == "0123456789 0123456789 x½"


def test_persian_digits_takes_numbers_and_text() -> None:
    assert persian_digits(1405) == "۱۴۰۵"
    assert persian_digits("٣ از 10") == "۳ از ۱۰"


def test_sort_key_follows_the_persian_alphabet() -> None:
    names = "آرش احمد بابک پارسا تینا ثریا جمال چنگیز حمید خسرو دارا ذبیح رضا زهرا ژاله سارا شیوا"
    names += " صبا ضیا طاها ظریفه عباس غزل فرید قاسم کاوه گیتی لاله مریم نادر وحید هما یاس"
    ordered = names.split()
    assert sorted(ordered, key=sort_key) == ordered


def test_sort_key_puts_short_words_digits_and_latin_in_their_places() -> None:
    ordered = ["12 ب", "علی احمدی", "علی رضایی", "علیا", "یاس", "Anna", "bob"]
    assert sorted(ordered, key=sort_key) == ordered


def test_sort_key_ignores_half_spaces_marks_and_keyboards() -> None:
    assert sort_key("علي‌رضا") == sort_key("علیرضا") == sort_key("«عَلیرضا»")
    assert sort_key("آرش") != sort_key("ارش")


def test_sort_key_of_persian_is_plain_ascii() -> None:
    assert sort_key("ژاله یکتا ۲").isascii()


@given(any_text)
def test_clean_and_fold_are_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean(clean(text, lines=True), lines=True) == clean(text, lines=True)
    assert fold(fold(text)) == fold(text)


@given(any_text)
def test_cleaning_does_not_change_what_a_text_folds_to(text: str) -> None:
    assert "\x00" not in clean(text)
    clean(text).encode()
    sort_key(text).encode()
    fold(text).encode()


@given(st.text(alphabet="اآبپتچ كيی‌ ۱٢3ٔ"))
def test_fold_of_cleaned_persian_is_fold_of_typed_persian(text: str) -> None:
    assert fold(clean(text)) == fold(text)
    assert sort_key(clean(text)) == sort_key(text)


@given(any_text)
def test_ascii_digits_leaves_no_other_digit(text: str) -> None:
    assert not [char for char in ascii_digits(text) if char.isdecimal() and not char.isascii()]
