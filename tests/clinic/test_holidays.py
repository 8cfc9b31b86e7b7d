"""Iran's public holidays: the dates, and how they come into a clinic's calendar."""

import datetime as dt

import pytest
from django.db import connection
from hypothesis import given, strategies as st

from clinic import jalali
from clinic.holidays import (
    NAMES,
    PUBLISHED,
    YEARS_AHEAD,
    ensure_holidays,
    keep_holidays,
    public_holidays,
)
from clinic.models import Clinic, Closure
from clinic.tasks import keep_holidays as task
from clinic.tenancy import EVERYWHERE, Hat, wear
from config.celery import app
from tests import factories

#: Saturday 30 Aban 1405.
NOW = factories.NOW
YEAR = dt.timedelta(days=365)


def written(holidays):
    """Day and month of the Jalali calendar → name."""
    return {f"{jalali.jalali(h.day):%m/%d}": h.name for h in holidays}


#: The official calendar, day by day.
OF_1404 = {
    "01/01": "نوروز",
    "01/02": "شهادت امام علی (ع) و عید نوروز",
    "01/03": "عید نوروز",
    "01/04": "عید نوروز",
    "01/11": "عید فطر",
    "01/12": "تعطیلی عید فطر و روز جمهوری اسلامی",
    "01/13": "روز طبیعت",
    "02/04": "شهادت امام صادق (ع)",
    "03/14": "رحلت امام خمینی (ره)",
    "03/15": "قیام ۱۵ خرداد",
    "03/16": "عید قربان",
    "03/24": "عید غدیر",
    "04/14": "تاسوعای حسینی",
    "04/15": "عاشورای حسینی",
    "05/23": "اربعین حسینی",
    "05/31": "رحلت پیامبر (ص) و شهادت امام حسن (ع)",
    "06/02": "شهادت امام رضا (ع)",
    "06/10": "شهادت امام حسن عسکری (ع)",
    "06/19": "میلاد پیامبر (ص) و امام صادق (ع)",
    "09/03": "شهادت حضرت فاطمه (س)",
    "10/13": "ولادت امام علی (ع) و روز پدر",
    "10/27": "مبعث پیامبر (ص)",
    "11/15": "نیمه‌ی شعبان",
    "11/22": "پیروزی انقلاب اسلامی",
    "12/20": "شهادت امام علی (ع)",
    "12/29": "ملی‌شدن صنعت نفت",
}
OF_1405 = {
    "01/01": "نوروز و عید فطر",
    "01/02": "تعطیلی عید فطر و عید نوروز",
    "01/03": "عید نوروز",
    "01/04": "عید نوروز",
    "01/12": "روز جمهوری اسلامی",
    "01/13": "روز طبیعت",
    "01/25": "شهادت امام صادق (ع)",
    "03/06": "عید قربان",
    "03/14": "رحلت امام خمینی (ره) و عید غدیر",
    "03/15": "قیام ۱۵ خرداد",
    "04/03": "تاسوعای حسینی",
    "04/04": "عاشورای حسینی",
    "05/13": "اربعین حسینی",
    "05/21": "رحلت پیامبر (ص) و شهادت امام حسن (ع)",
    "05/22": "شهادت امام رضا (ع)",
    "05/30": "شهادت امام حسن عسکری (ع)",
    "06/08": "میلاد پیامبر (ص) و امام صادق (ع)",
    "08/22": "شهادت حضرت فاطمه (س)",
    "10/02": "ولادت امام علی (ع) و روز پدر",
    "10/16": "مبعث پیامبر (ص)",
    "11/04": "نیمه‌ی شعبان",
    "11/22": "پیروزی انقلاب اسلامی",
    "12/10": "شهادت امام علی (ع)",
    "12/19": "عید فطر",
    "12/20": "تعطیلی عید فطر",
    "12/29": "ملی‌شدن صنعت نفت",
}


@pytest.mark.parametrize(("year", "official"), [(1404, OF_1404), (1405, OF_1405)])
def test_the_holidays_are_those_of_the_official_calendar(year, official):
    found = {
        day: name
        for day, name in written(public_holidays(year, year)).items()
        if name != "تعطیل عمومی"
    }
    assert {day: sorted(name.split(" و ")) for day, name in found.items()} == {
        day: sorted(name.split(" و ")) for day, name in official.items()
    }


def test_a_leap_year_ends_with_a_holiday_of_its_own():
    assert written(public_holidays(1408, 1408))["12/30"] == "آخرین روز سال"


@pytest.mark.parametrize("year", range(1403, 1415))
def test_every_year_has_every_occasion_in_our_words(year):
    names = " و ".join(h.name for h in public_holidays(year, year))
    assert not set(names) & set("abcdefghijklmnopqrstuvwxyz0123456789")
    for moon in ("تاسوعای حسینی", "عاشورای حسینی", "اربعین حسینی", "عید قربان", "عید غدیر"):
        assert moon in names
    for sun in ("نوروز", "روز طبیعت", "پیروزی انقلاب اسلامی", "ملی‌شدن صنعت نفت"):
        assert sun in names


def test_only_days_of_the_lunar_calendar_that_are_not_published_yet_are_estimates():
    until = [h.name for h in public_holidays(1403, PUBLISHED)]
    after = written(public_holidays(PUBLISHED + 1, PUBLISHED + 1))
    assert not [name for name in until if "تخمینی" in name]
    assert after["03/25"] == "تاسوعای حسینی (تخمینی)"
    assert after["01/01"] == "نوروز"


def test_ashura_follows_tasua_and_the_second_day_of_fitr_the_first():
    for year in range(1404, 1412):
        holidays = public_holidays(year, year + 1)
        day = {name: h.day for h in holidays for name in NAMES.values() if name in h.name}
        assert day["عاشورای حسینی"] - day["تاسوعای حسینی"] == dt.timedelta(days=1)
        assert day["تعطیلی عید فطر"] - day["عید فطر"] in (dt.timedelta(0), dt.timedelta(days=1))


@given(st.integers(1400, 1440), st.integers(0, 4))
def test_each_day_is_listed_once_in_order_and_inside_the_years_asked_for(first, more):
    days = [h.day for h in public_holidays(first, first + more)]
    assert days == sorted(set(days))
    assert {jalali.jalali(day).year for day in days} == set(range(first, first + more + 1))


# -- Into a clinic's calendar ------------------------------------------------------------------


@pytest.fixture
def working(owner, clinic):
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        yield clinic


def years():
    days = Closure.objects.values_list("first_day", flat=True)
    return sorted({jalali.jalali(day).year for day in days})


def test_a_new_clinic_gets_this_year_and_the_four_following(working):
    entered = ensure_holidays(working, now=NOW)
    rows = Closure.objects.filter(clinic=working)
    assert rows.count() == entered == len(public_holidays(1405, 1409))
    assert years() == [1405, 1406, 1407, 1408, 1409]
    assert set(rows.values_list("kind", flat=True)) == {"holiday"}
    assert str(rows.get(first_day=dt.date(2026, 12, 23))) == "ولادت امام علی (ع) و روز پدر"
    working.refresh_from_db()
    assert working.holidays_until == dt.date(2031, 3, 20)


def test_a_second_time_enters_nothing(working):
    ensure_holidays(working, now=NOW)
    before = Closure.objects.count()
    assert ensure_holidays(working, now=NOW) == 0
    assert Closure.objects.count() == before


def test_what_staff_deleted_or_moved_stays_so_when_the_next_year_comes(working):
    ensure_holidays(working, now=NOW)
    deleted, moved = dt.date(2028, 2, 11), dt.date(2030, 2, 5)
    Closure.objects.filter(first_day=deleted).delete()
    Closure.objects.filter(first_day__year=2030).exclude(first_day=moved).delete()
    there = Closure.objects.get(first_day=moved)
    there.first_day = there.last_day = dt.date(2030, 2, 4)
    there.save()
    before = set(Closure.objects.values_list("first_day", flat=True))
    assert ensure_holidays(working, now=NOW + YEAR) == len(public_holidays(1410, 1410))
    after = set(Closure.objects.values_list("first_day", flat=True))
    assert {jalali.jalali(day).year for day in after - before} == {1410}


def test_a_clinic_that_deleted_every_holiday_gets_none_back(working):
    ensure_holidays(working, now=NOW)
    Closure.objects.all().delete()
    assert (ensure_holidays(working, now=NOW), Closure.objects.count()) == (0, 0)


def test_two_at_once_enter_every_day_once(working):
    stale = Clinic.objects.get(pk=working.pk)
    ensure_holidays(working, now=NOW)
    before = Closure.objects.count()
    ensure_holidays(stale, now=NOW)
    assert Closure.objects.count() == before


def test_the_year_turns_at_midnight_in_tehran(working):
    before_nowruz = dt.datetime(2027, 3, 20, 20, 29, tzinfo=dt.UTC)
    ensure_holidays(working, now=before_nowruz)
    assert years()[-1] == 1409
    ensure_holidays(working, now=before_nowruz + dt.timedelta(minutes=1))
    assert years()[-1] == 1410


def test_a_clinic_elsewhere_keeps_its_own_calendar(owner):
    away = factories.ClinicFactory(timezone="Europe/Berlin")
    with wear(Hat.OWNER, clinic_id=away.pk):
        assert (ensure_holidays(away, now=NOW), Closure.objects.count()) == (0, 0)


# -- Every night -------------------------------------------------------------------------------


def test_the_night_enters_what_each_clinic_lacks_and_touches_no_other(clinic, other_clinic):
    factories.ClinicFactory(timezone="Europe/Berlin")
    ensure_holidays(clinic, now=NOW)
    one_clinic = len(public_holidays(1405, 1409))
    assert keep_holidays(NOW) == one_clinic
    assert Closure.objects.filter(clinic=other_clinic).count() == one_clinic
    assert Closure.objects.count() == 2 * one_clinic
    assert keep_holidays(NOW) == 0


def test_four_years_later_the_calendar_is_still_four_years_ahead(clinic):
    for n in range(YEARS_AHEAD + 1):
        keep_holidays(NOW + n * YEAR)
    assert years() == list(range(1405, 1405 + 2 * YEARS_AHEAD + 1))


def test_the_planner_may_read_the_calendar_and_not_change_it(clinic):
    with wear(Hat.WORKER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('clinic_closure', 'SELECT'),"
            " has_table_privilege('clinic_closure', 'INSERT, UPDATE, DELETE')"
        )
        assert cursor.fetchone() == (True, False)


def test_the_night_is_on_the_schedule_and_falls_away_when_nobody_comes(clinic):
    (entry,) = [e for e in app.conf.beat_schedule.values() if e["task"] == task.name]
    assert entry["options"]["expires"] < 24 * 3600
    assert task() == {"entered": len(public_holidays(*this_year_and_four()))}


def this_year_and_four():
    year = jalali.jalali(jalali.local_day(dt.datetime.now(dt.UTC))).year
    return year, year + YEARS_AHEAD
