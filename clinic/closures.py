"""Days on which the clinic does not work: what the panel marks, and the list of the settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.models import Closure

FRIDAY = 6
#: No clinic is closed for longer; a wrong year is typed easily and would silence it for good.
LONGEST = 120  # days


def closed_days(first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """What closes each closed day from `first` to `last`, both included; empty for mere Fridays."""
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    closures = list(overlapping(first, last))
    found = {day: [c.name for c in closures if c.first_day <= day <= c.last_day] for day in days}
    return {
        day: "، ".join(dict.fromkeys(names))
        for day, names in found.items()
        if names or jalali.weekday(day) == FRIDAY
    }


def overlapping(first: dt.date, last: dt.date) -> QuerySet[Closure]:
    return Closure.objects.filter(last_day__gte=first, first_day__lte=last)


# -- The list of the settings ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    closure: Closure
    #: «پنجشنبه ۶ آذر», or the first and the last day.
    when: str
    days: int


@dataclass(frozen=True, slots=True)
class Month:
    title: str
    rows: list[Row]


def of_year(year: int, *, since: dt.date) -> QuerySet[Closure]:
    """Closures that touch a Jalali year and are not over on `since`."""
    first = jalali.gregorian(year, 1, 1)
    last = jalali.gregorian(year + 1, 1, 1) - dt.timedelta(days=1)
    return overlapping(max(first, since), last)


def past(today: dt.date) -> QuerySet[Closure]:
    """What is over, the latest first."""
    return Closure.objects.filter(last_day__lt=today).order_by("-first_day", "-id")


def last_year(today: dt.date) -> int:
    """The last Jalali year with an entry; this one, at least."""
    last = Closure.objects.aggregate(last=Max("last_day"))["last"] or today
    return int(jalali.jalali(max(last, today)).year)


def months_of(closures: Iterable[Closure]) -> list[Month]:
    """The closures under their Jalali months, in the order given."""
    return [
        Month(title, [_row(closure) for closure in group])
        for title, group in groupby(closures, lambda c: jalali.month_title(c.first_day))
    ]


def _row(closure: Closure) -> Row:
    days = (closure.last_day - closure.first_day).days + 1
    return Row(closure, when(closure), days)


def when(closure: Closure) -> str:
    """«پنجشنبه ۶ آذر», or «شنبه ۲۹ اسفند تا جمعه ۱۳ فروردین»."""
    first = jalali.day_name_date(closure.first_day)
    if closure.first_day == closure.last_day:
        return first
    last = jalali.day_name_date(closure.last_day)
    return _("%(first)s to %(last)s") % {"first": first, "last": last}
