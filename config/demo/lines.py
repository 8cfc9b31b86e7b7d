"""What a started demonstration says: addresses and logins, in Persian and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from clinic import jalali
from clinic.text import persian_digits
from config.demo.addresses import Addresses
from panel.demo.people import OPERATOR, STAFF
from panel.demo.soon import NIGHT
from panel.demo.world import News

_RULE = "─" * 78
_ROLES = {
    "owner": ("Owner", "مالک کلینیک"),
    "reception": ("Reception", "پذیرش"),
    "therapist": ("Therapist", "درمانگر"),
    "operator": ("Operator", "راهبر سامانه؛ ورود دومرحله‌ای می‌خواهد"),
}


def ready(
    addresses: Addresses, passwords: Mapping[str, str], news: News, logs: Path
) -> Iterator[str]:
    """Left to right first, Persian last: terminals mix the two badly in one column."""
    yield _RULE
    yield "  Peygir is ready · پیگیر آماده است"
    yield ""
    yield _row("Panel", f"{addresses.panel}/", "پنل کلینیک")
    yield _row("Phones", f"{addresses.sandbox}/", "گوشی‌های آزمایشی: هر پیامک اینجا می‌رسد")
    yield _row("Letters", f"{addresses.sandbox}/letters", "نامه‌های آزمایشی: هر ایمیل اینجا می‌رسد")
    yield _row("Admin", f"{addresses.panel}/operator/", "مدیریت همه‌ی کلینیک‌ها")
    yield ""
    for person in (*STAFF, OPERATOR):
        english, persian = _ROLES[person.key]
        yield _row(english, f"{person.email:<28} {passwords[person.key]}", persian)
    yield ""
    yield from about(news)
    yield f"  Logs: {logs}/"
    yield "  Ctrl-C stops everything and keeps the data · با Ctrl-C همه‌چیز می‌ایستد و داده‌ها می‌ماند"
    yield "  RESET=1 make demo starts over · با RESET=1 از نو ساخته می‌شود"
    yield _RULE


def about(news: News) -> Iterator[str]:
    """What will happen next, and what this start has done to the data."""
    if news.booked:
        count = persian_digits(str(news.booked))
        yield f"  Booked {news.booked} more sessions · {count} جلسه‌ی تازه ثبت شد"
    if news.quiet_hours != NIGHT:
        begins, ends = (f"{clock:%H:%M}" for clock in news.quiet_hours)
        yield (
            f"  It is night in Tehran: quiet hours are {begins}–{ends} here, so that texts leave"
            f" · ساعت‌های سکوت این کلینیک {persian_digits(begins)} تا {persian_digits(ends)} است"
        )
    if news.first_at:
        clock = jalali.time(news.first_at, language="en")
        count = persian_digits(str(news.texts_soon))
        yield (
            f"  {news.texts_soon} texts leave in the next minutes, the first at {clock}"
            f" · {count} پیامک تا چند دقیقه‌ی دیگر، نخستین آن‌ها ساعت {persian_digits(clock)}"
        )


def other_port(what: str, wanted: int, taken: int) -> str:
    return (
        f"  Port {wanted} is taken: the {what} uses {taken}"
        f" · پورت {persian_digits(str(wanted))} گرفته بود؛ {persian_digits(str(taken))} به کار رفت"
    )


def _row(english: str, value: str, persian: str) -> str:
    return f"  {english:<11} {value:<44} {persian}"
