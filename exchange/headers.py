"""Which column is which: the headings that clinics' own lists carry, in Persian and English.

A heading is compared by its letters and digits alone, folded: case, spaces, half-spaces, dots and
Arabic letters make no difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clinic.text import fold

#: Field → headings, the best first: of two columns that fit one field the better heading wins.
Synonyms = Mapping[str, Sequence[str]]


class Kind(StrEnum):
    """What a list is of."""

    CLIENTS = "clients"
    SESSIONS = "sessions"


_FILE_NO = (
    *("file_no", "file number", "file", "record number", "chart number", "chart no"),
    *("client_no", "client id", "client code", "patient id", "patient number", "case number"),
    *("شماره پرونده", "شماره‌ی پرونده", "ش پرونده", "کد پرونده", "پرونده", "شماره مراجع"),
    *("کد مراجع", "کد مراجعه‌کننده", "شناسه مراجع", "شماره بیمار", "کد بیمار"),
)
_THERAPIST = (
    *("therapist", "therapist name", "psychologist", "counselor", "counsellor", "clinician"),
    *("practitioner", "provider", "doctor", "درمانگر", "نام درمانگر", "روان‌شناس", "نام روان‌شناس"),
    *("روان‌درمانگر", "مشاور", "نام مشاور", "روان‌پزشک", "پزشک", "نام پزشک", "دکتر"),
)
_SERVICE = (
    *("service", "service name", "service type", "session type", "appointment type", "visit type"),
    *("type", "خدمت", "نام خدمت", "نوع خدمت", "عنوان خدمت", "خدمات", "نوع خدمات", "نوع جلسه"),
    *("نوع مشاوره", "نوع درمان", "نوع نوبت", "نوع ویزیت"),
)

_CLIENTS: Synonyms = {
    "file_no": _FILE_NO,
    "honorific": ("honorific", "salutation", "title", "prefix", "خطاب", "عنوان", "لقب", "پیشوند"),
    "first_name": ("first_name", "given name", "forename", "نام کوچک", "اسم", "نام"),
    "last_name": (
        *("last_name", "surname", "family name", "family", "نام خانوادگی", "نام فامیل"),
        *("فامیلی", "فامیل", "شهرت"),
    ),
    "full_name": (
        *("full_name", "client name", "patient name", "client", "name", "نام و نام خانوادگی"),
        *("نام و نام خانوادگی مراجع", "نام نام خانوادگی", "نام کامل", "نام مراجع"),
        *("نام مراجعه‌کننده", "مراجع", "نام بیمار", "بیمار", "نام و فامیل"),
    ),
    "gender": ("gender", "sex", "جنسیت", "جنس"),
    "phone": (
        *("phone", "mobile", "mobile phone", "mobile number", "cell", "cell phone", "cellphone"),
        *("phone number", "tel", "telephone", "موبایل", "شماره موبایل", "تلفن همراه"),
        *("شماره تلفن همراه", "شماره همراه", "همراه", "تلفن موبایل", "شماره تماس", "تلفن تماس"),
        *("شماره تلفن", "تلفن", "تماس"),
    ),
    "email": (
        *("email", "e-mail", "email address", "mail", "ایمیل", "آدرس ایمیل", "نشانی ایمیل"),
        *("پست الکترونیک", "پست الکترونیکی", "رایانامه"),
    ),
    "birth_date": (
        *("birth_date", "date of birth", "birthdate", "birthday", "dob", "born"),
        *("تاریخ تولد", "ت تولد", "تولد", "متولد"),
    ),
    "therapist": _THERAPIST,
    "service": _SERVICE,
}

_SESSIONS: Synonyms = {
    # Not «ردیف»: a row's number is another one in every export.
    "session_no": (
        *("session_no", "session number", "session id", "appointment number", "appointment id"),
        *("appointment no", "booking id", "booking number", "شماره جلسه", "کد جلسه"),
        *("شناسه جلسه", "شماره نوبت", "کد نوبت", "شناسه نوبت"),
    ),
    "file_no": _FILE_NO,
    "therapist": _THERAPIST,
    "service": _SERVICE,
    "starts_at": (
        *("starts_at", "start", "start time", "starts", "datetime", "date time", "date and time"),
        *("appointment time", "تاریخ و ساعت", "تاریخ و ساعت جلسه", "تاریخ ساعت", "تاریخ و زمان"),
        *("زمان شروع", "زمان جلسه", "زمان نوبت", "شروع", "شروع جلسه", "زمان", "نوبت"),
    ),
    "date": (
        *("date", "session date", "appointment date", "visit date", "day"),
        *("تاریخ", "تاریخ جلسه", "تاریخ نوبت", "تاریخ مراجعه", "تاریخ ویزیت"),
    ),
    "time": (
        *("time", "hour", "from", "ساعت", "ساعت جلسه", "ساعت شروع", "ساعت نوبت"),
        *("ساعت مراجعه", "از ساعت"),
    ),
    "ends_at": (
        *("ends_at", "end", "end time", "to", "until", "ساعت پایان", "زمان پایان", "پایان"),
        *("پایان جلسه", "تا ساعت"),
    ),
    "duration_minutes": (
        *("duration_minutes", "duration", "minutes", "length", "duration (min)"),
        *("مدت", "مدت (دقیقه)", "مدت به دقیقه", "مدت جلسه", "مدت جلسه (دقیقه)", "مدت زمان"),
        *("طول جلسه", "زمان جلسه (دقیقه)", "دقیقه"),
    ),
    "status": (
        *("status", "state", "session status", "appointment status", "outcome", "attendance"),
        *("وضعیت", "وضعیت جلسه", "وضعیت نوبت", "وضعیت حضور", "وضعیت مراجعه", "نتیجه"),
        *("نتیجه جلسه", "حضور", "حضور و غیاب"),
    ),
}

SYNONYMS: Mapping[Kind, Synonyms] = {Kind.CLIENTS: _CLIENTS, Kind.SESSIONS: _SESSIONS}

#: At least one field of each group must have a column.
REQUIRED: Mapping[Kind, Sequence[tuple[str, ...]]] = {
    Kind.CLIENTS: (("file_no",), ("last_name", "full_name", "first_name")),
    Kind.SESSIONS: (("file_no",), ("starts_at", "date")),
}


def key(heading: object) -> str:
    """The letters and digits of a heading, folded."""
    return "".join(char for char in fold(str(heading or "")) if char.isalnum())


#: For each kind: folded heading → (field, rank among the field's headings).
_FIELDS: Mapping[Kind, Mapping[str, tuple[str, int]]] = {
    kind: {
        key(heading): (field, rank)
        for field, headings in synonyms.items()
        for rank, heading in enumerate(headings)
    }
    for kind, synonyms in SYNONYMS.items()
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read: where it is and what the person who made the list called it."""

    index: int
    heading: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a list mean."""

    columns: Mapping[str, Column]
    ignored: Sequence[str]

    def heading(self, field: str) -> str:
        """The list's own heading of a field, or the field's name when it has no column."""
        column = self.columns.get(field)
        return column.heading if column else field


def fit(cells: Iterable[object], kind: Kind) -> int:
    """How many fields of the kind a row of cells names: the header row names the most."""
    known = _FIELDS[kind]
    return len({known[name][0] for name in map(key, cells) if name in known})


def lay_out(cells: Sequence[object], kind: Kind) -> Layout:
    """Match a header row to fields; every other heading with a text is reported as ignored."""
    best: dict[str, tuple[int, int]] = {}
    for index, cell in enumerate(cells):
        found = _FIELDS[kind].get(key(cell))
        if found and (found[0] not in best or found[1] < best[found[0]][0]):
            best[found[0]] = (found[1], index)
    columns = {field: Column(index, _text(cells[index])) for field, (_rank, index) in best.items()}
    used = {column.index for column in columns.values()}
    ignored = [_text(cell) for n, cell in enumerate(cells) if n not in used and _text(cell)]
    return Layout(columns, ignored)


def missing(layout: Layout, kind: Kind) -> list[tuple[str, ...]]:
    """The groups of required fields of which the list has no column at all."""
    return [group for group in REQUIRED[kind] if not any(f in layout.columns for f in group)]


def persian_heading(kind: Kind, field: str) -> str:
    """The first Persian heading of a field: what templates and messages call it."""
    return next(name for name in SYNONYMS[kind][field] if not name.isascii())


def _text(cell: object) -> str:
    return " ".join(str(cell or "").split())
