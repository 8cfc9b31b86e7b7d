import pytest

from exchange.headers import SYNONYMS, Kind, fit, key, lay_out, missing, persian_heading


def fields(kind: Kind, *headings: str) -> dict[str, str]:
    return {name: column.heading for name, column in lay_out(headings, kind).columns.items()}


CONTRACT = {
    Kind.CLIENTS: (
        "file_no, honorific, first_name, last_name, gender, phone, email, birth_date, therapist,"
        " service"
    ),
    Kind.SESSIONS: "session_no, file_no, therapist, service, starts_at, duration_minutes, status",
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_heading_of_the_contract_is_known(kind: Kind) -> None:
    headings = [heading.strip() for heading in CONTRACT[kind].split(",")]
    assert fields(kind, *headings) == {heading: heading for heading in headings}
    assert fit(headings, kind) == len(headings)


@pytest.mark.parametrize("kind", list(Kind))
def test_no_heading_means_two_fields(kind: Kind) -> None:
    keys = [{key(heading) for heading in headings} for headings in SYNONYMS[kind].values()]
    assert len(set().union(*keys)) == sum(map(len, keys))


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("شماره پرونده", "file_no"),
        ("شماره‌ي پرونده", "file_no"),
        (" شماره   پرونده: ", "file_no"),
        ("FILE NO.", "file_no"),
        ("File-No", "file_no"),
        ("كد مراجع", "file_no"),
        ("نام خانوادگي", "last_name"),
        ("نام‌خانوادگی", "last_name"),
        ("نام و نام خانوادگی", "full_name"),
        ("موبایل", "phone"),
        ("شماره همراه *", "phone"),
        ("تاریخ تولد", "birth_date"),
        ("E-mail", "email"),
        ("روان‌شناس", "therapist"),
        ("روانشناس", "therapist"),
        ("نوع جلسه", "service"),
    ],
)
def test_spellings_of_a_heading_mean_one_field(heading: str, field: str) -> None:
    assert fields(Kind.CLIENTS, heading) == {field: heading.strip().replace("   ", " ")}


def test_the_better_heading_wins_and_the_other_is_reported() -> None:
    layout = lay_out(["تلفن", "موبایل", "نشانی", ""], Kind.CLIENTS)
    assert layout.columns["phone"].index == 1
    assert list(layout.ignored) == ["تلفن", "نشانی"]


def test_date_and_time_may_be_two_columns() -> None:
    assert fields(Kind.SESSIONS, "تاریخ", "ساعت", "تا ساعت") == {
        "date": "تاریخ",
        "time": "ساعت",
        "ends_at": "تا ساعت",
    }


@pytest.mark.parametrize(
    ("kind", "headings", "gaps"),
    [
        (Kind.CLIENTS, ["file_no", "last_name"], []),
        (Kind.CLIENTS, ["file_no", "نام"], []),
        (Kind.CLIENTS, ["file_no", "phone"], [("last_name", "full_name", "first_name")]),
        (Kind.SESSIONS, ["file_no", "تاریخ"], []),
        (Kind.SESSIONS, ["starts_at", "status"], [("file_no",)]),
    ],
)
def test_missing_names_the_columns_a_list_cannot_do_without(kind, headings, gaps) -> None:
    assert missing(lay_out(headings, kind), kind) == gaps


@pytest.mark.parametrize("kind", list(Kind))
def test_every_field_has_a_persian_heading(kind: Kind) -> None:
    for field in SYNONYMS[kind]:
        assert fields(kind, persian_heading(kind, field)) == {field: persian_heading(kind, field)}
