"""One message under everything that can happen to it, in any order, by anybody.

Two senders take it, lose it, die and come back too late; the gateway takes it or not and its answer
arrives or not; receipts come in any order; people stop it and settle it. Everything is the real
code on the real database and the sandbox gateway; what holds after each step is at the end.
"""

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings as hypothesis_settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.planner import plan
from messaging import claiming, lookups, outbox, receipts
from messaging.accounts import gateways_of
from messaging.life import TRANSITIONS
from messaging.models import FINAL_STATES, Message, State
from messaging.providers.base import Accepted, DeliveryStatus, Receipt
from tests.effort import examples
from tests.followup.clinics import live_clinic, session_at, tehran

DUE = tehran("2026-11-25 17:30")
#: The second comes in between now and then; else hardly any text would get to its end.
senders = st.sampled_from(("one", "one", "one", "two"))
LEFT = (State.SENT, State.DELIVERED, State.UNDELIVERED)


class OneMessage(RuleBasedStateMachine):
    def __init__(self, clinic, gateway):
        super().__init__()
        self.clinic, self.gateway = clinic, gateway
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        gateway.forget()
        self.now = DUE
        gateway.set_clock(self.now)
        with self.engine():
            self.pk = Message.objects.get().pk
        #: Texts that a sender may hand over, until its lease ends; answers it has not recorded.
        self.ready, self.answers = {}, {}
        self.settled_by_hand = False
        self.before = self.message

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @staticmethod
    def engine():
        return wear(Hat.WORKER, clinic_id=EVERYWHERE)

    def staff(self):
        return wear(Hat.WEB, clinic_id=self.clinic.pk, user_id=1)

    @property
    def message(self):
        with self.engine():
            return Message.objects.get(pk=self.pk)

    # -- Time -------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 20, 61, 121, 400]))
    def time_goes_on(self, seconds):
        self.now += dt.timedelta(seconds=seconds)
        self.gateway.set_clock(self.now)

    # -- Senders ----------------------------------------------------------------------------------

    @initialize(far=st.integers(1, 4), dies=st.booleans())
    def begin(self, far, dies):
        self.work("one", far)
        if dies:
            self.time_goes_on(121)
            self.sweep()

    @rule(sender=senders, far=st.integers(1, 4))
    def work(self, sender, far):
        """A sender does its work, up to some point."""
        for step in (self.claim, self.begin_sending, self.hand_over, self.record)[:far]:
            step(sender)

    def claim(self, sender):
        with self.engine():
            claiming.claim(self.now, sender)

    @rule(sender=senders)
    def release(self, sender):
        with self.engine():
            outbox.release([self.pk], holder=sender, now=self.now)

    @rule(sender=senders)
    def rest(self, sender):
        with self.engine():
            outbox.rest([self.pk], until=self.now, reason="busy", holder=sender, now=self.now)

    @rule(sender=senders)
    def begin_sending(self, sender):
        with self.engine():
            drafts = outbox.drafts([self.pk], sender, self.now)
            text = drafts[0][1].text if drafts else "…"
            carrier = gateways_of({self.clinic.pk})[self.clinic.pk]
            ready, _ = outbox.begin_sending([self.pk], text, carrier, holder=sender, now=self.now)
        if ready:
            self.ready[sender] = (carrier, ready, self.now + claiming.LEASE)

    @rule(sender=senders)
    def hand_over(self, sender):
        """No sender lives past its lease: the hard limit of its task is shorter."""
        carrier, ready, until = self.ready.pop(sender, (None, [], self.now))
        if self.now < until:
            self.answers[sender] = carrier.provider.send(ready)

    @rule(sender=senders)
    def record(self, sender):
        with self.engine():
            outbox.accepted(self.answers.pop(sender, []), holder=sender, now=self.now)

    @rule(sender=senders)
    def lose_the_answer(self, sender):
        self.ready.pop(sender, None)
        self.answers.pop(sender, None)
        with self.engine():
            outbox.unclear([self.pk], "no_answer", "", holder=sender, now=self.now, ask_at=self.now)

    @precondition(lambda self: self.ready)
    @rule(sender=senders, for_good=st.booleans())
    def be_refused(self, sender, for_good):
        """Certainly not accepted: nothing was handed over."""
        if self.ready.pop(sender, None) is None:
            return
        with self.engine():
            if for_good:
                outbox.failed([self.pk], "411", holder=sender, now=self.now)
            else:
                outbox.refused_for_now(
                    [self.pk], self.now, "busy", "409", holder=sender, now=self.now
                )

    @rule()
    def a_stranger_meddles(self):
        """Whoever does not hold a message changes nothing, whatever they believe."""
        before = self.message
        me = {"holder": "nobody", "now": self.now}
        taken = Accepted(self.pk, "4711", DeliveryStatus.SENT, 100)
        with self.engine():
            outbox.accepted([taken], **me)
            outbox.refused_for_now([self.pk], self.now, "busy", "409", **me)
            outbox.failed([self.pk], "411", **me)
            outbox.unclear([self.pk], "no_answer", "", ask_at=None, **me)
            outbox.release([self.pk], **me)
            outbox.rest([self.pk], until=self.now, reason="busy", **me)
        assert _row(self.message) == _row(before)

    # -- Sweeps, questions, news ------------------------------------------------------------------

    @rule()
    def sweep(self):
        with self.engine():
            outbox.sweep(self.now)

    @rule(times=st.integers(1, 3))
    def ask_the_gateway(self, times):
        for _ in range(times):
            lookups.resolve_unknown(self.now)
            self.time_goes_on(61)

    @rule()
    def ask_where_it_is(self):
        lookups.poll_sent(self.now)

    @precondition(lambda self: self.gateway.messages)
    @rule(status=st.sampled_from(DeliveryStatus), by_our_id=st.booleans())
    def hear(self, status, by_our_id):
        number = str(self.gateway.messages[0].id)
        news = Receipt(number, status, local_id=self.pk if by_our_id else None)
        with self.engine():
            receipts.apply("kavenegar", None, [news, news], now=self.now)

    @rule(status=st.sampled_from(DeliveryStatus))
    def hear_of_a_stranger(self, status):
        before = self.message
        with self.engine():
            receipts.apply("kavenegar", None, [Receipt("1", status)], now=self.now)
            receipts.apply("kavenegar", 4711, [Receipt("1", status, self.pk)], now=self.now)
        assert _row(self.message) == _row(before)

    # -- People -----------------------------------------------------------------------------------

    @rule(really=st.sampled_from([False, False, False, True]))
    def stop(self, really):
        if not really:
            return
        with self.staff():
            try:
                outbox.cancel(Message.objects.get(pk=self.pk), now=self.now)
            except outbox.OutboxError:
                return
        assert self.gateway.messages == []

    @precondition(lambda self: self.message.state == State.UNKNOWN)
    @rule(was_sent=st.booleans())
    def settle(self, was_sent):
        with self.staff():
            outbox.settle_unknown(Message.objects.get(pk=self.pk), was_sent, now=self.now)
        self.settled_by_hand = True

    # -- What holds -------------------------------------------------------------------------------

    @invariant()
    def the_promises_hold(self):
        before, message = self.before, self.message
        self.before = message
        self.the_phone_has_one_text_at_most()
        self.the_life_has_no_gap_and_keeps_to_the_table(message)
        self.a_life_only_grows_and_a_final_state_stays(before, message)
        self.what_is_called_sent_has_its_time_and_its_number(message)
        self.what_left_is_never_called_anything_else(message)
        self.a_second_attempt_needs_a_refusal_or_two_answers_a_minute_apart(message.life)

    def the_phone_has_one_text_at_most(self):
        assert len(self.gateway.messages) <= 1

    def the_life_has_no_gap_and_keeps_to_the_table(self, message):
        state = State.QUEUED
        for step in message.life:
            assert step["from"] == state
            assert Hat(step["hat"]) in TRANSITIONS[State(state), State(step["to"])]
            state = step["to"]
        assert state == message.state

    def a_life_only_grows_and_a_final_state_stays(self, before, message):
        assert message.life[: len(before.life)] == before.life
        if before.state in FINAL_STATES:
            assert _row(message) == _row(before)

    def what_is_called_sent_has_its_time_and_its_number(self, message):
        if message.state not in LEFT:
            assert message.sent_at is None
        elif not self.settled_by_hand:
            (text,) = self.gateway.messages
            assert (message.sent_at is not None, message.provider_id) == (True, str(text.id))

    def what_left_is_never_called_anything_else(self, message):
        """A person alone can be wrong about it."""
        if self.gateway.messages and not self.settled_by_hand:
            assert message.state in (*LEFT, State.SENDING, State.UNKNOWN)

    def a_second_attempt_needs_a_refusal_or_two_answers_a_minute_apart(self, life):
        again = [step for step in life if step["to"] == State.QUEUED]
        after_doubt = [step for step in again if step["from"] == State.UNKNOWN]
        began = sum(step["to"] == State.SENDING for step in life)
        refused = sum(step["from"] == State.SENDING for step in again)
        assert began <= 1 + refused + len(after_doubt)
        for step in after_doubt:
            assert _asked_twice(self.gateway.calls, life, step)


def _asked_twice(calls, life, requeued):
    """Whether the gateway was asked twice, a minute apart, since the doubt that was resolved."""
    until = dt.datetime.fromisoformat(requeued["at"])
    doubts = [step for step in life[: life.index(requeued)] if step["to"] == State.UNKNOWN]
    since = dt.datetime.fromisoformat(doubts[-1]["at"])
    asked = [
        c.at for c in calls if c.method == "sms/statuslocalmessageid" and since <= c.at <= until
    ]
    return len(asked) >= 2 and max(asked) - min(asked) >= outbox.ASK_AFTER


def _row(message):
    return {k: v for k, v in vars(message).items() if not k.startswith("_")}


@pytest.mark.slow
def test_one_message_keeps_its_promises_whatever_happens(owner, gateway):
    clinic = live_clinic()
    gateway.set_clock(DUE)
    session_at(clinic, "2026-11-28 17:30")
    plan(DUE)
    run_state_machine_as_test(
        lambda: OneMessage(clinic, gateway),
        settings=hypothesis_settings(
            max_examples=examples(60),
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
