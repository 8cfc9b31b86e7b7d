"""Two tabs, or a client and reception, at the same moment, with real transactions."""

import datetime as dt
import re
import threading
from collections import Counter

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from clinic.tenancy import EVERYWHERE, Hat, wear
from feedback.models import Response
from patients.models import ClientEvent, Treatment
from sessions_app import actions
from sessions_app.links import Purpose
from sessions_app.models import CareTask, ClientLink, Session, SessionChange
from tests import factories
from tests.locks import come_to_wait
from tests.sessions_app.client_links import attended, books_by_link, published, receives

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture(autouse=True)
def clear():
    cache.clear()


@pytest.fixture
def clinic(transactional_db):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return factories.ClinicFactory()


def everywhere(look):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return look()


def at_once(*presses):
    """Send forms from as many phones at the same moment; the answers' status codes."""
    barrier, statuses = threading.Barrier(len(presses)), []

    def press(path, fields):
        try:
            barrier.wait(timeout=20)
            statuses.append(Browser().post(path, fields).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=each) for each in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return Counter(statuses)


@pytest.fixture
def coming(clinic):
    def make():
        # Far from now: these tests run on the real clock.
        person = factories.ClientFactory(clinic=clinic)
        session = factories.SessionFactory(
            clinic=clinic, clients=[person], starts_at=timezone.now() + dt.timedelta(days=9)
        )
        return session, person

    session, person = everywhere(make)
    return session, published(Purpose.SESSION, session, person)


def test_four_taps_on_yes_are_one_change(coming):
    _, path = coming
    tap = (path, {"do": "come", "revision": "1"})
    assert at_once(tap, tap, tap, tap) == {303: 4}
    assert everywhere(SessionChange.objects.count) == 1


def test_four_taps_on_no_are_one_cancellation_and_one_task(coming):
    _, path = coming
    tap = (path, {"do": "cannot", "revision": "1"})
    assert at_once(tap, tap, tap, tap) == {303: 1, 409: 3}
    assert everywhere(SessionChange.objects.count) == 1
    assert everywhere(CareTask.objects.count) == 1


def test_yes_and_no_in_two_tabs_end_in_one_state_that_was_asked_for(coming):
    _, path = coming
    answers = at_once(
        (path, {"do": "come", "revision": "1"}), (path, {"do": "cannot", "revision": "1"})
    )
    assert answers in ({303: 2}, {303: 1, 409: 1})
    # Yes then no, or no and then a page that says so: the no stands either way.
    assert everywhere(Session.objects.get).state == "cancelled"


def test_a_wish_pressed_four_times_is_one_task(coming):
    _, path = coming
    tap = (path, {"do": "another", "days": "0"})
    assert at_once(tap, tap, tap, tap) == {303: 4}
    assert everywhere(CareTask.objects.count) == 1


def test_a_yes_waits_for_a_move_under_way_and_is_then_asked_again(coming):
    session, path = coming
    statuses = []

    def press():
        try:
            answer = Browser().post(path, {"do": "come", "revision": "1"})
            statuses.append(answer.status_code)
        finally:
            connection.close()

    thread = threading.Thread(target=press)
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        actions.move(session, starts_at=session.ends_at, now=session.booked_at)
        thread.start()
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, statuses) == (True, [409])
    assert everywhere(Session.objects.get).state == "scheduled"


@pytest.fixture
def held(clinic):
    def make():
        person = factories.ClientFactory(clinic=clinic)
        return attended(clinic, person), person

    return everywhere(make)


def published_now(purpose, session, person):
    path = published(purpose, session, person)
    everywhere(lambda: ClientLink.objects.update(created_at=timezone.now()))
    return path


def test_four_submissions_of_feedback_are_one_response_and_one_task(held):
    path = published_now(Purpose.FEEDBACK, *held)
    send = (path, {"overall": "1", "call_me": "on"})
    assert at_once(send, send, send, send) == {303: 4}
    assert everywhere(Response.objects.count) == 1
    assert everywhere(CareTask.objects.count) == 1


def test_two_different_answers_at_once_leave_one_whole_answer(held):
    path = published_now(Purpose.FEEDBACK, *held)
    at_once((path, {"overall": "5", "recommend": "10"}), (path, {"overall": "2", "recommend": "0"}))
    response = everywhere(Response.objects.get)
    assert (response.overall, response.recommend) in {(5, 10), (2, 0)}


def test_four_taps_on_finish_are_one_ending(held):
    path = published(Purpose.CHOICES, *held)
    tap = (path, {"do": "finish"})
    assert at_once(tap, tap, tap, tap) == {303: 4}
    assert everywhere(ClientEvent.objects.count) == 1


def test_two_choices_at_once_leave_what_the_last_one_says(held):
    path = published(Purpose.CHOICES, *held)
    assert at_once((path, {"do": "finish"}), (path, {"do": "continue"})) == {303: 2}
    link = everywhere(ClientLink.objects.get)
    treatment = everywhere(Treatment.objects.get)
    waiting = everywhere(lambda: CareTask.objects.filter(closed_at=None).count())
    expected = {"finish": ("completed", 0), "continue": ("active", 1)}
    assert (treatment.state, waiting) == expected[link.answer]


# -- Free times --------------------------------------------------------------------------------


@pytest.fixture
def free(clinic):
    """A therapist with free times, two clients of theirs, and each one's page to book."""

    def make():
        books_by_link(clinic)
        therapist = factories.TherapistFactory(clinic=clinic)
        service = factories.ServiceFactory(clinic=clinic)
        receives(therapist, *range(6), begins="08:00", ends="20:00")
        people = factories.ClientFactory.create_batch(2, clinic=clinic)
        return [
            attended(clinic, person, therapist=therapist, service=service, days_ago=10 + n)
            for n, person in enumerate(people)
        ], people

    sessions, people = everywhere(make)
    now = timezone.now()
    pages = [
        published(Purpose.BOOKING, it, who, now) for it, who in zip(sessions, people, strict=True)
    ]
    return sessions, people, pages


def starts_of(page):
    body = Browser().get(page).content.decode()
    return re.findall(r'name="start" value="([^"]+)"', body)


def booking(page, start):
    return page, {"do": "book", "start": start, "revision": "1"}


def booked():
    return everywhere(lambda: Session.objects.filter(source="online").count())


def test_four_taps_on_one_time_are_one_session(free):
    page = free[2][0]
    tap = booking(page, starts_of(page)[0])
    assert at_once(tap, tap, tap, tap) == {303: 4}
    assert booked() == 1


def test_of_two_clients_who_take_one_time_one_gets_it(free):
    pages = free[2]
    start = starts_of(pages[0])[0]
    assert at_once(*(booking(page, start) for page in pages)) == {303: 1, 409: 1}
    assert booked() == 1


def test_two_clients_with_two_times_both_get_theirs(free):
    pages = free[2]
    starts = starts_of(pages[0])
    assert at_once(*(booking(p, s) for p, s in zip(pages, starts, strict=False))) == {303: 2}
    assert booked() == 2


def test_two_links_of_one_treatment_book_one_session(free, clinic):
    (session, _), (person, _), (page, _) = free

    def make():
        return factories.SessionFactory(
            clinic=clinic,
            clients=[person],
            therapist=session.therapist,
            service=session.service,
            starts_at=session.starts_at - dt.timedelta(days=7),
            state="attended",
        )

    other = published(Purpose.BOOKING, everywhere(make), person, timezone.now())
    starts = starts_of(page)
    assert at_once(booking(page, starts[0]), booking(other, starts[1])) == {303: 1, 409: 1}
    assert booked() == 1


def test_a_time_that_reception_is_giving_away_is_waited_for_and_refused(free, clinic):
    (session, _), (_, other), (page, _) = free
    start, statuses = starts_of(page)[0], []

    def press():
        try:
            statuses.append(Browser().post(*booking(page, start)).status_code)
        finally:
            connection.close()

    thread = threading.Thread(target=press)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.book(
            clients=[other],
            therapist=session.therapist,
            service=session.service,
            starts_at=dt.datetime.fromisoformat(start),
            now=timezone.now(),
        )
        thread.start()
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, statuses) == (True, [409])
    assert booked() == 0
