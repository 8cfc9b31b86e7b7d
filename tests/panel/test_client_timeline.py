"""The timeline of a client's page, of one sort alone."""

import datetime as dt
import re

import pytest

from clinic.tenancy import Hat, wear
from patients import care
from patients.models import ConsentRecord
from sessions_app import actions
from tests import factories
from tests.panel.screens import CLINIC, html_of, text_of
from tests.panel.test_clients import follow_up_of

NOW = factories.NOW
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
SORTS = {
    "sessions": {"session", "change"},
    "messages": {"message"},
    "calls": {"task", "attempt"},
    "answers": {"response", "reply"},
    "decisions": {"event", "consent"},
}


def page(client):
    return f"{CLINIC}clients/{client.pk}/"


def kinds_of(response):
    part = re.search(r'id="timeline".*?</section>', html_of(response), re.DOTALL)[0]
    return re.findall(r'<li class="moment-(\w+)"', part)


def current_of(response):
    part = re.search(r'id="timeline".*?</nav>', html_of(response), re.DOTALL)[0]
    return re.findall(r'aria-current="true">([^<]+)</a>', part)


def live(clinic, people, receptionist, rows):
    """So many of every sort."""
    person = people["my_client"]
    for n in range(1, rows + 1):
        at = NOW - n * DAY
        session = factories.SessionFactory(
            clinic=clinic, therapist=people["mine"], clients=[person], starts_at=at
        )
        with wear(Hat.WEB, clinic_id=clinic.pk):
            actions.cancel(session, now=at, by=receptionist)
            care.mute(person, NOW.date() + n * DAY, now=at, by=receptionist)
        factories.MessageFactory(clinic=clinic, client=person, session=session, due_at=at)
        ConsentRecord.objects.create(
            clinic=clinic,
            client=person,
            purpose="motivation",
            given=True,
            source="panel",
            recorded_at=at,
        )
        follow_up_of(person, session, at, receptionist)
    return person


@pytest.fixture
def lived(clinic, people, receptionist):
    return live(clinic, people, receptionist, 1)


def test_everything_is_shown_at_first(as_reception, lived):
    response = as_reception.get(page(lived))
    assert set(kinds_of(response)) == set().union(*SORTS.values())
    assert current_of(response) == ["همه"]


@pytest.mark.parametrize("show", SORTS)
def test_one_sort_is_shown_alone(as_reception, lived, show):
    response = as_reception.get(page(lived), {"show": show})
    assert set(kinds_of(response)) == SORTS[show]
    assert len(current_of(response)) == 1
    assert current_of(response) != ["همه"]


def test_a_sort_that_is_none_shows_everything(as_reception, lived):
    assert current_of(as_reception.get(page(lived), {"show": "nonsense"})) == ["همه"]


def test_another_sort_begins_at_its_first_page_and_pages_keep_the_sort(as_reception, clinic, lived):
    for n in range(40):
        factories.MessageFactory(
            clinic=clinic, client=lived, session=None, rule_number=n, due_at=NOW - n * HOUR
        )
    second = as_reception.get(page(lived), {"show": "messages", "page": 2})
    assert len(kinds_of(second)) == 11
    html = html_of(second)
    assert 'href="?show=sessions#timeline"' in html
    assert 'href="?show=messages&page=1"' in html


def test_a_click_changes_only_the_timeline(as_reception, lived):
    headers = {"HX-Request": "true", "HX-Target": "timeline"}
    response = as_reception.get(page(lived), {"show": "calls"}, headers=headers)
    assert set(kinds_of(response)) == SORTS["calls"]
    assert "<html" not in html_of(response)
    assert "HX-Request" in response.headers["Vary"]


def test_an_empty_sort_says_so(as_reception, people):
    words = text_of(as_reception.get(page(people["my_client"]), {"show": "answers"}))
    assert "هنوز چیزی از این نوع ثبت نشده است." in words


def test_a_therapist_sees_of_a_sort_only_their_own(as_therapist, clinic, people):
    person = people["my_client"]
    session = factories.SessionFactory(
        clinic=clinic, therapist=people["hers"], clients=[person], starts_at=NOW - DAY
    )
    factories.MessageFactory(clinic=clinic, client=person, session=session, due_at=NOW - DAY)
    for show in ("sessions", "messages"):
        assert kinds_of(as_therapist.get(page(person), {"show": show})) == []


def test_an_outsider_finds_no_timeline(as_outsider, people):
    headers = {"HX-Request": "true", "HX-Target": "timeline"}
    path = page(people["my_client"])
    for address in (path, path.replace(CLINIC, "/c/omid/")):
        assert as_outsider.get(address, {"show": "calls"}, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("show", "queries"),
    [
        ("", 22),
        ("sessions", 15),
        ("messages", 13),
        ("calls", 14),
        ("answers", 14),
        ("decisions", 14),
    ],
)
@pytest.mark.parametrize("rows", [1, 30])
def test_the_timeline_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, receptionist, clinic, people, rows, show, queries, django_assert_num_queries
):
    person = live(clinic, people, receptionist, rows)
    headers = {"HX-Request": "true", "HX-Target": "timeline"}
    with django_assert_num_queries(queries):
        response = as_reception.get(page(person), {"show": show}, headers=headers)
    assert response.status_code == 200
