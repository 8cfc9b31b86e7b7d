"""Whose second file a name may be: a table of cases that people know, and the proposals."""

import pytest

from clinic.tenancy import Hat, wear
from patients import kinship
from patients.twins import twins_of
from tests import factories

SAME = [
    (("مریم", "کریمی"), ("مريم", "كريمي")),  # an Arabic keyboard
    (("علی", "احمدی‌نژاد"), ("علی", "احمدی نژاد")),  # half-space, space
    (("علی", "احمدی‌نژاد"), ("علی", "احمدینژاد")),
    (("محمدرضا", "حسینی"), ("محمد رضا", "حسینی")),
    (("مریم", "کریمی"), ("کریمی", "مریم")),  # the fields exchanged
    (("", "مریم کریمی"), ("مریم", "کریمی")),  # all in one field
    (("رؤیا", "درویش"), ("رویا", "درویش")),
]
NEAR = [
    (("سیده مریم", "کریمی"), ("مریم", "کریمی")),
    (("سید علی", "موسوی"), ("علی", "موسوی")),
    (("مریم‌السادات", "حسینی"), ("مریم", "حسینی")),
    (("مریم سادات", "حسینی"), ("مریم", "حسینی")),
    (("دکتر نگار", "صادقی"), ("نگار", "صادقی")),
    (("محمدرضا", "حسینی"), ("رضا", "حسینی")),  # as the family calls him
    (("امیرحسین", "کاظمی"), ("امیر", "کاظمی")),
    (("فاطمه زهرا", "نوری"), ("فاطمه", "نوری")),
    (("لیلا", "حسینی"), ("لیلا", "حسینی طباطبایی")),
    (("مریم", "احمدی‌نژاد"), ("مریم", "احمدی‌نزاد")),  # ز for ژ
    (("مریم", "کریمی"), ("مریم", "کریمس")),  # the key beside it
    (("پریسا", "نوری"), ("پریسا", "نوزی")),
    (("مریم", "پاکزاد"), ("مریم", "پاکزاذ")),
    (("غزاله", "پاکزاد"), ("غزالع", "پاکزاد")),
    (("طاهره", "کریمی"), ("تاهره", "کریمی")),  # by ear
    (("اسماعیل", "طاهری"), ("اسمعیل", "طاهری")),
    (("داوود", "رحیمی"), ("داود", "رحیمی")),
    (("موسی", "رحیمی"), ("موسا", "رحیمی")),
    (("نازنین", "جعفری"), ("نازنیین", "جعفری")),  # one letter twice
    (("نازنین", "جعفری"), ("نازینن", "جعفری")),  # two letters swapped
    (("مریم", "محمدی"), ("مریم", "محدی")),  # one left out
    (("محمدی", "مریم"), ("مریم", "محدی")),  # and the fields exchanged
]
STRANGERS = [
    (("مریم", "کریمی"), ("بردیا", "کریم‌زاده")),
    (("مریم", "کریمی"), ("مریم", "کریم‌زاده")),
    (("مریم", "کریمی"), ("مینا", "کریمی")),
    (("مریم", "کریمی"), ("مریم", "رحیمی")),
    (("مریم", "کریمی"), ("مریم", "اکبری")),
    (("رضا", "احمدی"), ("رضا", "محمدی")),
    (("سارا", "امیری"), ("سارا", "امینی")),
    (("علی", "رحیمی"), ("علی", "کریمی")),
    (("محمد", "حسینی"), ("محمود", "حسینی")),
    (("حسن", "حسینی"), ("حسین", "حسینی")),
    (("حمید", "اکبری"), ("حمیده", "اکبری")),
    (("کیان", "محمودی"), ("کیانا", "محمودی")),
    (("پریا", "نوری"), ("پریسا", "نوری")),
    (("زهرا", "میرزایی"), ("زهره", "میرزایی")),
    (("محمدرضا", "بیات"), ("علیرضا", "بیات")),
    (("محمدمهدی", "بیات"), ("محمدرضا", "بیات")),
    (("مریم", "احمدی"), ("مریم", "احمدی نژاد")),  # the ending is a part of the name
    (("مریم", "نوری"), ("مرین", "نوزی")),  # a typo in both
    (("", "کریمی"), ("مریم", "کریمی")),
    (("", ""), ("", "")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_name_is_known_however_it_is_written(one, other):
    assert kinship.is_same(one, other)
    assert kinship.is_same(other, one)


@pytest.mark.parametrize(("one", "other"), NEAR)
def test_nearly_the_same_name_is_known(one, other):
    assert not kinship.is_same(one, other)
    assert kinship.is_near(one, other)
    assert kinship.is_near(other, one)


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_another_name_is_nobodys_twin(one, other):
    assert not kinship.is_near(one, other)
    assert not kinship.is_near(other, one)


@pytest.fixture
def at_work(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


def found(clinic, one, other):
    """What the file of one name is said to share with that of another, beside strangers."""
    first, last = one
    person = factories.ClientFactory(clinic=clinic, first_name=first, last_name=last)
    second = factories.ClientFactory(clinic=clinic, first_name=other[0], last_name=other[1])
    factories.ClientFactory(clinic=clinic, first_name="نگار", last_name="پارسا")
    twins = twins_of(person)
    assert [twin.client for twin in twins] in ([second], [])
    return [like.value for twin in twins for like in twin.likenesses]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same_names_are_proposed(at_work, one, other):
    assert found(at_work, one, other) == ["name"]


@pytest.mark.parametrize(("one", "other"), NEAR)
def test_near_names_are_proposed(at_work, one, other):
    assert found(at_work, one, other) == ["near"]


@pytest.mark.parametrize(("one", "other"), STRANGERS[:-1])
def test_strangers_are_not_proposed(at_work, one, other):
    assert found(at_work, one, other) == []


def test_a_brother_is_not_proposed_for_his_sister(at_work):
    person = factories.ClientFactory(
        clinic=at_work, first_name="نورا", last_name="امیدی", gender="female"
    )
    brother = {"clinic": at_work, "first_name": "نوزا", "last_name": "امیدی"}
    factories.ClientFactory(**brother, gender="male")
    unsaid = factories.ClientFactory(**brother, gender="")
    assert [twin.client for twin in twins_of(person)] == [unsaid]
