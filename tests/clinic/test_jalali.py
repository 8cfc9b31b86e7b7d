import datetime as dt
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from clinic import jalali
from clinic.jalali import REASONS, DateError, parse_date, parse_datetime, parse_time

THURSDAY = dt.date(2026, 11, 26)
FRIDAY = dt.date(2026, 11, 27)
# Friday 6 Azar 1405, 17:30 in Tehran.
HALF_PAST_FIVE = dt.datetime(2026, 11, 27, 14, 0, tzinfo=dt.UTC)
FIRST_OF_1300, FIRST_OF_1501 = dt.date(1921, 3, 21), dt.date(2122, 3, 21)
days = st.dates(FIRST_OF_1300, FIRST_OF_1501 - dt.timedelta(days=1))


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("jalali_date", "day"),
    [
        ((1300, 1, 1), dt.date(1921, 3, 21)),
        ((1357, 11, 22), dt.date(1979, 2, 11)),
        ((1399, 12, 30), dt.date(2021, 3, 20)),
        ((1400, 1, 1), dt.date(2021, 3, 21)),
        ((1403, 12, 30), dt.date(2025, 3, 20)),
        ((1404, 1, 1), dt.date(2025, 3, 21)),
        ((1404, 12, 29), dt.date(2026, 3, 20)),
        ((1405, 1, 1), dt.date(2026, 3, 21)),
        ((1405, 9, 6), FRIDAY),
        ((1408, 12, 30), dt.date(2030, 3, 20)),
        ((1409, 1, 1), dt.date(2030, 3, 21)),
    ],
)
def test_gregorian_and_jalali_agree_with_the_printed_calendar(
    jalali_date: tuple[int, int, int], day: dt.date
) -> None:
    assert jalali.gregorian(*jalali_date) == day
    found = jalali.jalali(day)
    assert (found.year, found.month, found.day) == jalali_date


@pytest.mark.parametrize("year", [1398, 1400, 1402, 1404, 1405, 1407])
def test_esfand_of_a_common_year_has_29_days(year: int) -> None:
    assert jalali.gregorian(year, 12, 29) + dt.timedelta(days=1) == jalali.gregorian(year + 1, 1, 1)
    with pytest.raises(DateError) as caught:
        jalali.gregorian(year, 12, 30)
    assert caught.value.code == "no_such_day"


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("۱۴۰۵/۹/۶", FRIDAY),
        ("١٤٠٥/٩/٦", FRIDAY),
        ("1405/09/06", FRIDAY),
        ("1405-09-06", FRIDAY),
        ("1405.9.6", FRIDAY),
        ("1405 / 9 / 6", FRIDAY),
        ("1405 9 6", FRIDAY),
        ("6/9/1405", FRIDAY),
        ("۰۶-۰۹-۱۴۰۵", FRIDAY),
        ("14050906", FRIDAY),
        ("6 آذر 1405", FRIDAY),
        ("۶ آذر‌ماه ۱۴۰۵", FRIDAY),
        ("۶ آذر ماه سال ۱۴۰۵", FRIDAY),
        ("جمعه ۶ آذر ۱۴۰۵", FRIDAY),
        ("جمعه، ۱۴۰۵/۰۹/۰۶", FRIDAY),
        ("1405 آذر 6", FRIDAY),
        ("6 Azar 1405", FRIDAY),
        ("6-Azar-1405", FRIDAY),
        ("پنج شنبه ۵ آذر ۱۴۰۵", THURSDAY),
        ("پنج‌شنبه ۵ آذر ۱۴۰۵", THURSDAY),
        ("\u200f۱۴۰۵/۰۹/۰۶\u200f", FRIDAY),
        ("1405/09/06 00:00:00", FRIDAY),
        ("2026-11-27", FRIDAY),
        ("2026/11/27", FRIDAY),
        ("20261127", FRIDAY),
        ("27/11/2026", FRIDAY),
        ("11/27/2026", FRIDAY),
        ("11/11/2026", dt.date(2026, 11, 11)),
        ("11/27/2026 12:00:00 AM", FRIDAY),
        ("27 Nov 2026", FRIDAY),
        ("27-Nov-2026", FRIDAY),
        ("November 27, 2026", FRIDAY),
        ("۲۷ نوامبر ۲۰۲۶", FRIDAY),
        ("Friday 27 November 2026", FRIDAY),
        ("2026-11-27 00:00:00", FRIDAY),
        ("2026-11-26T22:00:00Z", FRIDAY),
        ("62/3/1", dt.date(1983, 5, 22)),
        ("۱/۳/۶۲", dt.date(1983, 5, 22)),
        ("1 خرداد 62", dt.date(1983, 5, 22)),
        ("30/12/1403", dt.date(2025, 3, 20)),
        (FRIDAY, FRIDAY),
        (dt.datetime(2026, 11, 27, 17, 30), FRIDAY),
        (utc(2026, 11, 26, 22, 0), FRIDAY),
        (14050906, FRIDAY),
    ],
)
def test_parse_date_takes_what_people_type(typed: object, day: dt.date) -> None:
    assert parse_date(typed) == day


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \u200f ", "empty"),
        ("فردا", "not_a_date"),
        ("نامشخص", "not_a_date"),
        ("1405/13/01", "no_such_day"),
        ("1405/12/30", "no_such_day"),
        ("1405/07/31", "no_such_day"),
        ("1405/0/6", "no_such_day"),
        ("2026-02-29", "no_such_day"),
        ("1405/09", "incomplete"),
        ("1362", "incomplete"),
        ("6 آذر", "incomplete"),
        ("05/09/06", "short_year"),
        ("27-Nov-26", "short_year"),
        ("6 آذر 05", "short_year"),
        ("405/9/6", "short_year"),
        ("0062/03/01", "not_a_date"),
        ("9999/01/01", "year_range"),
        ("1700/01/01", "year_range"),
        ("6 آذر 2026", "year_range"),
        ("27 Nov 1405", "year_range"),
        ("05/09/2026", "day_or_month"),
        ("شنبه ۶ آذر ۱۴۰۵", "weekday"),
        ("1405/9-6", "not_a_date"),
        ("1405/9/6/1", "not_a_date"),
        ("6 آذر 7 دی 1405", "not_a_date"),
        ("46353", "incomplete"),
        ("62/3/62", "short_year"),
        (dt.date(622, 1, 1), "year_range"),
        (dt.datetime(9999, 12, 31, 23, 59), "year_range"),
    ],
)
def test_parse_date_refuses_with_a_reason(typed: object, code: str) -> None:
    with pytest.raises(DateError) as caught:
        parse_date(typed)
    assert caught.value.code == code
    assert str(caught.value) == REASONS[code]


@pytest.mark.parametrize(
    "typed",
    [
        "1405/09/06 17:30",
        "۱۷:۳۰ ۱۴۰۵/۹/۶",
        "۱۴۰۵/۹/۶ - ۱۷:۳۰",
        "جمعه ۶ آذر ۱۴۰۵، ساعت ۱۷:۳۰",
        "1405/09/06 17:30:00",
        "14050906 17:30",
        "1405/09/06 5:30 ب.ظ",
        "1405/09/06 ۵:۳۰ بعد از ظهر",
        "1405/09/06 ۵:۳۰ عصر",
        "2026-11-27 17:30",
        "2026-11-27T17:30:00",
        "2026-11-27T17:30:00.000",
        "2026-11-27T17:30:00+03:30",
        "2026-11-27T17:30+0330",
        "2026-11-27T14:00:00Z",
        "2026-11-27 14:00:00+00",
        "2026-11-27 14:00:00.123456+00:00",
        "1405-09-06T17:30:00+03:30",
        "11/27/2026 5:30 PM",
        "27 Nov 2026 at 5:30pm",
        dt.datetime(2026, 11, 27, 17, 30),
        HALF_PAST_FIVE,
        HALF_PAST_FIVE.astimezone(ZoneInfo("Asia/Tokyo")),
    ],
)
def test_parse_datetime_takes_what_people_type(typed: object) -> None:
    assert parse_datetime(typed) == HALF_PAST_FIVE
    assert parse_datetime(typed).tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (None, "empty"),
        ("1405/09/06", "no_time"),
        (FRIDAY, "no_time"),
        ("1405/13/06", "no_such_day"),
        ("17:30", "not_a_date"),
        ("1405/09/06 24:00", "not_a_time"),
        ("1405/09/06 17:60", "not_a_time"),
        ("1405/09/06 17:30-18:15", "not_a_time"),
        ("2026-11-27 10:00-11:00", "not_a_time"),
        ("2026-11-27T17:30:00+15:00", "not_a_time"),
        ("1405/09/06 ۲:۰۰ شب", "not_a_time"),
        ("1405/09/06 13:00 ق.ظ", "not_a_time"),
        ("1401/01/02 00:30", "no_such_time"),
        ("2022-03-22 00:30", "no_such_time"),
    ],
)
def test_parse_datetime_refuses_with_a_reason(typed: object, code: str) -> None:
    with pytest.raises(DateError) as caught:
        parse_datetime(typed)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("typed", "clock"),
    [
        ("17:30", dt.time(17, 30)),
        ("۱۷:۳۰", dt.time(17, 30)),
        ("ساعت ۱۷:۳۰", dt.time(17, 30)),
        ("9:05", dt.time(9, 5)),
        ("9:05:30", dt.time(9, 5, 30)),
        ("5:30 عصر", dt.time(17, 30)),
        ("9:00 صبح", dt.time(9, 0)),
        ("12:00 ظهر", dt.time(12, 0)),
        ("1:00 ظهر", dt.time(13, 0)),
        ("8:00 شب", dt.time(20, 0)),
        ("12:15 ق.ظ", dt.time(0, 15)),
        ("00:00", dt.time(0, 0)),
        (dt.time(17, 30, 0, 999), dt.time(17, 30)),
        (dt.datetime(1899, 12, 30, 17, 30), dt.time(17, 30)),
        (dt.timedelta(hours=17, minutes=30), dt.time(17, 30)),
        (0.7291666666666666, dt.time(17, 30)),
    ],
)
def test_parse_time_takes_what_people_type(typed: object, clock: dt.time) -> None:
    assert parse_time(typed) == clock


@pytest.mark.parametrize("typed", ["17", "1730", "5", "25:00", "17:30-18:15", "x", 17.5, -0.1])
def test_parse_time_refuses_what_is_no_time(typed: object) -> None:
    with pytest.raises(DateError) as caught:
        parse_time(typed)
    assert caught.value.code == "not_a_time"


def test_written_forms_are_persian_by_default() -> None:
    assert jalali.day_name_date(HALF_PAST_FIVE) == "جمعه ۶ آذر"
    assert jalali.full_date(HALF_PAST_FIVE) == "جمعه ۶ آذر ۱۴۰۵"
    assert jalali.day_month(HALF_PAST_FIVE) == "۶ آذر"
    assert jalali.month_title(HALF_PAST_FIVE) == "آذر ۱۴۰۵"
    assert jalali.numeric_date(HALF_PAST_FIVE) == "۱۴۰۵/۰۹/۰۶"
    assert jalali.time(HALF_PAST_FIVE) == "۱۷:۳۰"
    assert jalali.spoken(HALF_PAST_FIVE) == "جمعه ۶ آذر، ساعت ۱۷:۳۰"
    assert jalali.short(HALF_PAST_FIVE) == "۱۴۰۵/۰۹/۰۶ ۱۷:۳۰"


def test_written_forms_in_english_keep_the_calendar() -> None:
    assert jalali.day_name_date(HALF_PAST_FIVE, language="en") == "Friday 6 Azar"
    assert jalali.full_date(HALF_PAST_FIVE, language="en") == "Friday 6 Azar 1405"
    assert jalali.month_title(HALF_PAST_FIVE, language="en-gb") == "Azar 1405"
    assert jalali.spoken(HALF_PAST_FIVE, language="en") == "Friday 6 Azar at 17:30"
    assert jalali.short(HALF_PAST_FIVE, language="en") == "1405/09/06 17:30"


@pytest.mark.parametrize(
    ("now", "written"),
    [
        (utc(2026, 11, 20, 9), "جمعه ۶ آذر، ساعت ۱۷:۳۰"),
        (utc(2026, 3, 20, 20, 29), "جمعه ۶ آذر ۱۴۰۵، ساعت ۱۷:۳۰"),
        (utc(2026, 3, 20, 20, 30), "جمعه ۶ آذر، ساعت ۱۷:۳۰"),
        (utc(2027, 3, 21, 9), "جمعه ۶ آذر ۱۴۰۵، ساعت ۱۷:۳۰"),
    ],
    ids=["this year", "last minute of 1404", "first minute of 1405", "next year"],
)
def test_the_year_is_written_when_it_is_not_this_one(now: dt.datetime, written: str) -> None:
    assert jalali.spoken(HALF_PAST_FIVE, now=now) == written


@pytest.mark.parametrize(
    ("days_later", "persian", "english"),
    [
        (-3, "سه‌شنبه ۳ آذر", "Tuesday 3 Azar"),
        (-2, "پریروز", "Wednesday 4 Azar"),
        (-1, "دیروز", "yesterday"),
        (0, "امروز", "today"),
        (1, "فردا", "tomorrow"),
        (2, "پس‌فردا", "Sunday 8 Azar"),
        (3, "دوشنبه ۹ آذر", "Monday 9 Azar"),
    ],
)
def test_relative_day_uses_words_near_now(days_later: int, persian: str, english: str) -> None:
    moment = HALF_PAST_FIVE + dt.timedelta(days=days_later)
    assert jalali.relative_day(moment, HALF_PAST_FIVE) == persian
    assert jalali.relative_day(moment, HALF_PAST_FIVE, language="en") == english


def test_relative_day_turns_at_local_midnight() -> None:
    before, after = utc(2026, 11, 27, 20, 29), utc(2026, 11, 27, 20, 30)
    assert jalali.relative_day(after, before) == "فردا"
    assert jalali.relative_day(after, before, tz="UTC") == "امروز"
    assert jalali.relative(after, before) == "فردا، ساعت ۰۰:۰۰"


def test_other_zones_are_given_by_name_or_object() -> None:
    assert jalali.time(HALF_PAST_FIVE, tz="Europe/Berlin", language="en") == "15:00"
    assert jalali.time(HALF_PAST_FIVE, tz=ZoneInfo("Europe/Berlin"), language="en") == "15:00"
    assert parse_datetime("1405/09/06 15:00", tz="Europe/Berlin") == HALF_PAST_FIVE


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("1400/06/15 17:00", utc(2021, 9, 6, 12, 30)),
        ("1400/07/15 17:00", utc(2021, 10, 7, 13, 30)),
        ("1401/01/01 23:59", utc(2022, 3, 21, 20, 29)),
        ("1401/01/02 01:00", utc(2022, 3, 21, 20, 30)),
        ("1401/06/30 23:30", utc(2022, 9, 21, 19, 0)),
        ("1402/06/15 17:00", utc(2023, 9, 6, 13, 30)),
    ],
    ids=["summer 1400", "autumn 1400", "before spring", "after", "first of two", "none since"],
)
def test_summer_time_before_1402_is_kept(wall: str, moment: dt.datetime) -> None:
    assert parse_datetime(wall) == moment
    assert jalali.short(moment, language="en") == wall


@pytest.mark.parametrize(
    ("day", "start", "hours"),
    [
        (FRIDAY, utc(2026, 11, 26, 20, 30), 24),
        (dt.date(2022, 3, 22), utc(2022, 3, 21, 20, 30), 23),
        (dt.date(2022, 9, 21), utc(2022, 9, 20, 19, 30), 25),
    ],
    ids=["ordinary", "midnight skipped", "an hour twice"],
)
def test_day_bounds_are_utc_and_half_open(day: dt.date, start: dt.datetime, hours: int) -> None:
    assert jalali.start_of_day(day) == start
    assert jalali.end_of_day(day) == start + dt.timedelta(hours=hours)
    assert jalali.local_day(jalali.start_of_day(day)) == day
    assert jalali.local_day(jalali.end_of_day(day) - dt.timedelta(microseconds=1)) == day


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        jalali.spoken(dt.datetime(2026, 11, 27, 17, 30))


def test_week_of_begins_on_saturday() -> None:
    week = jalali.week_of(FRIDAY)
    assert week[0] == dt.date(2026, 11, 21)
    assert week[-1] == FRIDAY
    assert jalali.week_of(week[0]) == week


def test_month_grid_covers_the_month_in_whole_weeks() -> None:
    grid = jalali.month_grid(1405, 9)
    assert grid[0][0] == dt.date(2026, 11, 21)
    assert grid[-1][-1] == dt.date(2026, 12, 25)
    assert [len(week) for week in grid] == [7, 7, 7, 7, 7]
    assert jalali.gregorian(1403, 12, 30) in jalali.month_grid(1403, 12)[-1]


@pytest.mark.parametrize(
    ("start", "months", "wanted"),
    [
        ("1405/06/31", 1, "1405/07/30"),
        ("1404/11/30", 1, "1404/12/29"),
        ("1403/11/30", 1, "1403/12/30"),
        ("1405/01/15", -1, "1404/12/15"),
        ("1405/09/06", 12, "1406/09/06"),
    ],
)
def test_add_months_ends_with_the_month(start: str, months: int, wanted: str) -> None:
    assert jalali.add_months(parse_date(start), months) == parse_date(wanted)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        ("1362/09/06", "1405/09/05", 42),
        ("1362/09/06", "1405/09/06", 43),
        ("1399/12/30", "1404/12/29", 4),
        ("1399/12/30", "1405/01/01", 5),
        ("1399/12/30", "1403/12/29", 3),
        ("1399/12/30", "1403/12/30", 4),
        ("1405/09/06", "1405/09/06", 0),
    ],
)
def test_age_turns_on_the_jalali_birthday(born: str, on: str, years: int) -> None:
    assert jalali.age(parse_date(born), parse_date(on)) == years


@given(days)
def test_every_day_comes_back_from_what_is_written(day: dt.date) -> None:
    found = jalali.jalali(day)
    assert jalali.gregorian(found.year, found.month, found.day) == day
    assert 1300 <= found.year <= 1500
    for language in ("fa", "en"):
        assert parse_date(jalali.numeric_date(day, language=language)) == day
        assert parse_date(jalali.full_date(day, language=language)) == day
    assert parse_date(day.isoformat()) == day


@given(st.datetimes(dt.datetime(1921, 3, 22), dt.datetime(2122, 3, 20), timezones=st.just(dt.UTC)))
def test_every_minute_comes_back_from_what_is_written(moment: dt.datetime) -> None:
    moment = moment.replace(second=0, microsecond=0)
    # Of the two hours when the clocks go back the wall cannot tell the second, and before 1946
    # Tehran's offset had seconds.
    wall = jalali.local(moment)
    back = parse_datetime(jalali.short(moment))
    assert jalali.local(back).replace(fold=0, second=0) == wall.replace(fold=0, second=0)


@given(days)
def test_week_and_month_hold_their_day(day: dt.date) -> None:
    found = jalali.jalali(day)
    assert day in jalali.week_of(day)
    assert jalali.week_of(day) in jalali.month_grid(found.year, found.month)


@given(
    st.text()
    | st.text(alphabet="0123456789۱۴/:-. آذرTZ+عصرقظ")
    | st.floats()
    | st.integers()
    | st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.dates()
    | st.times()
)
def test_parsers_raise_nothing_but_date_error(typed: object) -> None:
    for parse in (parse_date, parse_datetime, parse_time):
        try:
            parse(typed)
        except DateError as error:
            code = error.code
        else:
            continue
        assert code in REASONS


def test_the_calendar_needs_no_configured_django() -> None:
    script = (
        "import datetime as d; from clinic import jalali;"
        "assert jalali.month_title(d.date(2026, 11, 27)) == 'آذر ۱۴۰۵'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONUTF8": "1"})
