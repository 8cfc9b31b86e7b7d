"""The page of a silent client: four ways to go on, and what each of them stops."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from followup import client_choices
from followup.client_choices import Choice, Standing
from patients import care
from patients.models import Treatment
from sessions_app import actions, care_tasks, rhythm
from sessions_app.models import CareTask, ClientLink
from tests import factories
from tests.followup.choices_page import (
    FOUR,
    Kind,
    State,
    choose,
    events,
    offered,
    staff,
    tasks,
    treatment,
)
from tests.followup.clinics import live_clinic, outbox, tehran, tick
from tests.sessions_app.client_links import (
    DAY,
    HOUR,
    NOW,
    Purpose,
    attended,
    published,
    text_of,
    visitor,
)

pytestmark = pytest.mark.usefixtures("clock")


# -- Four ways ---------------------------------------------------------------------------------


def test_four_ways_are_offered_alike(phone, path):
    page = phone.get(path)
    assert offered(page) == list(FOUR)
    assert "با خانم دکتر صادقی مدتی گذشته است" in text_of(page)
    body = page.content.decode()
    assert body.count('class="act start"') == 4
    assert "act main" not in body
    assert events() == []


@pytest.mark.parametrize(
    ("do", "kind", "words"),
    [
        ("continue", Kind.CONTINUE, "پذیرش به‌زودی تماس می‌گیرد"),
        ("call_me", Kind.CALL_ME, "با شما تماس می‌گیریم"),
    ],
)
def test_going_on_and_a_call_are_for_reception(phone, path, session, person, do, kind, words):
    done = choose(phone, path, do)
    assert (done.status_code, done["Location"]) == (303, path)
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.session, task.due_at) == (kind, person, session, NOW)
    assert treatment().state == State.ACTIVE
    link = ClientLink.objects.get()
    assert (link.answer, link.answered_at) == (do, NOW)
    page = phone.get(path)
    assert words in text_of(page)
    assert "نظرم عوض شد" in text_of(page)


def test_finishing_well_is_a_planned_ending(phone, path):
    choose(phone, path, "finish")
    assert (treatment().state, treatment().ended_at) == (State.COMPLETED, NOW)
    assert events() == [("completed", "link")]
    assert tasks() == []
    page = text_of(phone.get(path))
    assert "ممنون از راهی که با هم آمدیم" in page
    assert "دیگر درباره‌ی ادامه دادن پیامی نمی‌دهیم" in page
    assert ClientLink.objects.get().answer == "finish"


# Today is 30 Aban 1405.
@pytest.mark.parametrize(
    ("fields", "until", "said"),
    [
        ({"months": "1"}, dt.date(2026, 12, 21), "دوشنبه ۳۰ آذر"),
        ({"months": "2"}, dt.date(2027, 1, 20), "چهارشنبه ۳۰ دی"),
        ({"months": "3"}, dt.date(2027, 2, 19), "جمعه ۳۰ بهمن"),
        ({"day": "1", "month": "1405-9"}, dt.date(2026, 11, 22), "یکشنبه ۱ آذر"),
        ({"day": "15", "month": "1406-1"}, dt.date(2027, 4, 4), "یکشنبه ۱۵ فروردین ۱۴۰۶"),
        ({"day": "30", "month": "1406-8"}, dt.date(2027, 11, 21), "یکشنبه ۳۰ آبان ۱۴۰۶"),
    ],
)
def test_a_break_lasts_until_the_chosen_day(phone, path, fields, until, said):
    assert choose(phone, path, "pause", **fields).status_code == 303
    assert (treatment().state, treatment().paused_until) == (State.PAUSED, until)
    assert events() == [("paused", "link")]
    assert f"تا {said} پیامی از ما نمی‌گیرید" in text_of(phone.get(path))


@pytest.mark.parametrize(
    "fields",
    [
        {"months": "4"},
        {"months": "0"},
        {"months": "x"},
        {"day": "31", "month": "1405-9"},
        {"day": "30", "month": "1405-8"},
        {"day": "29", "month": "1405-8"},
        {"day": "1", "month": "1406-9"},
        {"day": "1", "month": "99999999999-1"},
        {"day": "1", "month": "1405"},
        {"day": "", "month": ""},
        {"until": "2027-01-01"},
    ],
    ids=str,
)
def test_a_break_until_no_such_day_is_refused_beside_the_days(phone, path, fields):
    page = choose(phone, path, "pause", **fields)
    assert page.status_code == 422
    assert '<p class="error" role="alert">' in page.content.decode()
    assert '<details class="act-more" name="acts" open>' in page.content.decode()
    assert treatment().state == State.ACTIVE
    assert ClientLink.objects.get().answered_at is None


@pytest.mark.parametrize("do", ["", "x", "CONTINUE"])
def test_a_choice_that_is_none_does_nothing(phone, path, do):
    assert choose(phone, path, do).status_code == 400
    assert ClientLink.objects.get().answered_at is None


def test_a_wish_at_night_is_for_the_morning(phone, path, clock):
    clock.move_to(NOW + 13 * HOUR)
    choose(phone, path, "call_me")
    assert CareTask.objects.get().due_at == NOW + 23 * HOUR


# -- Once, and changed -------------------------------------------------------------------------


@pytest.mark.parametrize("do", FOUR)
def test_a_choice_pressed_twice_is_one(phone, path, do, clock):
    for _ in range(2):
        assert choose(phone, path, do).status_code == 303
        clock.shift(10)
    assert len(events()) + len(tasks()) == 1
    assert ClientLink.objects.get().answered_at == NOW


AFTER = {
    "continue": (State.ACTIVE, [Kind.CONTINUE]),
    "pause": (State.PAUSED, []),
    "finish": (State.COMPLETED, []),
    "call_me": (State.ACTIVE, [Kind.CALL_ME]),
}


@pytest.mark.parametrize("second", FOUR)
@pytest.mark.parametrize("first", FOUR)
def test_a_second_choice_leaves_only_what_it_says(phone, path, clock, first, second):
    choose(phone, path, first)
    clock.shift(60)
    assert choose(phone, path, second).status_code == 303
    state, waiting = AFTER[second]
    assert treatment().state == state
    assert [kind for kind, _ in tasks(closed_at=None)] == waiting
    assert ClientLink.objects.get().answer == second


@pytest.mark.parametrize("first", FOUR)
def test_a_third_choice_back_to_the_first_is_the_first(phone, path, clock, first):
    second = "finish" if first != "finish" else "call_me"
    for do in (first, second, first):
        choose(phone, path, do)
        clock.shift(60)
    state, waiting = AFTER[first]
    assert treatment().state == state
    assert [kind for kind, _ in tasks(closed_at=None)] == waiting


def test_what_a_change_closes_says_so(phone, path, clock):
    choose(phone, path, "call_me")
    clock.shift(60)
    choose(phone, path, "finish")
    task = CareTask.objects.get()
    assert (task.outcome, task.closed_by) == ("done", None)
    assert task.attempts.get().note == "با پیوند انتخاب کرد: می‌خواهم همین‌جا به پایان برسانم"


def test_a_call_that_staff_open_again_leaves_the_ending_that_closed_it(phone, path, clinic, clock):
    choose(phone, path, "call_me")
    clock.shift(60)
    choose(phone, path, "finish")
    staff(clinic, care_tasks.reopen, CareTask.objects.get(), now=NOW + HOUR)
    assert treatment().state == State.COMPLETED


def test_a_break_may_be_made_longer(phone, path, clock):
    choose(phone, path, "pause", months="1")
    clock.shift(60)
    choose(phone, path, "pause", months="3")
    assert treatment().paused_until == dt.date(2027, 2, 19)
    assert "جمعه ۳۰ بهمن" in text_of(phone.get(path))


@pytest.mark.parametrize("do", ["continue", "call_me"])
def test_what_reception_has_answered_is_no_longer_changed(phone, path, clinic, do):
    choose(phone, path, do)
    staff(clinic, care_tasks.attempt, CareTask.objects.get(), "done")
    page = phone.get(path)
    assert "به پاسخ شما رسیدگی شده است" in text_of(page)
    assert offered(page) == []
    late = choose(phone, path, "finish")
    assert late.status_code == 409
    assert "به پاسخ شما رسیدگی شده است" in text_of(late)
    assert treatment().state == State.ACTIVE


@pytest.mark.parametrize("do", ["pause", "finish"])
def test_what_staff_have_decided_since_is_no_longer_changed(phone, path, clinic, do, clock):
    choose(phone, path, do)
    clock.shift(60)
    staff(clinic, care.resume_treatment, treatment(), now=NOW + dt.timedelta(seconds=60))
    assert "به پاسخ شما رسیدگی شده است" in text_of(phone.get(path))
    assert choose(phone, path, "call_me").status_code == 409
    assert treatment().state == State.ACTIVE


def test_a_task_that_was_tried_in_vain_is_still_the_clients_to_change(phone, path, clinic):
    choose(phone, path, "call_me")
    staff(clinic, care_tasks.attempt, CareTask.objects.get(), "no_answer")
    assert choose(phone, path, "finish").status_code == 303
    assert treatment().state == State.COMPLETED


def test_going_on_ends_a_break_that_staff_had_noted(phone, path, clinic):
    staff(clinic, care.pause_treatment, treatment(), dt.date(2027, 1, 1))
    choose(phone, path, "continue")
    assert treatment().state == State.ACTIVE


def test_a_call_leaves_a_break_that_staff_had_noted(phone, path, clinic):
    staff(clinic, care.pause_treatment, treatment(), dt.date(2027, 1, 1))
    choose(phone, path, "call_me")
    assert treatment().state == State.PAUSED


def test_after_the_break_the_page_asks_anew(phone, path, clock):
    choose(phone, path, "pause", months="1")
    clock.move_to(tehran("2026-12-20 23:00"))
    assert "پیامی از ما نمی‌گیرید" in text_of(phone.get(path))
    clock.move_to(tehran("2026-12-21 00:00"))
    page = phone.get(path)
    assert offered(page) == list(FOUR)
    assert "دوست دارید چطور پیش برویم؟" in text_of(page)
    assert choose(phone, path, "pause", months="1").status_code == 303
    assert treatment().paused_until == dt.date(2027, 1, 20)


@pytest.mark.parametrize("do", ["pause", "finish"])
@pytest.mark.parametrize("kind", [Kind.SILENT, Kind.NO_NEXT_BOOKING])
def test_nobody_calls_to_ask_what_the_client_has_said(phone, path, person, session, do, kind):
    CareTask.objects.create(
        clinic=person.clinic, client=person, session=session, kind=kind, due_at=NOW, created_at=NOW
    )
    choose(phone, path, do)
    assert tasks() == [(kind, "done")]


def test_other_work_about_the_client_stays(phone, path, person):
    CareTask.objects.create(
        clinic=person.clinic, client=person, kind=Kind.FEEDBACK, due_at=NOW, created_at=NOW
    )
    choose(phone, path, "finish")
    assert tasks() == [(Kind.FEEDBACK, "")]


# -- Whose treatment ---------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "state"), [("finish", "completed"), ("pause", "paused")])
def test_only_the_treatment_that_the_session_belongs_to_is_meant(
    phone, path, clinic, person, session, do, state
):
    other = Treatment.objects.create(
        clinic=clinic,
        client=person,
        therapist=factories.TherapistFactory(clinic=clinic),
        service=session.service,
        started_at=NOW - DAY,
    )
    choose(phone, path, do)
    other.refresh_from_db()
    mine = Treatment.objects.exclude(pk=other.pk).get()
    assert (mine.state, other.state) == (state, "active")


def test_finishing_while_a_call_waits_ends_no_other_treatment(
    phone, path, clinic, person, session, clock
):
    other = Treatment.objects.create(
        clinic=clinic,
        client=person,
        therapist=factories.TherapistFactory(clinic=clinic),
        service=session.service,
        started_at=NOW - DAY,
    )
    choose(phone, path, "call_me")
    clock.shift(60)
    choose(phone, path, "finish")
    other.refresh_from_db()
    assert other.state == State.ACTIVE


@pytest.mark.parametrize("end", [care.complete_treatment, care.drop_treatment])
def test_after_the_ending_of_its_own_treatment_no_other_one_is_meant(
    phone, path, clinic, person, session, end
):
    other = Treatment.objects.create(
        clinic=clinic,
        client=person,
        therapist=factories.TherapistFactory(clinic=clinic),
        service=session.service,
        started_at=NOW - DAY,
    )
    staff(clinic, end, Treatment.objects.exclude(pk=other.pk).get())
    assert offered(phone.get(path)) == ["continue", "call_me"]
    assert choose(phone, path, "finish").status_code == 409
    other.refresh_from_db()
    assert other.state == State.ACTIVE


# -- When there is nothing to choose -----------------------------------------------------------


def test_a_booked_session_is_shown_instead(phone, path, clinic, person):
    factories.SessionFactory(clinic=clinic, clients=[person])
    page = phone.get(path)
    assert "جلسه‌ی بعدی شما ثبت شده است" in text_of(page)
    assert "دوشنبه ۲ آذر ساعت ۱۷:۳۰" in text_of(page)
    assert offered(page) == []
    assert choose(phone, path, "finish").status_code == 409
    assert treatment().state == State.ACTIVE


def test_a_cancelled_session_is_no_booking(phone, path, clinic, person):
    factories.SessionFactory(
        clinic=clinic, clients=[person], state="cancelled", cancelled_by="client"
    )
    assert offered(phone.get(path)) == list(FOUR)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("attended", "چه خوب که برگشتید"),
        ("scheduled", "چه خوب که برگشتید"),
        ("no_show", "دوست دارید چطور پیش برویم؟"),
    ],
)
def test_who_has_been_here_since_is_welcomed(phone, path, clinic, person, state, words):
    factories.SessionFactory(clinic=clinic, clients=[person], starts_at=NOW - 2 * DAY, state=state)
    assert words in text_of(phone.get(path))


@pytest.mark.parametrize("end", [care.complete_treatment, care.drop_treatment])
def test_after_an_ending_two_ways_are_left(phone, path, clinic, end):
    staff(clinic, end, treatment())
    page = phone.get(path)
    assert offered(page) == ["continue", "call_me"]
    assert "درِ اینجا به رویتان باز است" in text_of(page)
    assert choose(phone, path, "finish").status_code == 409
    assert choose(phone, path, "continue").status_code == 303
    assert tasks() == [(Kind.CONTINUE, "")]


def test_a_booking_answers_who_wants_to_go_on(phone, path, clinic, person, session):
    choose(phone, path, "continue")
    staff(
        clinic,
        actions.book,
        clients=[person],
        therapist=session.therapist,
        service=session.service,
        starts_at=NOW + 3 * DAY,
    )
    assert tasks() == [(Kind.CONTINUE, "booked")]
    assert "جلسه‌ی بعدی شما ثبت شده است" in text_of(phone.get(path))


# -- What it stops -----------------------------------------------------------------------------


@pytest.mark.parametrize("do", [None, *FOUR])
def test_every_choice_stops_the_silent_texts(gateway, owner, clock, do):
    """One client falls silent; with no answer three texts come, with any answer none after it."""
    clinic = live_clinic()
    person = factories.ClientFactory(clinic=clinic)
    session = attended(clinic, person, days_ago=0)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        rhythm.refresh([person.pk])
    path = published(Purpose.CHOICES, session, person)
    if do:
        choose(visitor(), path, do)
    for days in (25, 50, 100, 125):
        moment = NOW + days * DAY
        gateway.set_clock(moment)
        tick(moment)
    texts = [
        m for m in outbox(clinic) if m.rule_key.startswith("silent") and m.state != "cancelled"
    ]
    assert (len(texts) > 0) == (do is None)


# -- The verb itself ---------------------------------------------------------------------------


def test_the_situation_keeps_time_by_its_argument(session, path):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        link = ClientLink.objects.get()
        until = dt.date(2026, 12, 21)
        client_choices.choose(link, Choice.PAUSE, until=until, now=NOW)
        link.refresh_from_db()
        assert client_choices.situation(link, NOW).standing is Standing.CHOSEN
        assert client_choices.situation(link, NOW + 40 * DAY).standing is Standing.OPEN


@pytest.mark.parametrize("until", [None, NOW.date(), dt.date(2027, 11, 22)])
def test_a_break_that_is_none_changes_nothing(session, path, until):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        link = ClientLink.objects.get()
        with pytest.raises(care.CareError):
            client_choices.choose(link, Choice.PAUSE, until=until, now=NOW)
    assert ClientLink.objects.get().answered_at is None
    assert events() == []
