"""Instants, local days and the Jalali calendar's arithmetic."""

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import ZoneInfo

import jdatetime

from clinic.jalali.errors import DateError

TEHRAN = ZoneInfo("Asia/Tehran")


def zone(tz: dt.tzinfo | str) -> dt.tzinfo:
    """The zone itself, or the one of that name."""
    return ZoneInfo(tz) if isinstance(tz, str) else tz


def local(moment: dt.datetime, tz: dt.tzinfo | str = TEHRAN) -> dt.datetime:
    """The instant as the clock on the wall shows it. Raises ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(zone(tz))


def local_day(moment: dt.datetime | dt.date, tz: dt.tzinfo | str = TEHRAN) -> dt.date:
    """The local day on which an instant falls; a day is returned as it is."""
    return local(moment, tz).date() if isinstance(moment, dt.datetime) else moment


def combine(day: dt.date, clock: dt.time, tz: dt.tzinfo | str = TEHRAN) -> dt.datetime:
    """The instant, in UTC, when a local clock shows this day and time.

    The first of two when the clocks went back; raises ``DateError`` when they skipped it.
    """
    moment = dt.datetime.combine(day, clock, zone(tz)).astimezone(dt.UTC)
    if local(moment, tz).time() != clock:
        raise DateError("no_such_time")
    return moment


def start_of_day(day: dt.date, tz: dt.tzinfo | str = TEHRAN) -> dt.datetime:
    """The first instant of a local day, in UTC; 01:00 where the clocks skipped midnight."""
    return dt.datetime.combine(day, dt.time(), zone(tz)).astimezone(dt.UTC)


def end_of_day(day: dt.date, tz: dt.tzinfo | str = TEHRAN) -> dt.datetime:
    """The first instant after a local day, in UTC: an exclusive bound."""
    return start_of_day(day + dt.timedelta(days=1), tz)


@lru_cache(maxsize=4096)  # a page asks hundreds of times about a few days
def jalali(day: dt.date) -> jdatetime.date:
    """A day in the Jalali calendar, with ``year``, ``month`` and ``day``."""
    return jdatetime.date.fromgregorian(date=day)


def gregorian(year: int, month: int, day: int) -> dt.date:
    """The day of a Jalali date. Raises ``DateError`` when the calendar has none."""
    try:
        found: dt.date = jdatetime.date(year, month, day).togregorian()
    except ValueError:
        raise DateError("no_such_day") from None
    return found


def week_of(day: dt.date) -> list[dt.date]:
    """The seven days, Saturday first, of the week in which a day lies."""
    first = day - dt.timedelta(days=weekday(day))
    return [first + dt.timedelta(days=n) for n in range(7)]


def month_grid(year: int, month: int) -> list[list[dt.date]]:
    """The weeks, Saturday first, that show a Jalali month whole, with its neighbours' days."""
    return list(_weeks(gregorian(year, month, 1), _last_of_month(year, month)))


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of a Jalali month later or earlier, or that month's last day."""
    start = jalali(day)
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = jalali(_last_of_month(years, month + 1))
    return gregorian(last.year, last.month, min(start.day, last.day))


def age(born: dt.date, now: dt.datetime | dt.date, tz: dt.tzinfo | str = TEHRAN) -> int:
    """Completed Jalali years; a birthday on 30 Esfand is 1 Farvardin in common years."""
    birth, today = jalali(born), jalali(local_day(now, tz))
    had_birthday = (today.month, today.day) >= (birth.month, birth.day)
    return int(today.year - birth.year - (not had_birthday))


def weekday(day: dt.date) -> int:
    """0 for Saturday to 6 for Friday."""
    return (day.weekday() + 2) % 7


def _last_of_month(year: int, month: int) -> dt.date:
    following = gregorian(year + month // 12, month % 12 + 1, 1)
    return following - dt.timedelta(days=1)


def _weeks(first: dt.date, last: dt.date) -> Iterator[list[dt.date]]:
    while first <= last:
        week = week_of(first)
        yield week
        first = week[-1] + dt.timedelta(days=1)
