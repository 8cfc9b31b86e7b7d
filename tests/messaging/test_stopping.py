"""The address in letters that stops them: who it is for, what one press does, and that a visit does nothing.

The page it leads to is that of `tests/followup/test_preferences.py`.
"""

import pytest
import time_machine
from django.test import Client as Browser
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic.tenancy import Hat, wear
from messaging import stopping
from messaging.models import Reason, State
from patients.actions import set_consent
from patients.models import ConsentRecord
from sessions_app.models import CareTask
from tests.effort import examples
from tests.factories import NOW, ClientFactory, MessageFactory
from tests.messaging.inbound import consents

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
WANTED = ["transactional", "follow_up", "motivation", "campaign"]


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def person(clinic):
    return ClientFactory(clinic=clinic, consent_motivation=True, consent_campaign=True)


def path_for(client):
    with wear(Hat.WORKER, clinic_id=client.clinic_id):
        url = stopping.stop_url(client.clinic_id, client.pk)
    return "/u/" + url.partition("/u/")[2]


def browser():
    return Browser(raise_request_exception=False, enforce_csrf_checks=True)


def tasks_of(client):
    return CareTask.objects.filter(client=client, kind=CareTask.Kind.STOPPED)


def queued(client, purpose):
    return MessageFactory(
        clinic=client.clinic, client=client, session=None, purpose=purpose, occasion=purpose
    )


def test_a_visit_asks_and_changes_nothing(person):
    response = browser().get(path_for(person))

    assert response.status_code == 200
    assert "فقط درباره‌ی جلسه‌هایم" in response.content.decode()
    assert consents(person) == WANTED
    assert not tasks_of(person).exists()
    assert not ConsentRecord.objects.filter(client=person).exists()


@pytest.mark.parametrize(
    "said", [ONE_CLICK, {"do": "stop"}, {}], ids=["one click", "press", "bare"]
)
def test_a_post_stops_all_but_what_is_about_sessions(person, said):
    response = browser().post(path_for(person), said)

    assert response.status_code == 200
    assert "دیگر در این باره نمی‌نویسیم" in response.content.decode()
    assert consents(person) == ["transactional"]
    records = ConsentRecord.objects.filter(client=person)
    assert {(r.purpose, r.given, r.source) for r in records} == {
        (purpose, False, "link") for purpose in WANTED[1:]
    }
    assert tasks_of(person).count() == 1


def test_stopping_takes_back_what_is_queued(person, now):
    invitation = queued(person, "motivation")
    reminder = queued(person, "transactional")

    browser().post(path_for(person), ONE_CLICK)

    for message in (invitation, reminder):
        message.refresh_from_db()
    assert (invitation.state, invitation.reason) == (State.CANCELLED, Reason.NO_CONSENT)
    assert reminder.state == State.QUEUED


def test_stopping_twice_is_stopping_once(person):
    for _ in range(2):
        assert browser().post(path_for(person), ONE_CLICK).status_code == 200

    assert ConsentRecord.objects.filter(client=person).count() == 3
    assert tasks_of(person).count() == 1


def test_a_second_stop_after_a_change_of_mind_stops_again(person, now):
    browser().post(path_for(person), ONE_CLICK)
    with wear(Hat.WEB, clinic_id=person.clinic_id):
        set_consent(person, "follow_up", True, source="panel", now=now)

    browser().post(path_for(person), ONE_CLICK)

    assert consents(person) == ["transactional"]


def test_the_address_is_a_clients_for_ever(person):
    assert path_for(person) == path_for(person)


def test_an_address_is_one_clients_alone(person, clinic):
    sibling = ClientFactory(clinic=clinic)

    browser().post(path_for(person), ONE_CLICK)

    assert "follow_up" in consents(sibling)


def test_an_address_signed_for_one_client_does_not_open_another(person, clinic, other_clinic):
    paths = []
    for other in (ClientFactory(clinic=clinic), ClientFactory(clinic=other_clinic)):
        signature = path_for(person).rpartition("-")[0]
        paths.append((f"{signature}-{other.pk}/", other))
    for path, other in paths:
        assert browser().post(path, ONE_CLICK).status_code == 404
        assert "follow_up" in consents(other)


def test_an_address_that_no_letter_carried_leads_nowhere(person):
    token = stopping._token(person.clinic_id, person.pk)

    assert browser().post(f"/u/{token}/", ONE_CLICK).status_code == 404
    assert consents(person) == WANTED


def test_the_address_of_a_deleted_client_leads_nowhere(person):
    path = path_for(person)
    person.delete()

    assert browser().post(path, ONE_CLICK).status_code == 404


def test_the_address_works_in_capitals_and_without_its_slash(person):
    path = path_for(person)
    assert browser().get(path.rstrip("/")).status_code == 200
    assert browser().get("/u/" + path.removeprefix("/u/").upper()).status_code == 200


def test_the_page_says_nothing_of_whom_it_is_about(person):
    page = browser().get(path_for(person)).content.decode()

    for secret in (person.first_name, person.last_name, person.phone.removeprefix("+98")):
        assert secret not in page


def test_the_page_is_kept_by_nobody(person):
    response = browser().get(path_for(person))

    assert response["Cache-Control"] == "no-store, private"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response.cookies == {}


def test_a_strange_charset_is_no_error(person):
    path, kind = path_for(person), "application/x-www-form-urlencoded; charset=hex"

    response = browser().generic("POST", path, b"do=stop", content_type=kind)

    assert response.status_code == 200
    assert consents(person) == ["transactional"]


@effort(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(token=st.text(min_size=1, max_size=60), body=st.binary(max_size=60))
def test_no_address_and_no_body_is_an_error_of_ours(db, token, body):
    response = browser().generic("POST", f"/u/{token}/", body)

    assert response.status_code in (301, 404, 429)
