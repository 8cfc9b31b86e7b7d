"""What is asked about sessions, with a constant number of queries."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from sessions_app import actions, queries
from sessions_app.models import Session
from tests import factories

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def reception(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


def make(clinic, starts_at, **fields):
    return factories.SessionFactory(clinic=clinic, starts_at=starts_at, **fields)


@pytest.mark.parametrize("rows", [1, 30])
def test_people_are_loaded_with_two_queries(reception, rows, django_assert_num_queries):
    for n in range(rows):
        make(reception, NOW + n * HOUR)
    with django_assert_num_queries(2):
        names = [
            (s.therapist.name, s.service.name, [p.client.full_name for p in s.participants.all()])
            for s in queries.with_people(Session.objects.all())
        ]
    assert len(names) == rows


def test_between_takes_the_start_and_leaves_the_end(reception):
    inside = [make(reception, NOW), make(reception, NOW + DAY - HOUR)]
    make(reception, NOW - HOUR)
    make(reception, NOW + DAY)
    assert list(queries.between(Session.objects.all(), NOW, NOW + DAY)) == inside


def test_unrecorded_are_over_and_open(reception):
    over = make(reception, NOW - 2 * HOUR)
    older = make(reception, NOW - 2 * DAY, state="arrived")
    make(reception, NOW - dt.timedelta(minutes=49))
    make(reception, NOW - 3 * HOUR, state="attended")
    make(reception, NOW - 4 * HOUR, state="cancelled", cancelled_by="clinic")
    assert list(queries.unrecorded(Session.objects.all(), NOW)) == [over, older]


def test_next_start_of_each_client_of_a_couple(reception):
    wife, husband = factories.ClientFactory.create_batch(2, clinic=reception)
    make(reception, NOW + 2 * DAY, clients=[wife, husband])
    make(reception, NOW + DAY, clients=[husband])
    make(reception, NOW - DAY, clients=[wife])
    make(reception, NOW + HOUR, clients=[wife], state="cancelled", cancelled_by="client")
    starts = queries.next_starts(Session.objects.all(), [wife.pk, husband.pk], NOW)
    assert starts == {wife.pk: NOW + 2 * DAY, husband.pk: NOW + DAY}


def test_tally_counts_each_state(reception):
    make(reception, NOW)
    make(reception, NOW + HOUR)
    make(reception, NOW - HOUR, state="no_show")
    assert queries.tally(Session.objects.all()) == {"scheduled": 2, "no_show": 1}


def test_elsewhere_names_the_other_session_of_the_same_client(reception):
    client = factories.ClientFactory(clinic=reception)
    other = make(reception, NOW + HOUR, clients=[client])
    session = make(reception, NOW + HOUR, clients=[client])
    make(reception, NOW + 2 * HOUR, clients=[client])
    assert list(queries.elsewhere(session)) == [other]


def test_clients_named_in_the_history(reception):
    session = make(reception, NOW + HOUR)
    first = session.participants.get().client
    second = factories.ClientFactory(clinic=reception)
    actions.edit(session, clients=[second], service=session.service, now=NOW)
    changes = list(queries.history(session))
    assert queries.clients_named_in(changes) == {first.pk: first, second.pk: second}
    assert queries.clients_named_in([]) == {}
