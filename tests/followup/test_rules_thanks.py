"""Thanks after a session, and with which of them an invitation to give feedback goes."""

import datetime as dt

import pytest

from messaging.models import Template
from sessions_app import actions
from sessions_app.models import ClientLink
from tests import factories
from tests.followup.clinics import due_times, outbox, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at

SATURDAY = "2026-11-28 17:30"  # ends at 18:20


@pytest.fixture
def p(owner, gateway):
    return practice("thank_you")


@pytest.mark.parametrize(
    ("starts", "recorded", "due"),
    [
        pytest.param(SATURDAY, "2026-11-28 18:25", "2026-11-28 18:25", id="after its end"),
        pytest.param(SATURDAY, "2026-11-28 17:35", "2026-11-28 18:20", id="while they are there"),
        pytest.param(SATURDAY, "2026-11-28 21:00", "2026-11-29 09:00", id="in the evening"),
        pytest.param(SATURDAY, "2026-11-29 12:00", "2026-11-29 12:00", id="a day later"),
        pytest.param("2026-11-28 20:30", "2026-11-28 20:40", "2026-11-29 09:00", id="late session"),
        pytest.param("2026-11-26 20:30", "2026-11-26 21:20", "2026-11-28 10:00", id="Thursday"),
        pytest.param("2026-11-27 12:00", "2026-11-27 12:50", "2026-11-28 10:00", id="Friday"),
    ],
)
def test_it_falls_due_when_recorded_and_never_before_the_end(p, starts, recorded, due):
    p.came(starts, recorded=recorded)
    plan_at("2026-11-30 12:00")
    assert due_times(p.clinic, "thank_you") == [due]


@pytest.mark.parametrize(
    ("recorded", "texts"),
    [
        pytest.param("2026-11-30 18:19", [("sent", "")], id="a minute under 48 hours"),
        pytest.param("2026-11-30 18:21", [], id="a minute over"),
        pytest.param("2026-12-05 12:00", [], id="a week later"),
    ],
)
def test_only_what_is_recorded_within_48_hours(p, recorded, texts):
    p.came(SATURDAY, recorded=recorded)
    tick(recorded)
    assert p.texts() == texts


@pytest.mark.parametrize("outcome", ["scheduled", "confirmed", "arrived", "no_show"])
def test_nobody_is_thanked_who_is_not_recorded_as_having_come(p, outcome):
    p.came(SATURDAY, outcome=outcome)
    tick("2026-11-28 18:30")
    assert p.texts() == []


STOPS = {
    "recorded as missed": (
        lambda p, s, at: p.do(actions.record, s, "no_show", at=at),
        ("cancelled", "record_changed"),
    ),
    "taken back to scheduled": (
        lambda p, s, at: p.do(actions.record, s, "scheduled", at=at),
        ("skipped", "record_changed"),
    ),
    "undone": (lambda p, s, at: p.do(actions.undo, s, at=at), ("skipped", "record_changed")),
    "cancelled after all": (
        lambda p, s, at: p.do(actions.cancel, s, at=at),
        ("cancelled", "session_cancelled"),
    ),
    "recorded once more": (
        lambda p, s, at: p.do(actions.record, s, "attended", at=at),
        ("sent", ""),
    ),
    "the next one booked": (
        lambda p, s, at: p.book("2026-12-05 17:30", at=at, tell=False),
        ("sent", ""),
    ),
}


def test_what_becomes_of_the_record_before_it_leaves(p, subtests):
    session = p.came(SATURDAY)
    plan_at("2026-11-28 18:20")
    for name, (happens, found) in STOPS.items():
        with subtests.test(name), only_for_now():
            happens(p, session, "2026-11-28 18:21")
            send_at("2026-11-28 18:22")
            assert p.texts() == [found]


def test_a_corrected_record_is_not_thanked_twice(p):
    session = p.came(SATURDAY)
    tick("2026-11-28 18:20")
    p.do(actions.record, session, "no_show", at="2026-11-28 18:30")
    p.do(actions.record, session, "attended", at="2026-11-28 18:31")
    tick("2026-11-28 18:31")
    assert p.texts() == [("sent", "")]


# -- The invitation ---------------------------------------------------------------------------------


def visits(p, *days, **fields):
    """So many visits, each on its day of a count from Saturday 2026-08-01, and thanked."""
    for day in days:
        date = dt.date(2026, 8, 1) + dt.timedelta(days=day)
        session = p.came(f"{date} 17:30", **fields)
        for later in (dt.timedelta(), dt.timedelta(days=1)):
            tick(session.ends_at + later)


def invited(p):
    """Which of the thanks carried the feedback form, by their place."""
    texts = [m for m in outbox(p.clinic) if m.state == "sent"]
    return [n for n, m in enumerate(texts, start=1) if "/f/" in m.text]


def test_the_first_third_seventh_and_eleventh_visit_invite(p):
    visits(p, *(n * 31 for n in range(12)))
    assert (len(outbox(p.clinic)), invited(p)) == (12, [1, 3, 7, 11])


def test_of_weekly_visits_those_within_thirty_days_of_an_invitation_do_not(p):
    """The third comes two weeks after the first, and the seventh four weeks after the third."""
    visits(p, *(n * 7 for n in range(12)))
    assert invited(p) == [1, 7]


@pytest.mark.parametrize(("days", "third"), [(29, []), (30, [3])])
def test_thirty_days_after_an_invitation_the_next_may_go(p, days, third):
    visits(p, 0, days - 7, days)
    assert invited(p) == [1, *third]


def test_only_an_invitation_that_was_one_holds_back_the_next(p):
    """Visits 1 and 3 within thirty days; the fortieth day is thirty after the first alone."""
    visits(p, 0, 5, 20, 25, 30, 35, 40)
    assert invited(p) == [1, 7]


def test_visits_to_another_therapist_are_counted_by_themselves(p):
    with p.inside():
        other = factories.TherapistFactory(clinic=p.clinic)
    visits(p, 0)
    visits(p, 40, therapist=other)
    assert invited(p) == [1, 2]


def test_an_invitation_publishes_its_page_and_other_thanks_none(p):
    visits(p, 0, 7)
    links = ClientLink.objects.filter(clinic=p.clinic)
    assert [link.purpose for link in links] == ["feedback"]


def test_without_a_wording_that_invites_the_thanks_go_plain_and_invite_nobody(p):
    Template.objects.filter(clinic=p.clinic, invites=True).delete()
    visits(p, 0)
    (message,) = outbox(p.clinic)
    assert (message.state, message.invites, "/f/" in message.text) == ("sent", False, False)


def test_in_shadow_mode_an_invitation_counts_as_one(owner, gateway):
    p = practice("thank_you", live=False)
    visits(p, 0, 7, 14)
    assert ["/f/" in m.text for m in outbox(p.clinic)] == [True, False, False]
