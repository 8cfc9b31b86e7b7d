"""What an edit of a rule does, and what the clinic is shown of it before."""

import datetime as dt
from decimal import Decimal

import pytest

from clinic import jalali
from clinic.tenancy import Hat, wear
from followup.actions import switch
from followup.editing import edit
from followup.models import Rule
from followup.planner import plan
from followup.what_if import what_if
from sessions_app import actions
from tests.factories import ClientFactory, ServiceFactory
from tests.followup.clinics import (
    due_times,
    live_clinic,
    outbox,
    session_at,
    states,
    tehran,
    tick,
)

NOW = "2026-11-24 10:00"
HOUR, DAY = 60, 24 * 60


@pytest.fixture
def live(gateway, owner):
    return live_clinic()


@pytest.fixture
def lead(live):
    """The only rule that is on: a reminder 24 hours ahead, for what was booked in time."""
    Rule.objects.filter(clinic=live).exclude(key="reminder_24h").update(enabled=False)
    rule = Rule.objects.get(clinic=live, key="reminder_24h")
    Rule.objects.filter(pk=rule.pk).update(spread_minutes=0)
    rule.refresh_from_db()
    return rule


def inside(clinic):
    return wear(Hat.WEB, clinic_id=clinic.pk, user_id=1)


def edited(rule, now, **changes):
    with inside(rule.clinic):
        edit(Rule.objects.get(pk=rule.pk), changes, now=tehran(now))


def asked(rule, now=NOW, **changes):
    with inside(rule.clinic):
        return what_if(rule, changes, tehran(now))


def clock(moment):
    return f"{jalali.local(moment):%m-%d %H:%M}"


def added(found):
    return [clock(text.due_at) for text in found.added]


def gone(found):
    return [(clock(row.text.due_at), row.why) for row in found.gone]


def moved(found):
    return [(clock(row.text.due_at), clock(row.due_at)) for row in found.moved]


# -- What an edit does ----------------------------------------------------------------------------


def test_a_longer_lead_sends_nothing_for_a_time_that_has_passed(live, lead):
    session_at(live, "2026-11-26 17:00")  # in 55 hours; 60 hours ahead was five hours ago
    tick(NOW)
    edited(lead, NOW, offset_minutes=60 * HOUR, notice_minutes=60 * HOUR)
    for now in ("2026-11-24 10:01", "2026-11-25 17:01", "2026-11-26 12:00"):
        tick(now)
    assert outbox(live) == []


def test_a_longer_lead_is_kept_by_what_has_not_come_so_near_yet(live, lead):
    session_at(live, "2026-11-28 17:00")
    tick(NOW)
    edited(lead, NOW, offset_minutes=48 * HOUR, notice_minutes=48 * HOUR)
    tick("2026-11-26 17:01")
    tick("2026-11-27 17:01")
    assert due_times(live, "reminder_24h") == ["2026-11-26 17:00"]


def test_what_the_old_numbers_have_queued_still_leaves_after_an_edit(live, lead):
    session_at(live, "2026-11-25 10:00")
    plan(tehran(NOW))
    edited(lead, NOW, offset_minutes=48 * HOUR, notice_minutes=48 * HOUR)
    tick("2026-11-24 10:01")
    assert [(m.state, m.reason) for m in outbox(live)] == [("sent", "")]


def test_an_edit_never_makes_a_second_text_of_what_was_sent(live, lead):
    session_at(live, "2026-11-25 10:00")
    tick(NOW)
    edited(lead, "2026-11-24 10:05", offset_minutes=6 * HOUR, notice_minutes=6 * HOUR)
    tick("2026-11-25 04:01")
    tick("2026-11-25 09:01")
    assert len(outbox(live)) == 1


def test_what_fell_due_between_the_last_tick_and_the_edit_is_not_lost(live, lead):
    session_at(live, "2026-11-25 10:00")
    tick("2026-11-24 09:59")
    edited(lead, "2026-11-24 10:00:30", useful_minutes=2 * HOUR)
    tick("2026-11-24 10:01")
    assert [m.state for m in outbox(live)] == ["sent"]


def test_a_condition_that_is_loosened_wakes_nothing_that_fell_due_before(live, lead):
    session_at(live, "2026-11-25 10:00", booked="2026-11-23 18:00")
    edited(lead, "2026-11-23 09:00", notice_minutes=48 * HOUR)
    tick("2026-11-24 10:01")
    edited(lead, "2026-11-24 10:30", notice_minutes=24 * HOUR)
    tick("2026-11-24 10:31")
    assert outbox(live) == []


def test_a_limit_stops_what_is_already_queued_for_others(live, lead):
    session_at(live, "2026-11-25 10:00")
    plan(tehran(NOW))
    with inside(live):
        service = ServiceFactory(clinic=live)
    edited(lead, NOW, services=[service.pk])
    tick(NOW)
    assert states(live) == {("reminder_24h", "skipped", "not_meant"): 1}


def test_switching_off_and_on_still_wakes_nothing_after_an_edit(live, lead):
    session_at(live, "2026-11-25 10:00")
    edited(lead, "2026-11-20 10:00", useful_minutes=2 * HOUR)
    with inside(live):
        rule = Rule.objects.get(pk=lead.pk)
        switch(rule, False, now=tehran("2026-11-24 09:00"))
        switch(rule, True, now=tehran("2026-11-24 10:30"))
    tick("2026-11-24 10:31")
    assert outbox(live) == []


def test_an_edit_of_nothing_changes_nothing(live, lead):
    edited(lead, NOW)
    assert Rule.objects.get(pk=lead.pk).numbers_since is None


# -- What is shown before -------------------------------------------------------------------------


def test_asking_changes_nothing(live, lead):
    session_at(live, "2026-11-28 17:00")
    before = Rule.objects.filter(pk=lead.pk).values().get()
    asked(lead, offset_minutes=48 * HOUR)
    assert Rule.objects.filter(pk=lead.pk).values().get() == before
    assert lead.offset_minutes == 24 * HOUR
    assert outbox(live) == []


def test_the_same_numbers_change_nothing(live, lead):
    session_at(live, "2026-11-28 17:00")
    found = asked(lead, offset_minutes=24 * HOUR)
    assert (found.is_nothing, found.same) == (True, 1)


def test_another_lead_moves_texts(live, lead):
    session_at(live, "2026-11-28 17:00")
    found = asked(lead, offset_minutes=30 * HOUR, notice_minutes=30 * HOUR)
    assert moved(found) == [("11-27 17:00", "11-27 11:00")]
    assert (found.added, found.gone) == ([], [])


def test_a_text_whose_new_time_has_passed_is_gone_and_says_so(live, lead):
    session_at(live, "2026-11-26 17:00")
    found = asked(lead, offset_minutes=60 * HOUR, notice_minutes=60 * HOUR)
    assert gone(found) == [("11-25 17:00", "passed")]


def test_a_text_that_leaves_the_week_is_moved_and_not_gone(live, lead):
    session_at(live, "2026-12-02 17:00")
    edited(lead, "2026-11-20 10:00", offset_minutes=72 * HOUR, notice_minutes=72 * HOUR)
    lead.refresh_from_db()
    found = asked(lead, offset_minutes=24 * HOUR)
    assert moved(found) == [("11-29 17:00", "12-01 17:00")]
    assert found.gone == []


def test_a_text_that_enters_the_week_is_moved_and_not_added(live, lead):
    session_at(live, "2026-12-02 17:00")
    found = asked(lead, offset_minutes=72 * HOUR, notice_minutes=72 * HOUR)
    assert moved(found) == [("12-01 17:00", "11-29 17:00")]
    assert found.added == []


def test_a_loosened_condition_adds_texts(live, lead):
    session_at(live, "2026-11-28 17:00", booked="2026-11-24 09:00")
    edited(lead, "2026-11-20 10:00", notice_minutes=7 * DAY)
    lead.refresh_from_db()
    assert added(asked(lead, notice_minutes=24 * HOUR)) == ["11-27 17:00"]


def test_a_tightened_condition_takes_texts_away_and_says_why(live, lead):
    session_at(live, "2026-11-28 17:00", booked="2026-11-24 09:00")
    found = asked(lead, notice_minutes=7 * DAY)
    assert gone(found) == [("11-27 17:00", "booked_late")]


def test_a_limit_takes_texts_away_and_says_why(live, lead):
    mine, other = (session_at(live, f"2026-11-28 {hour}:00") for hour in (15, 17))
    found = asked(lead, services=[mine.service_id])
    assert gone(found) == [("11-27 17:00", "not_meant")]
    assert found.gone[0].text.session == other
    assert found.same == 1


def test_a_freed_budget_lets_another_rules_text_through(live):
    """Three texts in a week are one too many: without the first, the third goes."""
    Rule.objects.filter(clinic=live).update(enabled=False)
    client = ClientFactory(clinic=live, consent_motivation=True)
    session = session_at(live, "2026-11-21 17:00", clients=[client])
    with inside(live):
        actions.record(session, "attended", now=tehran("2026-11-21 18:00"))
        base = {"clinic": live, "active_since": lead_time(), "purpose": "follow_up"}
        first, *_others = (
            Rule.objects.create(
                key=f"n{days}", kind="mid_treatment", nth=1, offset_minutes=days * DAY,
                useful_minutes=DAY, **base,
            )
            for days in (3, 4, 5)
        )  # fmt: skip
        from messaging.models import Template

        for key in ("n3", "n4", "n5"):
            Template.objects.create(key=key, body="سلام {خطاب}، {کلینیک}", updated_at=lead_time())
    found = asked(first, nth=2)
    assert [row.text.rule_key for row in found.gone] == ["n3"]
    assert [text.rule_key for text in found.added] == ["n5"]


def lead_time():
    return tehran("2026-01-02 10:00")


def test_a_silent_stage_moves_with_its_factor(live):
    Rule.objects.filter(clinic=live).exclude(kind="silent").update(enabled=False)
    session = session_at(live, "2026-11-07 12:00")
    with inside(live):
        actions.record(session, "attended", now=tehran("2026-11-07 13:00"))
    rule = Rule.objects.get(clinic=live, key="silent_1")
    before = asked(rule)
    assert before.same == 1
    (move,) = asked(rule, factor=Decimal("1.5")).moved
    assert move.due_at - move.text.due_at > dt.timedelta(days=7)


def test_another_clinics_texts_are_not_looked_at(live, lead, owner):
    other = live_clinic("other")
    session_at(other, "2026-11-28 17:00")
    found = asked(lead, offset_minutes=20 * HOUR)
    assert found.is_nothing
    assert found.same == 0


# -- By which channel ------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["whatsapp", "email"])
def test_another_channel_moves_no_text_and_is_counted(live, lead, channel):
    for email in ("maryam@example.ir", "ali@example.ir"):
        client = ClientFactory(clinic=live, email=email)
        session_at(live, "2026-11-28 17:00", clients=[client])
    found = asked(lead, channel=channel)
    assert (found.rerouted, found.same, found.is_nothing) == (2, 0, False)
    assert (added(found), gone(found), moved(found)) == ([], [], [])


def test_who_has_no_address_is_told_to_get_nothing_by_e_mail(live, lead):
    session_at(live, "2026-11-28 17:00", clients=[ClientFactory(clinic=live)])
    found = asked(lead, channel="email")
    assert (gone(found), found.rerouted) == ([("11-27 17:00", "no_email")], 0)


def test_another_way_after_the_first_changes_no_text_of_the_week(live, lead):
    session_at(live, "2026-11-28 17:00")
    found = asked(lead, then=["call"])
    assert (found.is_nothing, found.same) == (True, 1)


def test_after_a_change_of_channel_nobody_is_told_twice(live, lead, gateway):
    client = ClientFactory(clinic=live, email="maryam@example.ir")
    session_at(live, "2026-11-25 10:00", clients=[client])
    tick("2026-11-24 10:00")
    edited(lead, "2026-11-24 10:01", channel="email")
    tick("2026-11-24 10:02")
    assert [(m.channel, m.state) for m in outbox(live)] == [("sms", "sent")]
