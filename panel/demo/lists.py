"""The lists that the clinic brought from its old program: what it imports on its first day."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence

from clinic import jalali
from clinic.text import persian_digits
from exchange.actions import ListFile
from panel.demo.people import Person
from panel.demo.rhythm import Appointment, Fate

_SCHEDULED = "رزرو شده"
_WORDS = {
    Fate.ATTENDED: "حاضر",
    # An old list has a word for every session; what nobody recorded is a matter of today's lists.
    Fate.UNRECORDED: "حاضر",
    Fate.NO_SHOW: "غایب",
    Fate.CANCELLED_BY_CLIENT: "لغو توسط مراجع",
    Fate.CANCELLED_LATE: "لغو دیرهنگام",
    Fate.CANCELLED_BY_CLINIC: "لغو توسط کلینیک",
}
_CLIENT_HEADINGS = (
    *("شماره پرونده", "خطاب", "نام", "نام خانوادگی", "جنسیت", "موبایل"),
    *("تاریخ تولد", "درمانگر", "خدمت"),
)
_SESSION_HEADINGS = (
    *("شماره جلسه", "شماره پرونده", "درمانگر", "خدمت", "تاریخ", "ساعت", "مدت", "وضعیت"),
)


def clients_file(people: Iterable[Person]) -> ListFile:
    rows = [
        (
            person.file_no,
            person.honorific,
            person.first_name,
            person.last_name,
            "زن" if person.female else "مرد",
            person.phone,
            f"{person.born}/{person.file_no % 12 + 1:02d}/{person.file_no * 7 % 29 + 1:02d}",
            person.therapist.name,
            person.service.name,
        )
        for person in people
    ]
    return ListFile("مراجعان.csv", _written(_CLIENT_HEADINGS, rows))


def sessions_file(appointments: Iterable[Appointment], at: dt.datetime) -> ListFile:
    """What the old program knew at that moment; the two of a couple share a session number."""
    rows = [
        (
            appointment.number,
            person.file_no,
            appointment.therapist.name,
            appointment.service.name,
            jalali.numeric_date(appointment.starts_at, language="fa"),
            jalali.time(_start(appointment, at), language="fa"),
            appointment.service.minutes,
            _status(appointment, at),
        )
        for appointment in appointments
        for person in appointment.people
    ]
    return ListFile("جلسات.csv", _written(_SESSION_HEADINGS, rows))


def _start(appointment: Appointment, at: dt.datetime) -> dt.datetime:
    return appointment.starts_at if appointment.ends_at <= at else appointment.agreed_start()


def _status(appointment: Appointment, at: dt.datetime) -> str:
    cancelled_at = appointment.cancelled_at()
    known = cancelled_at <= at if cancelled_at else appointment.ends_at <= at
    return _WORDS[appointment.fate] if known else _SCHEDULED


def _written(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """With the mark at the beginning that spreadsheets put there, and Persian digits."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(headings)
    writer.writerows([persian_digits(str(cell)) for cell in row] for row in rows)
    return sheet.getvalue().encode("utf-8-sig")
