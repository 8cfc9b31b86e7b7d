"""The session as an iCalendar file: read back as a calendar reads it."""

import datetime as dt

import pytest
import time_machine
from hypothesis import given, strategies as st

from clinic.tenancy import Hat, wear
from sessions_app import actions, client_calendar
from sessions_app.models import Session
from tests import factories
from tests.sessions_app.client_links import DAY, NOW, Purpose, published, visitor


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def session(clinic):
    return factories.SessionFactory(clinic=clinic, clients=[factories.ClientFactory(clinic=clinic)])


@pytest.fixture
def path(session):
    return published(Purpose.SESSION, session, session.clients.get())


def read(file):
    """Properties of the one event, by RFC 5545: unfolded, then unescaped."""
    assert file.endswith(b"\r\n")
    assert b"\n" not in file.replace(b"\r\n", b"")
    lines = file[:-2].replace(b"\r\n ", b"").decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VEVENT", "END:VCALENDAR"]
    start = lines.index("BEGIN:VEVENT")
    assert lines[1:start] == ["VERSION:2.0", "PRODID:-//Peygir//FA", "METHOD:PUBLISH"]
    found = dict(line.split(":", 1) for line in lines[start + 1 : -2])
    return {name: unescaped(value) for name, value in found.items()}


def unescaped(value):
    out, letters = "", iter(value)
    for letter in letters:
        following = next(letters) if letter == "\\" else ""
        out += {"n": "\n"}.get(following, following) if following else letter
    return out


def test_the_file_is_a_calendars(session, path):
    file = visitor().get(f"{path}/calendar.ics")
    assert file.status_code == 200
    assert file["Content-Type"] == "text/calendar; charset=utf-8"
    assert file["Content-Disposition"] == 'attachment; filename="calendar.ics"'
    assert "no-store" in file["Cache-Control"]
    event = read(file.content)
    uid = event.pop("UID")
    assert event == {
        "DTSTAMP": "20261113T140000Z",
        "DTSTART": "20261123T140000Z",
        "DTEND": "20261123T145000Z",
        "SEQUENCE": "1",
        "SUMMARY": "کلینیک آرامش",
    }
    assert uid.endswith("@peygir")
    assert path.removeprefix("/s/") not in uid  # calendars are shared; the key is not


def test_nothing_in_the_file_says_who_or_what_for(session, path):
    file = visitor().get(f"{path}/calendar.ics").content.decode()
    person = session.clients.get()
    for word in (person.last_name, person.phone, session.service.name, session.therapist.title):
        assert word not in file


def test_a_moved_session_is_the_same_event_with_a_newer_time(session, path):
    before = read(visitor().get(f"{path}/calendar.ics").content)
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        actions.move(Session.objects.get(), starts_at=session.starts_at + DAY, now=NOW)
    after = read(visitor().get(f"{path}/calendar.ics").content)
    assert after["UID"] == before["UID"]
    assert (after["DTSTART"], after["SEQUENCE"]) == ("20261124T140000Z", "2")


def test_two_sessions_are_two_events(session, clinic):
    other = factories.SessionFactory(clinic=clinic, clients=[])
    assert read(client_calendar.event(other))["UID"] != read(client_calendar.event(session))["UID"]


@pytest.mark.parametrize(
    ("online", "where"), [("", "خیابان ولیعصر، پلاک ۱"), ("https://x.ir", None)]
)
def test_a_session_at_the_clinic_says_where(session, online, where):
    session.clinic.address, session.online_url = "خیابان ولیعصر، پلاک ۱", online
    assert read(client_calendar.event(session)).get("LOCATION") == where


@pytest.mark.parametrize(
    "fields",
    [{"state": "cancelled"}, {"state": "attended"}, {"starts_at": NOW - DAY}],
    ids=["cancelled", "attended", "past"],
)
def test_a_session_that_nobody_can_come_to_has_no_file(clinic, fields):
    person = factories.ClientFactory(clinic=clinic)
    session = factories.SessionFactory(clinic=clinic, clients=[person], **fields)
    page = visitor().get(f"{published(Purpose.SESSION, session, person)}/calendar.ics")
    assert page.status_code == 410
    assert page["Content-Type"].startswith("text/html")


def test_the_file_is_only_read(path):
    assert visitor().post(f"{path}/calendar.ics").status_code == 405


#: What a clinic's cleaned name and address can hold, and more.
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=300)


@given(name=NAMES, address=NAMES)
def test_any_name_survives_escaping_and_folding(name, address):
    session = Session(
        pk=7,
        clinic=factories.ClinicFactory.build(pk=3, name=name, address=address),
        starts_at=NOW,
        ends_at=NOW + dt.timedelta(hours=1),
        booked_at=NOW,
    )
    file = client_calendar.event(session)
    for line in file.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no letter is cut in two
    event = read(file)
    assert event["SUMMARY"] == name
    assert event.get("LOCATION", "") == address
