"""Locks taken in one order: what used to wait in a circle, with real transactions."""

import contextlib
import datetime as dt
import threading

import pytest
from django.db import OperationalError

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import outbox
from messaging.accounts import gateways_of
from messaging.models import Message
from patients.models import Treatment
from sessions_app import actions
from sessions_app.client_actions import Overtaken, cannot_come
from sessions_app.links import Page, Purpose, publish
from sessions_app.models import ClientLink, Session
from tests import factories
from tests.locks import come_to_wait
from tests.messaging.test_races import in_thread

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def clinic(gateway):
    gateway.set_clock(NOW)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return factories.ClinicFactory()


def in_clinic(clinic, work, hat=Hat.WEB):
    """Run `work` in a transaction of its own, on another connection."""

    def run():
        with wear(hat, clinic_id=clinic.pk if hat == Hat.WEB else EVERYWHERE):
            try:
                return work()
            except OperationalError as error:
                return str(error)

    return in_thread(run)


def test_switching_a_rule_off_and_a_sender_do_not_wait_for_each_other(clinic):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        first, second = (factories.MessageFactory(clinic=clinic, rule_number=7) for _ in "ab")
        carrier = gateways_of({clinic.pk})[clinic.pk]
        # Claimed in the other order, and so stored in the other order.
        for message in (second, first):
            Message.objects.filter(pk=message.pk).update(state="claimed", holder="sender")
    ids = [first.pk, second.pk]

    def send():
        _, settled = outbox.begin_sending(ids, "", carrier, holder="sender", now=NOW)
        return dict(settled)

    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        Message.objects.select_for_update(of=("self",)).get(pk=second.pk)
        off, cancelled = in_clinic(clinic, lambda: outbox.cancel_of_rule(7, now=NOW))
        come_to_wait()
        sender, sent = in_clinic(clinic, send, Hat.WORKER)
        waited = come_to_wait(2)
    off.join(timeout=20)
    sender.join(timeout=20)
    assert (waited, cancelled, sent) == (True, [2], [{}])


def test_two_bookings_for_one_couple_do_not_wait_for_each_other(clinic, monkeypatch):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        couple = [factories.ClientFactory(clinic=clinic) for _ in "ab"]
        therapist = factories.TherapistFactory(clinic=clinic)
        service = factories.ServiceFactory(clinic=clinic)
    both, ensure = threading.Barrier(2), actions.ensure_treatment

    def ensure_and_wait(*arguments, **named):
        made = ensure(*arguments, **named)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        return made

    monkeypatch.setattr(actions, "ensure_treatment", ensure_and_wait)

    def book(people, starts_at):
        named = {"therapist": therapist, "service": service, "starts_at": starts_at, "now": NOW}
        return lambda: actions.book(clients=people, **named).pk

    threads = [
        in_clinic(clinic, book(couple, NOW + HOUR)),
        in_clinic(clinic, book(couple[::-1], NOW + 3 * HOUR)),
    ]
    for thread, _ in threads:
        thread.join(timeout=20)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert [type(found[0]) for _, found in threads] == [int, int]
        assert (Session.objects.count(), Treatment.objects.count()) == (2, 2)


def test_who_is_being_taken_out_of_a_session_no_longer_cancels_it(clinic):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        leaving, staying = (factories.ClientFactory(clinic=clinic) for _ in "ab")
        session = factories.SessionFactory(clinic=clinic, clients=[leaving, staying])
    with wear(Hat.WORKER, clinic_id=clinic.pk):
        publish([Page(Purpose.SESSION, clinic.pk, session.pk, leaving.pk)], now=NOW)

    def cannot():
        link = ClientLink.objects.select_related("client", "session__clinic").get()
        try:
            cannot_come(link, revision=1, now=NOW)
        except Overtaken:
            return "overtaken"

    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.edit(session, clients=[staying], service=session.service, now=NOW)
        thread, said = in_clinic(clinic, cannot)
        waited = come_to_wait()
    thread.join(timeout=20)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert (waited, said) == (True, ["overtaken"])
        assert Session.objects.get().state == "scheduled"
