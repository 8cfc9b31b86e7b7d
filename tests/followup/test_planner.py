"""What a tick plans, whatever happened between it and the last one."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection

from clinic.models import Therapist
from clinic.tenancy import Hat, wear
from followup import actions as rules
from followup.models import Kind, Rule, Watermark
from followup.occasions import Offset, statement, values
from followup.planner import plan
from messaging.models import Message, Template
from sessions_app import actions
from tests.factories import ClientFactory, TherapistFactory
from tests.followup.clinics import (
    due_times,
    live_clinic,
    outbox,
    session_at,
    states,
    tehran,
    tick,
)

START = "2026-11-28 17:30"
DUE_24H = "2026-11-27 17:40"  # by then the spread of ten minutes is over
DUE_72H = "2026-11-25 17:30"


@pytest.fixture
def live(gateway, owner):
    return live_clinic()


def rule(clinic, key="reminder_24h"):
    return Rule.objects.get(clinic=clinic, key=key)


def inside(clinic):
    return wear(Hat.WEB, clinic_id=clinic.pk, user_id=1)


def sent_texts(gateway):
    return [message.body for message in gateway.messages]


# -- Ordinary life --------------------------------------------------------------------------------


def test_nothing_is_planned_before_it_is_due(live):
    session_at(live, START)
    assert tick("2026-11-25 17:29") == Counter()


def test_both_reminders_reach_the_phone_once_each(live, gateway):
    session_at(live, START)
    for now in (DUE_72H, "2026-11-26 12:00", DUE_24H, "2026-11-28 12:00"):
        tick(now)
    assert len(sent_texts(gateway)) == 2


def test_a_second_tick_at_the_same_time_plans_nothing(live):
    session_at(live, START)
    assert tick(DUE_72H) == Counter(planned=1, sent=1)
    assert tick(DUE_72H) == Counter()


def test_each_client_of_a_couple_gets_a_text(live, gateway):
    with inside(live):
        couple = [ClientFactory(clinic=live), ClientFactory(clinic=live, honorific="آقای")]
    session_at(live, START, clients=couple)
    tick(DUE_72H)
    assert len(gateway.messages) == 2


def test_a_couple_with_one_phone_gets_one_text(live, gateway):
    with inside(live):
        couple = ClientFactory.create_batch(2, clinic=live, phone="+989121111111")
    session_at(live, START, clients=couple)
    tick(DUE_72H)
    assert len(gateway.messages) == 1


def test_a_session_that_already_took_place_gets_no_reminder(live):
    session = session_at(live, START)
    with inside(live):
        actions.record(session, "attended", now=tehran("2026-11-28 18:30"))
    tick("2026-11-28 19:00")
    assert due_times(live, "reminder_72h") + due_times(live, "reminder_24h") == []


# -- The schedule changes -------------------------------------------------------------------------


def test_a_moved_session_earns_a_new_reminder_at_its_new_time(live):
    session = session_at(live, START)
    tick(DUE_72H)
    with inside(live):
        actions.move(session, starts_at=tehran("2026-12-05 12:00"), now=tehran("2026-11-26 10:00"))
    tick("2026-12-02 12:00")
    assert due_times(live, "reminder_72h") == ["2026-11-25 17:30", "2026-12-02 12:00"]


def test_a_session_moved_before_its_reminder_gets_only_the_new_one(live):
    session = session_at(live, START)
    with inside(live):
        actions.move(session, starts_at=tehran("2026-12-05 12:00"), now=tehran("2026-11-24 10:00"))
    tick(DUE_72H)
    tick("2026-12-02 12:00")
    assert due_times(live, "reminder_72h") == ["2026-12-02 12:00"]


def test_a_session_moved_to_tomorrow_gets_no_72_hour_reminder(live):
    session = session_at(live, START)
    with inside(live):
        actions.move(session, starts_at=tehran("2026-11-25 12:00"), now=tehran("2026-11-23 12:00"))
    tick("2026-11-23 12:30")
    assert due_times(live, "reminder_72h") == []


def test_a_longer_session_is_the_same_promise(live):
    session = session_at(live, START)
    tick(DUE_72H)
    with inside(live):
        actions.move(
            session,
            starts_at=session.starts_at,
            duration=dt.timedelta(minutes=90),
            now=tehran("2026-11-25 18:00"),
        )
    assert tick("2026-11-25 18:01") == Counter()


def test_a_cancelled_session_gets_nothing(live):
    session = session_at(live, START)
    with inside(live):
        actions.cancel(session, now=tehran("2026-11-20 10:00"))
    tick(DUE_72H)
    assert outbox(live) == []


def test_a_restored_session_gets_its_reminder(live):
    session = session_at(live, START)
    with inside(live):
        actions.cancel(session, now=tehran("2026-11-20 10:00"))
        actions.restore(session, now=tehran("2026-11-21 10:00"))
    tick(DUE_72H)
    assert due_times(live, "reminder_72h") == ["2026-11-25 17:30"]


def test_cancelled_and_restored_after_the_reminder_a_new_promise_needs_its_own_notice(live):
    session = session_at(live, START)
    tick(DUE_72H)
    with inside(live):
        actions.cancel(session, now=tehran("2026-11-26 10:00"))
        actions.restore(session, now=tehran("2026-11-26 10:05"))
    tick(DUE_24H)
    assert [m.rule_key for m in outbox(live)] == ["reminder_72h", "reminder_24h"]


def test_the_text_names_the_therapist_of_the_moment_of_sending(live, gateway):
    session = session_at(live, START)
    with inside(live):
        other = TherapistFactory(clinic=live, title="آقای دکتر یزدانی")
        actions.move(
            session, starts_at=session.starts_at, therapist=other, now=tehran("2026-11-22 10:00")
        )
    tick(DUE_72H)
    assert "آقای دکتر یزدانی" in sent_texts(gateway)[0]


def test_a_therapist_change_between_planning_and_sending_is_seen(live, gateway):
    session = session_at(live, START)
    plan(tehran(DUE_72H))
    with inside(live):
        Therapist.objects.filter(pk=session.therapist_id).update(title="خانم دکتر نوری")
    tick(DUE_72H)
    assert "خانم دکتر نوری" in sent_texts(gateway)[0]


def test_a_corrected_phone_gets_the_reminder(live, gateway):
    with inside(live):
        client = ClientFactory(clinic=live, phone="+989121111111")
    session_at(live, START, clients=[client])
    plan(tehran(DUE_72H))
    with inside(live):
        client.phone = "+989122222222"
        client.save()
    tick(DUE_72H)
    tick("2026-11-25 17:31")
    assert [m.receptor for m in gateway.messages] == ["09122222222"]


def test_a_client_added_after_the_due_time_is_still_told(live, gateway):
    session = session_at(live, START)
    tick(DUE_24H)
    with inside(live):
        session.participants.create(clinic=live, client=ClientFactory(clinic=live))
    tick("2026-11-27 18:30")
    assert len(outbox(live, "reminder_24h")) == 2


# -- The rule changes -----------------------------------------------------------------------------


def test_a_rule_switched_off_plans_nothing(live):
    session_at(live, START)
    with inside(live):
        rules.switch(rule(live), False, now=tehran("2026-11-20 10:00"))
    tick(DUE_24H)
    assert [m.rule_key for m in outbox(live) if m.state == "sent"] == []


def test_switching_a_rule_off_cancels_what_it_queued(live):
    session_at(live, START)
    plan(tehran(DUE_72H))
    with inside(live):
        rules.switch(rule(live, "reminder_72h"), False, now=tehran(DUE_72H))
    assert states(live) == Counter({("reminder_72h", "cancelled", "rule_off"): 1})


def test_a_rule_switched_on_again_makes_no_ghosts(live):
    session_at(live, START)
    with inside(live):
        the_rule = rule(live, "reminder_72h")
        rules.switch(the_rule, False, now=tehran("2026-11-20 10:00"))
        rules.switch(the_rule, True, now=tehran("2026-11-25 18:00"))
    tick("2026-11-25 18:01")
    assert outbox(live) == []


def test_an_edited_lead_moves_what_is_not_due_yet(live):
    session_at(live, START)
    tick("2026-11-24 10:00")
    with inside(live):
        Rule.objects.filter(clinic=live, key="reminder_72h").update(offset_minutes=48 * 60)
    tick("2026-11-26 17:30")
    assert due_times(live, "reminder_72h") == ["2026-11-26 17:30"]


def test_new_words_are_used_by_what_is_already_queued(live, gateway):
    session_at(live, START)
    plan(tehran(DUE_72H))
    with inside(live):
        for wording in Template.objects.filter(clinic=live, key="reminder_72h"):
            rules.reword(wording, "تا {روز}. {کلینیک}", now=tehran(DUE_72H))
    tick(DUE_72H)
    assert sent_texts(gateway) == ["تا شنبه ۷ آذر. کلینیک آرامش"]


# -- No ghosts ------------------------------------------------------------------------------------


def test_what_fell_due_before_the_clinic_went_live_is_never_sent(gateway, owner):
    shy = live_clinic("shy", live=False)
    session_at(shy, START)
    with inside(shy):
        rules.go_live(shy, now=tehran("2026-11-25 18:00"))
    assert tick("2026-11-25 18:01") == Counter()


def test_what_was_shadow_stays_shadow_after_going_live(gateway, owner):
    shy = live_clinic("shy", live=False)
    session_at(shy, START)
    tick(DUE_72H)
    with inside(shy):
        rules.go_live(shy, now=tehran("2026-11-25 18:00"))
    tick("2026-11-25 18:01")
    assert states(shy) == Counter({("reminder_72h", "shadow", ""): 1})


def test_a_message_in_shadow_mode_shows_its_text_and_leaves_nothing(gateway, owner):
    shy = live_clinic("shy", live=False)
    session_at(shy, START)
    tick(DUE_72H)
    (message,) = outbox(shy)
    assert (message.state, "با" in message.text, gateway.messages) == ("shadow", True, [])


def test_sessions_imported_after_their_reminder_was_due_make_no_ghost(live):
    session_at(live, START, booked="2026-11-26 09:00")
    tick("2026-11-26 09:01")
    assert outbox(live) == []


# -- Ticks missed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pause", "found"),
    [
        pytest.param(dt.timedelta(hours=1), {("reminder_72h", "sent", ""): 1}, id="an hour"),
        pytest.param(dt.timedelta(days=1), {("reminder_72h", "sent", ""): 1}, id="a day"),
        pytest.param(
            dt.timedelta(days=2, hours=20),
            {("reminder_72h", "missed", "too_late"): 1, ("reminder_24h", "sent", ""): 1},
            id="until four hours before",
        ),
        pytest.param(
            dt.timedelta(days=7),
            {("reminder_72h", "missed", "too_late"): 1, ("reminder_24h", "missed", "too_late"): 1},
            id="a week",
        ),
    ],
)
def test_after_a_pause_nothing_is_lost_and_nothing_useless_is_sent(live, pause, found):
    session_at(live, START)
    tick("2026-11-25 17:00")
    tick(tehran(DUE_72H) + pause)
    assert states(live) == Counter(found)


def test_before_the_first_tick_ever_nothing_is_lost_either(live):
    session_at(live, START)
    tick("2026-12-10 12:00")
    assert {m.state for m in outbox(live)} == {"missed"}


def test_what_is_too_late_is_counted_as_missed(live):
    session_at(live, START)
    assert tick("2026-12-10 12:00") == Counter(missed=2)


def test_a_late_tick_does_not_send_in_quiet_hours(live):
    session_at(live, START)
    tick("2026-11-25 17:00")
    assert tick("2026-11-25 22:00") == Counter(planned=1)


def test_what_waited_over_night_leaves_in_the_morning(live):
    session_at(live, START)
    tick("2026-11-25 17:00")
    tick("2026-11-25 22:00")
    assert tick("2026-11-26 09:00") == Counter(sent=1)


def test_a_session_booked_in_the_evening_after_the_pulled_moment_is_told_in_the_morning(live):
    session_at(live, "2026-11-28 08:00", booked="2026-11-26 22:00")
    tick("2026-11-26 22:10")
    assert tick("2026-11-27 09:00")["sent"] == 1


def test_a_clock_that_went_back_loses_nothing(live):
    tick("2027-06-01 12:00")
    session_at(live, START)
    assert tick(DUE_72H) == Counter(planned=1, sent=1)


def test_the_watermark_is_the_time_of_the_scan(live):
    tick(DUE_72H)
    marks = Watermark.objects.values_list("kind", "scanned_to")
    assert dict(marks) == dict.fromkeys(Kind.values, tehran(DUE_72H))


# -- How it reads ---------------------------------------------------------------------------------


def test_planning_takes_the_same_queries_for_one_session_and_for_thirty(
    live, django_assert_num_queries
):
    session_at(live, START)
    plan(tehran("2026-11-24 10:00"))
    with django_assert_num_queries(69):
        plan(tehran(DUE_72H))
    for minute in range(30):
        session_at(live, f"2026-11-29 17:{minute:02}")
    with django_assert_num_queries(69):
        plan(tehran("2026-11-26 18:00"))


def test_the_scan_reaches_sessions_through_the_partial_index(transactional_db, live):
    """Emptied by truncation: the size that ANALYZE writes down outlives a rollback."""
    session = session_at(live, START)
    with connection.cursor() as cursor:
        cursor.execute(A_YEAR_OF_SESSIONS, [session.pk])
        cursor.execute("ANALYZE sessions_app_session")
    with wear(Hat.WORKER, clinic_id=None), connection.cursor() as cursor:
        offset = Offset(1440, 0, Decimal(1))
        cursor.execute(
            "EXPLAIN " + statement("before_session", {offset}) + "SELECT * FROM occasions",
            values("before_session", tehran(DUE_72H), tehran(DUE_72H)),
        )
        plan_text = "\n".join(line for (line,) in cursor.fetchall())
    assert "session_coming" in plan_text


A_YEAR_OF_SESSIONS = """
INSERT INTO sessions_app_session (clinic_id, therapist_id, service_id, starts_at, ends_at, state,
                                  cancelled_by, revision, booked_at, source, online_url)
SELECT clinic_id, therapist_id, service_id, starts_at - n * interval '1 hour',
       ends_at - n * interval '1 hour', CASE WHEN n < 200 THEN 'scheduled' ELSE 'attended' END,
       '', 1, booked_at, source, ''
  FROM sessions_app_session, generate_series(1, 20000) n WHERE id = %s
"""


def test_messages_of_the_planner_are_born_queued_with_their_due_time(live):
    session_at(live, START)
    plan(tehran(DUE_72H))
    message = Message.objects.get(clinic=live)
    assert (message.state, message.attempt_at, message.attempts) == ("queued", message.due_at, 0)
