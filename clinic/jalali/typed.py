"""Dates and times as people and spreadsheets write them."""

import datetime as dt
import re

from clinic.jalali.days import TEHRAN, combine, gregorian, local_day, weekday
from clinic.jalali.errors import DateError
from clinic.jalali.names import MONTH_NUMBERS, WEEKDAY_NUMBERS
from clinic.text import fold

_CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
_TIME = re.compile(rf"(?:(?<=\d)t|(?<![\d:.])){_CLOCK}(?![\d:])", re.ASCII)
_ISO = re.compile(
    rf"(\d{{4}}-\d{{2}}-\d{{2}})([t ]){_CLOCK} ?(z|[+-]\d{{2}}(?::?\d{{2}})?)", re.ASCII
)
# The words for a part of the day, the hours of a 12-hour clock to which each adds twelve, and the
# hours that it leaves as they are; any other hour beside it is refused («۲ شب» is not 14:00).
_PARTS_OF_DAY = (
    (re.compile(r"(?<!\w)(?:ق\.?ظ\.?|قبل ?از ?ظهر|a\.?m\.?)(?!\w)"), range(0), range(12)),
    (re.compile(r"(?<!\w)(?:ب\.?ظ\.?|بعد ?از ?ظهر|p\.?m\.?)(?!\w)"), range(1, 12), range(12, 24)),
    (re.compile(r"(?<!\w)(?:صبح|بامداد)(?!\w)"), range(0), range(12)),
    (re.compile(r"(?<!\w)ظهر(?!\w)"), range(1, 4), range(11, 16)),
    (re.compile(r"(?<!\w)عصر(?!\w)"), range(1, 12), range(12, 24)),
    (re.compile(r"(?<!\w)شب(?!\w)"), range(6, 12), range(18, 24)),
)
_MIDNIGHT = re.compile(r"(?<!\w)(?:ق\.?ظ\.?|a\.?m\.?)(?!\w)")
_NOON = 12
_MONTHS = 12
_SECONDS_A_DAY = 86_400
_LAST_DAY_OF_MONTH = 31
_JALALI_YEARS = range(1200, 1600)
_GREGORIAN_YEARS = range(1800, 2200)
# Two digits that can be no day of a month are a Jalali year of the last century.
_SHORT_JALALI_YEARS = range(_LAST_DAY_OF_MONTH + 1, 100)
_NUMERIC = re.compile(
    r"([1-9]\d{2,3}|\d{1,2}) ?([/.\-\\ ]) ?(\d{1,2}) ?\2 ?([1-9]\d{2,3}|\d{1,2})", re.ASCII
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SPLIT_WEEKDAY = re.compile(r"(?<!\w)(یک|دو|سه|چهار|پنج)[ -]شنبه")


def parse_datetime(value: object, tz: dt.tzinfo | str = TEHRAN) -> dt.datetime:
    """The instant, in UTC, of a date with a time, in any form of ``parse_date``.

    Time and date may stand in either order; ISO text may carry Z or an offset, everything else
    is local time. Raises ``DateError``.
    """
    if isinstance(value, dt.datetime):
        _refuse_other_times(value)
        if value.tzinfo is not None:
            return value.astimezone(dt.UTC)
        return combine(value.date(), value.time().replace(microsecond=0), tz)
    text = _prepared(value)
    if found := _ISO.fullmatch(text):
        return _iso_moment(found)
    clock, rest = _take_time(text)
    if clock is None:
        _day_of(rest)
        raise DateError("no_time")
    return combine(_day_of(rest), clock, tz)


def parse_date(value: object, tz: dt.tzinfo | str = TEHRAN) -> dt.date:
    """The day of a date, Jalali or Gregorian by its year; a time of day beside it is dropped.

    Takes ۱۴۰۵/۹/۶, 1405-09-06, 6/9/1405, 14050906, «پنجشنبه ۶ آذر ۱۴۰۵», 62/3/1 (1362: a year
    that can be no day), 2026-11-27, 27 Nov 2026, and date objects. Raises ``DateError``.
    """
    if isinstance(value, dt.date):
        _refuse_other_times(value)
        is_instant = isinstance(value, dt.datetime) and value.tzinfo is not None
        return local_day(value, tz) if is_instant else dt.date(value.year, value.month, value.day)
    text = _prepared(value)
    if found := _ISO.fullmatch(text):
        return local_day(_iso_moment(found), tz)
    return _day_of(_take_time(text)[1])


def parse_time(value: object) -> dt.time:
    """A time of day: ۱۷:۳۰, «ساعت ۵:۳۰ عصر», time objects and spreadsheet day fractions.

    Raises ``DateError``; an hour alone is refused, because 5 may mean 17:00.
    """
    if isinstance(value, dt.datetime):
        return value.time().replace(microsecond=0, tzinfo=None)
    if isinstance(value, dt.time):
        return value.replace(microsecond=0, tzinfo=None)
    if isinstance(value, dt.timedelta):
        return _time_of_seconds(value.total_seconds())
    if isinstance(value, float):
        return _time_of_seconds(value * _SECONDS_A_DAY)
    clock, rest = _take_time(_prepared(value))
    if clock is None or rest:
        raise DateError("not_a_time")
    return clock


def _refuse_other_times(day: dt.date) -> None:
    """Spreadsheets hold dates of any year; only those of our time are meant."""
    if day.year not in _GREGORIAN_YEARS:
        raise DateError("year_range")


def _prepared(value: object) -> str:
    text = fold("" if value is None else str(value))
    text = re.sub(r"[،,؛;()]", " ", text)
    text = re.sub(r"(?<!\w)(?:ساعت|مورخ|تاریخ|at)(?!\w) ?:?", " ", text)
    text = " ".join(_SPLIT_WEEKDAY.sub(r"\1شنبه", text).split())
    if not text:
        raise DateError("empty")
    return text


def _iso_moment(found: re.Match[str]) -> dt.datetime:
    day, between, hour, minute, second, offset = found.groups()
    # «2026-11-27 10:00-11:00» is a person's from-and-to, not a zone eleven hours behind.
    if offset.startswith("-") and between == " " and second is None:
        raise DateError("not_a_time")
    shift = dt.timedelta()
    if offset != "z":
        digits = offset[1:].replace(":", "").ljust(4, "0")
        shift = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        shift = -shift if offset[0] == "-" else shift
    if abs(shift) > dt.timedelta(hours=14):
        raise DateError("not_a_time")
    moment = dt.datetime.combine(_day_of(day), _clock(hour, minute, second), dt.UTC)
    return moment - shift


def _take_time(text: str) -> tuple[dt.time | None, str]:
    """The one time of day in the text, and what is left of the text without it."""
    found = list(_TIME.finditer(text))
    if not found:
        return None, text
    if len(found) > 1:
        raise DateError("not_a_time")
    rest = f"{text[: found[0].start()]} {text[found[0].end() :]}"
    clock, rest = _in_part_of_day(_clock(*found[0].groups()), rest)
    return clock, " ".join(rest.split()).strip("- ")


def _in_part_of_day(clock: dt.time, rest: str) -> tuple[dt.time, str]:
    for word, later, same in _PARTS_OF_DAY:
        if not (found := word.search(rest)):
            continue
        rest = f"{rest[: found.start()]} {rest[found.end() :]}"
        if clock.hour in later:
            return clock.replace(hour=clock.hour + 12), rest
        if clock.hour == _NOON and _MIDNIGHT.fullmatch(found[0]):
            return clock.replace(hour=0), rest
        if clock.hour not in same:
            raise DateError("not_a_time")
        return clock, rest
    return clock, rest


def _clock(hour: str, minute: str, second: str | None) -> dt.time:
    try:
        return dt.time(int(hour), int(minute), int(second or 0))
    except ValueError:
        raise DateError("not_a_time") from None


def _time_of_seconds(seconds: float) -> dt.time:
    if not 0 <= seconds < _SECONDS_A_DAY:
        raise DateError("not_a_time")
    minutes, second = divmod(min(round(seconds), _SECONDS_A_DAY - 1), 60)
    return dt.time(minutes // 60, minutes % 60, second)


def _day_of(text: str) -> dt.date:
    named, text = _take_weekday(text)
    day = _day_by_name(text) if re.search(r"[^\W\d_]", text) else _day_by_numbers(text)
    if named is not None and named != weekday(day):
        raise DateError("weekday")
    return day


def _take_weekday(text: str) -> tuple[int | None, str]:
    words = text.split()
    for n, word in enumerate(words):
        number = WEEKDAY_NUMBERS.get(word)
        if number is not None:
            return number, " ".join(words[:n] + words[n + 1 :])
    return None, text


def _day_by_name(text: str) -> dt.date:
    words = re.sub(r"[-/.]", " ", text).split()
    names = [_month_number(word) for word in words]
    months = [found for found in names if found]
    numbers = [int(word) for word in words if re.fullmatch(r"\d{1,4}", word, re.ASCII)]
    rest = len(words) - len(months) - len(numbers) - words.count("ماه") - words.count("سال")
    if len(months) != 1 or rest:
        raise DateError("not_a_date")
    if len(numbers) in (0, 1):
        raise DateError("incomplete")
    is_jalali, month = months[0]
    day, year, *others = numbers
    if others:
        raise DateError("not_a_date")
    if day > _LAST_DAY_OF_MONTH:
        day, year = year, day
    return _day_in(_full_year(year, is_jalali=is_jalali), month, day, is_jalali=is_jalali)


def _month_number(word: str) -> tuple[bool, int] | None:
    return MONTH_NUMBERS.get(word) or MONTH_NUMBERS.get(word.removesuffix("ماه"))


def _day_by_numbers(text: str) -> dt.date:
    if found := _COMPACT.fullmatch(text):
        year, month, day = map(int, found.groups())
        return _day_in(year, month, day, is_jalali=_year_is_jalali(year))
    found = _NUMERIC.fullmatch(text)
    if not found:
        raise DateError("incomplete" if re.fullmatch(r"[\d/.\-\\ ]{1,7}", text) else "not_a_date")
    first, middle, last = int(found[1]), int(found[3]), int(found[4])
    if first > _LAST_DAY_OF_MONTH >= last:
        year = _full_year(first, is_jalali=True)
        return _day_in(year, middle, last, is_jalali=_year_is_jalali(year))
    if last <= _LAST_DAY_OF_MONTH or first > _LAST_DAY_OF_MONTH:
        raise DateError("not_a_date" if max(first, last) in _JALALI_YEARS else "short_year")
    return _year_last(first, middle, _full_year(last, is_jalali=True))


def _year_last(first: int, middle: int, year: int) -> dt.date:
    """Day first as in Iran; the same with Gregorian years, where Americans put the month first."""
    if _year_is_jalali(year):
        return _day_in(year, middle, first, is_jalali=True)
    if middle > _MONTHS:
        first, middle = middle, first
    elif first <= _MONTHS and first != middle:
        raise DateError("day_or_month")
    return _day_in(year, middle, first, is_jalali=False)


def _full_year(year: int, *, is_jalali: bool) -> int:
    if is_jalali and year in _SHORT_JALALI_YEARS:
        return 1300 + year
    if len(str(year)) < len("1405"):
        raise DateError("short_year")
    return year


def _year_is_jalali(year: int) -> bool:
    if year in _JALALI_YEARS:
        return True
    if year in _GREGORIAN_YEARS:
        return False
    raise DateError("year_range")


def _day_in(year: int, month: int, day: int, *, is_jalali: bool) -> dt.date:
    if _year_is_jalali(year) is not is_jalali:
        raise DateError("year_range")
    if is_jalali:
        return gregorian(year, month, day)
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise DateError("no_such_day") from None
