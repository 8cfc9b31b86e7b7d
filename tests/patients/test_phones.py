import re

import pytest
from hypothesis import given, strategies as st

from patients.phones import REASONS, PhoneError, display, is_mobile, national, normalise

SARA = "+989121234567"


@pytest.mark.parametrize(
    "typed",
    [
        "09121234567",
        "9121234567",
        "+989121234567",
        "00989121234567",
        "989121234567",
        "+9809121234567",
        "+98 (0) 912 123 4567",
        "۰۹۱۲۱۲۳۴۵۶۷",
        "٠٩١٢١٢٣٤٥٦٧",
        "۰912-123 45 67",
        "0912 - 1234567",
        "(0912) 123-4567",
        "0912.123.4567",
        "0912/1234567",
        "0912\u200c123\u200c4567",
        "\u202a+98 912 123 4567\u202c",
        "\u200f09121234567\u200e",
        "09121234567\n",
        " 0912\u00a01234567\t",
        "989121234567+",
        "'09121234567",
        "tel:+989121234567",
        "9121234567.0",
        "9.121234567E+9",
        9121234567.0,
        9121234567,
        989121234567,
    ],
)
def test_normalise_takes_an_iranian_mobile_in_every_form(typed: object) -> None:
    assert normalise(typed) == SARA


@pytest.mark.parametrize(
    ("typed", "e164", "mobile"),
    [
        ("021-88887777", "+982188887777", False),
        ("۰۲۱ ۸۸۸۸ ۷۷۷۷", "+982188887777", False),
        ("2188887777", "+982188887777", False),
        (2188887777.0, "+982188887777", False),
        ("+98 21 8888 7777", "+982188887777", False),
        ("+90 532 123 45 67", "+905321234567", True),
        ("0090 532 123 45 67", "+905321234567", True),
        ("+49 30 901820", "+4930901820", False),
        ("+1 (202) 555-0143", "+12025550143", True),
    ],
)
def test_normalise_takes_landlines_and_foreign_numbers(
    typed: object, e164: str, mobile: bool
) -> None:
    assert normalise(typed) == e164
    assert is_mobile(e164) is mobile


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \u200f\n", "empty"),
        (True, "empty"),
        ("ندارد", "letters"),
        ("0912123456x", "letters"),
        ("09121234567 (مادر)", "letters"),
        ("09121234567 / 09351234567", "several"),
        ("09121234567، 02188887777", "several"),
        ("09121234567 و 09351234567", "several"),
        ("9.12E+09", "rounded"),
        ("9.121235E+9", "rounded"),
        ("9891212345", "not_in_use"),
        ("09891212345", "not_in_use"),
        ("+989891212345", "not_in_use"),
        ("0912123456", "too_short"),
        ("912123456", "too_short"),
        ("091212345678", "too_long"),
        ("88887777", "no_area_code"),
        ("12345", "too_short"),
        ("0", "too_short"),
        ("+999 1234567", "not_in_use"),
        ("905321234567", "too_long"),
        ("0101234567890", "too_long"),
        ("-", "letters"),
        (float("nan"), "letters"),
        (9121234567.5, "letters"),
    ],
)
def test_normalise_refuses_with_a_reason(typed: object, code: str) -> None:
    with pytest.raises(PhoneError) as caught:
        normalise(typed)
    assert caught.value.code == code
    assert str(caught.value) == REASONS[code]


def test_an_error_never_carries_the_number() -> None:
    with pytest.raises(PhoneError) as caught:
        normalise("0912123456789")
    assert "912" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None


def test_national_is_what_people_dial() -> None:
    assert national(SARA) == "09121234567"
    assert national("+982188887777") == "02188887777"
    assert national("+905321234567") == "00905321234567"


def test_display_groups_for_reading() -> None:
    assert display(SARA) == "۰۹۱۲ ۱۲۳ ۴۵۶۷"
    assert display(SARA, "en") == "0912 123 4567"
    assert display("+982188887777", "en") == "021 8888 7777"
    assert display("+905321234567", "en") == "+90 532 123 45 67"
    assert display("", "en") == ""


def test_is_mobile_of_no_number_is_false() -> None:
    assert is_mobile("") is False
    assert is_mobile("+98") is False


@given(st.text() | st.integers() | st.floats() | st.none() | st.binary())
def test_normalise_gives_e164_or_a_phone_error(raw: object) -> None:
    try:
        e164 = normalise(raw)
    except PhoneError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", e164)
    assert normalise(e164) == e164


mobile = st.from_regex(r"9[0-7,9][0-9]{8}", fullmatch=True).filter(str.isdecimal)


@given(mobile, st.sampled_from(["", "0", "98", "+98", "0098"]), st.data())
def test_normalise_ignores_digits_script_and_fillers(
    number: str, prefix: str, data: st.DataObject
) -> None:
    scripts = ["0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"]
    typed = prefix
    for digit in number:
        typed += data.draw(st.sampled_from(["", " ", "-", "\u200c", "\u200f", "(", ")"]))
        typed += data.draw(st.sampled_from(scripts))[int(digit)]
    assert normalise(typed) == f"+98{number}"


@given(mobile)
def test_national_and_display_come_back_to_the_same_number(number: str) -> None:
    e164 = f"+98{number}"
    assert normalise(national(e164)) == normalise(display(e164)) == e164
    assert is_mobile(e164)
