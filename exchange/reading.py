"""From a file's bytes to a table: CSV and XLSX as clinics' programs write them.

Pure: no model, no scope. Whatever the bytes are, the answer is a table or ``UnreadableError``.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from exchange.headers import REQUIRED, Kind, Layout, fit, lay_out, missing, persian_heading
from exchange.reasons import UnreadableError

MAX_BYTES = 20 * 2**20
MAX_ROWS = 100_000
MAX_COLUMNS = 100
#: Of a workbook once unpacked: a small file that unpacks to gigabytes is an attack.
MAX_UNPACKED = 400 * 2**20
MAX_PARTS = 2_000
#: Title rows, logos and print dates stand above the headings.
HEADER_WITHIN = 40

_DELIMITERS = (",", ";", "\t", "|")
_OTHER_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"{\\rtf", "archive"),
)
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_HIGH_BYTES = (0x00, 0x06, 0x20)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|meta|table|style|\?xml)", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")
#: A number format of zeros alone shows the leading zeros that the number itself has lost.
_ZEROS = re.compile(r"0{2,20}")

Cells = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its number as the person sees it in the sheet, from 1."""

    number: int
    cells: Cells

    def cell(self, index: int) -> object:
        return self.cells[index] if index < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook, or a text read with one delimiter."""

    rows: Sequence[Row]
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows below the headings, blank ones left out."""

    name: str
    layout: Layout
    rows: Sequence[Row]


def read_table(data: bytes, name: str, kind: Kind) -> Table:
    """The list of the kind in a file. Raises ``UnreadableError`` for anything else."""
    if not data.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise UnreadableError("empty")
    if len(data) > MAX_BYTES:
        raise _too_large()
    sheets = _workbook(data) if data.startswith(b"PK\x03\x04") else _texts(data)
    sheet, at = _best_sheet(sheets, kind)
    header = sheet.rows[at]
    layout = lay_out(header.cells, kind)
    if gaps := missing(layout, kind):
        raise UnreadableError("no_column", columns=_headings(kind, gaps))
    _refuse_open_quotes(sheet, header)
    rows = [row for row in sheet.rows[at + 1 :] if row.cells and row.cells != header.cells]
    if not rows:
        raise UnreadableError("no_rows")
    return Table(name, layout, rows)


def _best_sheet(sheets: Iterable[Sheet], kind: Kind) -> tuple[Sheet, int]:
    """The sheet, or the reading of a text, whose headings fit the kind best, and their place."""
    best, found = 0, (Sheet(()), 0)
    for sheet in sheets:
        for at, row in enumerate(sheet.rows[:HEADER_WITHIN]):
            if (score := fit(row.cells, kind)) > best:
                best, found = score, (sheet, at)
    # A single known word may stand in any title.
    if best in (0, 1):
        raise UnreadableError("no_header", columns=_headings(kind, REQUIRED[kind]))
    return found


def _headings(kind: Kind, groups: Sequence[Sequence[str]]) -> str:
    return "، ".join(f"«{persian_heading(kind, group[0])}» ({group[0]})" for group in groups)


def _too_large() -> UnreadableError:
    return UnreadableError("too_large", megabytes=MAX_BYTES // 2**20, rows=MAX_ROWS)


# Workbooks


def _workbook(data: bytes) -> list[Sheet]:
    """Each sheet of an XLSX file."""
    try:
        _refuse_bombs(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(_sheets(data))
    except UnreadableError:
        raise
    # The library raises whatever a damaged part makes it stumble over, from KeyError to
    # zlib.error; none of them says more to the person who chose the file than this.
    except Exception:  # noqa: BLE001
        raise UnreadableError("damaged") from None


def _sheets(data: bytes) -> Iterator[Sheet]:
    # Every process loads this module, and few of them ever read a workbook.
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    left = MAX_ROWS
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # exports lie about them, and rows would be lost
        rows = []
        for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), start=1):
            rows.append(Row(number, _trimmed(_cell_value(cell) for cell in cells)))
            if number > left:
                raise _too_large()
        left -= len(rows)
        yield Sheet(rows)


def _refuse_bombs(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    names = {part.filename for part in parts}
    if not any(name.startswith("xl/") for name in names) or "xl/workbook.bin" in names:
        raise UnreadableError("archive")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise _too_large()


def _cell_value(cell: object) -> object:
    value = getattr(cell, "value", None)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, getattr(cell, "number_format", "") or "")
    return value


def _number(value: float, shown_as: str) -> object:
    """Whole numbers without their «.0», and with the leading zeros that the sheet shows."""
    if isinstance(value, float):
        if not value.is_integer():
            return value
        value = int(value)
    return str(value).zfill(len(shown_as)) if _ZEROS.fullmatch(shown_as) else value


# Text


def _texts(data: bytes) -> Iterator[Sheet]:
    """A text read with each delimiter in turn."""
    text = _decoded(data.rstrip(b"\x1a"))
    if _HTML.match(text):
        raise UnreadableError("html")
    if _CONTROLS.search(text):
        raise UnreadableError("binary")
    for delimiter in _DELIMITERS:
        if delimiter in text or delimiter == ",":
            yield Sheet(_text_rows(text, delimiter), delimiter)


def _decoded(data: bytes) -> str:
    for start, code in _OTHER_FORMATS:
        if data.startswith(start):
            raise UnreadableError(code)
    try:
        for mark, encoding in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                return data.decode(encoding)
        if utf16 := _unmarked_utf16(data):
            return data.decode(utf16)
    except UnicodeDecodeError:
        raise UnreadableError("encoding") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _windows(data)


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without its mark shows by its high bytes: 0 for Latin letters, 6 for Persian ones."""
    head = data[:2000]
    if 0 not in head:
        return None
    for encoding, high in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if sum(byte in _HIGH_BYTES for byte in high) > len(high) * 0.9:
            return encoding
    return None


def _windows(data: bytes) -> str:
    """Windows-1256; but UTF-8 with a few damaged bytes would turn into nonsense in silence."""
    tried = data.decode("utf-8", errors="replace")
    wide = sum(1 for char in tried if char > "\x7f")
    if wide > 4 * tried.count("\ufffd"):
        raise UnreadableError("encoding")
    return data.decode("cp1256")


def _text_rows(text: str, delimiter: str) -> list[Row]:
    # newline="" keeps line breaks inside quotes; blank lines count, as they do in a sheet.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    try:
        for number, cells in enumerate(reader, start=1):
            if number > MAX_ROWS:
                raise _too_large()
            rows.append(Row(number, _trimmed(cell.strip() for cell in cells[:MAX_COLUMNS])))
    except csv.Error:
        raise UnreadableError("quotes", row=len(rows) + 1) from None
    return rows


def _refuse_open_quotes(sheet: Sheet, header: Row) -> None:
    """A quotation mark that is never closed swallows the rows after it; none may be lost so.

    It shows by a cell one of whose lines holds as many delimiters as a row does.
    """
    full = max(len(header.cells) - 1, 1)
    for row in sheet.rows if sheet.delimiter else ():
        for cell in row.cells:
            lines = str(cell).split("\n")[1:]
            if any(line.count(sheet.delimiter) >= full for line in lines):
                raise UnreadableError("quotes", row=row.number)


def _trimmed(cells: Iterable[object]) -> Cells:
    """Without the empty cells at the end, which spreadsheets add at will."""
    kept = list(cells)
    while kept and (kept[-1] == "" or kept[-1] is None):
        kept.pop()
    return tuple(kept)
