"""What a clinic's texts cost in its month, and the limit that holds them back.

The limit is kept at the claim: whatever is under way at the moment it is reached still leaves, so a
month may end above it by the texts of a few calls. A month is a Jalali one, in the clinic's time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db.models import F

from clinic import jalali
from clinic.models import Clinic
from messaging.models import Spending

#: The managers are told when this share of the limit is spent.
WARN_AT = 0.8


def month_of(clinic: Clinic, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The beginning of the clinic's Jalali month around `now`, and that of the next one."""
    today = jalali.jalali(jalali.local_day(now, clinic.timezone))
    first = jalali.gregorian(today.year, today.month, 1)
    following = jalali.add_months(first, 1)
    return (
        jalali.start_of_day(first, clinic.timezone),
        jalali.start_of_day(following, clinic.timezone),
    )


def spent(clinic: Clinic, now: dt.datetime) -> int:
    """Rial spent in the clinic's month so far."""
    found = Spending.objects.filter(clinic=clinic, starts_at__lte=now, ends_at__gt=now)
    return found.values_list("rial", flat=True).first() or 0


def is_over(clinic: Clinic, now: dt.datetime) -> bool:
    cap = clinic.monthly_cap_rial
    return cap is not None and spent(clinic, now) >= cap


def add(costs: Mapping[int, int], now: dt.datetime) -> None:
    """Add Rial to the months of clinics, by clinic id: in one order, or two senders would wait for
    each other."""
    for clinic in Clinic.objects.filter(pk__in=costs).order_by("pk"):
        _add(clinic, costs[clinic.pk], now)


def _add(clinic: Clinic, rial: int, now: dt.datetime) -> None:
    starts_at, ends_at = month_of(clinic, now)
    month = Spending.objects.filter(clinic=clinic, starts_at=starts_at)
    if month.update(rial=F("rial") + rial):
        return
    # Two may find the month's first text theirs: the second one's row is refused, and it adds.
    made = Spending(clinic=clinic, starts_at=starts_at, ends_at=ends_at)
    Spending.objects.bulk_create([made], ignore_conflicts=True)
    month.update(rial=F("rial") + rial)
