"""Templates and the texts they become."""

import datetime as dt
import re

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, strategies as st

from clinic.models import Clinic, Service, Therapist
from followup.defaults import DEFAULT_RULES
from messaging.placeholders import Occasion, all_placeholders
from messaging.render import Unrenderable, check, parts_of, render, sample
from messaging.stop_note import with_stop_note
from patients.models import Client
from sessions_app.models import Session
from tests.followup.clinics import tehran

NOW = tehran("2026-11-27 17:40")


def occasion(now=NOW, **changes):
    clinic = Clinic(name="کلینیک آرامش", phone="021-88001122", timezone="Asia/Tehran")
    session = Session(
        therapist=Therapist(name="زهرا صادقی", title="خانم دکتر صادقی"),
        service=Service(name="مشاوره‌ی فردی"),
        starts_at=tehran("2026-11-28 17:30"),
    )
    client = Client(honorific="خانم", first_name="مریم", last_name="کریمی")
    return Occasion(
        **{"clinic": clinic, "client": client, "session": session, "now": now, **changes}
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{خطاب}", "خانم کریمی"),
        ("{client}", "خانم کریمی"),
        ("{ خطاب }", "خانم کریمی"),
        ("{درمانگر}", "خانم دکتر صادقی"),
        ("{روز} ساعت {ساعت}", "فردا شنبه ۷ آذر ساعت ۱۷:۳۰"),
        ("{خدمت}", "مشاوره‌ی فردی"),
        ("{کلینیک} {تلفن}", "کلینیک آرامش 02188001122"),
        ("سطر یکم\nسطر دوم", "سطر یکم\nسطر دوم"),
    ],
)
def test_placeholders_become_values(body, text):
    assert render(f"ـ {body}", occasion()).removeprefix("ـ ") == text


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-28 09:00", "امروز شنبه ۷ آذر"),
        ("2026-11-27 23:59", "فردا شنبه ۷ آذر"),
        ("2026-11-26 20:55", "شنبه ۷ آذر"),
        ("2026-02-01 12:00", "شنبه ۷ آذر ۱۴۰۵"),
    ],
)
def test_the_nearness_of_the_day_is_that_of_the_moment_it_leaves(now, day):
    assert render("قرار {روز}", occasion(tehran(now))) == f"قرار {day}"


def test_a_client_without_honorific_is_addressed_by_full_name():
    client = Client(first_name="مریم", last_name="کریمی")
    assert render("سلام {خطاب}", occasion(client=client)) == "سلام مریم کریمی"


def test_a_therapist_without_title_is_named_plainly():
    session = occasion().session
    session.therapist = Therapist(name="زهرا صادقی")
    assert render("با {درمانگر}", occasion(session=session)) == "با زهرا صادقی"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param("", "The text is empty.", id="empty"),
        pytest.param("  \n ", "The text is empty.", id="blank"),
        pytest.param("سلام {ناشناس}", "Unknown placeholder: {ناشناس}", id="unknown"),
        pytest.param("سلام {}", "A placeholder is empty: {}", id="empty braces"),
        pytest.param(
            "سلام {خطاب", "A brace is not closed. Placeholders look like {خطاب}.", id="open"
        ),
        pytest.param(
            "سلام خطاب}", "A brace is not closed. Placeholders look like {خطاب}.", id="closed"
        ),
        pytest.param("{خطاب}", "The text has no words of its own.", id="no words"),
        pytest.param("خ" * 901, "The text is longer than 900 characters.", id="long"),
    ],
)
def test_a_body_that_could_not_be_sent_is_refused_when_saved(body, problem, settings):
    from django.utils import translation

    with translation.override("en"), pytest.raises(ValidationError) as refused:
        check(body)
    assert refused.value.message_dict == {"body": [problem]}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"clinic": Clinic(name="", phone="")}, id="empty value"),
        pytest.param({"session": None}, id="no session"),
    ],
)
def test_a_text_with_an_empty_value_is_never_written(changes):
    with pytest.raises(Unrenderable):
        render("{کلینیک}، {ساعت}، سلام", occasion(**changes))


def test_a_bad_body_that_got_past_the_door_is_never_written():
    with pytest.raises(Unrenderable):
        render("سلام {ناشناس}", occasion())


def test_values_are_not_read_as_placeholders():
    client = Client(last_name="{تلفن}")
    assert render("سلام {خطاب}", occasion(client=client)) == "سلام {تلفن}"


@given(st.text())
def test_whatever_is_typed_is_refused_or_rendered_without_a_brace(body):
    try:
        check(body)
    except ValidationError:
        return
    try:
        assert "{" not in render(body, occasion())
    except Unrenderable:
        return


@pytest.mark.parametrize("placeholder", all_placeholders(), ids=lambda p: p.name)
def test_every_placeholder_has_a_sample(placeholder):
    assert sample(f"خبر {{{placeholder.persian}}}") == f"خبر {placeholder.sample}"


def test_a_text_with_the_booking_link_is_written_only_where_clients_book_alone():
    about = occasion()
    about.clinic.pk, about.session.pk, about.client.pk = 1, 2, 3
    with pytest.raises(Unrenderable):
        render("وقت بعدی: {پیوند رزرو}", about)
    about.clinic.books_by_link = True
    assert re.search(r"/b/[a-z2-7]{16}$", render("وقت بعدی: {پیوند رزرو}", about))


def test_the_greeting_of_a_shared_phone_names_neither_person_nor_clinic():
    assert render("سلام {خطاب}", occasion(shared_phone=True)) == "سلام همراه گرامی"


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("021-88001122", "02188001122"),
        ("۰۲۱ ۸۸۰۰ ۱۱۲۲", "02188001122"),
        ("(021) 88001122", "02188001122"),
        ("02188001122 داخلی 5", "02188001122 داخلی 5"),
    ],
)
def test_the_clinics_phone_is_one_run_of_digits_that_right_to_left_text_cannot_turn(phone, said):
    clinic = occasion().clinic
    clinic.phone = phone
    assert render("تلفن: {تلفن}", occasion(clinic=clinic)) == f"تلفن: {said}"


DEFAULT_TEXTS = [
    pytest.param(default, body, id=f"{default.key} {n}")
    for default in DEFAULT_RULES
    for n, body in enumerate(default.bodies + default.inviting + default.plain)
]


@pytest.mark.parametrize(("default", "body"), DEFAULT_TEXTS)
def test_a_default_text_is_at_most_three_parts_long(default, body, settings):
    """With a link as long as a real one, and the words that stop follow-up."""
    settings.PUBLIC_URL = "https://peygir.ir"
    about = occasion()
    text = with_stop_note(render(body, about), about.clinic, default.purpose)
    assert 1 <= parts_of(text) <= 3


def test_time_is_told_on_the_clinics_clock():
    clinic = occasion().clinic
    clinic.timezone = "Europe/Berlin"
    late = occasion(clinic=clinic, now=NOW + dt.timedelta(hours=1))
    assert render("ساعت {ساعت}", late) == "ساعت ۱۵:۰۰"
