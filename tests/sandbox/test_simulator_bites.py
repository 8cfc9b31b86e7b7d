"""Each promise bites: the engine is broken in one place, and the simulator says which one fails.

The stories are short and told by hand: one clinic, two clients, a day or two.
"""

import datetime as dt
from functools import partial

import pytest
from django.db import connection

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup import planner
from followup.models import Watermark
from messaging import chains, claiming, delivery, judge, outbox, receipts
from messaging.models import Message, State
from messaging.providers import kavenegar
from messaging.providers.base import DeliveryStatus
from messaging.providers.kavenegar import Kavenegar
from patients import care
from sandbox.simulator import beat, opening
from sandbox.simulator.life import Life
from sandbox.simulator.trouble import Mischief, Mishap
from sessions_app import actions
from tests.sandbox.simulated import broken, simulated

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _databases(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def played(monkeypatch):
    """Plays one clinic's day: at each time after the opening (08:30), something that happens."""

    def play(*events, days=1, mishaps=()):
        def begin(life, _):
            for after, act in events:
                life.stage.later(life.stage.now + after, life.house.id, "", partial(act, life))

        # None at the first tick: nothing is there to be sent yet.
        coming = [[], list(mishaps)]
        monkeypatch.setattr(opening, "CLIENTS", 2)
        monkeypatch.setattr(opening, "_remember", lambda *_: None)
        monkeypatch.setattr(Life, "begin", begin)
        monkeypatch.setattr(Mischief, "of_tick", lambda _: coming.pop(0) if coming else [])
        return broken(simulated(days=days))

    return play


def books(after, *, tell=True):
    """The first client, for a start so long after now."""

    def act(life):
        client, service = min(life.house.people), min(life.house.services)
        start = life.stage.now + after
        therapist = service  # numbered alike: the first of each
        life.stage.deeds.book(
            life.house.id, [client], therapist, service, start, life.stage.now, tell=tell
        )

    return act


def comes(after):
    """A session that began so long ago, and was attended."""

    def act(life):
        books(-after, tell=False)(life)
        session = max(life.house.visits)
        life._do(session, actions.record, "attended")

    return act


def cancels(life):
    life._do(max(life.house.visits), actions.cancel)


def is_muted(life):
    life._of(min(life.house.people), care.mute)


def breaks(statement):
    """The database itself is told otherwise."""

    def act(life):
        with wear(Hat.OWNER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
            cursor.execute(statement)

    return act


NO_NIGHT = """CREATE OR REPLACE FUNCTION is_quiet(at timestamptz, tz text, quiet_from time,
    quiet_to time) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'"""
NO_CLOSED_DAY = """CREATE OR REPLACE FUNCTION is_held_back(at timestamptz, tz text,
    due_at timestamptz, of_clinic bigint) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false'"""
A_BOOKING = (HOUR, books(3 * DAY))
TWO_CLOSED_DAYS = (2 * HOUR, lambda life: life.stage.deeds.close(
    life.house.id, life.house.almanac.local(life.stage.now).date(), 2))  # fmt: skip


def stops(life):
    life.stage.deeds.pause(life.house.id, life.stage.now)


def goes_on(life):
    life.stage.deeds.pause(life.house.id, None)


def test_an_unbroken_engine_keeps_all_of_it_in_these_stories(played):
    story = (
        A_BOOKING,
        (HOUR + MINUTE, is_muted),
        (3 * HOUR, cancels),
        (11 * HOUR, comes(2 * HOUR)),
    )
    assert played(*story, mishaps=[Mishap("kill_before", "delivery", 5)]) == set()


def test_nothing_is_asked_for_who_has_died(played):
    dies = (2 * HOUR, lambda life: life._of(min(life.house.people), care.record_death))
    assert played((HOUR, books(80 * HOUR)), dies, days=2) == set()


def test_an_occasion_that_the_planner_overlooks(played, monkeypatch):
    blind = planner.INSERT.replace("o.why_not = ''", "o.why_not = '' AND o.key <> 'booked'")
    monkeypatch.setattr(planner, "INSERT", blind)
    assert "planned" in played(A_BOOKING)


def test_an_occasion_that_the_planner_invents(played, monkeypatch):
    lax = planner.INSERT.replace("AND o.why_not = ''", "")
    monkeypatch.setattr(planner, "INSERT", lax)
    assert "only_planned" in played((2 * HOUR, books(23 * HOUR)))


def test_a_text_that_falls_due_at_another_time(played, monkeypatch):
    late = planner.INSERT.replace(
        "o.invites, o.due_at,", "o.invites, o.due_at + interval '1 hour',"
    )
    monkeypatch.setattr(planner, "INSERT", late)
    assert "times" in played(A_BOOKING)


def test_a_sender_that_does_not_look_at_the_client_again(played, monkeypatch):
    monkeypatch.setattr(judge, "_about_stops", lambda *_: None)
    assert "not_wrong" in played(A_BOOKING, (HOUR + MINUTE, is_muted))


def test_a_sender_that_does_not_look_at_the_session_again(played, monkeypatch):
    monkeypatch.setattr(judge, "_about_session", lambda *_: None)
    monkeypatch.setattr(judge, "_about_rule", lambda *_: None)
    monkeypatch.setattr(outbox, "_take_out", lambda *_, **__: 0)
    world = Mishap("world", "delivery", 3)
    assert "not_wrong" in played(A_BOOKING, (2 * HOUR, cancels), mishaps=[world])


def test_a_sender_that_does_not_ask_the_hour_again(played, monkeypatch):
    monkeypatch.setattr(outbox, "_must_wait_for_manners", lambda _: None)
    in_the_evening = dt.time(17), dt.time(21)
    asks = (
        2 * HOUR,
        lambda life: life._of(min(life.house.people), care.set_hours, *in_the_evening),
    )
    world = Mishap("world", "delivery", 2)
    assert "night" in played(A_BOOKING, asks, mishaps=[world])


LONG_ASLEEP = Mishap("zombie", "delivery", 4)


def test_a_sender_that_slept_hands_nothing_over(played, monkeypatch):
    monkeypatch.setattr(beat, "NAPS", (3,))
    assert played(A_BOOKING, mishaps=[LONG_ASLEEP]) == set()


def test_a_sender_that_does_not_know_that_it_slept(played, monkeypatch):
    def send(self, call):
        kept, began = self._clock, self._clock()
        self._clock = lambda: began
        try:
            return awake(self, call)
        finally:
            self._clock = kept

    awake = delivery._Round._send
    monkeypatch.setattr(delivery._Round, "_send", send)
    monkeypatch.setattr(beat, "NAPS", (3,))
    assert "awake" in played(A_BOOKING, mishaps=[LONG_ASLEEP])


def test_a_sender_that_sends_again_what_may_have_left(played, monkeypatch):
    def careless(now):
        late = Message.objects.filter(lease_until__lte=now, state=State.SENDING)
        late.update(state=State.QUEUED, state_at=now, holder="", lease_until=None)
        return honest(now)

    honest = outbox.sweep
    monkeypatch.setattr(outbox, "sweep", careless)
    died = Mishap("kill_before", "delivery", 5)
    assert "not_repeated" in played(A_BOOKING, mishaps=[died])


def test_a_provider_that_sends_twice(played, monkeypatch):
    send = Kavenegar.send
    monkeypatch.setattr(
        Kavenegar, "send", lambda self, texts: send(self, texts) and send(self, texts)
    )
    assert "not_repeated" in played(A_BOOKING)


def test_a_text_to_another_telephone(played, monkeypatch):
    another = lambda texts, _: ["09350001122"] * len(texts)  # noqa: E731 - one line is enough
    monkeypatch.setattr(kavenegar, "national_receptors", another)
    assert "own_clinic" in played(A_BOOKING)


@pytest.fixture
def by_whatsapp(monkeypatch):
    """The clinic writes by WhatsApp first, and WhatsApp loses its next answer."""
    monkeypatch.setattr(opening, "has_whatsapp", lambda _: True)
    return 0 * HOUR, lambda life: life.stage.gateway.fail_next("accept_then_drop", 1, {})


def test_what_may_have_arrived_goes_by_no_other_channel(played, by_whatsapp):
    assert played(by_whatsapp, A_BOOKING) == set()


def test_a_sequel_of_what_may_have_arrived(played, by_whatsapp, monkeypatch):
    def unclear(ids, *why, now, **said):
        chains.go_on(ids, now)
        return honest(ids, *why, now=now, **said)

    honest = outbox.unclear
    monkeypatch.setattr(outbox, "unclear", unclear)
    assert "sequels" in played(by_whatsapp, A_BOOKING)


def test_a_text_in_the_night(played):
    assert "night" in played((0 * HOUR, breaks(NO_NIGHT)), (15 * HOUR, books(3 * DAY)))


def test_a_text_that_could_have_waited_on_a_closed_day(played):
    story = [(0 * HOUR, breaks(NO_CLOSED_DAY)), (HOUR, stops), (HOUR, comes(HOUR))]
    assert "closed_days" in played(*story, TWO_CLOSED_DAYS, (3 * HOUR, goes_on))


def test_a_third_text_in_a_week(played, monkeypatch):
    monkeypatch.setattr(judge, "BUDGET", 99)
    visits = [(n * 2 * HOUR, comes(HOUR)) for n in range(1, 4)]
    assert "budget" in played(*visits)


def test_a_status_that_the_gateway_never_said(played, monkeypatch):
    turned = {**receipts.ENDINGS, DeliveryStatus.DELIVERED: (State.UNDELIVERED, "carrier")}
    monkeypatch.setattr(receipts, "ENDINGS", turned)
    assert "status" in played(A_BOOKING)


def test_a_final_state_that_moves(played):
    back = breaks("UPDATE messaging_message SET state = 'queued' WHERE state = 'delivered'")
    assert "final" in played(A_BOOKING, (2 * HOUR, back), days=2)


def test_a_text_that_is_given_up_without_a_reason(played, monkeypatch):
    monkeypatch.setattr(
        judge, "_about_rule", lambda _: judge.Verdict(State.SKIPPED, judge.Reason.MUTED)
    )
    assert "reason_is_true" in played(A_BOOKING)


def test_a_sender_that_leaves_texts_lying(played, monkeypatch):
    monkeypatch.setattr(claiming, "claim", lambda *_, **__: [])
    assert {"nothing_lies", "missed_for_a_reason"} <= played((HOUR, books(20 * HOUR)))


def test_a_watermark_that_goes_back(played, monkeypatch):
    def remember(kind, now):
        Watermark.objects.update_or_create(
            kind=kind, defaults={"scanned_to": now - (now - EARLY) * 2, "finished_at": now}
        )

    monkeypatch.setattr(planner, "_remember", remember)
    assert "watermarks" in played(A_BOOKING)


EARLY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_an_error_of_the_engine(played, monkeypatch):
    monkeypatch.setattr(outbox, "sweep", lambda _: 1 / 0)
    assert "unbroken" in played((HOUR, books(20 * HOUR)))
