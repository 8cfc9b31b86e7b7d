"""The silent client: when silence begins, its three words and no fourth, and what ends it."""

import datetime as dt

import pytest

from clinic.models import Directory
from followup import actions as rules
from followup.models import Rule
from patients import care
from sessions_app import actions, links
from sessions_app.models import ClientLink
from tests import factories
from tests.followup.clinics import due_times, outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at
from tests.followup.scenes import SILENT

LAST = "2026-11-08 17:30"  # a Sunday
DUE = ["2026-11-29 17:30", "2026-12-23 17:30", "2027-02-06 17:30"]


@pytest.fixture
def p(owner, gateway):
    return practice(*SILENT)


def after(days, hour="17:30"):
    """So many days after the last visit; where that is a Friday, the day after."""
    day = dt.date(2026, 11, 8) + dt.timedelta(days=days)
    return f"{day + dt.timedelta(days=day.weekday() == FRIDAY)} {hour}"


FRIDAY = 4


def stages(p):
    return [(due_times(p.clinic, rule) or [None])[0] for rule in SILENT]


def visits(p, *gaps):
    """Visits with so many days between them, the last one on LAST."""
    day = dt.date(2026, 11, 8) - dt.timedelta(days=sum(gaps))
    p.came(f"{day} 17:30")
    for gap in gaps:
        day += dt.timedelta(days=gap)
        p.came(f"{day} 17:30")


# -- When silence begins ----------------------------------------------------------------------------

# The service's lapse, and the gaps between visits → after how many days each word is due
THRESHOLDS = [
    pytest.param(None, [], [21, 45, 90], id="one visit: three weeks"),
    pytest.param(None, [7, 7, 7], [21, 45, 90], id="weekly: three weeks"),
    pytest.param(None, [3, 3], [21, 45, 90], id="the floor of three weeks"),
    pytest.param(None, [8], [24, 48, 96], id="every eight days"),
    pytest.param(None, [14, 14], [42, 84, 168], id="fortnightly"),
    pytest.param(None, [7, 14, 60], [42, 84, 168], id="the median, not the mean"),
    pytest.param(None, [7, 8], [23, 46, 92], id="half days are rounded up"),
    pytest.param(10, [14, 14], [10, 45, 90], id="the service says ten"),
    pytest.param(30, [], [30, 60, 120], id="the service says thirty"),
    pytest.param(400, [7], [400, 800, 1600], id="the service says more than a year"),
    pytest.param(None, [140], [420, 840, 1680], id="every twenty weeks"),
]


@pytest.mark.parametrize(("lapse", "gaps", "days"), THRESHOLDS)
def test_the_threshold_is_the_services_or_three_of_the_clients_own_gaps(p, lapse, gaps, days):
    p.change(p.service, lapse_days=lapse)
    visits(p, *gaps)
    plan_at("2031-12-01 12:00")
    assert stages(p) == [after(n) for n in days]


def test_the_service_is_that_of_the_last_visit(p):
    with p.inside():
        other = factories.ServiceFactory(clinic=p.clinic, lapse_days=60)
    p.came("2026-11-01 17:30")
    p.came(LAST, service=other)
    plan_at("2027-12-01 12:00")
    assert stages(p) == [after(60), after(120), after(240)]


def test_each_word_is_of_use_until_the_next_and_the_last_for_thirty_days(p):
    visits(p)
    plan_at("2027-12-01 12:00")
    until = [outbox(p.clinic, rule)[0].useful_until for rule in SILENT]
    assert until == [tehran(DUE[1]), tehran("2027-02-06 17:30"), tehran("2027-03-08 17:30")]


def test_where_a_stage_is_off_its_place_in_time_stays(p):
    Rule.objects.filter(clinic=p.clinic, key="silent_2").update(enabled=False)
    visits(p)
    plan_at("2027-12-01 12:00")
    assert (stages(p), outbox(p.clinic, "silent_1")[0].useful_until) == (
        [DUE[0], None, DUE[2]],
        tehran(DUE[1]),
    )


# -- At which hour ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "due"),
    [
        pytest.param(["17:30"], "2026-11-29 17:30", id="the hour of the only visit"),
        pytest.param(["16:00", "16:00", "11:15"], "2026-11-29 16:00", id="the usual hour"),
        pytest.param(["16:00", "16:00", "17:30"], "2026-11-30 16:00", id="past on that day"),
        pytest.param(["08:30"], "2026-11-29 10:00", id="not before ten"),
        pytest.param(["19:45"], "2026-11-30 19:00", id="not after seven in the evening"),
        pytest.param(["19:00"], "2026-11-29 19:00", id="seven in the evening"),
        pytest.param(["10:00"], "2026-11-29 10:00", id="ten in the morning"),
    ],
)
def test_a_word_comes_at_the_hour_at_which_the_client_comes(p, hours, due):
    for week, hour in enumerate(reversed(hours)):
        p.came(f"{dt.date(2026, 11, 8) - dt.timedelta(days=7 * week)} {hour}")
    plan_at("2026-12-10 12:00")
    assert due_times(p.clinic, "silent_1") == [due]


def test_a_word_comes_on_a_working_day(p):
    p.close("2026-11-29", "2026-12-03")
    visits(p)
    plan_at("2026-11-29 17:30")
    assert due_times(p.clinic, "silent_1") == ["2026-12-05 17:30"]


# -- Its three words --------------------------------------------------------------------------------


def test_three_words_and_no_fourth(p, gateway):
    visits(p)
    for now in DUE:
        assert tick(now)["sent"] == 1
    for later in ("2027-03-08 17:30", "2027-06-01 12:00", "2028-06-01 12:00"):
        tick(later)
    assert len(gateway.messages) == 3


def test_ticks_that_come_late_say_the_latest_word_that_is_still_of_use(p, gateway):
    visits(p)
    tick("2027-02-07 12:00")
    assert [p.texts(rule) for rule in SILENT] == [
        [("missed", "too_late")],
        [("missed", "too_late")],
        [("sent", "")],
    ]


def test_a_new_silence_begins_anew(p):
    p.change(p.service, lapse_days=21)
    visits(p)
    tick(DUE[0])
    p.came("2026-12-06 17:30")
    tick("2026-12-27 17:30")
    assert due_times(p.clinic, "silent_1") == [DUE[0], "2026-12-27 17:30"]


# -- What ends it -----------------------------------------------------------------------------------


def answered(p, session):
    page = links.Page(Directory.Purpose.CHOICES, p.clinic.pk, session.pk, p.client.pk)
    with p.inside():
        links.publish([page], now=tehran(DUE[0]))
        link = ClientLink.objects.get(session=session, client=p.client)
        links.answer(link, "finished", now=tehran(DUE[0]))


AT = "2026-11-29 12:00"
# What happened on the day of the first word → why it does not leave
CONDITIONS = {
    "nothing": (lambda p, s: None, ("sent", "")),
    "a session booked": (
        lambda p, s: p.book("2026-12-06 17:30", at=AT, tell=False),
        ("skipped", "booked"),
    ),
    "a past session nobody has recorded": (
        lambda p, s: p.book("2026-11-15 17:30", at=AT, tell=False),
        ("skipped", "booked"),
    ),
    "a session that was cancelled": (
        lambda p, s: p.do(actions.cancel, p.book("2026-12-06 17:30", at=AT, tell=False), at=AT),
        ("sent", ""),
    ),
    "a session that was missed": (lambda p, s: p.missed("2026-11-22 17:30"), ("sent", "")),
    "a later visit": (lambda p, s: p.came("2026-11-22 17:30"), ("skipped", "seen_since")),
    "an earlier visit": (lambda p, s: p.came("2026-11-01 17:30"), ("sent", "")),
    "the visit recorded as missed": (
        lambda p, s: p.do(actions.record, s, "no_show", at=AT),
        ("cancelled", "record_changed"),
    ),
    "the visit taken back to scheduled": (
        lambda p, s: p.do(actions.record, s, "scheduled", at=AT),
        ("skipped", "record_changed"),
    ),
    "paused": (
        lambda p, s: p.do(care.pause_treatment, p.treatment, at=AT),
        ("skipped", "paused"),
    ),
    "paused until tomorrow": (
        lambda p, s: p.do(care.pause_treatment, p.treatment, dt.date(2026, 11, 30), at=AT),
        ("skipped", "paused"),
    ),
    "a planned ending": (
        lambda p, s: p.do(care.complete_treatment, p.treatment, at=AT),
        ("skipped", "ended"),
    ),
    "a plan that has come to its day": (
        lambda p, s: p.do(
            care.plan_ending, p.treatment, dt.date(2026, 11, 29), at="2026-11-28 10:00"
        ),
        ("skipped", "plan_over"),
    ),
    "a plan with its sessions done": (
        lambda p, s: p.do(care.plan_ending, p.treatment, ends_after=1, at=AT),
        ("skipped", "plan_over"),
    ),
    "a plan that is not over": (
        lambda p, s: p.do(
            care.plan_ending, p.treatment, dt.date(2026, 11, 30), ends_after=2, at=AT
        ),
        ("sent", ""),
    ),
    "given up": (
        lambda p, s: p.do(care.drop_treatment, p.treatment, at=AT),
        ("skipped", "ended"),
    ),
    "crisis hold": (
        lambda p, s: p.do(care.hold_for_crisis, p.client, at=AT),
        ("skipped", "crisis"),
    ),
    "answered": (answered, ("skipped", "answered")),
}


def test_what_ends_it_between_planning_and_sending(p, subtests):
    session = p.came(LAST)
    plan_at(DUE[0])
    for name, (happens, found) in CONDITIONS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            send_at(DUE[0])
            assert p.texts()[0] == found


def test_what_ends_it_before_it_is_planned(p, subtests):
    session = p.came(LAST)
    for name, (happens, (state, _)) in CONDITIONS.items():
        with subtests.test(name), only_for_now():
            happens(p, session)
            tick(DUE[0])
            left = [m.state for m in outbox(p.clinic)]
            # A hold is shown; what is no silence makes no text at all.
            assert left == {"sent": ["sent"], "crisis hold": ["skipped"]}.get(
                name if name == "crisis hold" else state, []
            )


def test_what_ends_it_between_two_words_ends_it_for_good(p, subtests):
    session = p.came(LAST)
    tick(DUE[0])
    for name, (happens, (state, _)) in CONDITIONS.items():
        if state == "sent" or name in ("a later visit", "crisis hold", "paused until tomorrow"):
            continue
        with subtests.test(name), only_for_now():
            happens(p, session)
            tick(DUE[1])
            tick(DUE[2])
            assert [m.state for m in outbox(p.clinic)] == ["sent"]


def test_a_pause_that_is_over_makes_one_call_and_the_next_word_is_due_as_ever(p):
    p.came(LAST)
    p.do(care.pause_treatment, p.treatment, dt.date(2026, 12, 16), at="2026-11-25 12:00")
    for now in (DUE[0], "2026-12-15 23:59", "2026-12-16 00:01", "2026-12-16 10:00", DUE[1]):
        tick(now)
    assert [(t.kind, t.occasion.split(":")[0]) for t in p.tasks()] == [("pause_over", "pause")]
    assert stages(p) == [None, DUE[1], None]


@pytest.mark.parametrize(
    ("day", "due"),
    [
        pytest.param(dt.date(2026, 12, 16), "2026-12-16 10:00", id="a working day"),
        pytest.param(dt.date(2026, 12, 18), "2026-12-19 10:00", id="a Friday"),
    ],
)
def test_the_call_after_a_pause_is_due_in_the_morning_of_its_last_day(p, day, due):
    p.came(LAST)
    p.do(care.pause_treatment, p.treatment, day, at="2026-11-25 12:00")
    tick("2026-12-15 12:00")
    assert p.tasks() == []
    tick("2026-12-19 12:00")
    assert [t.due_at for t in p.tasks()] == [tehran(due)]


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(
            lambda p: p.book("2026-12-20 17:30", at="2026-12-10 12:00", tell=False), id="booked"
        ),
        pytest.param(
            lambda p: p.do(care.resume_treatment, p.treatment, at="2026-12-10 12:00"), id="resumed"
        ),
        pytest.param(
            lambda p: p.do(care.complete_treatment, p.treatment, at="2026-12-10 12:00"), id="ended"
        ),
        pytest.param(
            lambda p: p.do(
                care.pause_treatment, p.treatment, dt.date(2026, 12, 30), at="2026-12-10 12:00"
            ),
            id="paused for longer",
        ),
    ],
)
def test_no_call_where_the_pause_did_not_simply_end(p, then):
    p.came(LAST)
    p.do(care.pause_treatment, p.treatment, dt.date(2026, 12, 16), at="2026-11-25 12:00")
    then(p)
    tick("2026-12-16 12:00")
    assert p.tasks() == []


def test_a_pause_ends_with_a_call_whichever_rules_are_on(p):
    p.came(LAST)
    p.do(care.pause_treatment, p.treatment, dt.date(2026, 12, 16), at="2026-11-25 12:00")
    Rule.objects.filter(clinic=p.clinic).update(enabled=False)
    tick("2026-12-16 12:00")
    assert [t.kind for t in p.tasks()] == ["pause_over"]


def test_after_a_week_without_ticks_the_call_is_made(p):
    p.came(LAST)
    p.do(care.pause_treatment, p.treatment, dt.date(2026, 12, 16), at="2026-11-25 12:00")
    tick("2026-12-14 12:00")
    tick("2026-12-21 12:00")
    assert [t.kind for t in p.tasks()] == ["pause_over"]


# -- No mass text -----------------------------------------------------------------------------------


def test_whoever_was_silent_before_the_clinic_went_live_gets_only_what_falls_due_later(
    owner, gateway
):
    p = practice(*SILENT, live=False)
    p.came(LAST)
    with p.inside():
        rules.go_live(p.clinic, now=tehran("2026-12-01 12:00"))
    for now in ("2026-12-01 12:05", *DUE[1:]):
        tick(now)
    assert [m.rule_key for m in outbox(p.clinic)] == []


def test_an_edited_lapse_makes_no_ghosts(p):
    for day in range(1, 8):
        p.came(f"2026-11-{day:02} 17:30", clients=[p.someone()])
    tick("2026-11-20 12:00")
    p.change(p.service, lapse_days=5)
    tick("2026-11-20 12:01")
    assert outbox(p.clinic) == []
