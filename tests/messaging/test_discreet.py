"""What a discreet text leaves out of names, and what it keeps."""

import pytest
from hypothesis import given, strategies as st

from clinic import discreet
from clinic.tenancy import Hat, wear
from messaging.hints import About, hints
from messaging.outbox import sender_name
from messaging.placeholders import Occasion
from messaging.render import render
from tests import factories
from tests.factories import NOW


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        ("خانم دکتر صادقی", "خانم صادقی"),
        ("آقای دکتر احمدی‌نژاد", "آقای احمدی‌نژاد"),
        ("دكتر لیلا نوری", "لیلا نوری"),
        ("خانم نوری، روان‌شناس", "خانم نوری"),
        ("روان‌درمانگر خانم نوری", "خانم نوری"),
        ("Dr. Sadeghi", "Sadeghi"),
        ("خانم صادقی", "خانم صادقی"),
        ("دکتر", "دکتر"),
    ],
)
def test_a_therapist_loses_the_title(spoken, said):
    assert discreet.therapist(spoken) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("کلینیک روان‌شناسی آرامش", "آرامش"),
        ("کلینیک روانشناسی و مشاوره‌ی آرامش", "آرامش"),
        ("مرکز خدمات روان‌شناسی و مشاوره مهر و ماه", "مهر و ماه"),
        ("مرکز مشاوره‌ی خانواده‌ی نو", "خانواده‌ی نو"),
        ("کلینیک سلامت روان سپید", "سپید"),
        ("کلینیک آرامش", "آرامش"),
        ("آرامش", "آرامش"),
        ("کلینیک روان‌شناسی", "مرکز ما"),
        ("Aramesh Counselling Center", "Aramesh"),
    ],
)
def test_a_clinic_loses_its_trade(name, said):
    assert discreet.clinic(name) == said


@given(st.text(max_size=60))
def test_any_name_stays_a_name_and_tells_no_more_than_before(name):
    said = discreet.clinic(name)
    assert said.strip()
    assert [hint for hint in hints(said) if hint.about is About.PRIVACY] == []
    assert bool(discreet.therapist(name).strip()) == bool(name.strip())


BODY = "سلام {خطاب}، {روز} ساعت {ساعت} با {درمانگر} {خدمت} دارید.\n{کلینیک}"


@pytest.fixture
def occasion(clinic):
    type(clinic).objects.filter(pk=clinic.pk).update(name="کلینیک روان‌شناسی آرامش")
    clinic.refresh_from_db()
    session = factories.SessionFactory(
        clinic=clinic,
        therapist=factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی"),
        service=factories.ServiceFactory(clinic=clinic, name="زوج‌درمانی"),
    )
    client = factories.ClientFactory(clinic=clinic, honorific="خانم", last_name="کریمی")
    return Occasion(clinic, client, session, NOW)


def test_a_client_who_wants_it_reads_neither_title_service_nor_trade(occasion):
    occasion.client.discreet = True
    assert render(BODY, occasion) == (
        "سلام خانم کریمی، دوشنبه ۲ آذر ساعت ۱۷:۳۰ با خانم صادقی جلسه دارید.\nآرامش"
    )


def test_everybody_else_reads_the_whole_names(occasion):
    assert render(BODY, occasion) == (
        "سلام خانم کریمی، دوشنبه ۲ آذر ساعت ۱۷:۳۰ با خانم دکتر صادقی زوج‌درمانی دارید.\n"
        "کلینیک روان‌شناسی آرامش"
    )


def test_a_letter_says_from_whom_it_is_as_the_text_does(occasion):
    plain = sender_name(occasion.clinic, occasion.client)
    occasion.client.discreet = True
    with wear(Hat.WEB, clinic_id=occasion.clinic.pk):
        assert (plain, sender_name(occasion.clinic, occasion.client)) == (
            "کلینیک روان‌شناسی آرامش",
            "آرامش",
        )
