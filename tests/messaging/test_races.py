"""Two at once, with real transactions: whoever changes the world first must win."""

import threading
from collections import Counter

import pytest
from django.db import connection, transaction

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.planner import plan
from messaging import claiming, delivery, outbox
from messaging.accounts import gateways_of
from messaging.models import Message
from patients.actions import set_consent
from sessions_app import actions
from tests.followup.clinics import live_clinic, session_at, tehran
from tests.locks import come_to_wait

DUE = tehran("2026-11-25 17:30")


@pytest.fixture
def session(transactional_db, gateway):
    gateway.set_clock(DUE)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return session_at(live_clinic(), "2026-11-28 17:30")


def in_thread(work):
    """Run `work` on a connection of its own; returns the thread and what it will have returned."""
    found = []

    def run():
        try:
            found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def the_message():
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return Message.objects.get()


def while_it_is_uncommitted(session, change):
    """Make `change`, let a sender run into it, and only then commit."""
    with wear(Hat.WEB, clinic_id=session.clinic_id, user_id=1):
        change()
        thread, counts = in_thread(lambda: delivery.drain(lambda: DUE))
        waited = come_to_wait()
    thread.join(timeout=20)
    return waited, counts[0]


def test_a_sender_waits_for_a_cancellation_under_way_and_then_sends_nothing(session, gateway):
    plan(DUE)
    # The cancellation's own sweep of the outbox is left out: the row lock alone must hold.
    waited, _ = while_it_is_uncommitted(
        session, lambda: type(session).objects.filter(pk=session.pk).update(state="cancelled")
    )
    message = the_message()
    assert (waited, message.state, message.reason, gateway.messages) == (
        True,
        "cancelled",
        "session_cancelled",
        [],
    )


def test_a_sender_waits_for_a_refusal_under_way_and_then_sends_nothing(session, gateway):
    plan(DUE)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        client = session.participants.get().client
    waited, counts = while_it_is_uncommitted(
        session,
        lambda: set_consent(client, "transactional", False, source="panel", now=DUE),
    )
    assert (waited, counts["skipped:no_consent"], gateway.messages) == (True, 1, [])


def test_a_cancellation_that_comes_after_the_text_left_is_kept_apart_from_it(session, gateway):
    plan(DUE)
    delivery.drain(lambda: DUE)
    with wear(Hat.WEB, clinic_id=session.clinic_id, user_id=1):
        actions.cancel(session, now=DUE)
    assert (the_message().state, len(gateway.messages)) == ("sent", 1)


def test_two_planners_at_once_plan_each_occasion_once(session):
    threads = [in_thread(lambda: plan(DUE)) for _ in range(4)]
    for thread, _ in threads:
        thread.join(timeout=20)
    assert sum((found[0] for _, found in threads), Counter()) == Counter(planned=1)


def test_two_senders_at_once_send_each_message_once(session, gateway):
    plan(DUE)
    threads = [in_thread(lambda: delivery.drain(lambda: DUE)) for _ in range(4)]
    for thread, _ in threads:
        thread.join(timeout=20)
    assert len(gateway.messages) == 1


def test_a_planner_that_dies_before_its_commit_has_planned_nothing(session):
    with transaction.atomic():
        plan(DUE)
        transaction.set_rollback(True)
    assert plan(DUE) == Counter(planned=1)


def test_a_message_stopped_after_the_claim_does_not_leave(session, gateway, monkeypatch):
    plan(DUE)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ids = claiming.claim(DUE, "sender")
        ((_, verdict),) = outbox.drafts(ids, "sender", DUE)
        carrier = gateways_of({session.clinic_id})[session.clinic_id]
    outcome = []

    def stop():
        with wear(Hat.WEB, clinic_id=session.clinic_id, user_id=1):
            try:
                outbox.cancel(Message.objects.get(), now=DUE)
                outcome.append("stopped")
            except outbox.OutboxError:
                outcome.append("too late")

    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ready, _ = outbox.begin_sending(ids, verdict.text, carrier, holder="sender", now=DUE)
        thread, _ = in_thread(stop)
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (len(ready), waited, outcome) == (1, True, ["too late"])


def test_a_planner_does_not_wait_for_a_file_that_is_being_changed(session):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        client = session.participants.get().client
    with wear(Hat.WEB, clinic_id=session.clinic_id, user_id=1):
        set_consent(client, "follow_up", False, source="panel", now=DUE)
        thread, found = in_thread(lambda: plan(DUE))
        thread.join(timeout=10)
        assert found == [Counter(planned=1)]


def test_a_claim_takes_no_more_than_its_limit_whatever_the_plan(transactional_db, gateway, owner):
    """With the statistics of an almost empty table the rows were chosen anew for each message.

    Emptied by truncation: the size that ANALYZE writes down outlives a rollback.
    """
    clinic = live_clinic()
    session_at(clinic, "2026-11-28 17:30")
    plan(DUE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")
    for _ in range(4):
        session_at(clinic, "2026-11-28 17:30")
    plan(DUE)
    assert len(claiming.claim(DUE, "one", limit=1)) == 1
