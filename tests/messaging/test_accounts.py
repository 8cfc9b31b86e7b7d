"""Which account carries a text: the first, its standby, or none for a while."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from messaging import delivery, gates
from messaging.accounts import Carriers, Gateway, gateway_of_account
from messaging.models import Message, ProviderAccount, Template
from tests.factories import ClientFactory, MessageFactory
from tests.followup.clinics import live_clinic, outbox as messages_of, session_at, tehran, tick

DUE = tehran("2026-11-25 17:30")
START = "2026-11-28 17:30"
MINUTE = dt.timedelta(minutes=1)
FIRST, STANDBY = "10001111", "10002222"


@pytest.fixture
def live(gateway, owner):
    gateway.set_clock(DUE)
    return live_clinic()


def account(clinic, sender, **fields):
    values = {"api_key": f"key-{sender}", "created_at": DUE, "replies_asked_at": DUE} | fields
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
        return ProviderAccount.objects.create(clinic=clinic, sender=sender, **values)


@pytest.fixture
def first(live):
    return account(live, FIRST)


@pytest.fixture
def standby(live, first):
    return account(live, STANDBY, standby=True)


def state(clinic):
    return [(m.state, m.reason) for m in messages_of(clinic)]


def test_the_first_account_carries_while_it_is_well(live, standby, gateway):
    session_at(live, START)
    tick(DUE)
    assert [text.sender for text in gateway.messages] == [FIRST]


def test_the_standby_carries_while_the_first_rests(live, first, standby, gateway):
    ProviderAccount.objects.filter(pk=first.pk).update(paused_at=DUE - MINUTE)
    session_at(live, START)
    tick(DUE)
    assert [text.sender for text in gateway.messages] == [STANDBY]


def test_what_the_first_refused_leaves_by_the_standby(live, standby, gateway):
    session_at(live, START)
    gateway.fail_next("code", code=418)
    tick(DUE)
    assert ([t.sender for t in gateway.messages], state(live)) == ([STANDBY], [("sent", "")])


def test_the_standby_carries_while_the_first_does_not_answer(live, first, standby, gateway):
    for _ in range(gates.FAILURES):
        gates.failed(f"kavenegar:{first.pk}", DUE)
    session_at(live, START)
    tick(DUE)
    assert [text.sender for text in gateway.messages] == [STANDBY]


def test_what_the_first_may_have_taken_never_leaves_by_the_standby(live, first, standby):
    """Only there would a second copy be recognised."""
    ProviderAccount.objects.filter(pk=first.pk).update(paused_at=DUE - MINUTE)
    message = MessageFactory(
        clinic=live,
        session=None,
        template=None,
        provider="kavenegar",
        account=first,
        negative_lookups=2,
    )
    assert Carriers({live.pk}, DUE).of(message).account_id == first.pk


def test_a_rested_account_is_asked_before_a_text_is_spent_on_it(live, first, gateway):
    ProviderAccount.objects.filter(pk=first.pk).update(paused_at=DUE - 5 * MINUTE, pause_code="418")
    gateway.options.credit_rial = 0
    session_at(live, START)
    tick(DUE)
    first.refresh_from_db()
    assert (first.paused_at, gateway.messages, state(live)) == (DUE, [], [("queued", "")])


def test_an_account_that_says_it_is_well_goes_on_at_once(live, first, gateway):
    ProviderAccount.objects.filter(pk=first.pk).update(paused_at=DUE - 5 * MINUTE, pause_code="418")
    session_at(live, START)
    tick(DUE)
    first.refresh_from_db()
    assert (first.paused_at, first.checked_at, state(live)) == (None, DUE, [("sent", "")])


def test_a_text_with_a_link_is_written_anew_where_links_are_refused(live, first, gateway):
    """The account is remembered as one that takes none."""
    Template.objects.filter(clinic=live, key="reminder_72h").update(
        body="قرار شما {روز}: {پیوند جلسه}"
    )
    with wear(Hat.WEB, clinic_id=live.pk, user_id=1):
        Template.objects.create(
            clinic=live,
            key="reminder_72h",
            plain=True,
            body="قرار شما {روز} است.",
            updated_at=DUE,
        )
    session_at(live, START)
    gateway.options.links_allowed = False
    tick(DUE)
    first.refresh_from_db()
    assert (first.refuses_links, [text.body for text in gateway.messages]) == (
        True,
        ["قرار شما شنبه ۷ آذر است."],
    )


def test_without_a_wording_that_has_no_link_it_says_so(live, first, gateway):
    ProviderAccount.objects.filter(pk=first.pk).update(refuses_links=True)
    Template.objects.filter(clinic=live, key="reminder_72h").delete()
    with wear(Hat.WEB, clinic_id=live.pk, user_id=1):
        Template.objects.create(
            clinic=live, key="reminder_72h", body="قرار: {پیوند جلسه}", updated_at=DUE
        )
    session_at(live, START)
    tick(DUE)
    assert state(live) == [("skipped", "no_links")]


# -- A gateway that does not answer, and one that is slow ------------------------------------------


def many(clinic, count):
    for n in range(count):
        with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
            client = ClientFactory(clinic=clinic)
        session_at(clinic, f"2026-11-28 17:{n:02}", clients=[client])


def test_after_five_calls_in_vain_the_rest_waits_untried(live, gateway):
    many(live, 8)
    gateway.fail_next("accept_then_drop", times=8)
    tick(DUE + 10 * MINUTE)
    assert sorted(state(live)) == [("queued", "busy")] * 3 + [("unknown", "no_answer")] * 5


def test_a_minute_later_it_goes_on(live, gateway):
    many(live, 8)
    gateway.fail_next("accept_then_drop", times=5)
    tick(DUE + 10 * MINUTE)
    delivery.drain(lambda: DUE + 11 * MINUTE)
    assert Message.objects.filter(clinic=live, state="sent").count() == 3


def test_a_gateway_without_a_turn_lets_the_others_go_first(live, first, gateway, monkeypatch):
    """The slow account gets one call in two seconds; the neighbour's does not wait for it."""
    neighbour = live_clinic("neighbour")
    many(live, 2)
    session_at(neighbour, START)
    slow = f"kavenegar:{first.pk}"
    monkeypatch.setattr(
        Gateway, "calls_per_second", property(lambda self: 0.5 if self.key == slow else 0)
    )
    slept = []
    monkeypatch.setattr("messaging.delivery.time.sleep", slept.append)
    delivery_of(DUE + 10 * MINUTE, seconds=0.5)
    assert [text.sender == FIRST for text in gateway.messages] == [True, False]
    assert Message.objects.filter(clinic=live, state="queued").count() == 1


def delivery_of(moment, seconds):
    from followup.planner import plan

    plan(moment)
    delivery.drain(lambda: moment, budget_seconds=seconds)


def test_nothing_on_this_machine_is_slowed_down_unless_somebody_says_so(first, settings):
    gateway = gateway_of_account(first)
    unlimited = gateway.calls_per_second
    settings.GATEWAY_CALLS_PER_SECOND = 3.0
    assert (unlimited, gateway.calls_per_second) == (0, 3.0)


# -- What a text costs where texts are counted, not money -----------------------------------------


def test_the_price_of_a_text_makes_money_of_what_smsir_counts(live, gateway, settings):
    settings.SMSIR_BASE_URL = gateway.base_url
    account(live, FIRST, kind="smsir", rial_per_credit=1_500)
    session_at(live, START)
    tick(DUE)
    (message,) = messages_of(live)
    assert message.cost_rial == message.parts * 1_500
