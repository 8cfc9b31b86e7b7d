import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import example, given, strategies as st

from exchange import reading
from exchange.headers import Kind
from exchange.reading import read_table
from exchange.reasons import FILES, UnreadableError
from tests.exchange.files import ALI, CLIENT_HEADER, SARA, csv_file, text, xlsx

LIST = [CLIENT_HEADER, SARA, ALI]
# What Windows-1256 can hold: Arabic ye and kaf, no Persian digits.
OLD_LIST = [
    ["شماره پرونده", "نام", "نام خانوادگي", "موبايل"],
    ["101", "پریا".replace("ی", "ي"), "کريمي", "09121234567"],
]


def clients(data: bytes) -> list[tuple[object, ...]]:
    return [row.cells for row in read_table(data, "list", Kind.CLIENTS).rows]


@pytest.mark.parametrize(
    "data",
    [
        csv_file(LIST),
        b"\xef\xbb\xbf" + csv_file(LIST),
        csv_file(LIST, ";"),
        csv_file(LIST, "\t"),
        csv_file(LIST, "|"),
        text(LIST).encode("utf-16"),
        text(LIST, "\t").encode("utf-16-le"),
        text(LIST).encode("utf-16-be"),
        b"\xfe\xff" + text(LIST).encode("utf-16-be"),
        text(LIST).replace("\r\n", "\n").encode(),
        text(LIST).replace("\r\n", "\r").encode(),
        csv_file(LIST) + b"\x1a",
        csv_file([["گزارش مراجعان، کلینیک آرامش"], ["تاریخ چاپ: 1405/09/01"], [], *LIST]),
        csv_file([["sep=;"], *LIST], ";"),
        csv_file([[*row, "", "", ""] for row in LIST]),
        csv_file([CLIENT_HEADER, [], SARA, ["", "", "", ""], ALI, [" ", "", "", ""]]),
        csv_file([CLIENT_HEADER, SARA, CLIENT_HEADER, ALI]),
        xlsx({"مراجعان": LIST}),
        xlsx({"جلد": [["کلینیک آرامش"]], "مراجعان": LIST, "راهنما": [["نام", "شرح"]]}),
        xlsx({"مراجعان": [["گزارش"], [], *LIST]}),
    ],
    ids=[
        *("utf-8", "bom", "semicolons", "tabs", "bars", "utf-16", "utf-16 le, no mark"),
        *("utf-16 be, no mark", "utf-16 be", "unix lines", "old mac lines", "dos end of file"),
        *("titles above", "sep line", "empty columns", "blank rows", "headings repeated"),
        *("xlsx", "xlsx of several sheets", "xlsx with a title"),
    ],
)
def test_a_list_is_read_from_every_form(data: bytes) -> None:
    assert clients(data) == [tuple(SARA), tuple(ALI)]


def test_windows_1256_is_read() -> None:
    data = text(OLD_LIST).encode("cp1256")
    assert clients(data) == [("101", "پريا", "کريمي", "09121234567")]


def test_rows_keep_the_numbers_of_the_sheet() -> None:
    rows = [["گزارش"], [], CLIENT_HEADER, SARA, [], ["7", "x", "دو\nخط", ""], ALI]
    for data in (csv_file(rows), xlsx({"x": rows})):
        table = read_table(data, "list", Kind.CLIENTS)
        assert [row.number for row in table.rows] == [4, 6, 7]


def test_the_sheet_whose_headings_fit_is_taken() -> None:
    sessions = [["شماره پرونده", "تاریخ", "ساعت", "درمانگر"], ["101", "1405/09/06", "17:30", "م"]]
    book = xlsx({"جلسات": sessions, "مراجعان": LIST})
    assert clients(book) == [tuple(SARA), tuple(ALI)]
    assert len(read_table(book, "list", Kind.SESSIONS).rows) == 1


def test_cells_of_a_workbook_keep_their_types() -> None:
    day = dt.datetime(2026, 11, 27, 17, 30)
    header = ["شماره پرونده", "نام خانوادگی", "تاریخ تولد", "x", "y", "z"]
    book = xlsx({"m": [header, [101.0, " احمدی ", day, 1.5, None, True]]})
    assert clients(book) == [(101, "احمدی", day, 1.5, "", True)]


def test_leading_zeros_that_a_sheet_shows_are_kept() -> None:
    book = xlsx({"m": [["شماره پرونده", "نام خانوادگی"], [12, "الف"]]}, {"A2": "00000"})
    assert clients(book) == [("00012", "الف")]


def test_rows_beyond_the_declared_size_of_a_sheet_are_read() -> None:
    book = xlsx({"m": LIST})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename.endswith("sheet1.xml"):
                content = content.replace(b'ref="A1:D3"', b'ref="A1"')
                assert b'ref="A1"' in content
            new.writestr(part, content)
    assert clients(out.getvalue()) == [tuple(SARA), tuple(ALI)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xls"),
        (b"%PDF-1.7\n...", "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image"),
        (b"\xff\xd8\xff\xe0....", "image"),
        (b"Rar!\x1a\x07", "archive"),
        (b"<html><body><table><tr><td>x</td></tr></table>", "html"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "binary"),
        (b"PK\x03\x04 nothing more", "damaged"),
        (b"hello, world", "no_header"),
        (csv_file([CLIENT_HEADER]), "no_rows"),
        (csv_file([["شماره پرونده", "موبایل"], ["1", "2"]]), "no_column"),
        (csv_file([["نام", "نام خانوادگی"], ["1", "2"]]), "no_column"),
        (text(LIST).encode().replace("احمدی".encode(), b"\xd8\xff\xa7"), "encoding"),
        (text(LIST).encode("utf-16")[:-1], "encoding"),
        (("a" * 140_000 + ",").encode() + csv_file(LIST), "quotes"),
        (text(LIST).replace("سارا", '"سارا').encode(), "quotes"),
    ],
)
def test_what_is_no_list_is_refused_with_a_reason(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(data, "list", Kind.CLIENTS)
    assert caught.value.code == code
    assert "%(" not in str(caught.value)


def test_the_row_of_an_open_quotation_mark_is_named() -> None:
    with pytest.raises(UnreadableError, match="۲"):
        clients(text([CLIENT_HEADER, SARA, ALI]).replace("سارا", '"سارا').encode())


def test_a_quoted_cell_may_hold_lines_and_delimiters() -> None:
    note = "خط اول، و\nخط دوم, با ویرگول"
    data = csv_file([[*CLIENT_HEADER, "نشانی"], [*SARA, note]])
    assert clients(data) == [(*SARA, note)]


def test_a_text_document_of_another_kind_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(UnreadableError) as caught:
        clients(out.getvalue())
    assert caught.value.code == "archive"


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_UNPACKED", 1000)
    with pytest.raises(UnreadableError) as caught:
        clients(xlsx({"m": LIST}))
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "data", [csv_file([*LIST, *[ALI] * 60]), xlsx({"m": [*LIST, *[ALI] * 60]})]
)
def test_too_many_rows_are_refused(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 50)
    with pytest.raises(UnreadableError) as caught:
        clients(data)
    assert caught.value.code == "too_large"


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(UnreadableError) as caught:
        clients(csv_file(LIST))
    assert caught.value.code == "too_large"


def test_workbooks_are_parsed_without_entities() -> None:
    assert openpyxl.DEFUSEDXML is True
    out = io.BytesIO()
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    with zipfile.ZipFile(io.BytesIO(xlsx({"m": LIST}))) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            new.writestr(part, bomb if "sheet1" in part.filename else old.read(part))
    with pytest.raises(UnreadableError) as caught:
        clients(out.getvalue())
    assert caught.value.code == "damaged"


BOOK = xlsx({"m": LIST})


@given(st.binary(max_size=400), st.sampled_from(list(Kind)))
@example(b"PK\x03\x04", Kind.CLIENTS)
def test_no_bytes_raise_anything_but_unreadable(data: bytes, kind: Kind) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(data, "list", kind)
    assert caught.value.code in FILES


@given(st.integers(0, len(BOOK) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_workbook_raises_nothing_but_unreadable(at: int, byte: int, cut: bool) -> None:
    data = BOOK[:at] if cut else BOOK[:at] + bytes([byte]) + BOOK[at + 1 :]
    try:
        clients(data)
    except UnreadableError as error:
        code = error.code
    else:
        return
    assert code in FILES


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_unreadable(typed: str) -> None:
    data = typed.encode("utf-8", "surrogatepass")
    for content in (data, csv_file(LIST) + data, typed.encode("utf-16", "surrogatepass")):
        try:
            clients(content)
        except UnreadableError as error:
            assert error.code in FILES  # noqa: PT017  both outcomes are right
