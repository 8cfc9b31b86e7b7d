import pytest
from hypothesis import given, strategies as st

from messaging.parts import Encoding, Parts, count_parts

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2
EMOJI = "\N{SMILING FACE WITH SMILING EYES}"

gsm_texts = st.text(alphabet="abcXYZ 019?!@\n^{}€[]~|\\", max_size=700)
any_texts = st.text(max_size=400)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", Parts(GSM7, 0, 0, 160, 160), id="empty"),
        pytest.param("a" * 160, Parts(GSM7, 160, 1, 160, 0), id="latin fills one part"),
        pytest.param("a" * 161, Parts(GSM7, 161, 2, 153, 145), id="latin needs a second part"),
        pytest.param("a" * 306, Parts(GSM7, 306, 2, 153, 0), id="latin fills two parts"),
        pytest.param("a" * 307, Parts(GSM7, 307, 3, 153, 152), id="latin needs a third part"),
        pytest.param("€" * 80, Parts(GSM7, 160, 1, 160, 0), id="extension signs count two"),
        pytest.param("a€", Parts(GSM7, 3, 1, 160, 157), id="one extension sign"),
        pytest.param(
            "a" * 152 + "€" + "a" * 152, Parts(GSM7, 306, 3, 153, 152), id="escape pair is not cut"
        ),
        pytest.param("س" * 70, Parts(UCS2, 70, 1, 70, 0), id="persian fills one part"),
        pytest.param("س" * 71, Parts(UCS2, 71, 2, 67, 63), id="persian needs a second part"),
        pytest.param("س" * 134, Parts(UCS2, 134, 2, 67, 0), id="persian fills two parts"),
        pytest.param("س" * 135, Parts(UCS2, 135, 3, 67, 66), id="persian needs a third part"),
        pytest.param("س" * 900, Parts(UCS2, 900, 14, 67, 38), id="the longest persian text"),
        pytest.param("a" * 69 + "ی", Parts(UCS2, 70, 1, 70, 0), id="one letter changes them all"),
        pytest.param("می\u200cآییم", Parts(UCS2, 7, 1, 70, 63), id="half-space counts one"),
        pytest.param("a۱", Parts(UCS2, 2, 1, 70, 68), id="persian digit is not GSM"),
        pytest.param(EMOJI * 35, Parts(UCS2, 70, 1, 70, 0), id="emoji count two"),
        pytest.param(EMOJI * 67, Parts(UCS2, 134, 3, 67, 65), id="emoji is not cut"),
        pytest.param("\x1b", Parts(UCS2, 1, 1, 70, 69), id="a bare escape is no GSM sign"),
        pytest.param("\ud800", Parts(UCS2, 1, 1, 70, 69), id="half a surrogate pair counts one"),
    ],
)
def test_count_parts_gives_the_size_on_the_air(text, expected):
    assert count_parts(text) == expected


@given(any_texts)
def test_units_are_utf16_code_units_or_septets(text):
    measured = count_parts(text)
    utf16 = len(text.encode("utf-16-le", "surrogatepass")) // 2
    septets = len(text) + sum(c in "\f^{}\\[~]|€" for c in text)
    assert measured.units == (septets if measured.encoding is GSM7 else utf16)


@given(any_texts | gsm_texts)
def test_parts_hold_the_text_and_no_part_is_idle(text):
    measured = count_parts(text)
    assert measured.units + measured.left <= max(measured.parts, 1) * measured.per_part
    assert 0 <= measured.left <= measured.per_part
    assert measured.parts <= -(-measured.units // (measured.per_part - 1))


@given(any_texts | gsm_texts, st.characters())
def test_a_longer_text_never_needs_fewer_parts(text, more):
    assert count_parts(text + more).parts >= count_parts(text).parts


@given(gsm_texts)
def test_left_is_exactly_what_still_fits(text):
    measured = count_parts(text)
    same = max(measured.parts, 1)
    assert count_parts(text + "a" * measured.left).parts == same
    assert count_parts(text + "a" * (measured.left + 1)).parts == same + 1


@given(st.text(alphabet="سلام ۱۲۳\u200c" + EMOJI, max_size=400).map("س".__add__))
def test_left_is_exactly_what_still_fits_a_persian_text(text):
    measured = count_parts(text)
    assert count_parts(text + "س" * measured.left).parts == measured.parts
    assert count_parts(text + "س" * (measured.left + 1)).parts == measured.parts + 1
