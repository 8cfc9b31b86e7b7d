"""Search as reception types it."""

import pytest
from hypothesis import given, strategies as st

from clinic.tenancy import Hat, wear
from patients import queries
from patients.models import Client
from tests import factories

PEOPLE = [
    # file_no, first name, last name, phone
    ("1001", "مریم", "کریمی", "+989121234567"),
    ("1002", "علی‌رضا", "صادقی", "+989357654321"),
    ("1003", "علی رضا", "ملکی", "+989191112233"),
    ("1004", "فاطمه", "رضائی", ""),
    ("A-17", "سارا", "نوری زاده", "+982188001122"),
    ("9801", "نگار", "کرمی", "+989351234500"),
]


@pytest.fixture
def people(clinic):
    for file_no, first, last, phone in PEOPLE:
        factories.ClientFactory(
            clinic=clinic, file_no=file_no, first_name=first, last_name=last, phone=phone
        )
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield


def found(typed):
    return [(c.file_no, c.rank) for c in queries.search(Client.objects.all(), typed)]


EXACT, BEGINS, CONTAINS, NEAR = range(4)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("کریمی", [("1001", BEGINS), ("9801", NEAR)], id="family name"),
        pytest.param("كريمي", [("1001", BEGINS), ("9801", NEAR)], id="Arabic ye and kaf"),
        pytest.param("کری", [("1001", BEGINS)], id="first letters"),
        pytest.param("  مریم   کریمی ", [("1001", BEGINS)], id="spaces"),
        pytest.param("کریمی مریم", [("1001", BEGINS)], id="family name first"),
        pytest.param("علی‌رضا", [("1002", BEGINS), ("1003", BEGINS)], id="half-space"),
        pytest.param("علیرضا", [("1002", BEGINS), ("1003", BEGINS)], id="joined"),
        pytest.param("علی رضا", [("1003", BEGINS), ("1002", CONTAINS)], id="apart"),
        pytest.param("رضایی", [("1004", BEGINS)], id="hamza"),
        pytest.param("نوریزاده", [("A-17", CONTAINS)], id="two words joined"),
        pytest.param("صادفی", [("1002", NEAR)], id="one wrong letter"),
        pytest.param("صاقی", [("1002", NEAR)], id="one letter missing"),
        pytest.param("صادققی", [("1002", NEAR)], id="one letter too many"),
        pytest.param("مکلی", [("1003", NEAR)], id="two letters swapped"),
        pytest.param("صادف", [("1002", NEAR)], id="typo before the end is typed"),
        pytest.param("مرین صادقی", [], id="every word must fit"),
        pytest.param("مرین کریمی", [("1001", NEAR)], id="typo in one of two words"),
        pytest.param("1001", [("1001", EXACT)], id="file number"),
        pytest.param("۱۰۰۱", [("1001", EXACT)], id="file number in Persian digits"),
        pytest.param("a-17", [("A-17", EXACT)], id="file number with a letter"),
        pytest.param("9801", [("9801", EXACT)], id="file number like a country code"),
        pytest.param("09121234567", [("1001", BEGINS)], id="phone"),
        pytest.param("۰۹۱۲ ۱۲۳ ۴۵۶۷", [("1001", BEGINS)], id="phone in Persian digits"),
        pytest.param("+98 912 123 4567", [("1001", CONTAINS)], id="phone with its country"),
        pytest.param("00989121234567", [("1001", CONTAINS)], id="phone with 0098"),
        pytest.param("+98 0912 123 4567", [("1001", BEGINS)], id="phone with both"),
        pytest.param("912-123-4567", [("1001", CONTAINS)], id="phone without its zero"),
        pytest.param("4567", [("1001", CONTAINS)], id="last digits"),
        pytest.param("0935", [("1002", BEGINS), ("9801", BEGINS)], id="first digits"),
        pytest.param("کریمی 0912", [("1001", BEGINS)], id="name and phone"),
        pytest.param("021 88001122", [("A-17", BEGINS)], id="landline"),
        pytest.param("پرویز", [], id="nobody"),
        pytest.param("100%", [], id="percent is a letter"),
        pytest.param("_", [], id="underscore is a letter"),
    ],
)
def test_search_finds(people, typed, expected):
    assert found(typed) == expected


def test_search_for_nothing_lists_everybody_by_name(people):
    assert [file_no for file_no, _ in found("  ")] == [
        "1004",
        "1002",
        "9801",
        "1001",
        "1003",
        "A-17",
    ]


def test_search_stays_in_the_queryset_it_is_given(people):
    chosen = Client.objects.exclude(file_no="1001")
    assert [c.file_no for c in queries.search(chosen, "کریمی")] == ["9801"]


def test_search_does_not_see_another_clinic(other_clinic, people):
    with wear(Hat.WEB, clinic_id=other_clinic.pk):
        assert found("کریمی") == []


@pytest.mark.parametrize("rows", [1, 30])
def test_search_takes_two_queries(clinic, rows, django_assert_num_queries):
    factories.ClientFactory.create_batch(rows, clinic=clinic, last_name="صادقی")
    with wear(Hat.WEB, clinic_id=clinic.pk), django_assert_num_queries(2):
        assert len(found("صادفی")) == rows


@given(st.text(max_size=60))
def test_any_text_is_cut_into_words_without_trouble(typed):
    assert all(word == word.strip() for word in queries._words(typed))


@pytest.mark.parametrize(
    ("one", "two", "near"),
    [
        ("abcd", "abcd", True),
        ("abcd", "abxd", True),
        ("abcd", "abd", True),
        ("abd", "abcd", True),
        ("abcd", "acbd", True),
        ("abcd", "abcde", True),
        ("abcd", "abdc", True),
        ("abcd", "axyd", False),
        ("abcd", "badc", False),
        ("abcd", "ab", False),
        ("", "a", True),
    ],
)
def test_one_edit(one, two, near):
    assert queries._one_edit_apart(one, two) is near


def test_next_file_number_is_one_above_the_highest(people):
    assert queries.next_file_no() == "9802"


def test_next_file_number_begins_at_one(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert queries.next_file_no() == "1"


def test_sharing_a_phone_names_the_others(people, clinic):
    mother = Client.objects.get(file_no="1001")
    child = factories.ClientFactory(clinic=clinic, file_no="2000", phone=mother.phone)
    assert list(queries.sharing_phone(mother.phone, but=mother.pk)) == [child]
    assert list(queries.sharing_phone("", but=mother.pk)) == []


@pytest.mark.parametrize(
    ("phone", "usable"),
    [("+989121234567", True), ("+982188001122", False), ("", False), ("+4915112345678", True)],
)
def test_usable_phone(phone, usable):
    assert queries.has_usable_phone(Client(phone=phone)) is usable
