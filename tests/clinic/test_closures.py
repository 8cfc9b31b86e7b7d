"""Settings: the list of closed days, and entering, editing and deleting one."""

import datetime as dt
import re
from html import unescape

import pytest
import time_machine

from clinic.closures import closed_days
from clinic.models import Closure
from tests.factories import NOW, ClosureFactory

LIST = "/c/aramesh/settings/closures/"
#: Thursday 24 Dey 1405, and the Saturday after it.
THURSDAY, SATURDAY = dt.date(2027, 1, 14), dt.date(2027, 1, 16)
FORM = {"name": "سفر کاری", "first_day": "۱۴۰۵/۱۰/۲۴", "last_day": ""}


@pytest.fixture
def as_manager(client, manager):
    client.force_login(manager)
    with time_machine.travel(NOW, tick=False):
        yield client


@pytest.fixture
def add(clinic):
    """`add("2026-12-23", name=…)`; until another day with `last`, public with `kind`."""

    def add(first, last=None, *, of=clinic, **fields):
        first = dt.date.fromisoformat(first)
        last = dt.date.fromisoformat(last) if last else first
        return ClosureFactory(clinic=of, first_day=first, last_day=last, **fields)

    return add


def text_of(response):
    return unescape(response.content.decode())


def rows_of(response):
    """Month, name, days and kind of each row, as they are read."""
    found, month = [], ""
    for part in re.findall(
        r'<h3 class="rows-head">.*?</h3>|<li>.*?</li>', list_of(response), re.DOTALL
    ):
        words = [w.strip() for w in re.sub(r"<[^>]*>", "\n", part).split("\n") if w.strip()]
        if part.startswith("<h3"):
            month = words[0]
        else:
            found.append((month, *words))
    return found


def list_of(response):
    """The page without its side list."""
    return text_of(response).partition('<section class="card">')[2]


def errors_of(response):
    found = re.findall(r'id="id_(\w+)_error">(.*?)</div></div>', text_of(response), re.DOTALL)
    return {name: re.sub(r"<[^>]*>", "", words).strip() for name, words in found}


def said(response):
    line = re.search(r'<div id="messages".*', text_of(response))[0]
    words = re.findall(r'<div class="notice [^>]*>.*?<div>(.*?)</div>', line)
    return [re.sub(r"<[^>]*>", "", word).strip() for word in words]


def kept():
    return list(Closure.objects.values_list("name", "first_day", "last_day", "kind"))


# -- The list ----------------------------------------------------------------------------------


def test_coming_days_stand_under_their_months(as_manager, add):
    add("2026-12-23", name="روز پدر", kind="holiday")
    add("2027-01-14", "2027-01-16", name="سفر کاری")
    assert rows_of(as_manager.get(LIST)) == [
        ("دی ۱۴۰۵", "روز پدر", "چهارشنبه ۲ دی · تعطیل رسمی"),
        (
            "دی ۱۴۰۵",
            "سفر کاری",
            "پنجشنبه ۲۴ دی تا شنبه ۲۶ دی · ۳ روز",
            "تعطیلی کلینیک",
        ),
    ]


def test_what_is_over_stands_behind_a_link_the_latest_first(as_manager, add):
    add("2026-11-20", name="دیروز")
    add("2026-11-19", "2026-11-21", name="تا امروز")
    add("2026-10-01", name="مهر")
    page = as_manager.get(LIST)
    assert [row[1] for row in rows_of(page)] == ["تا امروز"]
    assert f'href="{LIST}?past"' in text_of(page)
    assert [row[1] for row in rows_of(as_manager.get(f"{LIST}?past"))] == ["دیروز", "مهر"]


def test_what_is_over_comes_in_pages(as_manager, clinic):
    for n in range(31):
        day = dt.date(2026, 11, 1) - n * dt.timedelta(days=3)
        ClosureFactory(clinic=clinic, first_day=day, name=f"روز {n}")
    first = as_manager.get(f"{LIST}?past")
    assert len(rows_of(first)) == 30
    assert 'href="?past=&page=2"' in text_of(first)
    assert [row[1] for row in rows_of(as_manager.get(f"{LIST}?past=&page=2"))] == ["روز 30"]


@pytest.mark.parametrize(
    ("asked", "names", "links"),
    [
        ("", ["امسال", "نوروز"], ["?past", "?year=1406"]),
        ("?year=1405", ["امسال", "نوروز"], ["?past", "?year=1406"]),
        ("?year=1406", ["نوروز", "سال بعد"], ["?year=1405", "?year=1407"]),
        ("?year=1407", ["دو سال بعد"], ["?year=1406"]),
        ("?year=1404", ["امسال", "نوروز"], ["?past", "?year=1406"]),
        ("?year=9999", ["امسال", "نوروز"], ["?past", "?year=1406"]),
        ("?year=۱۴۰۶", ["نوروز", "سال بعد"], ["?year=1405", "?year=1407"]),
        ("?year=nonsense", ["امسال", "نوروز"], ["?past", "?year=1406"]),
    ],
)
def test_years_are_leafed_through_from_this_one_to_the_last_entry(
    as_manager, add, asked, names, links
):
    add("2026-12-23", name="امسال")
    add("2027-03-20", "2027-04-02", name="نوروز")
    add("2027-06-01", name="سال بعد")
    add("2028-06-01", name="دو سال بعد")
    page = as_manager.get(LIST + asked)
    assert [row[1] for row in rows_of(page)] == names
    assert re.findall(rf'href="{LIST}(\?[^"]*)"', list_of(page)) == links


def test_an_empty_list_says_what_belongs_there(as_manager):
    shown = list_of(as_manager.get(LIST))
    assert f'<a class="btn btn-primary" href="{LIST}new/">' in shown
    assert 'class="empty-state"' in list_of(as_manager.get(f"{LIST}?past"))


def test_the_list_says_what_a_closed_day_does(as_manager):
    shown = text_of(as_manager.get(LIST))
    assert "پیام‌های پیگیری و دلگرمی تا ساعت ۱۰ صبح نخستین روز کاری صبر می‌کنند" in shown
    assert "جمعه‌ها را لازم نیست وارد کنید" in shown


def test_another_clinics_days_are_not_listed(as_manager, add, other_clinic):
    add("2026-12-23", of=other_clinic)
    add("2026-11-01", of=other_clinic)
    assert rows_of(as_manager.get(LIST)) == rows_of(as_manager.get(f"{LIST}?past")) == []


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize(("page", "first"), [("", "2026-11-22"), ("?past", "2026-08-01")])
def test_the_lists_take_the_same_queries_for_one_row_and_for_thirty(
    as_manager, clinic, django_assert_num_queries, page, first, rows
):
    for n in range(rows):
        day = dt.date.fromisoformat(first) + n * dt.timedelta(days=3)
        ClosureFactory(clinic=clinic, first_day=day)
    with django_assert_num_queries(13):
        assert len(rows_of(as_manager.get(LIST + page))) == rows


# -- A new one, and an edited one --------------------------------------------------------------


def test_a_single_day_is_entered_as_people_type_it(as_manager, clinic):
    page = as_manager.post(f"{LIST}new/", FORM, follow=True)
    assert kept() == [("سفر کاری", THURSDAY, THURSDAY, "own")]
    assert page.redirect_chain == [(LIST, 302)]
    assert said(page) == ["«سفر کاری» ذخیره شد: پنجشنبه ۲۴ دی."]


@pytest.mark.parametrize("last", ["1405/10/26", "۲۶ دی ۱۴۰۵", "2027-01-16"])
def test_several_days_are_entered_with_their_last_one(as_manager, last):
    as_manager.post(f"{LIST}new/", {**FORM, "last_day": last})
    assert kept() == [("سفر کاری", THURSDAY, SATURDAY, "own")]


def test_the_form_opens_the_calendar_of_the_panel(as_manager):
    shown = text_of(as_manager.get(f"{LIST}new/"))
    assert re.findall(r'name="(\w+)"[^>]*data-jdp', shown) == ["first_day", "last_day"]


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        pytest.param({"name": " "}, {"name": "این خانه را پر کنید."}, id="no name"),
        pytest.param({"first_day": ""}, {"first_day": "این خانه را پر کنید."}, id="no day"),
        pytest.param(
            {"first_day": "دیروز"},
            {"first_day": "این تاریخ نیست. این‌طور بنویسید: ۱۴۰۵/۰۹/۰۶."},
            id="no date",
        ),
        pytest.param(
            {"last_day": "۱۴۰۵/۱۲/۳۰"},
            {"last_day": "چنین روزی در تقویم نیست؛ تاریخ را درست کنید."},
            id="no such day",
        ),
        pytest.param(
            {"last_day": "۱۴۰۵/۱۰/۲۳"},
            {"last_day": "این روز پیش از روز اول است."},
            id="end before begin",
        ),
        pytest.param(
            {"last_day": "۱۴۰۶/۱۰/۲۶"},
            {"last_day": "هر تعطیلی حداکثر ۱۲۰ روز است؛ سال را هم نگاه کنید."},
            id="a wrong year",
        ),
        pytest.param(
            {"first_day": "?", "last_day": "۱۴۰۵/۱۰/۲۶"},
            {"first_day": "این تاریخ نیست. این‌طور بنویسید: ۱۴۰۵/۰۹/۰۶."},
            id="an end without a beginning",
        ),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_manager, changed, errors):
    assert errors_of(as_manager.post(f"{LIST}new/", {**FORM, **changed})) == errors
    assert kept() == []


OVERLAPS = [
    pytest.param("2027-01-14", "2027-01-14", id="the same day"),
    pytest.param("2027-01-10", "2027-01-14", id="its first day"),
    pytest.param("2027-01-15", "2027-01-20", id="its last days"),
    pytest.param("2027-01-15", "2027-01-15", id="inside it"),
    pytest.param("2027-01-01", "2027-02-01", id="around it"),
]


@pytest.mark.parametrize(("first", "last"), OVERLAPS)
def test_two_closures_of_the_clinic_do_not_overlap(as_manager, add, first, last):
    add(first, last, name="کارگاه")
    page = as_manager.post(f"{LIST}new/", {**FORM, "last_day": "1405/10/26"})
    (error,) = errors_of(page).items()
    assert error[0] == "first_day"
    assert error[1].startswith("این روزها پیش‌تر تعطیل ثبت شده است: «کارگاه»، ")
    assert len(kept()) == 1


@pytest.mark.parametrize(("first", "last"), [("2027-01-13", None), ("2027-01-17", "2027-01-20")])
def test_closures_may_touch(as_manager, add, first, last):
    add(first, last)
    as_manager.post(f"{LIST}new/", {**FORM, "last_day": "1405/10/26"})
    assert len(kept()) == 2


def test_a_public_holiday_is_not_entered_again(as_manager, add):
    add("2027-01-14", name="مبعث پیامبر (ص)", kind="holiday")
    page = as_manager.post(f"{LIST}new/", FORM)
    error = "این روز خودش تعطیل رسمی است: «مبعث پیامبر (ص)»، پنجشنبه ۲۴ دی."
    assert errors_of(page) == {"first_day": error}


def test_days_around_a_public_holiday_may_be_closed_too(as_manager, add):
    add("2027-01-15", kind="holiday")
    as_manager.post(f"{LIST}new/", {**FORM, "last_day": "1405/10/26"})
    assert len(kept()) == 2


def test_another_clinics_days_are_no_obstacle(as_manager, add, other_clinic):
    add("2027-01-14", name="سفر کاری", of=other_clinic)
    as_manager.post(f"{LIST}new/", FORM)
    assert len(kept()) == 2


def test_an_entry_is_edited_and_stays_what_it_was(as_manager, add):
    holiday = add("2027-01-15", name="عید فطر (تخمینی)", kind="holiday")
    form = text_of(as_manager.get(f"{LIST}{holiday.pk}/"))
    assert re.findall(r'name="\w+_day" value="([^"]*)"', form) == ["۱۴۰۵/۱۰/۲۵", "۱۴۰۵/۱۰/۲۵"]
    changed = {"name": "عید فطر", "first_day": "1405/10/26", "last_day": "1405/10/26"}
    as_manager.post(f"{LIST}{holiday.pk}/", changed)
    assert kept() == [("عید فطر", SATURDAY, SATURDAY, "holiday")]


def test_saving_an_entry_unchanged_does_not_meet_itself(as_manager, add):
    closure = add("2027-01-14", "2027-01-16", name="سفر کاری")
    form = {**FORM, "last_day": "1405/10/26"}
    assert as_manager.post(f"{LIST}{closure.pk}/", form).status_code == 302


def test_two_public_holidays_may_share_a_day_but_not_a_name_too(as_manager, add):
    add("2027-01-14", name="عید غدیر", kind="holiday")
    other = add("2027-01-20", name="رحلت امام خمینی", kind="holiday")
    page = as_manager.post(f"{LIST}{other.pk}/", {**FORM, "name": "عید  غدیر"})
    assert list(errors_of(page)) == ["first_day"]
    assert as_manager.post(f"{LIST}{other.pk}/", {**FORM, "name": other.name}).status_code == 302


# -- Deleting ----------------------------------------------------------------------------------


def test_deleting_asks_once_and_says_that_the_clinic_works_then(as_manager, add):
    holiday = add("2027-01-14", name="مبعث", kind="holiday")
    path = f"{LIST}{holiday.pk}/delete/"
    question = text_of(as_manager.get(path))
    assert "«مبعث»، پنجشنبه ۲۴ دی حذف شود؟" in question
    assert "کلینیک در این تعطیل رسمی کار می‌کند" in question
    assert len(kept()) == 1
    page = as_manager.post(path, follow=True)
    assert (kept(), said(page)) == ([], ["«مبعث» حذف شد؛ حالا روز کاری است."])


def test_deleting_says_when_the_clinic_stays_closed_all_the_same(as_manager, add):
    closure = add("2027-01-15", name="کارگاه")
    page = as_manager.post(f"{LIST}{closure.pk}/delete/", follow=True)
    assert said(page)[0].startswith("«کارگاه» حذف شد، ولی کلینیک همچنان تعطیل است")


@pytest.mark.parametrize(
    ("first", "back"),
    [("2027-01-14", LIST), ("2028-01-14", f"{LIST}?year=1406"), ("2026-01-14", f"{LIST}?past")],
    ids=["this year", "another year", "over"],
)
def test_one_comes_back_to_the_part_of_the_list_one_came_from(as_manager, add, first, back):
    closure = add(first)
    question = text_of(as_manager.get(f"{LIST}{closure.pk}/delete/"))
    assert f'<a class="btn" href="{back}"' in question
    assert as_manager.post(f"{LIST}{closure.pk}/delete/").url == back


# -- What the panel asks -----------------------------------------------------------------------


def test_closed_days_are_named_and_fridays_are_not(add):
    add("2027-01-14", "2027-01-16", name="سفر کاری")
    add("2027-01-14", name="عید فطر", kind="holiday")
    assert closed_days(dt.date(2027, 1, 8), dt.date(2027, 1, 20)) == {
        dt.date(2027, 1, 8): "",
        THURSDAY: "سفر کاری، عید فطر",
        dt.date(2027, 1, 15): "سفر کاری",
        SATURDAY: "سفر کاری",
    }
