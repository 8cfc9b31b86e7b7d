"""A client has died: what stops, what goes on, and what a mistake brings back."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from followup import preview
from followup.silent import long_silent
from messaging.models import Message
from patients import care
from patients.models import Purpose
from sessions_app import care_tasks
from sessions_app.actions import SessionError, cancel, edit, move
from sessions_app.models import CareTask
from tests import factories
from tests.followup.clinics import outbox, tehran
from tests.followup.practice import plan_at, practice, send_at
from tests.followup.scenes import SCENES

pytestmark = pytest.mark.usefixtures("owner", "gateway")

HOUR = dt.timedelta(hours=1)
DEATH = "2026-11-20 09:00"


def dies(place, at=DEATH, client=None):
    return place.do(care.record_death, client or place.client, at=at)


def lives(place, at, client=None):
    return place.do(care.undo_death, client or place.client, at=at)


# -- Rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.rule)
def test_no_rule_plans_for_the_deceased(scene):
    place, _ = scene.open()
    dies(place, at=scene.due)
    plan_at(scene.due)
    assert place.texts() == []


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.rule)
def test_the_scene_without_a_death_plans_one(scene):
    place, _ = scene.open()
    plan_at(scene.due)
    assert len(place.texts(scene.rule)) == 1


def test_the_preview_says_why():
    place = practice("reminder_24h")
    place.book("2026-11-28 17:30", at="2026-11-14 10:00")
    dies(place)
    with place.inside():
        texts = preview.upcoming(
            place.clinic, tehran("2026-11-21 10:00"), tehran("2026-11-29 10:00")
        )
    assert [(text.state, text.reason) for text in texts] == [("skipped", "deceased")]


def test_a_planned_text_does_not_leave():
    place = practice("reminder_24h")
    place.book("2026-11-28 17:30", at="2026-11-14 10:00")
    dies(place)
    with wear(Hat.OWNER, clinic_id=place.clinic.pk):
        factories.MessageFactory(
            clinic=place.clinic,
            client=place.client,
            session=place.client.sessions.get(),
            rule_number=place.rule("reminder_24h").pk,
            due_at=tehran("2026-11-27 17:30"),
        )
    send_at("2026-11-27 17:31")
    assert place.texts() == [("skipped", "deceased")]


def test_every_waiting_text_is_cancelled_and_says_why():
    place = practice("reminder_24h")
    with wear(Hat.OWNER, clinic_id=place.clinic.pk):
        for number, purpose in enumerate(Purpose.values, start=101):
            factories.MessageFactory(
                clinic=place.clinic,
                client=place.client,
                session=None,
                purpose=purpose,
                rule_number=number,
            )
        factories.MessageFactory(
            clinic=place.clinic, client=place.client, session=None, rule_number=1, state="sent"
        )
    dies(place)
    assert sorted(place.texts()) == [("cancelled", "deceased")] * 4 + [("sent", "")]


def test_staff_may_cancel_and_no_text_tells_of_it():
    place = practice("cancelled", "moved")
    first, second = (place.book(f"2026-11-{d} 17:30", at="2026-11-14 10:00") for d in (28, 29))
    dies(place)
    place.do(cancel, first, at="2026-11-21 10:00", tell=True)
    place.do(move, second, starts_at=tehran("2026-12-05 17:30"), at="2026-11-21 10:00", tell=True)
    plan_at("2026-11-21 10:05")
    assert place.texts() == []


# -- Relatives ---------------------------------------------------------------------------------


def test_a_relative_with_the_same_phone_is_still_reminded():
    place = practice("reminder_24h")
    wife = place.someone(phone=place.client.phone)
    for client, hour in ((place.client, "17:30"), (wife, "18:30")):
        place.book(f"2026-11-28 {hour}", at="2026-11-14 10:00", clients=[client])
    dies(place)
    plan_at("2026-11-27 18:50")
    assert [message.client for message in outbox(place.clinic)] == [wife]


def test_whom_a_couple_leaves_behind_is_still_reminded():
    place = practice("reminder_24h")
    wife = place.someone(phone=place.client.phone)
    place.book("2026-11-28 17:30", at="2026-11-14 10:00", clients=[place.client, wife])
    dies(place)
    plan_at("2026-11-27 17:50")
    assert [message.client for message in outbox(place.clinic)] == [wife]


def test_a_couples_waiting_text_becomes_that_of_the_other():
    place = practice("reminder_24h")
    wife = place.someone(phone=place.client.phone)
    place.book("2026-11-28 17:30", at="2026-11-14 10:00", clients=[place.client, wife])
    plan_at("2026-11-27 17:50")
    assert [message.client for message in outbox(place.clinic)] == [place.client]
    dies(place, at="2026-11-27 17:50")
    (message,) = outbox(place.clinic)
    assert (message.client, message.state) == (wife, "queued")


def test_no_text_of_another_family_is_touched():
    place = practice("reminder_24h")
    stranger = place.someone()
    place.book("2026-11-28 17:30", at="2026-11-14 10:00", clients=[place.client, stranger])
    plan_at("2026-11-27 17:50")
    dies(place, at="2026-11-27 17:50")
    found = {message.client_id: message.state for message in outbox(place.clinic)}
    assert found == {place.client.pk: "cancelled", stranger.pk: "queued"}


# -- A mistake ---------------------------------------------------------------------------------


def test_what_falls_due_after_a_mistake_is_planned_again():
    place = practice("reminder_24h")
    place.book("2026-11-28 17:30", at="2026-11-14 10:00")
    dies(place)
    plan_at("2026-11-26 10:00")
    lives(place, at="2026-11-26 10:30")
    plan_at("2026-11-27 17:50")
    assert place.texts() == [("queued", "")]


def test_what_fell_due_meanwhile_is_not_sent_late():
    place = practice("reminder_24h", "reminder_72h")
    place.book("2026-11-28 17:30", at="2026-11-14 10:00")
    dies(place)
    plan_at("2026-11-25 17:50")
    lives(place, at="2026-11-25 18:00")
    plan_at("2026-11-25 18:05")
    assert place.texts() == []
    plan_at("2026-11-27 17:50")
    assert [message.rule_key for message in outbox(place.clinic)] == ["reminder_24h"]


def test_one_clients_mistake_holds_nobody_else_back():
    place = practice("reminder_24h")
    other = place.someone()
    place.book("2026-11-28 17:30", at="2026-11-14 10:00", clients=[other])
    dies(place)
    lives(place, at="2026-11-27 17:45")
    plan_at("2026-11-27 17:50")
    assert [message.client for message in outbox(place.clinic)] == [other]


# -- Calls -------------------------------------------------------------------------------------


def test_no_rule_asks_anybody_to_call():
    place = practice("no_show", "no_next_booking")
    place.missed("2026-11-07 15:00")
    place.missed("2026-11-14 15:00")
    place.came("2026-11-16 15:00")
    dies(place, at="2026-11-16 16:00")
    for day in range(16, 30):
        plan_at(f"2026-11-{day} 20:00")
    assert place.tasks() == []


def test_a_pause_that_is_over_asks_nobody():
    place = practice("silent_1")
    place.came("2026-10-31 15:00")
    until = tehran("2026-11-25 12:00").date()
    place.do(care.pause_treatment, place.treatment, until, at="2026-11-10 10:00")
    dies(place)
    plan_at("2026-11-25 10:00")
    plan_at("2026-11-26 10:00")
    assert place.tasks() == []


def test_the_long_silent_are_among_the_living():
    place = practice("silent_1")
    place.came("2026-03-07 15:00")
    now = tehran("2026-11-21 10:00")
    with place.inside():
        assert long_silent(place.clinic, now).count() == 1
    dies(place)
    with place.inside():
        assert long_silent(place.clinic, now).count() == 0


def an_open_task(place, **fields):
    with place.inside():
        now = tehran("2026-11-18 10:00")
        values = {"occasion": "reply:1", "due_at": now, "now": now} | fields
        return care_tasks.open_task(CareTask.Kind.REPLY, place.client, **values)


def test_open_calls_are_closed_with_their_reason():
    place = practice("silent_1")
    task = an_open_task(place)
    with place.inside():
        someone = factories.UserFactory()
    place.do(care.record_death, place.client, at=DEATH, by=someone)
    task.refresh_from_db()
    assert (task.outcome, task.closed_at, task.closed_by) == ("deceased", tehran(DEATH), someone)
    with place.inside():
        assert [tried.outcome for tried in task.attempts.all()] == ["deceased"]


def test_a_mistake_opens_exactly_those_again():
    place = practice("silent_1")
    done, waiting = an_open_task(place), an_open_task(place, occasion="reply:2")
    place.do(care_tasks.attempt, done, "done", at="2026-11-18 11:00")
    dies(place)
    lives(place, at="2026-11-22 10:00")
    done.refresh_from_db()
    waiting.refresh_from_db()
    assert (done.outcome, done.closed_at is None) == ("done", False)
    assert (waiting.outcome, waiting.closed_at) == ("", None)
    assert waiting.due_at == tehran("2026-11-22 10:00")


# -- Booking -----------------------------------------------------------------------------------


def test_no_session_is_booked_for_the_deceased():
    place = practice("booked")
    dies(place)
    with pytest.raises(SessionError) as refused:
        place.book("2026-11-28 17:30", at="2026-11-21 10:00")
    assert refused.value.field == "clients"
    with place.inside():
        assert place.client.sessions.count() == 0


def test_nobody_is_added_to_a_session_after_their_death():
    place = practice("booked")
    wife = place.someone()
    session = place.book("2026-11-28 17:30", at="2026-11-14 10:00", clients=[wife])
    dies(place)
    with pytest.raises(SessionError):
        place.do(
            edit,
            session,
            clients=[wife, place.client],
            service=place.service,
            at="2026-11-21 10:00",
        )
    with place.inside():
        assert list(session.clients.all()) == [wife]


def test_whoever_was_in_a_session_before_may_stay_in_its_record():
    place = practice("booked")
    session = place.came("2026-11-14 17:30")
    dies(place)
    place.do(edit, session, clients=[place.client], service=place.service, at="2026-11-21 10:00")
    with place.inside():
        assert list(session.clients.all()) == [place.client]
        assert Message.objects.count() == 0
