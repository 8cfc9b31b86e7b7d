"""The files the Import page gives: templates to fill in, and the rows that were refused."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from exchange.headers import Kind, persian_heading
from exchange.rows import EXAMPLE

#: The fields of a template, each with what the example row says.
_EXAMPLES: Mapping[Kind, Mapping[str, str]] = {
    Kind.CLIENTS: {
        "file_no": EXAMPLE,
        "honorific": "خانم",
        "first_name": "مریم",
        "last_name": "کریمی",
        "gender": "زن",
        "phone": "۰۹۱۲۱۲۳۴۵۶۷",
        "email": "maryam@example.com",
        "birth_date": "۱۳۶۲/۰۳/۰۱",
        "therapist": "دکتر رضایی",
        "service": "مشاوره‌ی فردی",
    },
    Kind.SESSIONS: {
        "session_no": "۱",
        "file_no": EXAMPLE,
        "therapist": "دکتر رضایی",
        "service": "مشاوره‌ی فردی",
        "starts_at": "۱۴۰۵/۰۹/۰۶ ۱۷:۳۰",
        "duration_minutes": "۵۰",
        "status": "رزرو شده",
    },
}
_EMPTY_ROWS = 200
#: What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def template_csv(kind: Kind) -> bytes:
    """Headings and one example row, which an import refuses by its file number."""
    example = _EXAMPLES[kind]
    return _csv([_headings(kind), list(example.values())])


def template_xlsx(kind: Kind) -> bytes:
    """As `template_csv`, right to left and with text cells, so that no digit of a phone is lost."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101  a new workbook has a sheet
    sheet.title = {Kind.CLIENTS: "مراجعان", Kind.SESSIONS: "جلسه‌ها"}[kind]
    sheet.sheet_view.rightToLeft = True
    sheet.freeze_panes = "A2"
    for row in [_headings(kind), list(_EXAMPLES[kind].values()), *[[""] * 10] * _EMPTY_ROWS]:
        sheet.append(row[: len(_EXAMPLES[kind])])
    for number, column in enumerate(sheet.columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = 22
        for cell in column:
            cell.number_format = "@"
            cell.alignment = Alignment(horizontal="right")
        column[0].font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rejected_csv(problems: Iterable[Mapping[str, object]]) -> bytes:
    """The refused rows and values with their reasons, for a spreadsheet."""
    names = ("file", "row", "column", "value", "reason")
    headings = [_("file"), _("row"), _("column"), _("value"), _("reason")]
    return _csv([headings, *([_harmless(p[name]) for name in names] for p in problems)])


def _headings(kind: Kind) -> list[str]:
    return [persian_heading(kind, field) for field in _EXAMPLES[kind]]


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    """With the mark by which Excel knows UTF-8."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _harmless(value: object) -> object:
    """A value out of somebody's list must not run as a formula in somebody else's spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
