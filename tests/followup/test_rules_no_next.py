"""Nothing booked after a session: a text on the third day, a call on the seventh."""

import datetime as dt

import pytest

from clinic import jalali
from clinic.models import Directory
from followup.models import Rule
from patients import care
from patients.models import Treatment
from sessions_app import actions, links
from sessions_app.models import ClientLink
from tests import factories
from tests.followup.clinics import due_times, outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at

SUNDAY = "2026-11-29 17:30"  # ends at 18:20
DUE = "2026-12-01 18:20"
CALL = "2026-12-06 18:20"


@pytest.fixture
def p(owner, gateway):
    return practice("no_next_booking")


def answered(p, session, at=DUE):
    """The client has chosen on the page that a text leads to."""
    page = links.Page(Directory.Purpose.CHOICES, p.clinic.pk, session.pk, p.client.pk)
    with p.inside():
        links.publish([page], now=tehran(at))
        link = ClientLink.objects.get(session=session, client=p.client)
        links.answer(link, "continue", now=tehran(at))


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        pytest.param(SUNDAY, DUE, id="plain"),
        pytest.param("2026-11-29 20:30", "2026-12-02 09:00", id="in quiet hours"),
        pytest.param("2026-11-24 20:30", "2026-11-28 10:00", id="Thursday night"),
        pytest.param("2026-11-25 12:00", "2026-11-28 10:00", id="on a Friday"),
    ],
)
def test_it_falls_due_two_days_after_the_end(p, starts, due):
    p.came(starts)
    assert tick(due)["sent"] == 1
    assert due_times(p.clinic, "no_next_booking") == [due]


@pytest.mark.parametrize(
    ("recorded", "due"),
    [
        pytest.param("2026-12-01 18:19", DUE, id="before it falls due"),
        pytest.param("2026-12-03 12:00", "2026-12-03 12:00", id="four days later: then"),
        pytest.param("2026-12-05 18:19", "2026-12-05 18:19", id="in the last minute of its use"),
    ],
)
def test_what_was_recorded_late_is_told_when_it_is_known(p, recorded, due):
    p.came(SUNDAY, recorded=recorded)
    tick("2026-12-01 18:00")
    tick(due)
    assert (due_times(p.clinic, "no_next_booking"), p.texts()) == ([due], [("sent", "")])


@pytest.mark.parametrize("outcome", ["no_show", "scheduled", "arrived"])
def test_only_after_a_session_that_was_attended(p, outcome):
    p.came(SUNDAY, outcome=outcome)
    tick(DUE)
    assert p.texts() == []


def paused_to(day):
    return lambda p, s: p.do(
        care.pause_treatment, p.treatment, dt.date.fromisoformat(day), at="2026-11-30 10:00"
    )


def planned(**ending):
    return lambda p, s: p.do(care.plan_ending, p.treatment, at="2026-11-30 10:00", **ending)


# What happened by then → why there is nothing to be told
CONDITIONS = {
    "nothing": (lambda p, s: None, ""),
    "a session booked": (
        lambda p, s: p.book("2026-12-06 17:30", at="2026-11-30 10:00", tell=False),
        "booked",
    ),
    "a session booked with another therapist": (
        lambda p, s: p.book(
            "2026-12-06 17:30", at="2026-11-30 10:00", tell=False, therapist=another(p)
        ),
        "booked",
    ),
    "a session nobody has recorded": (
        lambda p, s: p.book("2026-11-30 17:30", at="2026-11-30 10:00", tell=False),
        "booked",
    ),
    "an open session before the last visit": (
        lambda p, s: p.book("2026-11-28 17:30", at="2026-11-20 10:00", tell=False),
        "",
    ),
    "come since": (lambda p, s: p.came("2026-11-30 17:30"), "seen_since"),
    "paused without end": (
        lambda p, s: p.do(care.pause_treatment, p.treatment, at="2026-11-30 10:00"),
        "paused",
    ),
    "paused until the day after": (paused_to("2026-12-02"), "paused"),
    "paused until that day": (paused_to("2026-12-01"), ""),
    "paused and taken up again": (
        lambda p, s: (
            p.do(care.pause_treatment, p.treatment, at="2026-11-30 10:00"),
            p.do(care.resume_treatment, p.treatment, at="2026-11-30 11:00"),
        ),
        "",
    ),
    "completed": (
        lambda p, s: p.do(care.complete_treatment, p.treatment, at="2026-11-30 10:00"),
        "ended",
    ),
    "dropped": (
        lambda p, s: p.do(care.drop_treatment, p.treatment, at="2026-11-30 10:00"),
        "ended",
    ),
    "completed, and begun anew": (
        lambda p, s: (
            p.do(care.complete_treatment, p.treatment, at="2026-11-30 10:00"),
            p.do(
                actions.cancel,
                p.book("2026-12-06 17:30", at="2026-11-30 11:00", tell=False),
                at="2026-11-30 12:00",
            ),
        ),
        "",
    ),
    "planned to end on that day": (planned(ends_on=dt.date(2026, 12, 1)), "plan_over"),
    "planned to end on the day after": (planned(ends_on=dt.date(2026, 12, 2)), ""),
    "planned to end after one session": (planned(ends_after=1), "plan_over"),
    "planned to end after two sessions": (planned(ends_after=2), ""),
    "a plan that was taken back": (
        lambda p, s: (planned(ends_after=1)(p, s), planned()(p, s)),
        "",
    ),
    "another treatment completed": (
        lambda p, s: p.do(care.complete_treatment, other_treatment(p), at="2026-11-30 10:00"),
        "",
    ),
    "answered on the page": (answered, "answered"),
    "a session booked and cancelled": (
        lambda p, s: p.do(
            actions.cancel,
            p.book("2026-12-06 17:30", at="2026-11-30 10:00", tell=False),
            at="2026-11-30 11:00",
        ),
        "",
    ),
}


def another(p):
    with p.inside():
        return factories.TherapistFactory(clinic=p.clinic)


def other_treatment(p):
    with p.inside():
        return Treatment.objects.create(
            client=p.client,
            therapist=factories.TherapistFactory(clinic=p.clinic),
            service=p.service,
            started_at=tehran("2026-11-01 10:00"),
        )


def test_each_condition_before_it_falls_due(p, subtests):
    session = p.came(SUNDAY)
    for name, (happens, why_not) in CONDITIONS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            tick(DUE)
            assert p.texts() == ([] if why_not else [("sent", "")])


def test_each_condition_between_planning_and_sending(p, subtests):
    session = p.came(SUNDAY)
    plan_at(DUE)
    for name, (happens, why_not) in CONDITIONS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            send_at(DUE)
            assert p.texts() == [("skipped", why_not) if why_not else ("sent", "")]


def test_a_record_taken_back_takes_it_out(p):
    session = p.came(SUNDAY)
    plan_at(DUE)
    p.do(actions.record, session, "no_show", at=DUE)
    send_at(DUE)
    assert p.texts() == [("cancelled", "record_changed")]


# -- The call ---------------------------------------------------------------------------------------


def calls(p):
    return [(t.kind, t.client, f"{jalali.local(t.due_at):%Y-%m-%d %H:%M}") for t in p.tasks()]


def test_on_the_seventh_day_a_person_calls_once(p):
    p.came(SUNDAY)
    tick("2026-12-06 18:19")
    assert calls(p) == []
    for now in (CALL, CALL, "2026-12-06 19:00", "2026-12-07 12:00"):
        tick(now)
    assert calls(p) == [("no_next", p.client, CALL)]


def test_each_condition_before_the_call(p, subtests):
    session = p.came(SUNDAY)
    for name, (happens, why_not) in CONDITIONS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            tick(CALL)
            # A pause that is over by then holds nothing back, and a plan that is over does.
            by_then = {"paused until the day after": True, "planned to end on the day after": False}
            is_called = by_then.get(name, not why_not)
            # And whoever came the day after is called a day after.
            assert len([t for t in p.tasks() if t.session_id == session.pk]) == is_called


def test_the_call_of_a_session_recorded_late_is_made_then(p):
    p.came(SUNDAY, recorded="2026-12-09 12:00")
    tick("2026-12-08 12:00")
    tick("2026-12-09 12:00")
    assert calls(p) == [("no_next", p.client, "2026-12-09 12:00")]


def test_the_call_of_a_closed_day_is_due_on_the_next_working_day(p):
    p.came("2026-11-20 12:00")  # a Friday, like the day a week later
    tick("2026-11-28 10:00")
    assert calls(p) == [("no_next", p.client, "2026-11-28 10:00")]


def test_a_booking_made_meanwhile_closes_the_call(p):
    p.came(SUNDAY)
    tick(CALL)
    p.book("2026-12-12 17:30", at="2026-12-06 19:00", tell=False)
    (task,) = p.tasks()
    assert task.outcome == "booked"


def test_a_client_without_a_phone_or_consent_is_called_all_the_same(p):
    p.change(p.client, phone="", consent_follow_up=False)
    p.came(SUNDAY)
    tick(DUE)
    tick(CALL)
    assert (p.texts(), len(p.tasks())) == ([("skipped", "no_phone")], 1)


def test_the_call_goes_with_its_rule(p):
    p.came(SUNDAY)
    Rule.objects.filter(clinic=p.clinic).update(enabled=False)
    tick(CALL)
    assert p.tasks() == []


def test_whatever_the_texts_offset_the_call_is_on_the_seventh_day(p):
    Rule.objects.filter(clinic=p.clinic).update(offset_minutes=3 * 1440)
    p.came(SUNDAY)
    tick(CALL)
    assert (due_times(p.clinic, "no_next_booking"), len(outbox(p.clinic))) == (
        ["2026-12-02 18:20"],
        1,
    )
    assert calls(p) == [("no_next", p.client, CALL)]
