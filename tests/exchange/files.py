"""Lists as bytes, in the forms that clinics' programs write."""

import csv
import io
from collections.abc import Sequence

from openpyxl import Workbook

CLIENT_HEADER = ["شماره پرونده", "نام", "نام خانوادگی", "موبایل"]
SARA = ["101", "سارا", "احمدی", "۰۹۱۲۱۲۳۴۵۶۷"]
ALI = ["102", "علی", "رضایی", "09351234567"]


def text(rows: Sequence[Sequence[object]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def csv_file(rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    return text(rows, delimiter).encode()


def xlsx(sheets: dict[str, Sequence[Sequence[object]]], formats: dict[str, str] | None = None):
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    for place, number_format in (formats or {}).items():
        book.worksheets[0][place].number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
