import datetime as dt

import pytest
from hypothesis import given, strategies as st

from exchange.headers import Kind, lay_out
from exchange.reading import Row, Table
from exchange.reasons import VALUES
from exchange.rows import file_number, read_clients, read_sessions
from exchange.statuses import read_status

NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)
START = dt.datetime(2026, 11, 27, 14, 0, tzinfo=dt.UTC)
WITHOUT = "The row was taken without this value."


@pytest.fixture(autouse=True)
def _in_english():
    from django.utils import translation

    with translation.override("en"):
        yield


def table(kind: Kind, **values: object) -> Table:
    return Table("list.csv", lay_out(list(values), kind), [Row(7, tuple(values.values()))])


def client(**values: object):
    found, problems = read_clients(
        table(Kind.CLIENTS, **({"file_no": "101", "last_name": "احمدی"} | values)),
        now=NOW,
        tz="Asia/Tehran",
    )
    return found[0] if found else None, [(p.column, p.value, p.reason) for p in problems]


def session(**values: object):
    found, problems = read_sessions(
        table(Kind.SESSIONS, **({"file_no": "101"} | values)), now=NOW, tz="Asia/Tehran"
    )
    return found[0] if found else None, [(p.column, p.value, p.reason) for p in problems]


def test_a_client_is_read_with_everything() -> None:
    row, problems = client(
        file_no="۱۰۱",
        honorific="خانم",
        first_name=" سارا ",
        last_name="احمدي",
        gender="زن",
        phone="0912 123 4567",
        email="sara@example.com",
        birth_date="1362/3/1",
        therapist="دکتر ملكی",
        service="فردی",
    )
    assert problems == []
    assert (row.number, row.file_no, row.therapist, row.service) == (7, "101", "دکتر ملکی", "فردی")
    assert row.values == {
        "honorific": "خانم",
        "first_name": "سارا",
        "last_name": "احمدی",
        "gender": "female",
        "phone": "+989121234567",
        "email": "sara@example.com",
        "birth_date": dt.date(1983, 5, 22),
    }


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("phone", "0912", "phone_too_short"),
        ("phone", "09121234567 / 09351234567", "phone_several"),
        ("phone", "9.12E+09", "phone_rounded"),
        ("phone", "مادر", "phone_letters"),
        ("phone", "88887777", "phone_no_area_code"),
        ("email", "sara@", "email"),
        ("birth_date", "1405/13/01", "date_no_such_day"),
        ("birth_date", "1362", "date_incomplete"),
        ("birth_date", "1405/09/06", "born_in_future"),
        ("gender", "x", "gender"),
        ("honorific", "#N/A", "spreadsheet_error"),
    ],
)
def test_a_bad_optional_value_is_reported_and_the_client_taken(column, value, code) -> None:
    row, problems = client(**{column: value})
    assert row.values == {"last_name": "احمدی"}
    assert problems == [(column, value, f"{VALUES[code]} {WITHOUT}")]


def test_limits_are_said_in_the_reason() -> None:
    assert client(birth_date="1280/01/01")[1] == [
        ("birth_date", "1280/01/01", f"This would be more than 120 years of age. {WITHOUT}")
    ]
    row, problems = client(honorific="خ" * 31)
    assert row.values == {"last_name": "احمدی"}
    assert problems[0][2] == f"This is too long: at most 30 characters. {WITHOUT}"


@pytest.mark.parametrize(
    ("values", "column", "reason"),
    [
        ({"file_no": ""}, "file_no", "This is missing."),
        ({"file_no": "نمونه"}, "file_no", "This is the template's example row."),
        ({"file_no": "Example"}, "file_no", "This is the template's example row."),
        ({"file_no": "1" * 31}, "file_no", "This is too long: at most 30 characters."),
        ({"file_no": "#REF!"}, "file_no", "The spreadsheet shows an error here."),
        ({"last_name": ""}, "last_name", "This is missing."),
        ({"last_name": "ا" * 81}, "last_name", "This is too long: at most 80 characters."),
    ],
)
def test_a_bad_required_value_makes_the_row_fall(values, column, reason) -> None:
    row, problems = client(**values)
    assert row is None
    assert problems == [(column, values[column], reason)]


@pytest.mark.parametrize("nothing", ["", "-", "—", "ندارد", "نامشخص", "N/A", "null"])
def test_words_for_nothing_say_nothing(nothing: str) -> None:
    row, problems = client(phone=nothing, email=nothing, birth_date=nothing, gender=nothing)
    assert row.values == {"last_name": "احمدی"}
    assert problems == []


def test_a_whole_name_is_not_cut() -> None:
    found, _problems = read_clients(
        table(Kind.CLIENTS, file_no="1", **{"نام و نام خانوادگی": "علی رضا محمدی"}),
        now=NOW,
        tz="Asia/Tehran",
    )
    assert found[0].values == {"whole_name": "علی رضا محمدی"}


@pytest.mark.parametrize(
    "values",
    [
        {"starts_at": "1405/09/06 17:30"},
        {"starts_at": "۱۷:۳۰ ۱۴۰۵/۹/۶"},
        {"starts_at": "2026-11-27T17:30:00+03:30"},
        {"starts_at": dt.datetime(2026, 11, 27, 17, 30)},
        {"date": "1405/09/06 17:30"},
        {"date": "1405/09/06", "time": "17:30"},
        {"date": "6 آذر 1405", "time": "۵:۳۰ عصر"},
        {"date": dt.datetime(2026, 11, 27), "time": dt.time(17, 30)},
        {"date": "1405/09/06", "time": 0.7291666666666666},
        {"date": "1405/09/06", "time": dt.datetime(1899, 12, 30, 17, 30)},
        {"date": "1405/09/06", "زمان شروع": "17:30"},
        {"date": "1405/09/06", "starts_at": "1405/09/06 17:30"},
        {"starts_at": "1405/09/06 17:30", "time": ""},
    ],
)
def test_a_start_may_be_one_column_or_two(values) -> None:
    row, problems = session(**values)
    assert problems == []
    assert row.starts_at == START


@pytest.mark.parametrize(
    ("values", "column", "code"),
    [
        ({"starts_at": ""}, "date", "missing"),
        ({"starts_at": "1405/09/06"}, "starts_at", "date_no_time"),
        ({"starts_at": dt.datetime(2026, 11, 27)}, "starts_at", "date_no_time"),
        ({"starts_at": "1405/09/31 17:30"}, "starts_at", "date_no_such_day"),
        ({"starts_at": "05/09/06 17:30"}, "starts_at", "date_short_year"),
        ({"date": "1405/09/06", "time": "5"}, "time", "date_not_a_time"),
        ({"date": "فردا", "time": "17:30"}, "date", "date_not_a_date"),
        ({"starts_at": "1405/09/06 17:30", "duration_minutes": "0"}, None, "duration_range"),
        ({"starts_at": "1405/09/06 17:30", "duration_minutes": "4"}, None, "duration_range"),
        ({"starts_at": "1405/09/06 17:30", "duration_minutes": "721"}, None, "duration_range"),
        ({"starts_at": "1405/09/06 17:30", "duration_minutes": "کوتاه"}, None, "duration"),
        ({"starts_at": "1405/09/06 17:30", "duration_minutes": "-50"}, None, "duration"),
        ({"starts_at": "1405/09/06 17:30", "ends_at": "17:30"}, "ends_at", "ends_before"),
        ({"starts_at": "1405/09/06 17:30", "ends_at": "16:00"}, "ends_at", "ends_before"),
        ({"starts_at": "1405/09/06 17:30", "status": "؟"}, "status", "status"),
        ({"starts_at": "1405/09/06 17:30", "status": "attended"}, "status", "not_yet"),
        ({"starts_at": "1405/09/06 17:30", "status": "غیبت"}, "status", "not_yet"),
        ({"starts_at": "1415/09/06 17:30"}, "starts_at", "too_far"),
    ],
)
def test_a_bad_value_makes_a_session_fall(values, column, code) -> None:
    column = column or "duration_minutes"
    row, problems = session(**values)
    assert row is None
    assert [(problem[0], problem[2]) for problem in problems] == [(column, str(VALUES[code]))]


@pytest.mark.parametrize(
    ("value", "minutes"),
    [
        ("45", 45),
        ("۴۵", 45),
        (45, 45),
        ("45.0", 45),
        ("45 دقیقه", 45),
        ("50 min", 50),
        ("1:30", 90),
        ("00:50:00", 50),
        ("1.5 ساعت", 90),
        (dt.time(0, 50), 50),
        (dt.timedelta(minutes=50), 50),
        ("5", 5),
        ("720", 720),
    ],
)
def test_a_duration_is_read_in_every_form(value, minutes) -> None:
    row, problems = session(starts_at="1405/09/06 17:30", duration_minutes=value)
    assert problems == []
    assert row.duration == dt.timedelta(minutes=minutes)


def test_a_duration_may_follow_from_the_end() -> None:
    for end in ("18:15", "1405/09/06 18:15", dt.time(18, 15)):
        row, problems = session(starts_at="1405/09/06 17:30", ends_at=end)
        assert problems == []
        assert row.duration == dt.timedelta(minutes=45)


@pytest.mark.parametrize(
    ("word", "state", "by"),
    [
        ("scheduled", "scheduled", ""),
        ("confirmed", "confirmed", ""),
        ("arrived", "arrived", ""),
        ("attended", "attended", ""),
        ("no_show", "no_show", ""),
        ("No-Show", "no_show", ""),
        ("cancelled", "cancelled", ""),
        ("رزرو شده", "scheduled", ""),
        ("تایید شده", "confirmed", ""),
        ("تأیید شده", "confirmed", ""),
        ("حاضر شد", "attended", ""),
        ("انجام‌شده", "attended", ""),
        ("برگزار شد", "attended", ""),
        ("غيبت", "no_show", ""),
        ("نیامد", "no_show", ""),
        ("لغو شد", "cancelled", ""),
        ("کنسل", "cancelled", ""),
        ("لغو توسط مراجع", "cancelled", "client"),
        ("لغو توسط درمانگر", "cancelled", "clinic"),
        ("لغو دیرهنگام", "cancelled", "late"),
    ],
)
def test_words_for_states_are_known(word, state, by) -> None:
    assert read_status(word) == (state, by)


def test_an_unknown_word_is_no_state() -> None:
    assert read_status("شاید") is None


@pytest.mark.parametrize(
    ("typed", "number"), [("۱۰۱", "101"), ("101.0", "101"), (" A-12 ", "A-12"), ("0012", "0012")]
)
def test_file_numbers_are_kept_in_ascii_digits(typed, number) -> None:
    assert file_number(typed) == number


cells = (
    st.text(max_size=30)
    | st.none()
    | st.floats()
    | st.integers()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.booleans()
)


@given(st.lists(cells, min_size=11, max_size=11))
def test_no_cell_raises(values) -> None:
    values = ["" if value is None else value for value in values]
    for kind, read in ((Kind.CLIENTS, read_clients), (Kind.SESSIONS, read_sessions)):
        from exchange.headers import SYNONYMS

        names = list(SYNONYMS[kind])
        rows = [Row(2, tuple(values[: len(names)]))]
        found, problems = read(Table("x", lay_out(names, kind), rows), now=NOW, tz="Asia/Tehran")
        assert found or problems
