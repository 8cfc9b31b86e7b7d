"""What is foretold of one client or one session is what the whole clinic's forecast says of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies as st

from clinic.tenancy import Hat, wear
from followup.preview import upcoming
from sessions_app import rhythm
from sessions_app.models import Session
from tests import factories
from tests.followup.clinics import tehran
from tests.followup.practice import only_for_now, practice
from tests.followup.scenes import SCENES
from tests.followup.test_preview import DAY, NOWS, clients, people_of, session_of, visits

#: Two clients with one phone get one text of a session, so that neither is alone there.
of_their_own = clients.map(lambda values: values | {"phone": "own"})


@pytest.fixture(autouse=True)
def hat(owner, gateway):
    """Across clinics for the test's own looks."""


def told(previews):
    return [
        (it.session.pk, it.rule.pk, it.client.pk, it.text, it.due_at, it.state, it.reason)
        for it in previews
    ]


@pytest.mark.parametrize("scene", SCENES, ids=[s.rule for s in SCENES])
def test_a_text_of_each_rule_is_foretold_to_its_client_and_of_its_session(scene):
    p, _ = scene.open()
    since, until = tehran(scene.due) - DAY, tehran(scene.due)
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        (text,) = upcoming(p.clinic, since, until)
        assert told(upcoming(p.clinic, since, until, client=text.client)) == told([text])
        assert told(upcoming(p.clinic, since, until, session=text.session)) == told([text])


def test_nothing_is_foretold_to_somebody_else():
    p, _ = SCENES[0].open()
    other = factories.ClientFactory(clinic=p.clinic)
    due = tehran(SCENES[0].due)
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        assert upcoming(p.clinic, due - DAY, due, client=other) == []


def test_all_rules_are_asked_about_one_client_in_one_statement():
    p, _ = SCENES[0].open()
    due = tehran(SCENES[0].due)
    with wear(Hat.WEB, clinic_id=p.clinic.pk), CaptureQueriesContext(connection) as asked:
        upcoming(p.clinic, due - DAY, due, client=p.client)
    assert sum("WITH found" in query["sql"] for query in asked) == 1


@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    now=st.sampled_from(NOWS),
    drawn=st.lists(of_their_own, min_size=3, max_size=3),
    history=st.lists(visits, min_size=8, max_size=12),
)
def test_what_is_foretold_of_few_is_what_is_foretold_of_all(now, drawn, history):
    with only_for_now():
        p = practice()
        since = tehran(now)
        until = since + 30 * DAY
        with wear(Hat.WEB, clinic_id=p.clinic.pk):
            people = [p.client, *people_of(p, drawn)]
            for n, it in enumerate(history):
                session_of(p, people, n, since, it)
            rhythm.refresh_clinic(p.clinic.pk)
            every = upcoming(p.clinic, since, until)
            for person in people:
                mine = [text for text in every if text.client == person]
                assert told(upcoming(p.clinic, since, until, client=person)) == told(mine)
            for session in Session.objects.all():
                sessions = {(text.session.pk, text.client.pk) for text in every}
                about = upcoming(p.clinic, since, until, session=session)
                asked = {(text.session.pk, text.client.pk) for text in about}
                assert asked == {key for key in sessions if key[0] == session.pk}
