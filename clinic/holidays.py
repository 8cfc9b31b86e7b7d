"""Iran's public holidays: which days, and keeping every clinic's calendar years ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

from django.db.models import Q

from clinic import jalali
from clinic.models import DEFAULT_TIMEZONE, Clinic, Closure
from clinic.tenancy import EVERYWHERE, Hat, wear

YEARS_AHEAD = 4
#: The last Jalali year whose official calendar was compared with the dates below. Later the days
#: of the lunar calendar are computed, may be a day off, and say so in their names.
PUBLISHED = 1405
ESTIMATED = " (estimated)"

#: As Iranian calendars write them; the library's own Persian is wordier and less well typed.
NAMES = {
    "Nowruz": "نوروز",
    "Nowruz Holiday": "عید نوروز",
    "Islamic Republic Day": "روز جمهوری اسلامی",
    "Nature's Day": "روز طبیعت",
    "Death of Imam Khomeini": "رحلت امام خمینی (ره)",
    "15 Khordad Uprising": "قیام ۱۵ خرداد",
    "Islamic Revolution Day": "پیروزی انقلاب اسلامی",
    "Iranian Oil Industry Nationalization Day": "ملی‌شدن صنعت نفت",
    "Last Day of Year": "آخرین روز سال",
    "Tasua": "تاسوعای حسینی",
    "Ashura": "عاشورای حسینی",
    "Arbaeen": "اربعین حسینی",
    "Death of Prophet Muhammad and Martyrdom of Hasan ibn Ali": (
        "رحلت پیامبر (ص) و شهادت امام حسن (ع)"
    ),
    "Martyrdom of Ali al-Rida": "شهادت امام رضا (ع)",
    "Martyrdom of Hasan al-Askari": "شهادت امام حسن عسکری (ع)",
    "Birthday of Muhammad and Imam Ja'far al-Sadiq": "میلاد پیامبر (ص) و امام صادق (ع)",
    "Martyrdom of Fatima": "شهادت حضرت فاطمه (س)",
    "Birthday of Imam Ali": "ولادت امام علی (ع) و روز پدر",
    "Isra' and Mi'raj": "مبعث پیامبر (ص)",
    "Birthday of Mahdi": "نیمه‌ی شعبان",
    "Martyrdom of Imam Ali": "شهادت امام علی (ع)",
    "Eid al-Fitr": "عید فطر",
    "Eid al-Fitr Holiday": "تعطیلی عید فطر",
    "Martyrdom of Imam Ja'far al-Sadiq": "شهادت امام صادق (ع)",
    "Eid al-Adha": "عید قربان",
    "Eid al-Ghadir": "عید غدیر",
    "Public Holiday": "تعطیل عمومی",
}


@dataclass(frozen=True, slots=True)
class Holiday:
    """One day, with every occasion that falls on it."""

    day: dt.date
    name: str


@cache
def public_holidays(first_year: int, last_year: int) -> tuple[Holiday, ...]:
    """The holidays of these Jalali years, both included, in order; one for each day."""
    # The library takes a fifth of a second to load, which few processes ever need.
    from holidays.countries.iran import Iran

    first, last = jalali.gregorian(first_year, 1, 1), _last_day(last_year)
    known = Iran(years=range(first.year, last.year + 1), language="en_US")
    return tuple(
        Holiday(day, " و ".join(_persian(name, day) for name in known.get_list(day)))
        for day in sorted(known)
        if first <= day <= last
    )


def ensure_holidays(clinic: Clinic, *, now: dt.datetime) -> int:
    """Enter the public holidays of this Jalali year and the four following; how many were new.

    A day is entered once in a clinic's life: `holidays_until` remembers how far it went, so what
    staff deleted or moved stays as they left it. Two at once enter nothing twice: the constraint
    `closure_once` drops the second's rows. Needs a hat that may change this clinic: the owner's
    or, inside it, the web's.
    """
    horizon = _horizon(now)
    if clinic.timezone != DEFAULT_TIMEZONE or (clinic.holidays_until or dt.date.min) >= horizon:
        return 0
    year = jalali.jalali(jalali.local_day(now)).year
    missing = [
        Closure(
            clinic=clinic,
            first_day=holiday.day,
            last_day=holiday.day,
            name=holiday.name,
            kind=Closure.Kind.HOLIDAY,
        )
        for holiday in public_holidays(year, year + YEARS_AHEAD)
        if clinic.holidays_until is None or holiday.day > clinic.holidays_until
    ]
    Closure.objects.bulk_create(missing, ignore_conflicts=True)
    clinic.holidays_until = horizon
    clinic.save(update_fields=["holidays_until"])
    return len(missing)


def keep_holidays(now: dt.datetime) -> int:
    """`ensure_holidays` for every clinic that lacks a year; how many days were entered.

    Only the search looks across clinics, and it may only read. Each clinic is then changed under
    a hat that sees nothing but that clinic, in a transaction of its own.
    """
    behind = Q(holidays_until=None) | Q(holidays_until__lt=_horizon(now))
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        clinics = list(Clinic.objects.filter(behind, timezone=DEFAULT_TIMEZONE).order_by("pk"))
    entered = 0
    for clinic in clinics:
        with wear(Hat.WEB, clinic_id=clinic.pk):
            entered += ensure_holidays(clinic, now=now)
    return entered


def _horizon(now: dt.datetime) -> dt.date:
    return _last_day(jalali.jalali(jalali.local_day(now)).year + YEARS_AHEAD)


def _last_day(year: int) -> dt.date:
    return jalali.gregorian(year + 1, 1, 1) - dt.timedelta(days=1)


def _persian(name: str, day: dt.date) -> str:
    """The library's name in our words; one it has newly learned is shown as it is."""
    known = name.removesuffix(ESTIMATED)
    computed = name.endswith(ESTIMATED) and jalali.jalali(day).year > PUBLISHED
    return NAMES.get(known, known) + (" (تخمینی)" if computed else "")
