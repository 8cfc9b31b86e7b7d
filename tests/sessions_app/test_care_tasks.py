"""Work for people: opening it once, what each outcome does, and what a booking settles."""

import datetime as dt
import threading

import pytest
from django.db import connection

from clinic.models import Closure
from clinic.tenancy import EVERYWHERE, Hat, wear
from patients import care
from patients.models import ClientEvent, Treatment
from sessions_app import actions, care_tasks
from sessions_app.models import CareAttempt, CareTask
from tests import factories
from tests.locks import come_to_wait

# Saturday 30 Aban 1405, 10:00 in Tehran.
NOW = factories.NOW
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
Kind, Outcome = CareTask.Kind, CareTask.Outcome


@pytest.fixture
def at_work(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


@pytest.fixture
def person(at_work):
    return factories.ClientFactory(clinic=at_work)


@pytest.fixture
def session(at_work, person):
    return factories.SessionFactory(
        clinic=at_work, clients=[person], starts_at=NOW - 30 * DAY, state="attended"
    )


def treatment_of(person, session):
    return Treatment.objects.create(
        client=person, therapist=session.therapist, service=session.service, started_at=NOW - DAY
    )


def task_of(person, kind=Kind.SILENT, **fields):
    fields = {"due_at": NOW, "created_at": NOW - DAY, **fields}
    return CareTask.objects.create(client=person, kind=kind, **fields)


def standing(task):
    kept = CareTask.objects.get(pk=task.pk)
    return kept.outcome, kept.closed_at, kept.due_at


def tehran(moment):
    return f"{moment.astimezone(dt.timezone(dt.timedelta(minutes=210))):%Y-%m-%d %H:%M}"


# -- Opening -----------------------------------------------------------------------------------


def test_an_occasion_opens_one_task_however_often_it_is_found(person, session, receptionist):
    asked = {"session": session, "occasion": "session:7", "due_at": NOW, "now": NOW}
    first = care_tasks.open_task(Kind.CALL_ME, person, **asked, by=receptionist)
    again = care_tasks.open_task(Kind.CALL_ME, person, **(asked | {"due_at": NOW + DAY}))
    assert again == first
    kept = CareTask.objects.get()
    assert (kept.due_at, kept.created_at, kept.created_by, kept.session) == (
        NOW,
        NOW,
        receptionist,
        session,
    )


def test_another_kind_or_person_is_another_task(at_work, person):
    for kind, who in (
        (Kind.CALL_ME, person),
        (Kind.CONTINUE, person),
        (Kind.CALL_ME, factories.ClientFactory(clinic=at_work)),
    ):
        care_tasks.open_task(kind, who, occasion="session:7", due_at=NOW, now=NOW)
    assert CareTask.objects.count() == 3


def test_without_an_occasion_every_call_is_its_own(person):
    for _ in range(2):
        care_tasks.open_task(Kind.CALL, person, due_at=NOW, now=NOW)
    assert CareTask.objects.count() == 2


def test_new_words_take_the_place_of_the_old_ones(person):
    asked = {"occasion": "session:7", "now": NOW}
    care_tasks.open_task(Kind.RESCHEDULE, person, text="شنبه", due_at=NOW, **asked)
    care_tasks.open_task(Kind.RESCHEDULE, person, text="یکشنبه", due_at=NOW + HOUR, **asked)
    kept = CareTask.objects.get()
    assert (kept.text, kept.due_at) == ("یکشنبه", NOW + HOUR)


@pytest.mark.parametrize(("words", "is_open"), [("شنبه", False), ("", False), ("یکشنبه", True)])
def test_only_new_words_open_a_closed_task_again(person, words, is_open):
    asked = {"occasion": "session:7", "due_at": NOW, "now": NOW}
    task = care_tasks.open_task(Kind.RESCHEDULE, person, text="شنبه", **asked)
    care_tasks.attempt(task, Outcome.DONE, now=NOW)
    care_tasks.open_task(Kind.RESCHEDULE, person, text=words, **asked)
    outcome, closed_at, _ = standing(task)
    assert (closed_at is None, outcome == "") == (is_open, is_open)


# -- What came of it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.BOOKED,
        Outcome.DONE,
        Outcome.WRONG_NUMBER,
        Outcome.NOT_NOW,
        Outcome.FINISHED,
        Outcome.ELSEWHERE,
    ],
)
def test_most_outcomes_close_the_task(person, receptionist, outcome):
    task = task_of(person)
    made = care_tasks.attempt(task, outcome, note="گفت‌وگو شد", now=NOW, by=receptionist)
    assert standing(task) == (outcome, NOW, NOW)
    assert (task.outcome, task.closed_at, task.closed_by) == (outcome, NOW, receptionist)
    assert (made.outcome, made.note, made.by, made.phone) == (
        outcome,
        "گفت‌وگو شد",
        receptionist,
        person.phone,
    )


@pytest.mark.parametrize(
    ("now", "closed", "morning"),
    [
        pytest.param(NOW, None, "2026-11-22 10:00", id="the next day"),
        pytest.param(NOW + 5 * DAY, None, "2026-11-28 10:00", id="over a Friday"),
        pytest.param(NOW - HOUR * 2, None, "2026-11-22 10:00", id="not the same morning"),
        pytest.param(NOW, (1, 3), "2026-11-25 10:00", id="over the clinic's own days"),
        pytest.param(NOW + HOUR * 13, None, "2026-11-22 10:00", id="before midnight"),
        pytest.param(NOW + HOUR * 14, None, "2026-11-23 10:00", id="after midnight"),
    ],
)
def test_no_answer_waits_for_the_next_working_morning(person, now, closed, morning):
    if closed:
        first, last = (dt.date(2026, 11, 21) + n * DAY for n in closed)
        Closure.objects.create(first_day=first, last_day=last, name="تعطیل")
    task = task_of(person)
    care_tasks.attempt(task, Outcome.NO_ANSWER, now=now)
    outcome, closed_at, due_at = standing(task)
    assert (outcome, closed_at, tehran(due_at)) == ("", None, morning)


def test_three_calls_in_vain_are_enough(person):
    task = task_of(person)
    for n in range(2):
        care_tasks.attempt(task, Outcome.NO_ANSWER, now=NOW + n * DAY)
        assert task.closed_at is None
    care_tasks.attempt(task, Outcome.NO_ANSWER, now=NOW + 2 * DAY)
    assert standing(task)[:2] == ("no_answer", NOW + 2 * DAY)
    care_tasks.reopen(task, now=NOW + 3 * DAY)
    care_tasks.attempt(task, Outcome.NO_ANSWER, now=NOW + 3 * DAY)
    assert task.closed_at is None


def test_later_keeps_the_task_for_then(person):
    task = task_of(person)
    care_tasks.attempt(task, Outcome.LATER, again_at=NOW + 3 * HOUR, now=NOW)
    assert standing(task) == ("", None, NOW + 3 * HOUR)


@pytest.mark.parametrize("again_at", [None, NOW, NOW - HOUR], ids=["never", "now", "before"])
def test_later_needs_a_time_to_come(person, again_at):
    task = task_of(person)
    with pytest.raises(care_tasks.TaskError) as refused:
        care_tasks.attempt(task, Outcome.LATER, again_at=again_at, now=NOW)
    assert refused.value.field == "again_day"
    assert not CareAttempt.objects.exists()


def test_a_closed_task_takes_no_more(person):
    task = task_of(person)
    stale = CareTask.objects.get()
    care_tasks.attempt(task, Outcome.DONE, now=NOW)
    with pytest.raises(care_tasks.TaskError):
        care_tasks.attempt(stale, Outcome.FINISHED, now=NOW)
    assert (CareAttempt.objects.count(), ClientEvent.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.FINISHED, "completed"), (Outcome.ELSEWHERE, "dropped")]
)
def test_an_ending_ends_the_open_treatments(person, session, receptionist, outcome, state):
    one = treatment_of(person, session)
    other = treatment_of(person, factories.SessionFactory(clinic=session.clinic, clients=[]))
    care.pause_treatment(other, now=NOW - HOUR)
    task = task_of(person)
    care_tasks.attempt(task, outcome, now=NOW, by=receptionist)
    assert set(Treatment.objects.values_list("state", "ended_at")) == {(state, NOW)}
    ended = ClientEvent.objects.filter(kind=state).values_list("treatment", "by", "via")
    assert sorted(ended) == sorted((t.pk, receptionist.pk, "panel") for t in (one, other))


def test_an_ending_of_a_task_about_a_session_ends_that_treatment_only(person, session):
    one = treatment_of(person, session)
    other = treatment_of(person, factories.SessionFactory(clinic=session.clinic, clients=[]))
    care_tasks.attempt(task_of(person, session=session), Outcome.FINISHED, now=NOW)
    states = dict(Treatment.objects.values_list("pk", "state"))
    assert states == {one.pk: "completed", other.pk: "active"}


def test_a_wrong_number_stays_known_until_another_takes_its_place(person):
    assert not care_tasks.wrong_number(person)
    care_tasks.attempt(task_of(person), Outcome.WRONG_NUMBER, now=NOW)
    assert care_tasks.wrong_number(person)
    person.phone = "+989129998877"
    assert not care_tasks.wrong_number(person)
    person.phone = ""
    assert not care_tasks.wrong_number(person)


# -- Undo --------------------------------------------------------------------------------------


def test_a_closing_is_taken_back_with_what_it_ended(person, session):
    treatment = treatment_of(person, session)
    task = task_of(person)
    care_tasks.attempt(task, Outcome.FINISHED, now=NOW)
    care_tasks.reopen(CareTask.objects.get(), now=NOW + HOUR)
    assert standing(task) == ("", None, NOW + HOUR)
    treatment.refresh_from_db()
    assert (treatment.state, treatment.ended_at) == ("active", None)
    assert CareAttempt.objects.count() == 1


def test_a_closing_is_not_taken_back_over_a_later_change(person, session):
    treatment = treatment_of(person, session)
    task = task_of(person)
    care_tasks.attempt(task, Outcome.FINISHED, now=NOW)
    treatment.refresh_from_db()
    care.resume_treatment(treatment, now=NOW + HOUR)
    care.drop_treatment(treatment, now=NOW + 2 * HOUR)
    with pytest.raises(care_tasks.TaskError):
        care_tasks.reopen(task, now=NOW + 3 * HOUR)
    assert standing(task)[0] == "finished"


def test_an_open_task_is_not_opened_again(person):
    with pytest.raises(care_tasks.TaskError):
        care_tasks.reopen(task_of(person), now=NOW)


# -- What is asked -----------------------------------------------------------------------------


def test_open_tasks_come_by_due_time_and_are_counted_by_kind(person):
    late = task_of(person, due_at=NOW + HOUR)
    early = task_of(person, Kind.CALL_ME, due_at=NOW - HOUR)
    now = task_of(person, due_at=NOW)
    done = task_of(person)
    care_tasks.attempt(done, Outcome.DONE, now=NOW)
    everything = CareTask.objects.all()
    assert list(care_tasks.still_open(everything)) == [early, now, late]
    assert list(care_tasks.due(everything, NOW)) == [early, now]
    assert list(care_tasks.closed(everything)) == [done]
    assert care_tasks.by_kind(care_tasks.still_open(everything)) == {"call_me": 1, "silent": 2}


# -- Bookings ----------------------------------------------------------------------------------


def book(person, session, starts_at=NOW + DAY, **fields):
    return actions.book(
        clients=[person],
        therapist=session.therapist,
        service=session.service,
        starts_at=starts_at,
        now=NOW,
        **fields,
    )


@pytest.mark.parametrize("kind", Kind.values)
def test_a_booking_settles_what_was_to_be_asked_about_it(person, session, receptionist, kind):
    task = task_of(person, kind)
    book(person, session, by=receptionist)
    settled = kind in {
        "no_next",
        "silent",
        "continue",
        "no_show",
        "pause_over",
        "plan_over",
        "cancelled",
    }
    assert standing(task)[:2] == (("booked", NOW) if settled else ("", None))
    tries = [(a.outcome, a.by) for a in CareAttempt.objects.all()]
    assert tries == ([("booked", receptionist)] if settled else [])


def test_a_booking_settles_nothing_of_somebody_else_and_nothing_closed(at_work, person, session):
    other = task_of(factories.ClientFactory(clinic=at_work))
    done = task_of(person)
    care_tasks.attempt(done, Outcome.NOT_NOW, now=NOW - HOUR)
    book(person, session)
    assert (standing(other)[0], standing(done)[0]) == ("", "not_now")


def test_what_fills_in_the_past_settles_nothing(person, session):
    task = task_of(person)
    book(person, session, starts_at=NOW - DAY)
    assert standing(task)[1] is None


def test_a_move_settles_the_wish_for_it(at_work, person, session):
    booked = book(person, session)
    asked = task_of(person, Kind.RESCHEDULE, session=booked)
    elsewhere = task_of(person, Kind.RESCHEDULE, session=session)
    silent = task_of(person)
    actions.move(booked, starts_at=NOW + 2 * DAY, now=NOW + HOUR)
    assert [standing(t)[0] for t in (asked, elsewhere, silent)] == ["booked", "", ""]


def test_another_therapist_at_the_same_time_is_not_another_time(at_work, person, session):
    booked = book(person, session)
    asked = task_of(person, Kind.RESCHEDULE, session=booked)
    hers = factories.TherapistFactory(clinic=at_work)
    actions.move(booked, starts_at=booked.starts_at, therapist=hers, now=NOW + HOUR)
    assert standing(asked)[1] is None


@pytest.mark.parametrize("verb", ["restore", "cancel"])
def test_a_restored_session_settles_too_and_a_cancelled_one_does_not(person, session, verb):
    booked = book(person, session)
    if verb == "restore":
        actions.cancel(booked, now=NOW)
    task = task_of(person, Kind.CANCELLED)
    getattr(actions, verb)(booked, now=NOW)
    assert standing(task)[0] == ("booked" if verb == "restore" else "")


@pytest.mark.parametrize(("ahead", "state"), [(DAY, "active"), (-DAY, "paused")])
def test_a_booking_ahead_ends_a_pause_and_one_of_the_past_does_not(
    person, session, receptionist, ahead, state
):
    treatment = treatment_of(person, session)
    care.pause_treatment(treatment, now=NOW - HOUR)
    book(person, session, starts_at=NOW + ahead, by=receptionist)
    assert Treatment.objects.get().state == state
    resumed = ClientEvent.objects.filter(kind="resumed").values_list("by", flat=True)
    assert list(resumed) == ([receptionist.pk] if state == "active" else [])


# -- Two at once -------------------------------------------------------------------------------


@pytest.fixture
def settled(transactional_db):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = factories.ClinicFactory(slug="aramesh")
        return factories.ClientFactory(clinic=clinic)


def in_thread(clinic_id, work):
    found = []

    def run():
        try:
            with wear(Hat.WEB, clinic_id=clinic_id, user_id=1):
                found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def test_two_who_settle_the_same_task_at_once_leave_one_settled_try(settled):
    with wear(Hat.WEB, clinic_id=settled.clinic_id, user_id=1):
        task_of(settled, clinic_id=settled.clinic_id)

    def answer(outcome):
        try:
            return care_tasks.attempt(CareTask.objects.get(), outcome, now=NOW).outcome
        except care_tasks.TaskError:
            return "refused"

    with wear(Hat.WEB, clinic_id=settled.clinic_id, user_id=1):
        first = answer(Outcome.DONE)
        thread, found = in_thread(settled.clinic_id, lambda: answer(Outcome.ELSEWHERE))
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (first, waited, found) == ("done", True, ["refused"])


def test_the_same_occasion_found_by_two_at_once_makes_one_task(settled):
    def find():
        asked = {"occasion": "session:7", "due_at": NOW, "now": NOW}
        return care_tasks.open_task(Kind.CALL_ME, settled, **asked)

    with wear(Hat.WEB, clinic_id=settled.clinic_id, user_id=1):
        first = find()
        thread, found = in_thread(settled.clinic_id, find)
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, found) == (True, [first])
