"""Texts of two files that become one: nobody reads anything twice, and nobody who said no, reads."""

import datetime as dt

import pytest

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.planner import plan
from messaging import claiming, outbox, stopping
from messaging.accounts import gateways_of
from messaging.judge import look, with_world
from messaging.models import Message, Reply
from patients import merging
from patients.models import Client
from sessions_app.models import CareTask
from tests import factories
from tests.factories import NOW
from tests.followup.clinics import live_clinic, session_at, tehran, tick
from tests.locks import come_to_wait
from tests.messaging.inbound import consents, hear
from tests.messaging.test_races import in_thread

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
A, B = "+989120000001", "+989120000002"


@pytest.fixture
def kept(clinic):
    return factories.ClientFactory(clinic=clinic, phone=B)


@pytest.fixture
def lost(clinic):
    return factories.ClientFactory(clinic=clinic, phone=A)


def join(kept, lost, *taken, now=NOW):
    with wear(Hat.WEB, clinic_id=kept.clinic_id):
        return merging.merge(kept, lost, taken=taken, now=now)


def text_to(client, **fields):
    return factories.MessageFactory(clinic=client.clinic, client=client, **fields)


def outbox_of(client):
    rows = Message.objects.filter(client=client).order_by("id")
    return [(row.recipient, row.state, row.reason) for row in rows]


# -- One text for one occasion -------------------------------------------------------------------


def test_a_waiting_text_goes_to_the_chosen_phone(kept, lost):
    text_to(lost)
    join(kept, lost)
    assert outbox_of(kept) == [(B, "queued", "")]


def test_of_two_waiting_texts_about_one_session_one_stays(kept, lost):
    session = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    text_to(lost, session=session)
    text_to(kept, session=session)
    join(kept, lost)
    assert outbox_of(kept) == [(A, "cancelled", "told"), (B, "queued", "")]


@pytest.mark.parametrize("state", ["sending", "sent", "delivered", "unknown", "shadow"])
def test_a_text_that_reached_one_phone_does_not_go_to_the_other(kept, lost, state):
    session = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    text_to(lost, session=session, state=state)
    text_to(kept, session=session)
    join(kept, lost)
    assert outbox_of(kept) == [(A, state, ""), (B, "cancelled", "told")]


@pytest.mark.parametrize("state", ["failed", "undelivered"])
def test_a_text_that_did_not_arrive_does_not_hold_back_the_other(kept, lost, state):
    session = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    text_to(lost, session=session, state=state)
    text_to(kept, session=session)
    join(kept, lost)
    assert outbox_of(kept) == [(A, state, ""), (B, "queued", "")]


def test_the_occasion_of_a_sent_text_is_taken_for_the_chosen_phone(kept, lost):
    text_to(lost, state="delivered")
    join(kept, lost)
    assert outbox_of(kept) == [(A, "delivered", ""), (B, "cancelled", "told")]


def test_a_text_that_was_unclear_once_is_tried_again_where_it_went(kept, lost):
    session = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    text_to(lost, session=session, negative_lookups=2, attempts=1)
    text_to(kept, session=session)
    join(kept, lost)
    assert outbox_of(kept) == [(A, "queued", ""), (B, "cancelled", "told")]
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ((_, verdict),) = look(with_world(Message.objects.filter(recipient=A), NOW), NOW)
    assert verdict.reason != "phone_changed"


def test_what_is_long_over_is_left_as_it_was(kept, lost):
    text_to(lost, state="delivered", due_at=NOW - 9 * DAY)
    join(kept, lost)
    assert outbox_of(kept) == [(A, "delivered", "")]


def test_a_text_to_an_earlier_phone_of_the_same_file_does_not_count_as_told(kept, lost):
    """Reception mended the number yesterday, so that the right one is told, too."""
    session = factories.SessionFactory(clinic=kept.clinic, clients=[kept])
    text_to(kept, session=session, recipient="+989120000009", state="delivered")
    text_to(kept, session=session)
    join(kept, lost)
    assert outbox_of(kept)[1] == (B, "queued", "")


def test_somebody_else_at_the_chosen_phone_has_the_text_of_this_session(kept, lost):
    partner = factories.ClientFactory(clinic=kept.clinic, phone=B)
    session = factories.SessionFactory(clinic=kept.clinic, clients=[lost, partner])
    text_to(partner, session=session)
    text_to(lost, session=session)
    join(kept, lost)
    assert outbox_of(kept) == [(A, "cancelled", "told")]
    assert outbox_of(partner) == [(B, "queued", "")]


def test_mail_goes_to_the_chosen_address(kept, lost):
    Client.objects.filter(pk=kept.pk).update(email="b@example.ir")
    Client.objects.filter(pk=lost.pk).update(email="a@example.ir")
    text_to(lost, channel="email", recipient="a@example.ir")
    join(kept, lost, "phone")
    assert outbox_of(kept) == [("b@example.ir", "queued", "")]


def test_who_said_no_in_one_file_gets_none_of_the_others_texts(kept, lost):
    text_to(kept, purpose="follow_up")
    Client.objects.filter(pk=lost.pk).update(consent_follow_up=False)
    join(kept, lost)
    assert outbox_of(kept) == [(B, "cancelled", "no_consent")]


def test_a_death_in_one_file_takes_back_the_others_texts(kept, lost):
    text_to(kept)
    Client.objects.filter(pk=lost.pk).update(deceased_at=NOW - DAY)
    join(kept, lost)
    assert outbox_of(kept) == [(B, "cancelled", "deceased")]


@pytest.mark.parametrize("taken", [(), ("phone",)], ids=["the kept phone", "the other's"])
def test_the_engine_sends_one_reminder_for_a_session_told_of_before(owner, gateway, taken):
    clinic = live_clinic()
    kept = factories.ClientFactory(clinic=clinic, phone=B)
    lost = factories.ClientFactory(clinic=clinic, phone=A)
    session_at(clinic, "2026-11-28 17:30", clients=[lost])
    gateway.set_clock(tehran("2026-11-25 17:31"))
    tick("2026-11-25 17:31")
    join(kept, lost, *taken, now=tehran("2026-11-25 18:00"))
    gateway.set_clock(tehran("2026-11-25 18:31"))
    tick("2026-11-25 18:31")
    assert [message.receptor for message in gateway.messages] == ["0" + A.removeprefix("+98")]


# -- What comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [A, B])
def test_a_stop_from_either_phone_stops(kept, lost, sender):
    join(kept, lost)
    assert hear("۱۱", sender=sender) == 1
    assert consents(kept) == ["transactional"]
    assert CareTask.objects.get(kind="stopped").client == kept


def test_a_letter_to_the_file_that_is_gone_still_stops(kept, lost):
    with wear(Hat.WORKER, clinic_id=kept.clinic_id):
        token = stopping.stop_url(lost.clinic_id, lost.pk).rstrip("/").rpartition("/")[2]
    join(kept, lost)
    with wear(Hat.WEB, clinic_id=kept.clinic_id):
        assert stopping.client_behind(token, kept.clinic_id) == kept


def test_a_confirmation_from_the_phone_that_is_gone_confirms(kept, lost):
    message = text_to(lost, state="delivered", sent_at=NOW - HOUR)
    join(kept, lost)
    hear("۱", sender=A)
    message.session.refresh_from_db()
    assert message.session.state == "confirmed"
    assert Reply.objects.get().intent == "confirm"


# -- A sender at the same moment -------------------------------------------------------------------


@pytest.fixture
def two(transactional_db, gateway):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = live_clinic()
        kept = factories.ClientFactory(clinic=clinic, phone=B)
        lost = factories.ClientFactory(clinic=clinic, phone=A)
        session_at(clinic, "2026-11-28 17:30", clients=[lost])
    gateway.set_clock(DUE)
    plan(DUE)
    return kept, lost


DUE = tehran("2026-11-25 17:30")


def merge_in(kept, lost):
    with wear(Hat.WEB, clinic_id=kept.clinic_id):
        return merging.merge(kept, lost, now=DUE).pk


def test_a_text_claimed_before_a_merge_goes_once_to_the_chosen_phone(two, gateway):
    kept, lost = two
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ids = claiming.claim(DUE, "sender")
        ((_, verdict),) = outbox.drafts(ids, "sender", DUE)
        carrier = gateways_of({kept.clinic_id})[kept.clinic_id]

    def send():
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            begun = outbox.begin_sending(ids, verdict.text, carrier, holder="sender", now=DUE)
            return len(begun[0])

    with wear(Hat.WEB, clinic_id=kept.clinic_id, user_id=1):
        merging.merge(kept, lost, now=DUE)
        thread, begun = in_thread(send)
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, begun) == (True, [0])
    tick(DUE + dt.timedelta(minutes=1))
    assert [message.receptor for message in gateway.messages] == ["0" + B.removeprefix("+98")]


def test_a_merge_waits_for_a_text_that_is_leaving_and_sends_no_second(two, gateway):
    kept, lost = two
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ids = claiming.claim(DUE, "sender")
        ((_, verdict),) = outbox.drafts(ids, "sender", DUE)
        carrier = gateways_of({kept.clinic_id})[kept.clinic_id]
        outbox.begin_sending(ids, verdict.text, carrier, holder="sender", now=DUE)
        thread, merged = in_thread(lambda: merge_in(kept, lost))
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, merged) == (True, [kept.pk])
    for minutes in (3, 6, 9, 12, 25):
        gateway.set_clock(DUE + dt.timedelta(minutes=minutes))
        tick(DUE + dt.timedelta(minutes=minutes))
    # Nothing had left: the answers of the gateway say so, and the text goes where it was going.
    assert [message.receptor for message in gateway.messages] == ["0" + A.removeprefix("+98")]
