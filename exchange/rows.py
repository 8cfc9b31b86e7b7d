"""One row of a list → typed values, or what is wrong with it. No scope, no query.

A row falls only when a value falls without which it cannot be stored. A client's bad e-mail,
phone, birth date or gender is reported too, but the client is taken without it: a list of a
thousand people must not lose the one whose e-mail has a comma in it.
"""

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from clinic import jalali
from clinic.jalali import DateError
from clinic.text import ascii_digits, clean, fold
from exchange.headers import key
from exchange.reading import Row, Table
from exchange.reasons import why, why_without
from exchange.report import Problem
from exchange.statuses import read_status
from patients.models import Gender
from patients.phones import PhoneError, normalise
from sessions_app.models import State

MAX_AGE = 120
MAX_AHEAD = dt.timedelta(days=3 * 366)
SHORTEST, LONGEST = dt.timedelta(minutes=5), dt.timedelta(hours=12)
#: The file number of the template's example row.
EXAMPLE = "نمونه"
EXAMPLES = (fold(EXAMPLE), "example")

_LIMITS = {
    "file_no": 30,
    "session_no": 40,
    "honorific": 30,
    "first_name": 80,
    "last_name": 80,
    "full_name": 80,
    "therapist": 120,
    "service": 120,
}
_NOTHING = {
    fold(word) for word in ("", "-", "--", "—", "ندارد", "نامشخص", "null", "none", "n/a", "nan")
}
_SPREADSHEET_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)")
_GENDERS = {
    key(word): gender
    for gender, words in {
        Gender.FEMALE: ("female", "f", "woman", "زن", "خانم", "مؤنث", "دختر"),
        Gender.MALE: ("male", "m", "man", "مرد", "آقا", "آقای", "مذکر", "پسر"),
        Gender.OTHER: ("other", "دیگر", "سایر"),
    }.items()
    for word in words
}
_MINUTES = re.compile(r"(\d{1,4})(?:\.0+)? ?(?:min|mins|minutes|دقیقه|دقیقه ای|دق)?", re.ASCII)
_HOURS = re.compile(r"(\d{1,2}(?:\.\d+)?) ?(?:h|hour|hours|ساعت)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::00)?", re.ASCII)


@dataclass(slots=True)
class ClientRow:
    number: int
    file_no: str
    #: Field of `Client` → value, for what the row says; a blank cell says nothing.
    values: dict[str, Any]
    therapist: str = ""
    service: str = ""


@dataclass(slots=True)
class SessionRow:
    number: int
    file_no: str
    starts_at: dt.datetime
    session_no: str = ""
    therapist: str = ""
    service: str = ""
    #: None when the row does not say.
    duration: dt.timedelta | None = None
    state: State | None = None
    cancelled_by: str = ""


class _RefusedError(Exception):
    """A value without which the row falls; the problem is noted already."""


@dataclass(slots=True)
class Cells:
    """The cells of one row by field, and what is wrong with them."""

    table: Table
    row: Row
    problems: list[Problem] = field(default_factory=list)

    def raw(self, name: str) -> object:
        column = self.table.layout.columns.get(name)
        return self.row.cell(column.index) if column else ""

    def text(self, name: str) -> str:
        """The cleaned text of a required value, or nothing; too long a one makes the row fall."""
        value = _clean(plain(self.raw(name)))
        if _SPREADSHEET_ERROR.fullmatch(value):
            raise self.refused(name, "spreadsheet_error")
        if len(value) > _LIMITS[name]:
            raise self.refused(name, "too_long", limit=_LIMITS[name])
        return value

    def optional_text(self, name: str) -> str:
        value = _clean(plain(self.raw(name)))
        if _means_nothing(value):
            return ""
        if _SPREADSHEET_ERROR.fullmatch(value):
            self.note(name, "spreadsheet_error")
            return ""
        if len(value) > _LIMITS[name]:
            self.note(name, "too_long", limit=_LIMITS[name])
            return ""
        return value

    def has(self, name: str) -> bool:
        value = self.raw(name)
        return value != "" and not (isinstance(value, str) and _means_nothing(value))

    def note(self, name: str, code: str, **params: object) -> None:
        """Report a value that the row is taken without."""
        self._add(name, why_without(code, **params))

    def refused(self, name: str, code: str, **params: object) -> _RefusedError:
        """Report a value that the row falls by; raise what this returns."""
        self._add(name, why(code, **params))
        return _RefusedError()

    def _add(self, name: str, reason: str) -> None:
        self.problems.append(
            Problem(
                file=self.table.name,
                row=self.row.number,
                column=self.table.layout.heading(name),
                value=plain(self.raw(name)),
                reason=reason,
            )
        )


def problem_at(table: Table, row: int, name: str, value: str, reason: str) -> Problem:
    """A problem found when rows are looked at together."""
    return Problem(table.name, row, table.layout.heading(name), value, reason)


def read_clients(
    table: Table, *, now: dt.datetime, tz: str
) -> tuple[list[ClientRow], list[Problem]]:
    """The rows of a list of clients that can be taken, and everything wrong with any row."""
    today = jalali.local_day(now, tz)
    found, problems = [], []
    for row in table.rows:
        cells = Cells(table, row)
        with suppress(_RefusedError):
            found.append(_client(cells, today))
        problems += cells.problems
    return found, problems


def read_sessions(
    table: Table, *, now: dt.datetime, tz: str
) -> tuple[list[SessionRow], list[Problem]]:
    """The rows of a list of sessions that can be taken, and everything wrong with any row."""
    found, problems = [], []
    for row in table.rows:
        cells = Cells(table, row)
        with suppress(_RefusedError):
            found.append(_session(cells, now, tz))
        problems += cells.problems
    return found, problems


def file_number(text: str) -> str:
    """A file or session number as it is stored: ASCII digits, without a spreadsheet's «.0»."""
    number = ascii_digits(clean(text))
    return number[:-2] if re.fullmatch(r"[0-9]+\.0", number) else number


def plain(value: object) -> str:
    """A cell's value as a person sees it."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}" if value.time() == dt.time() else f"{value:%Y-%m-%d %H:%M}"
    return str(value).strip()


_clean = lru_cache(maxsize=10_000)(clean)


@lru_cache(maxsize=10_000)
def _means_nothing(text: str) -> bool:
    return fold(text) in _NOTHING


def _number(cells: Cells, name: str) -> str:
    return file_number(cells.text(name))


def _file_no(cells: Cells) -> str:
    number = _number(cells, "file_no")
    if not number:
        raise cells.refused("file_no", "missing")
    if fold(number) in EXAMPLES:
        raise cells.refused("file_no", "example")
    return number


def _client(cells: Cells, today: dt.date) -> ClientRow:
    file_no = _file_no(cells)
    values: dict[str, Any] = _names(cells)
    values["honorific"] = cells.optional_text("honorific")
    values["gender"] = _gender(cells)
    values["phone"] = _phone(cells)
    values["email"] = _email(cells)
    values["birth_date"] = _birth_date(cells, today)
    return ClientRow(
        number=cells.row.number,
        file_no=file_no,
        values={name: value for name, value in values.items() if value},
        therapist=cells.optional_text("therapist"),
        service=cells.optional_text("service"),
    )


def _names(cells: Cells) -> dict[str, Any]:
    """First and last name; a whole name in one column is not cut, because nobody can tell where."""
    first, last = cells.text("first_name"), cells.text("last_name")
    if last:
        return {"first_name": first, "last_name": last}
    whole = cells.text("full_name") or first
    if not whole:
        named = "last_name" if cells.table.layout.columns.get("last_name") else "full_name"
        raise cells.refused(named, "missing")
    return {"whole_name": whole}


def _gender(cells: Cells) -> str:
    if not cells.has("gender"):
        return ""
    gender = _GENDERS.get(key(cells.raw("gender")))
    if gender is None:
        cells.note("gender", "gender")
    return gender or ""


def _phone(cells: Cells) -> str:
    if not cells.has("phone"):
        return ""
    try:
        return normalise(cells.raw("phone"))
    except PhoneError as error:
        if error.code != "empty":
            cells.note("phone", f"phone_{error.code}")
        return ""


def _email(cells: Cells) -> str:
    if not cells.has("email"):
        return ""
    address = ascii_digits(_clean(plain(cells.raw("email"))))
    try:
        validate_email(address)
    except ValidationError:
        cells.note("email", "email")
        return ""
    return address


def _birth_date(cells: Cells, today: dt.date) -> dt.date | None:
    if not cells.has("birth_date"):
        return None
    try:
        born = jalali.parse_date(cells.raw("birth_date"))
    except DateError as error:
        cells.note("birth_date", f"date_{error.code}")
        return None
    if born > today:
        cells.note("birth_date", "born_in_future")
    elif jalali.age(born, today) > MAX_AGE:
        cells.note("birth_date", "born_too_early", years=MAX_AGE)
    else:
        return born
    return None


def _session(cells: Cells, now: dt.datetime, tz: str) -> SessionRow:
    file_no = _file_no(cells)
    starts_at = _start(cells, tz)
    if starts_at > now + MAX_AHEAD:
        raise cells.refused(_start_field(cells), "too_far")
    row = SessionRow(cells.row.number, file_no, starts_at)
    row.session_no = _number(cells, "session_no")
    row.therapist, row.service = cells.text("therapist"), cells.text("service")
    row.duration = _duration(cells, starts_at, tz)
    row.state, row.cancelled_by = _status(cells)
    if row.state in (State.ATTENDED, State.NO_SHOW) and starts_at > now:
        raise cells.refused("status", "not_yet")
    return row


def _start_field(cells: Cells) -> str:
    return "starts_at" if cells.has("starts_at") else "date"


def _start(cells: Cells, tz: str) -> dt.datetime:
    """The start: one column with both, or a date with the time beside it."""
    clock = next((name for name in ("time", "starts_at") if cells.has(name)), "")
    if not cells.has("date") or clock == "":
        return _moment(cells, _start_field(cells), tz)
    try:
        day = jalali.parse_date(cells.raw("date"), tz)
    except DateError as error:
        raise cells.refused("date", f"date_{error.code}") from None
    return _moment(cells, clock, tz, day)


def _moment(cells: Cells, name: str, tz: str, day: dt.date | None = None) -> dt.datetime:
    """The instant in a cell; with a day the cell may hold a time alone."""
    value = cells.raw(name)
    if value == "":
        raise cells.refused(name, "missing")
    if day is None and isinstance(value, dt.datetime) and value.time() == dt.time():
        # A spreadsheet's bare date, not a session at midnight.
        raise cells.refused(name, "date_no_time")
    try:
        if day is not None and _is_time(value):
            return jalali.combine(day, jalali.parse_time(value), tz)
        return jalali.parse_datetime(value, tz)
    except DateError as error:
        raise cells.refused(name, f"date_{error.code}") from None


def _is_time(value: object) -> bool:
    """Not a date with its time, which says all by itself."""
    if isinstance(value, dt.datetime):
        return value.year == 1899  # noqa: PLR2004  the day zero of spreadsheets
    if isinstance(value, (dt.time, dt.timedelta, float)):
        return True
    return not re.search(r"\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}", str(value))


def _duration(cells: Cells, starts_at: dt.datetime, tz: str) -> dt.timedelta | None:
    if cells.has("duration_minutes"):
        length = _length(cells.raw("duration_minutes"))
        if length is None:
            raise cells.refused("duration_minutes", "duration")
        if not SHORTEST <= length <= LONGEST:
            raise cells.refused("duration_minutes", "duration_range")
        return length
    if not cells.has("ends_at"):
        return None
    length = _moment(cells, "ends_at", tz, jalali.local_day(starts_at, tz)) - starts_at
    if length <= dt.timedelta():
        raise cells.refused("ends_at", "ends_before")
    if not SHORTEST <= length <= LONGEST:
        raise cells.refused("ends_at", "duration_range")
    return length


def _length(value: object) -> dt.timedelta | None:
    if isinstance(value, dt.timedelta):
        return value
    if isinstance(value, dt.time):
        return dt.timedelta(hours=value.hour, minutes=value.minute)
    text = fold(str(value))
    if found := _MINUTES.fullmatch(text):
        return dt.timedelta(minutes=int(found[1]))
    if found := _CLOCK.fullmatch(text):
        return dt.timedelta(hours=int(found[1]), minutes=int(found[2]))
    if found := _HOURS.fullmatch(text):
        return dt.timedelta(hours=float(found[1]))
    return None


def _status(cells: Cells) -> tuple[State | None, str]:
    if not cells.has("status"):
        return None, ""
    found = read_status(str(cells.raw("status")))
    if found is None:
        raise cells.refused("status", "status")
    return found
