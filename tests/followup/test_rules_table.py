"""Every row of the rules' table alike: when it falls due, how long it is of use, what stops it."""

import datetime as dt
from collections import Counter

import pytest

from clinic import jalali
from followup import actions as rules
from followup.defaults import DEFAULT_RULES
from followup.models import Rule
from patients import care
from patients.actions import set_consent
from patients.models import ConsentRecord, Purpose
from sessions_app import rhythm
from sessions_app.models import Participant
from tests import factories
from tests.followup.clinics import outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, send_at
from tests.followup.scenes import SCENES

MINUTE = dt.timedelta(minutes=1)
each_rule = pytest.mark.parametrize("scene", SCENES, ids=[s.rule for s in SCENES])


def spoken(moment):
    return f"{jalali.local(moment):%Y-%m-%d %H:%M}"


@pytest.fixture(autouse=True)
def hat(owner, gateway):
    """Across clinics for the test's own looks, and a gateway that takes what leaves."""


@each_rule
def test_it_is_planned_in_the_minute_it_falls_due_and_not_before(scene):
    p, _ = scene.open()
    assert plan_at(tehran_minus(scene.due, 1)) == Counter()
    assert plan_at(scene.due) == Counter(planned=1)
    (message,) = outbox(p.clinic)
    assert (message.rule_key, spoken(message.due_at), spoken(message.useful_until)) == (
        scene.rule,
        scene.due,
        scene.until,
    )


def tehran_minus(text, minutes):
    return f"{jalali.local(tehran(text) - minutes * MINUTE):%Y-%m-%d %H:%M}"


@each_rule
def test_it_leaves_in_the_last_useful_minute_and_is_missed_in_the_next(scene):
    p, _ = scene.open()
    plan_at(scene.due)
    with only_for_now():
        assert send_at(tehran_minus(scene.until, 1)) == Counter(sent=1)
    assert send_at(scene.until) == Counter(missed=1)
    assert p.texts() == [("missed", "too_late")]


@each_rule
def test_a_tick_that_comes_late_sends_what_is_of_use_and_shows_what_is_not(scene):
    p, _ = scene.open()
    with only_for_now():
        assert tick(tehran_minus(scene.until, 1)) == Counter(planned=1, sent=1)
    tick(scene.until)
    assert p.texts(scene.rule) == [("missed", "too_late")]


@each_rule
def test_ticks_at_the_same_time_and_later_send_it_once(scene, gateway):
    p, _ = scene.open()
    for _ in range(2):
        tick(scene.due)
    tick(tehran(scene.due) + dt.timedelta(hours=1))
    assert [m.receptor for m in gateway.messages] == [p.client.phone.replace("+98", "0")]


# -- What stops it between planning and sending -----------------------------------------------------


def muted(p, session, now):
    care.mute(p.client, now=now)


def held_for_crisis(p, session, now):
    care.hold_for_crisis(p.client, now=now)


def refused(purpose):
    def refuse(p, session, now):
        source = ConsentRecord.Source.PANEL
        for each in Purpose.values if purpose is None else [purpose]:
            set_consent(p.client, each, False, source=source, now=now)

    return refuse


def switched_off(p, session, now):
    rules.switch(the_rule(p), False, now=now)


def off_and_on(p, session, now):
    rules.switch(the_rule(p), False, now=now)
    rules.switch(the_rule(p), True, now=now + MINUTE)


def deleted(p, session, now):
    the_rule(p).delete()


def the_rule(p):
    return Rule.objects.get(clinic=p.clinic, pk=outbox(p.clinic)[0].rule_number)


def limited(**limits):
    def limit(p, session, now):
        made = {
            "other service": lambda: [factories.ServiceFactory(clinic=p.clinic).pk],
            "other therapist": lambda: [factories.TherapistFactory(clinic=p.clinic).pk],
            "its service": lambda: [p.service.pk],
            "its therapist": lambda: [p.therapist.pk],
        }
        values = {name: made[value]() if value in made else value for name, value in limits.items()}
        Rule.objects.filter(clinic=p.clinic, pk=the_rule(p).pk).update(**values)

    return limit


def phone(number):
    def change(p, session, now):
        p.client.refresh_from_db()
        p.client.phone = number
        p.client.save()

    return change


def left_the_session(p, session, now):
    Participant.objects.filter(session=session, client=p.client).delete()


STOPS = {
    "nothing": (lambda p, session, now: None, ("sent", "")),
    "muted": (muted, ("skipped", "muted")),
    "crisis hold": (held_for_crisis, ("skipped", "crisis")),
    "every consent withdrawn": (refused(None), ("skipped", "no_consent")),
    "rule off": (switched_off, ("cancelled", "rule_off")),
    "rule off and on again": (off_and_on, ("cancelled", "rule_off")),
    "rule deleted": (deleted, ("cancelled", "rule_off")),
    "rule for another service": (limited(services="other service"), ("skipped", "not_meant")),
    "rule for this service": (limited(services="its service"), ("sent", "")),
    "rule for another therapist": (limited(therapists="other therapist"), ("skipped", "not_meant")),
    "rule for this therapist": (limited(therapists="its therapist"), ("sent", "")),
    "phone changed": (phone("+989129999999"), ("skipped", "phone_changed")),
    "phone removed": (phone(""), ("skipped", "phone_changed")),
    "left the session": (left_the_session, ("skipped", "not_participant")),
}
OF_PURPOSE = {
    purpose: {other: other == purpose for other in Purpose.values} for purpose in Purpose.values
}


@each_rule
def test_what_happens_before_it_leaves_stops_it_or_does_not(scene, subtests):
    p, session = scene.open()
    plan_at(scene.due)
    stops = STOPS | {
        f"consent to {other} withdrawn": (
            refused(other),
            ("skipped", "no_consent") if stops else ("sent", ""),
        )
        for other, stops in OF_PURPOSE[scene.purpose].items()
    }
    for name, (happens, found) in stops.items():
        with subtests.test(name), only_for_now():
            with p.inside():
                happens(p, session, tehran(scene.due))
            send_at(scene.due)
            assert p.texts() == [found]


@each_rule
def test_new_and_returning_are_told_apart_by_what_was_attended_before(scene, subtests):
    # After a fourth session, and before one to come after one attended.
    returning = scene.rule in ("motivation_mid", "motivation_gap")
    p, _ = scene.open()
    plan_at(scene.due)
    for audience, is_meant in (("new", not returning), ("returning", returning), ("all", True)):
        with subtests.test(audience), only_for_now():
            limited(audience=audience)(p, None, None)
            send_at(scene.due)
            assert p.texts() == [("sent", "") if is_meant else ("skipped", "not_meant")]


@each_rule
def test_a_changed_phone_is_told_in_its_stead(scene, gateway):
    p, _ = scene.open()
    plan_at(scene.due)
    p.change(p.client, phone="+989129999999")
    tick(scene.due)
    assert [m.receptor for m in gateway.messages] == ["09129999999"]


@each_rule
def test_what_is_no_occasion_any_more_is_not_planned_either(scene, subtests):
    p, _ = scene.open()
    for name, change in (
        ("rule off", {"enabled": False}),
        ("rule for another service", {"services": [0]}),
        ("rule for another therapist", {"therapists": [0]}),
        ("switched on after it fell due", {"active_since": tehran(scene.due) + MINUTE}),
    ):
        with subtests.test(name), only_for_now():
            Rule.objects.filter(clinic=p.clinic).update(**change)
            plan_at(tehran_minus(scene.until, 1))
            assert p.texts() == []


# -- Shadow mode and no ghosts ----------------------------------------------------------------------


@each_rule
def test_in_shadow_mode_it_is_written_and_does_not_leave(scene, gateway):
    p, _ = scene.open(live=False)
    tick(scene.due)
    (message,) = outbox(p.clinic)
    assert (message.state, bool(message.text), gateway.messages) == ("shadow", True, [])


@each_rule
def test_what_fell_due_before_going_live_is_never_told(scene, gateway):
    p, _ = scene.open(live=False)
    with p.inside():
        rules.go_live(p.clinic, now=tehran(scene.due) + MINUTE)
    tick(tehran(scene.due) + 2 * MINUTE)
    assert (p.texts(), gateway.messages) == ([], [])


@each_rule
def test_what_falls_due_in_the_minute_of_going_live_leaves(scene, gateway):
    """But to whom was silent by then no later word goes: they are on the list for a person."""
    p, _ = scene.open(live=False)
    with p.inside():
        rules.go_live(p.clinic, now=tehran(scene.due))
    tick(scene.due)
    assert len(gateway.messages) == (scene.rule not in ("silent_2", "silent_3"))


# -- Two clients in one session ---------------------------------------------------------------------


@each_rule
def test_couples_are_told_each_on_their_own_phone(scene, gateway):
    p, _ = scene.open()
    join_everything(p, p.someone(consent_motivation=True))
    tick(scene.due)
    assert len({m.receptor for m in gateway.messages}) == len(gateway.messages) == 2


@each_rule
def test_a_couple_with_one_phone_is_told_once_and_nobody_is_named(scene, gateway):
    p, _ = scene.open()
    join_everything(p, p.someone(consent_motivation=True, phone=p.client.phone))
    tick(scene.due)
    (text,) = gateway.messages
    assert ("همراه گرامی" in text.body, p.client.addressed in text.body) == (True, False)


@each_rule
def test_of_a_couple_with_one_phone_the_one_who_consents_is_told(scene):
    p, _ = scene.open()
    partner = p.someone(consent_motivation=True, phone=p.client.phone)
    join_everything(p, partner)
    p.change(p.client, **{f"consent_{purpose}": False for purpose in Purpose.values})
    tick(scene.due)
    assert [(m.client, m.state) for m in outbox(p.clinic)] == [(partner, "sent")]


def join_everything(p, partner):
    """The partner has been in every session, as if booked with the client from the start."""
    with p.inside():
        for session in p.client.sessions.all():
            Participant.objects.create(session=session, client=partner)
        rhythm.refresh([partner.pk])


def test_the_scenes_are_the_whole_table():
    # The reminder of one day, which is spread, has tables of its own in test_due_times.
    told = {scene.rule for scene in SCENES} | {"reminder_24h"}
    assert told == {default.key for default in DEFAULT_RULES}
