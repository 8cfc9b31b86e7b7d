"""What the sender does with each answer of the gateway, and what it leaves behind when it dies."""

import datetime as dt
from collections import Counter

import pytest

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.models import Rule
from followup.planner import plan
from messaging import claiming, delivery, outbox, pulse
from messaging.accounts import gateways_of
from messaging.lookups import look_after
from messaging.models import Message, ProviderAccount, Template
from patients.actions import set_consent
from sessions_app import actions
from sessions_app.links import Page, Purpose
from sessions_app.models import Session
from tests.factories import ClientFactory
from tests.followup.clinics import live_clinic, outbox as messages_of, session_at, tehran, tick

DUE = tehran("2026-11-25 17:30")
START = "2026-11-28 17:30"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def live(gateway, owner):
    gateway.set_clock(DUE)
    return live_clinic()


@pytest.fixture
def session(live):
    return session_at(live, START)


def inside(clinic):
    return wear(Hat.WEB, clinic_id=clinic.pk, user_id=1)


def only(clinic):
    (message,) = messages_of(clinic)
    return message


def outcome(clinic):
    message = only(clinic)
    return message.state, message.reason


# -- Accepted -------------------------------------------------------------------------------------


def test_a_sent_message_keeps_what_the_gateway_said(live, session, gateway):
    tick(DUE)
    message, text = only(live), gateway.messages[0]
    assert (message.state, message.provider_id, message.cost_rial, message.text) == (
        "sent",
        str(text.id),
        text.cost,
        text.body,
    )


def test_the_row_id_is_the_gateways_idempotency_key(live, session, gateway):
    tick(DUE)
    assert gateway.messages[0].local_id == only(live).pk


def test_the_text_reads_as_a_person_would_write_it(live, gateway):
    with inside(live):
        client = ClientFactory(clinic=live, honorific="خانم", last_name="کریمی")
    session = session_at(live, START, clients=[client])
    type(session.therapist).objects.filter(pk=session.therapist_id).update(title="خانم دکتر صادقی")
    tick(tehran("2026-11-27 17:40"))
    link = Page(Purpose.SESSION, live.pk, session.pk, client.pk)
    assert gateway.messages[0].body == (
        "سلام خانم کریمی، فردا شنبه ۷ آذر ساعت ۱۷:۳۰ با خانم دکتر صادقی منتظرتان هستیم. "
        f"تأیید، تغییر یا لغو: {link.address} یا 02188001122\nکلینیک آرامش"
    )


def test_a_clinic_without_a_phone_uses_the_wording_that_needs_none(live, session, gateway):
    type(live).objects.filter(pk=live.pk).update(phone="")
    tick(DUE)
    with inside(live):
        client = session.participants.get().client
    assert gateway.messages[0].body.startswith(f"{client.addressed}، سلام.")


def test_equal_texts_leave_in_one_call(live, gateway):
    Template.objects.filter(clinic=live).update(body="قرار {ساعت}. {کلینیک}")
    for _ in range(5):
        session_at(live, START)
    tick(DUE)
    sends = [call for call in gateway.calls if call.method == "sms/send"]
    assert (len(gateway.messages), len(sends)) == (5, 1)


def test_a_phone_gets_no_two_texts_in_one_call(live, gateway):
    Template.objects.filter(clinic=live).update(body="قرار {ساعت}. {کلینیک}")
    with inside(live):
        siblings = ClientFactory.create_batch(2, clinic=live, phone="+989121111111")
    for sibling in siblings:
        session_at(live, START, clients=[sibling])
    tick(DUE)
    sends = [call for call in gateway.calls if call.method == "sms/send"]
    assert (len(gateway.messages), len(sends)) == (2, 2)


# -- The world changed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            lambda s, c: actions.cancel(s, now=DUE), ("cancelled", "session_cancelled"), id="cancel"
        ),
        pytest.param(
            lambda s, c: actions.move(s, starts_at=s.starts_at + 5 * MINUTE, now=DUE),
            ("cancelled", "session_moved"),
            id="move",
        ),
        pytest.param(
            lambda s, c: set_consent(c, "transactional", False, source="panel", now=DUE),
            ("skipped", "no_consent"),
            id="refusal",
        ),
        pytest.param(
            lambda s, c: type(c).objects.filter(pk=c.pk).update(phone="+989120000000"),
            ("skipped", "phone_changed"),
            id="another phone",
        ),
        pytest.param(
            lambda s, c: s.participants.all().delete(),
            ("skipped", "not_participant"),
            id="left out",
        ),
        pytest.param(
            lambda s, c: Session.objects.filter(pk=s.pk).update(state="arrived"),
            ("skipped", "session_started"),
            id="arrived",
        ),
        pytest.param(
            lambda s, c: Template.objects.update(body="{نامعلوم}"),
            ("skipped", "no_text"),
            id="braces",
        ),
        pytest.param(
            lambda s, c: (
                type(s.clinic).objects.update(phone=""),
                Template.objects.update(body="سلام {خطاب}: {تلفن}"),
            ),
            ("skipped", "no_text"),
            id="no value",
        ),
        pytest.param(
            lambda s, c: Template.objects.update(body="خبر" * 320),
            ("skipped", "no_text"),
            id="long",
        ),
    ],
)
def test_what_changed_after_planning_stops_the_text(live, session, gateway, change, expected):
    plan(DUE)
    with inside(live):
        change(session, session.participants.get().client)
    delivery.drain(lambda: DUE)
    assert (outcome(live), gateway.messages) == (expected, [])


@pytest.mark.parametrize(
    ("phone", "reason"),
    [("", "no_phone"), ("+982188001122", "not_mobile")],
    ids=["none", "landline"],
)
def test_a_client_who_cannot_be_texted_is_shown_with_the_reason(live, gateway, phone, reason):
    with inside(live):
        client = ClientFactory(clinic=live, phone=phone)
    session_at(live, START, clients=[client])
    assert tick(DUE) == Counter({"planned": 1, f"skipped:{reason}": 1})


def test_a_shared_phone_names_nobody(live, gateway):
    with inside(live):
        client, _ = ClientFactory.create_batch(2, clinic=live, phone="+989121111111")
    session_at(live, START, clients=[client])
    tick(DUE)
    assert gateway.messages[0].body.startswith("سلام همراه گرامی،")


def test_a_shared_phone_names_the_client_where_the_clinic_allows_it(live, gateway):
    type(live).objects.filter(pk=live.pk).update(names_on_shared_phones=True)
    with inside(live):
        client, _ = ClientFactory.create_batch(2, clinic=live, phone="+989121111111")
    session_at(live, START, clients=[client])
    tick(DUE)
    assert gateway.messages[0].body.startswith(f"سلام {client.addressed}،")


# -- The gateway's answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(411, ("failed", "refused"), id="bad receptor"),
        pytest.param(400, ("failed", "refused"), id="our mistake"),
        pytest.param(409, ("queued", "busy"), id="busy"),
        pytest.param(451, ("queued", "busy"), id="too many calls"),
        pytest.param(418, ("queued", "account"), id="no credit"),
        pytest.param(403, ("queued", "account"), id="bad key"),
    ],
)
def test_a_coded_refusal_is_never_taken_for_a_loss(live, session, gateway, code, expected):
    gateway.fail_next("code", code=code)
    tick(DUE)
    message = only(live)
    assert ((message.state, message.reason), message.provider_code) == (expected, str(code))


@pytest.mark.parametrize(
    "mode", ["html", "drop", "accept_then_drop", "half", "empty", "null_entries"]
)
def test_an_answer_that_did_not_arrive_makes_it_unknown_and_not_queued(
    live, session, gateway, mode
):
    gateway.fail_next(mode)
    assert tick(DUE) == Counter(planned=1, unknown=1)


@pytest.mark.parametrize("mode", ["accept_then_drop", "half", "empty", "null_entries"])
def test_what_had_left_is_found_and_not_sent_again(live, session, gateway, mode):
    gateway.fail_next(mode)
    tick(DUE)
    tick(DUE + MINUTE)
    assert (outcome(live), len(gateway.messages)) == (("sent", ""), 1)


def test_what_had_not_left_is_sent_once_after_two_negative_answers(live, session, gateway):
    gateway.fail_next("drop")
    found = [outcome(live) for minute in range(3) if tick(DUE + minute * MINUTE) is not None]
    assert (found, len(gateway.messages)) == (
        [("unknown", "no_answer"), ("unknown", "no_answer"), ("sent", "")],
        1,
    )


def test_after_eleven_hours_an_unknown_message_is_left_to_a_person(live, session, gateway):
    gateway.fail_next("drop")
    tick(DUE)
    tick(DUE + dt.timedelta(hours=11))
    tick(DUE + dt.timedelta(hours=16))
    message = only(live)
    assert (message.state, message.ask_at, gateway.messages) == ("unknown", None, [])


@pytest.mark.parametrize("mode", ["wrong_receptor", "wrong_text"])
def test_another_message_under_our_id_is_an_alarm_and_never_re_sent(live, session, gateway, mode):
    gateway.fail_next(mode)
    tick(DUE)
    message = only(live)
    assert (message.state, message.reason, message.ask_at) == ("unknown", "echo", None)


def test_a_refused_message_of_a_batch_does_not_take_the_others_with_it(live, gateway):
    Template.objects.filter(clinic=live).update(body="قرار {ساعت}. {کلینیک}")
    for _ in range(3):
        session_at(live, START)
    gateway.fail_next("code", code=411)
    tick(DUE)
    assert Counter(m.state for m in messages_of(live)) == Counter(sent=3)


def test_a_busy_gateway_is_tried_again_with_the_same_id(live, session, gateway):
    gateway.fail_next("code", code=409)
    tick(DUE)
    first = only(live).pk
    tick(DUE + MINUTE)
    assert (outcome(live), gateway.messages[0].local_id) == (("sent", ""), first)


def test_a_gateway_that_is_not_there_keeps_the_message_in_the_queue(live, session, settings):
    settings.KAVENEGAR_BASE_URL = "http://127.0.0.1:9"
    tick(DUE)
    assert outcome(live) == ("queued", "busy")


def test_without_any_account_the_message_waits_and_says_why(live, session, settings):
    settings.KAVENEGAR_API_KEY = ""
    tick(DUE)
    assert outcome(live) == ("queued", "no_account")


def test_what_waited_past_its_use_is_missed(live, session, settings):
    settings.KAVENEGAR_API_KEY = ""
    tick(DUE)
    tick(tehran("2026-11-27 17:30"))
    assert messages_of(live, "reminder_72h")[0].state == "missed"


# -- A clinic's own account -----------------------------------------------------------------------


@pytest.fixture
def account(live):
    with inside(live):
        # Asked for replies a moment ago: what the gateway fails next is a text.
        return ProviderAccount.objects.create(
            api_key="its-own-key", sender="10008663", created_at=DUE, replies_asked_at=DUE
        )


def test_a_clinics_own_account_carries_its_texts(live, session, gateway, account):
    tick(DUE)
    assert gateway.messages[0].sender == "10008663"


def test_a_refused_account_rests_and_says_why(live, session, gateway, account):
    gateway.fail_next("code", code=418)
    tick(DUE)
    account.refresh_from_db()
    assert (account.paused_at, account.pause_code) == (DUE, "418")


def test_a_rested_account_is_tried_again_and_wakes(live, session, gateway, account):
    gateway.fail_next("code", code=418)
    tick(DUE)
    tick(DUE + 2 * MINUTE)
    waited = outcome(live)
    tick(DUE + 6 * MINUTE)
    account.refresh_from_db()
    assert (waited, outcome(live), account.paused_at) == (("queued", "account"), ("sent", ""), None)


def test_a_key_that_cannot_be_read_stops_its_own_clinic_only(live, session, gateway, account):
    ProviderAccount.objects.update(api_key="")
    neighbour = live_clinic("neighbour")
    session_at(neighbour, START)
    tick(DUE)
    assert (outcome(live), outcome(neighbour)) == (("queued", "no_account"), ("sent", ""))


def test_the_api_key_is_not_readable_in_the_database(live, account):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM messaging_provideraccount")
        assert "its-own-key" not in cursor.fetchone()[0]


# -- Outside production ---------------------------------------------------------------------------


def test_outside_production_only_listed_numbers_are_texted(live, session, settings):
    settings.KAVENEGAR_BASE_URL = "https://gateway.invalid"
    tick(DUE)
    assert outcome(live) == ("skipped", "not_allowed")


# -- A sender that died ---------------------------------------------------------------------------


def claimed(now=DUE):
    plan(now)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        return claiming.claim(now, "dead")


def test_a_dead_claim_goes_back_and_is_sent_once(live, session, gateway):
    claimed()
    tick(DUE + claiming.LEASE)
    assert (outcome(live), len(gateway.messages)) == (("sent", ""), 1)


def test_a_dead_sending_becomes_unknown_and_not_queued(live, session, gateway):
    ids = claimed()
    die_while_sending(live, ids)
    delivery.drain(lambda: DUE + claiming.LEASE)
    assert (outcome(live), gateway.messages) == (("unknown", "sender_stopped"), [])


def test_a_dead_sending_that_had_left_is_found(live, session, gateway):
    ids = claimed()
    (ready,) = die_while_sending(live, ids)
    provider = gateways_of({live.pk})[live.pk].provider
    provider.send([ready])
    tick(DUE + claiming.LEASE)
    look_after(DUE + claiming.LEASE)
    assert (outcome(live), len(gateway.messages)) == (("sent", ""), 1)


def test_a_sender_that_comes_back_late_changes_nothing(live, session, gateway):
    ids = claimed()
    die_while_sending(live, ids)
    delivery.drain(lambda: DUE + claiming.LEASE)
    assert outbox.failed(ids, "411", holder="dead", now=DUE) == 0


def test_a_sender_that_slept_past_its_lease_hands_nothing_over(live, session, gateway):
    plan(DUE)

    def falls_asleep_once_it_has_committed():
        return DUE + claiming.LEASE if only(live).state == "sending" else DUE

    delivery.drain(falls_asleep_once_it_has_committed)
    assert (outcome(live), gateway.messages) == (("queued", ""), [])
    assert only(live).attempt_at == DUE + claiming.LEASE


def die_while_sending(clinic, ids):
    """A sender commits *sending* and is never heard of again."""
    (_, verdict), *_ = outbox.drafts(ids, "dead", DUE)
    gateway = gateways_of({clinic.pk})[clinic.pk]
    ready, _ = outbox.begin_sending(ids, verdict.text, gateway, holder="dead", now=DUE)
    return ready


# -- Where it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("1234", ("delivered", "")),
        ("0011", ("undelivered", "carrier")),
        ("0014", ("undelivered", "blocked")),
        ("0006", ("undelivered", "carrier")),
    ],
)
def test_polling_learns_where_a_text_is(live, gateway, ending, expected):
    with inside(live):
        client = ClientFactory(clinic=live, phone=f"+98912123{ending}")
    session_at(live, START, clients=[client])
    tick(DUE)
    gateway.set_clock(DUE + 6 * MINUTE)
    tick(DUE + 6 * MINUTE)
    assert outcome(live) == expected


def test_a_text_older_than_two_days_is_not_asked_about_any_more(live, session, gateway):
    tick(DUE)
    look_after(DUE + dt.timedelta(hours=49))
    message = only(live)
    assert (message.state, message.ask_at) == ("sent", None)


def test_the_oldest_waiting_message_is_known(live, session):
    plan(DUE)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        assert pulse.take(DUE + MINUTE).oldest_due_at == Message.objects.get().due_at


# -- A drain takes a while ------------------------------------------------------------------------


def test_quiet_hours_that_begin_during_a_drain_stop_it(live, gateway):
    evening = tehran("2026-11-25 20:30")
    for minute in (30, 31):
        session_at(live, f"2026-11-28 20:{minute}")
    plan(tehran("2026-11-25 20:40"))
    delivery.drain(lambda: evening + (31 if gateway.messages else 15) * MINUTE)
    assert Counter(m.state for m in messages_of(live)) == Counter(sent=1, queued=1)


def test_after_one_refusal_of_the_account_the_rest_of_the_batch_waits(live, gateway):
    for _ in range(3):
        session_at(live, START)
    gateway.fail_next("code", code=418)
    tick(DUE)
    sends = [call for call in gateway.calls if call.method == "sms/send"]
    assert (len(sends), Counter(m.reason for m in messages_of(live))) == (1, Counter(account=3))


# -- A rule that was switched off -----------------------------------------------------------------


def test_what_was_on_its_way_when_its_rule_was_switched_off_does_not_leave_later(
    live, session, gateway
):
    gateway.fail_next("code", code=409)
    tick(DUE)
    Rule.objects.filter(clinic=live).update(enabled=False)
    tick(DUE + MINUTE)
    assert (outcome(live), gateway.messages) == (("cancelled", "rule_off"), [])


# -- One phone, two clients -----------------------------------------------------------------------


def test_of_two_clients_with_one_phone_the_one_who_consents_is_told(live, gateway):
    with inside(live):
        refusing = ClientFactory(clinic=live, phone="+989121111111", consent_transactional=False)
        agreeing = ClientFactory(clinic=live, phone="+989121111111")
    session_at(live, START, clients=[refusing, agreeing])
    tick(DUE)
    message = only(live)
    assert (message.client, message.state) == (agreeing, "sent")
