"""Whoever asks again, by link, after somebody has closed the task: it opens, and no more than that.

A closing may have ended treatments. Taking it back is a decision of staff; a client who presses a
button again has only asked again.
"""

import pytest

from clinic.tenancy import Hat, wear
from feedback.models import Response
from patients import care
from patients.models import Treatment
from sessions_app import care_tasks
from sessions_app.links import Purpose
from sessions_app.models import CareTask
from tests import factories
from tests.sessions_app.client_links import DAY, HOUR, NOW, attended, published, visitor

pytestmark = pytest.mark.usefixtures("clock")

MINUTE = HOUR / 60


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def phone():
    return visitor()


def treatment_of(session, person):
    return Treatment.objects.create(
        clinic=session.clinic,
        client=person,
        therapist=session.therapist,
        service=session.service,
        started_at=NOW - 100 * DAY,
    )


def close(clinic, outcome, now=NOW):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care_tasks.attempt(CareTask.objects.get(), outcome, now=now)


def test_going_on_after_having_chosen_to_finish_is_asked_again(clinic, person, phone, clock):
    path = published(Purpose.CHOICES, attended(clinic, person), person)
    for n, do in enumerate(["continue", "finish", "continue"]):
        clock.move_to(NOW + n * MINUTE)
        assert phone.post(path, {"do": do}).status_code == 303
    task, treatment = CareTask.objects.get(), Treatment.objects.get()
    assert (task.kind, task.outcome, task.closed_at) == ("continue", "", None)
    assert (treatment.state, treatment.ended_at) == ("active", None)


@pytest.mark.parametrize("note", ["", "پنجشنبه بهتر است"], ids=["same words", "other words"])
@pytest.mark.parametrize("taken_back", [False, True], ids=["ended", "going on"])
def test_another_time_after_a_call_that_ended_the_treatment(
    clinic, person, phone, clock, note, taken_back
):
    session = factories.SessionFactory(clinic=clinic, clients=[person])
    treatment = treatment_of(session, person)
    path = published(Purpose.SESSION, session, person)
    phone.post(path, {"do": "another"})
    close(clinic, "finished")
    if taken_back:
        with wear(Hat.WEB, clinic_id=clinic.pk):
            care.resume_treatment(treatment, now=NOW + MINUTE)
    clock.move_to(NOW + HOUR)
    assert phone.post(path, {"do": "another", "note": note}).status_code == 303
    assert CareTask.objects.get().closed_at is None
    treatment.refresh_from_db()
    assert treatment.state == ("active" if taken_back else "completed")


def test_feedback_changed_after_its_call_is_kept_and_asks_again(clinic, person, phone, clock):
    session = attended(clinic, person, days_ago=1)
    path = published(Purpose.FEEDBACK, session, person)
    phone.post(path, {"overall": "2"})
    close(clinic, "finished")
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.resume_treatment(Treatment.objects.get(), now=NOW + MINUTE)
    clock.move_to(NOW + 10 * MINUTE)
    assert phone.post(path, {"overall": "2", "recommend": "3"}).status_code == 303
    assert Response.objects.get().recommend == 3
    assert CareTask.objects.get().closed_at is None


def test_what_is_asked_again_at_night_is_due_in_the_morning(clinic, person, phone, clock):
    session = factories.SessionFactory(clinic=clinic, clients=[person])
    path = published(Purpose.SESSION, session, person)
    phone.post(path, {"do": "another"})
    close(clinic, "done")
    clock.move_to(NOW + 12 * HOUR)  # 22:00
    phone.post(path, {"do": "another"})
    assert CareTask.objects.get().due_at == NOW + 23 * HOUR
