"""Dates and times as people read them, in the active language or the one asked for."""

import datetime as dt

from django.conf import settings
from django.utils.translation import get_language

from clinic.jalali import names
from clinic.jalali.days import TEHRAN, jalali, local, local_day, weekday
from clinic.text import persian_digits


def day_name_date(
    moment: dt.datetime | dt.date,
    *,
    now: dt.datetime | None = None,
    tz: dt.tzinfo | str = TEHRAN,
    language: str | None = None,
) -> str:
    """«پنجشنبه ۶ آذر», with the year when ``now`` lies in another one."""
    day = local_day(moment, tz)
    if now is not None and jalali(day).year != jalali(local_day(now, tz)).year:
        return full_date(day, language=language)
    return f"{weekday_name(weekday(day), language=language)} {day_month(day, language=language)}"


def weekday_name(number: int, *, language: str | None = None) -> str:
    """«شنبه» for 0 to «جمعه» for 6."""
    return (names.WEEKDAYS_FA if _persian(language) else names.WEEKDAYS_EN)[number]


def full_date(
    moment: dt.datetime | dt.date, *, tz: dt.tzinfo | str = TEHRAN, language: str | None = None
) -> str:
    """«پنجشنبه ۶ آذر ۱۴۰۵»."""
    day = local_day(moment, tz)
    text = f"{day_name_date(day, language=language)} {jalali(day).year}"
    return _digits(text, language)


def day_month(
    moment: dt.datetime | dt.date, *, tz: dt.tzinfo | str = TEHRAN, language: str | None = None
) -> str:
    """«۶ آذر»."""
    day = jalali(local_day(moment, tz))
    return _digits(f"{day.day} {_month_names(language)[day.month - 1]}", language)


def month_title(
    moment: dt.datetime | dt.date, *, tz: dt.tzinfo | str = TEHRAN, language: str | None = None
) -> str:
    """«آذر ۱۴۰۵»."""
    day = jalali(local_day(moment, tz))
    return _digits(f"{_month_names(language)[day.month - 1]} {day.year}", language)


def numeric_date(
    moment: dt.datetime | dt.date, *, tz: dt.tzinfo | str = TEHRAN, language: str | None = None
) -> str:
    """«۱۴۰۵/۰۹/۰۶»; with ``language="en"`` 1405/09/06, as form fields and files want it."""
    day = jalali(local_day(moment, tz))
    return _digits(f"{day.year:04}/{day.month:02}/{day.day:02}", language)


def time(moment: dt.datetime, *, tz: dt.tzinfo | str = TEHRAN, language: str | None = None) -> str:
    """«۱۷:۳۰» on the local clock."""
    return _digits(f"{local(moment, tz):%H:%M}", language)


def spoken(
    moment: dt.datetime,
    *,
    now: dt.datetime | None = None,
    tz: dt.tzinfo | str = TEHRAN,
    language: str | None = None,
) -> str:
    """«پنجشنبه ۶ آذر، ساعت ۱۷:۳۰», with the year when ``now`` lies in another one."""
    day = day_name_date(moment, now=now, tz=tz, language=language)
    return _at(day, time(moment, tz=tz, language=language), language)


def short(moment: dt.datetime, *, tz: dt.tzinfo | str = TEHRAN, language: str | None = None) -> str:
    """«۱۴۰۵/۰۹/۰۶ ۱۷:۳۰»."""
    clock = time(moment, tz=tz, language=language)
    return f"{numeric_date(moment, tz=tz, language=language)} {clock}"


def relative_day(
    moment: dt.datetime | dt.date,
    now: dt.datetime,
    *,
    tz: dt.tzinfo | str = TEHRAN,
    language: str | None = None,
) -> str:
    """«امروز», «فردا», «دیروز» and the days beside them, or the day's name and date."""
    day, today = local_day(moment, tz), local_day(now, tz)
    words = names.RELATIVE_FA if _persian(language) else names.RELATIVE_EN
    word = words.get((day - today).days)
    return word or day_name_date(day, now=now, tz=tz, language=language)


def relative(
    moment: dt.datetime,
    now: dt.datetime,
    *,
    tz: dt.tzinfo | str = TEHRAN,
    language: str | None = None,
) -> str:
    """«فردا، ساعت ۱۷:۳۰»."""
    day = relative_day(moment, now, tz=tz, language=language)
    return _at(day, time(moment, tz=tz, language=language), language)


def _persian(language: str | None) -> bool:
    if language is None:
        language = get_language() if settings.configured else "fa"
    return (language or "fa").startswith("fa")


def _month_names(language: str | None) -> tuple[str, ...]:
    return names.MONTHS_FA if _persian(language) else names.MONTHS_EN


def _digits(text: str, language: str | None) -> str:
    return persian_digits(text) if _persian(language) else text


def _at(day: str, clock: str, language: str | None) -> str:
    return f"{day}، ساعت {clock}" if _persian(language) else f"{day} at {clock}"
