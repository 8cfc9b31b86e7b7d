"""What a program, not a thumb, might post to the pages of clients: refused, and never an error."""

import pytest
import time_machine

from feedback.models import Response
from patients.models import ClientEvent
from sessions_app.links import Purpose
from sessions_app.models import CareTask, Session
from tests import factories
from tests.sessions_app.client_links import NOW, attended, published, visitor

#: More digits than Python turns into a number.
HUGE = "9" * 5000


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def coming(clinic, person):
    session = factories.SessionFactory(clinic=clinic, clients=[person])
    return published(Purpose.SESSION, session, person)


@pytest.mark.parametrize("do", ["come", "cannot"])
@pytest.mark.parametrize(
    "revision",
    [HUGE, "9" * 30, "-1", "1.0", "1\x00", ""],
    ids=["huge", "long", "below", "broken", "nul", "none"],
)
def test_a_revision_that_is_none_changes_nothing(coming, do, revision):
    page = visitor().post(coming, {"do": do, "revision": revision})
    assert page.status_code == 409
    assert Session.objects.get().state == "scheduled"


@pytest.mark.parametrize(
    "sent",
    [
        {"months": HUGE},
        {"months": "۹" * 5000},
        {"month": f"{HUGE}-1", "day": "1"},
        {"month": "1405-9", "day": HUGE},
        {"month": f"{10**40}-1", "day": "1"},
        {"month": "1405-9\x00", "day": "1"},
        {"month": "0-0", "day": "0"},
    ],
    ids=["months", "persian months", "year", "day", "far year", "nul", "zero"],
)
def test_a_break_until_no_day_changes_nothing(clinic, person, sent):
    path = published(Purpose.CHOICES, attended(clinic, person), person)
    page = visitor().post(path, {"do": "pause", **sent})
    assert page.status_code == 422
    assert not ClientEvent.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        {"overall": HUGE},
        {"overall": "1\x00"},
        {"overall": "6"},
        {"overall": "5", "recommend": HUGE},
        {"overall": "5", "comment": "خوب\x00"},
        {"overall": "5", "comment": "آ" * 2001},
    ],
)
def test_feedback_that_no_form_sends_is_not_kept(clinic, person, sent):
    path = published(Purpose.FEEDBACK, attended(clinic, person), person)
    assert visitor().post(path, sent).status_code == 422
    assert not Response.objects.exists()


def test_a_day_ticked_twice_is_said_once(coming):
    visitor().post(coming, {"do": "another", "days": ["3", "0", "3"], "parts": ["evening"] * 2})
    visitor().post(coming, {"do": "another", "days": ["3", "0", "3"], "parts": ["evening"] * 2})
    assert CareTask.objects.get().text.count("سه‌شنبه") == 1


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=utf-16",
    ],
)
def test_a_body_of_another_kind_is_refused(coming, kind):
    page = visitor().post(coming, b"do=cannot&revision=1", content_type=kind)
    assert page.status_code == 400
    assert Session.objects.get().state == "scheduled"


def test_a_body_of_many_megabytes_is_refused(coming):
    page = visitor().post(coming, {"do": "another", "note": "x" * (6 * 2**20)})
    assert page.status_code in (400, 413, 422)
    assert not CareTask.objects.exists()


def test_thousands_of_fields_are_refused(coming):
    page = visitor().post(coming, {"do": "another", "days": ["0"] * 2000})
    assert page.status_code == 400
    assert not CareTask.objects.exists()


def test_ids_in_a_body_are_not_looked_at(clinic, person, coming):
    other = factories.SessionFactory(clinic=clinic, starts_at=NOW.replace(day=29))
    mine, theirs = Session.objects.exclude(pk=other.pk).get(), other
    sent = {"session": theirs.pk, "session_id": theirs.pk, "pk": theirs.pk, "client": "1"}
    visitor().post(coming, {"do": "cannot", "revision": "1", **sent})
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == ("cancelled", "scheduled")
