import datetime as dt

import pytest
import time_machine
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from clinic import formfields, states
from clinic.icons import svg
from clinic.models import Role
from messaging.models import State as MessageState
from sessions_app.models import State as SessionState
from tests.factories import NOW

EVENING = dt.datetime(2026, 11, 27, 14, 0, tzinfo=dt.UTC)


def render(source, **context):
    request = RequestFactory().get("/c/aramesh/?q=x&page=2")
    return Template("{% load peygir %}" + source).render(Context({"request": request, **context}))


@pytest.mark.parametrize(
    ("source", "value", "fa", "en"),
    [
        ("{{ v|jalali_date }}", EVENING, "۱۴۰۵/۰۹/۰۶", "1405/09/06"),
        ("{{ v|jalali_full }}", EVENING, "جمعه ۶ آذر ۱۴۰۵", "Friday 6 Azar 1405"),
        ("{{ v|jalali_time }}", EVENING, "۱۷:۳۰", "17:30"),
        ("{{ v|jalali_time }}", dt.time(9, 5), "۰۹:۰۵", "09:05"),
        ("{{ v|number }}", 1_250_000, "۱٬۲۵۰٬۰۰۰", "1,250,000"),
        ("{{ v|toman }}", 6_500_000, "۶۵۰٬۰۰۰ تومان", "650,000 Toman"),
        ("{{ v|persian_digits }}", "پرونده 12", "پرونده ۱۲", "پرونده 12"),
        ("{{ v|persian_digits }}", "۰۲۱-٨٨", "۰۲۱-۸۸", "021-88"),
        (
            "{{ v|ltr }}",
            "<+98>",
            '<bdi dir="ltr">&lt;+98&gt;</bdi>',
            '<bdi dir="ltr">&lt;+98&gt;</bdi>',
        ),
    ],
)
def test_values_are_written_in_the_language_of_the_page(source, value, fa, en):
    assert render(source, v=value) == fa
    with translation.override("en"):
        assert render(source, v=value) == en


@pytest.mark.parametrize(
    "name",
    [
        *("jalali_date", "jalali_day", "jalali_full", "jalali_spoken", "jalali_relative"),
        *("jalali_time", "number", "toman", "persian_digits"),
    ],
)
def test_what_is_absent_is_written_as_nothing(name):
    assert render("{{ v|" + name + " }}", v=None) == ""


def test_times_are_told_in_the_active_zone():
    with timezone.override("Asia/Kabul"):
        assert render("{{ v|jalali_time }}", v=EVENING) == "۱۸:۳۰"


def test_an_unknown_icon_is_an_error():
    with pytest.raises(KeyError):
        svg("no-such-icon")


@pytest.mark.parametrize(
    ("kind", "state"), [(kind, state) for kind in states.LOOKS for state in states.LOOKS[kind]]
)
def test_every_state_has_an_icon_and_a_persian_word(kind, state):
    look = states.look(kind, state)
    assert svg(look.icon)
    assert str(look.label) != state
    assert any("\u0600" <= char <= "\u06ff" for char in str(look.label))


def test_the_tables_of_looks_hold_every_state_there_is():
    assert set(MessageState.values) <= set(states.MESSAGE)
    assert set(SessionState.values) <= set(states.SESSION)
    assert set(Role.values) == set(states.ROLE)


def test_a_page_link_keeps_the_rest_of_the_query():
    assert render("{% page_link 3 %}") == "?q=x&amp;page=3"


class Form(forms.Form):
    name = formfields.PersianCharField(label="نام")
    day = formfields.JalaliDateField(required=False)
    clock = formfields.ClockField(required=False)
    count = formfields.NumberField(required=False, min_value=1)
    price = formfields.TomanField(required=False)


def cleaned(**data):
    form = Form({"name": "x", **data})
    assert form.is_valid(), form.errors
    return form.cleaned_data


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ("day", "۱۴۰۵/۹/۶", dt.date(2026, 11, 27)),
        ("day", "", None),
        ("day", "   ", None),
        ("clock", "۱۷:۳۰", dt.time(17, 30)),
        ("clock", "", None),
        ("count", "١٢", 12),
        ("count", "۱٬۲۵۰", 1250),
        ("count", "1,250", 1250),
        ("price", "۶۵۰٬۰۰۰", 6_500_000),
        ("price", "", None),
        ("name", "  كريمي ", "کریمی"),
    ],
)
def test_fields_take_what_people_type(field, typed, value):
    assert cleaned(**{field: typed})[field] == value


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("day", "1405/13/01", "چنین روزی در تقویم نیست؛ تاریخ را درست کنید."),
        ("day", "فردا", "این تاریخ نیست. این‌طور بنویسید: ۱۴۰۵/۰۹/۰۶."),
        ("clock", "5", "این ساعت نیست. این‌طور بنویسید: ۱۷:۳۰."),
        ("count", "ده", "فقط عدد بنویسید."),
        ("count", "0", "دست‌کم باید 1 باشد."),
        ("name", "\u200c ", "این خانه را پر کنید."),
    ],
)
def test_fields_refuse_in_persian(field, typed, said):
    form = Form({"name": "x", field: typed})
    assert form.errors == {field: [said]}


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("day", dt.date(2026, 11, 27), "۱۴۰۵/۰۹/۰۶"),
        ("clock", dt.time(9, 5), "۰۹:۰۵"),
        ("count", 1250, "۱٬۲۵۰"),
        ("price", 6_500_000, "۶۵۰٬۰۰۰"),
    ],
)
def test_fields_show_what_is_kept_as_people_write_it(field, value, shown):
    assert f'value="{shown}"' in str(Form(initial={field: value})[field])


def test_a_refused_price_comes_back_as_it_was_typed():
    form = Form({"name": "", "price": "۶۵۰٬۰۰۰"})
    assert 'value="۶۵۰٬۰۰۰"' in str(form["price"])


def test_a_field_names_its_error_and_its_hint_for_a_screen_reader():
    form = Form({"name": ""})
    form.fields["name"].help_text = "نام کامل"
    html = render("{% field f %}", f=form["name"])
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'aria-invalid="true"' in html


def test_the_date_picker_is_told_the_day_by_the_server(client, db):
    with time_machine.travel(NOW, tick=False):
        assert 'data-today="1405/08/30"' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("field", "fa", "en"), [("day", "۱۴۰۵/۰۹/۰۶", "1405/09/06"), ("clock", "۱۷:۳۰", "17:30")]
)
def test_an_empty_field_shows_an_example_in_the_digits_of_the_page(field, fa, en):
    assert f'placeholder="{fa}"' in str(Form()[field])
    with translation.override("en"):
        assert f'placeholder="{en}"' in str(Form()[field])
