"""What is tried next when a text certainly did not arrive, and what never is."""

import datetime as dt

import pytest

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import chains, outbox, receipts
from messaging.models import Message, State
from messaging.providers.base import DeliveryStatus, Receipt
from sessions_app.models import CareTask
from tests.factories import ClientFactory
from tests.followup.clinics import live_clinic, outbox as messages_of, session_at, tehran, tick

DUE = tehran("2026-11-25 17:30")
START = "2026-11-28 17:30"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def live(gateway, owner):
    gateway.set_clock(DUE)
    return live_clinic()


def chain(clinic, *channels):
    from followup.models import Rule

    first, *then = channels
    Rule.objects.filter(clinic=clinic, key="reminder_72h").update(channel=first, then=then)


def booked(clinic, **client):
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
        someone = ClientFactory(clinic=clinic, **client)
    session_at(clinic, START, clients=[someone])
    return someone


def told(clinic):
    return [(m.channel, m.state, m.reason) for m in messages_of(clinic)]


def test_what_the_first_channel_cannot_do_the_next_one_does(live, gateway):
    """No WhatsApp account: the SMS goes instead, in the next tick of the same minute."""
    chain(live, "whatsapp", "sms")
    booked(live)
    tick(DUE)
    tick(DUE)
    assert told(live) == [("whatsapp", "skipped", "no_account"), ("sms", "sent", "")]
    assert len(gateway.messages) == 1


def test_a_refused_text_goes_by_the_next_channel(live, gateway):
    chain(live, "sms", "call")
    booked(live)
    gateway.fail_next("code", code=411)
    tick(DUE)
    tick(DUE)
    assert told(live) == [("sms", "failed", "refused"), ("call", "sent", "")]


def test_an_undelivered_text_becomes_a_call(live, gateway):
    chain(live, "sms", "call")
    client = booked(live)
    tick(DUE)
    undeliver(live)
    tick(DUE + 30 * MINUTE)
    task = CareTask.objects.get(client=client)
    assert (task.kind, task.occasion) == ("instead", f"message:{messages_of(live)[1].pk}")


def test_the_task_says_what_the_client_was_to_be_told(live, gateway):
    chain(live, "sms", "call")
    client = booked(live)
    tick(DUE)
    undeliver(live)
    tick(DUE + 30 * MINUTE)
    assert CareTask.objects.get(client=client).text == gateway.messages[0].body


def test_a_rule_may_begin_with_a_call(live, gateway):
    chain(live, "call")
    client = booked(live)
    tick(DUE)
    assert (told(live), CareTask.objects.get(client=client).kind) == (
        [("call", "sent", "")],
        "call",
    )
    assert gateway.messages == []


def test_what_makes_up_remembers_what_failed(live, gateway):
    chain(live, "sms", "call")
    booked(live)
    gateway.fail_next("code", code=411)
    tick(DUE)
    first, second = messages_of(live)
    assert (second.instead_of, second.occasion) == (first.pk, f"after:{first.pk}")


def test_it_happens_once_however_often_the_failure_is_told(live, gateway):
    chain(live, "sms", "call")
    booked(live)
    tick(DUE)
    undeliver(live)
    undeliver(live)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        again = chains.go_on([messages_of(live)[0].pk], DUE)
    assert (again, len(told(live))) == (0, 2)


def test_a_delivered_text_has_no_sequel(live, gateway):
    chain(live, "sms", "call")
    booked(live)
    tick(DUE)
    report(live, DeliveryStatus.DELIVERED)
    assert told(live) == [("sms", "delivered", "")]


def test_an_unclear_end_has_no_sequel(live, gateway):
    """It may have arrived."""
    chain(live, "sms", "call")
    booked(live)
    gateway.fail_next("accept_then_drop")
    tick(DUE)
    assert told(live) == [("sms", "unknown", "no_answer")]


def test_a_person_who_finds_out_that_it_never_left_starts_the_sequel(live, gateway):
    chain(live, "sms", "call")
    booked(live)
    gateway.fail_next("accept_then_drop")
    tick(DUE)
    with wear(Hat.WEB, clinic_id=live.pk, user_id=1):
        outbox.settle_unknown(messages_of(live)[0], False, now=DUE)
    assert told(live)[1:] == [("call", "queued", "")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"consent_transactional": False}, "no_consent"), ({"crisis_since": DUE}, "crisis")],
)
def test_what_a_client_does_not_want_goes_by_no_other_channel(live, gateway, change, reason):
    chain(live, "sms", "call")
    booked(live, **change)
    tick(DUE)
    assert told(live) == [("sms", "skipped", reason)]


def test_past_its_useful_time_nothing_makes_up_for_it(live, gateway):
    chain(live, "sms", "call")
    booked(live)
    tick(DUE)
    undeliver(live, now=tehran("2026-11-27 17:30"))
    assert told(live) == [("sms", "undelivered", "carrier")]


def test_the_sequel_is_asked_everything_again(live, gateway):
    chain(live, "sms", "call")
    client = booked(live)
    tick(DUE)
    undeliver(live)
    type(client).objects.filter(pk=client.pk).update(consent_transactional=False)
    tick(DUE + 30 * MINUTE)
    assert told(live)[1] == ("call", "skipped", "no_consent")
    assert not CareTask.objects.exists()


def test_an_undelivered_text_does_not_use_up_the_week_of_its_sequel(live, gateway):
    client = booked(live)
    first = {"rule_number": 9, "rule_key": "thank_you", "purpose": "follow_up", "client": client}
    with wear(Hat.OWNER, clinic_id=live.pk):
        gone = [_gone(live, first, n, "undelivered") for n in range(2)]
        sequel = _gone(live, first | {"instead_of": gone[1].pk}, 3, "queued")
    from messaging.judge import with_world

    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        (found,) = with_world(Message.objects.filter(pk=sequel.pk), DUE)
    assert found.recent_texts == 1


def _gone(clinic, fields, n, state):
    from tests.factories import MessageFactory

    return MessageFactory(
        clinic=clinic, session=None, template=None, occasion=str(n), state=state,
        due_at=DUE - MINUTE, sending_at=None if state == "queued" else DUE - MINUTE, **fields,
    )  # fmt: skip


def undeliver(clinic, now=DUE + 10 * MINUTE):
    report(clinic, DeliveryStatus.UNDELIVERED, now)


def report(clinic, status, now=DUE + 10 * MINUTE):
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        message = Message.objects.filter(clinic=clinic, channel="sms").latest("id")
        if message.state == State.SENT:
            receipts.apply("kavenegar", None, [Receipt(message.provider_id, status)], now=now)
