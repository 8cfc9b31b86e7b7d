"""Two senders, two planners: the week's budget and the calls hold with real transactions, too."""

import datetime as dt
import threading
from collections import Counter

import pytest
from django.db import connection

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.planner import plan
from messaging import claiming, outbox
from messaging.accounts import gateways_of
from messaging.models import Message
from patients import care
from tests.followup.clinics import tehran
from tests.followup.practice import plan_at, practice, send_at
from tests.locks import come_to_wait

NOW = "2026-11-28 18:20"


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


@pytest.fixture
def p(transactional_db, gateway):
    """A client who has had one text this week, and whom two more are waiting for."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        p = practice("thank_you")
        p.came("2026-11-26 17:30")
        p.came("2026-11-28 15:00")
        p.came("2026-11-28 17:30")
    send_first()
    plan_at(NOW)
    return p


def send_first():
    plan_at("2026-11-26 18:20")
    assert send_at("2026-11-26 18:20") == Counter(sent=1)


def states():
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return sorted(Message.objects.values_list("state", "reason"))


def test_two_senders_at_once_cannot_both_send_the_second(p, gateway):
    """One holds the client, its text not yet committed as sending, when the other looks."""
    moment = tehran(NOW)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ids = claiming.claim(moment, "first", limit=1)
        ((_, verdict),) = outbox.drafts(ids, "first", moment)
        carrier = gateways_of({p.clinic.pk})[p.clinic.pk]
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ready, _ = outbox.begin_sending(ids, verdict.text, carrier, holder="first", now=moment)
        thread, counts = in_thread(lambda: send_at(NOW))
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (len(ready), waited, counts) == (1, True, [Counter({"skipped:budget": 1})])
    assert states() == [("sending", ""), ("sent", ""), ("skipped", "budget")]


def test_of_many_senders_one_sends_the_second(p, gateway):
    threads = [in_thread(lambda: send_at(NOW)) for _ in range(4)]
    for thread, _ in threads:
        thread.join(timeout=20)
    total = sum((found[0] for _, found in threads), Counter())
    assert total == Counter({"sent": 1, "skipped:budget": 1})
    assert (len(gateway.messages), states()[-1]) == (2, ("skipped", "budget"))


@pytest.mark.parametrize("verb", [care.mute, care.hold_for_crisis])
def test_a_sender_waits_for_a_hold_under_way_and_then_sends_nothing(p, gateway, verb):
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        verb(p.client, now=tehran(NOW))
        thread, _ = in_thread(lambda: send_at(NOW))
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, len(gateway.messages)) == (True, 1)


def test_planners_at_once_open_each_call_once(transactional_db, gateway):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        p = practice("no_show", "no_next_booking", "silent_1")
        p.missed("2026-11-21 15:00")
        p.missed("2026-11-28 15:00", recorded="2026-11-28 15:00")
        p.came("2026-11-20 12:00", clients=[p.someone()])
        paused = p.someone()
        p.came("2026-11-01 15:00", clients=[paused])
        with p.inside():
            care.pause_treatment(
                paused.treatments.get(), dt.date(2026, 11, 28), now=tehran("2026-11-02 10:00")
            )
    moment = tehran("2026-11-28 17:00")
    threads = [in_thread(lambda: plan(moment)) for _ in range(4)]
    for thread, _ in threads:
        thread.join(timeout=20)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert sorted(t.kind for t in p.tasks()) == ["no_next", "no_show", "pause_over"]
