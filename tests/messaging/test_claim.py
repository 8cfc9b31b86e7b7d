"""Who goes first when much is due, and what is not taken at all."""

import datetime as dt

import pytest

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import claiming
from messaging.models import Message, ProviderAccount, Spending
from tests.factories import ClientFactory, ClinicFactory, MessageFactory
from tests.followup.clinics import tehran

NOW = tehran("2026-11-25 17:30")
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def clinics(owner):
    return [ClinicFactory(quiet_from=dt.time(21), quiet_to=dt.time(9)) for _ in range(3)]


def waiting(clinic, count=1, minutes=5, **fields):
    """Messages that have been due for so many minutes, each a second later than the one before."""
    client = fields.pop("client", None) or ClientFactory(clinic=clinic)
    fields = {"template": None, "session": None, "priority": 1} | fields
    return [
        MessageFactory(
            clinic=clinic,
            client=client,
            due_at=NOW - minutes * MINUTE + dt.timedelta(seconds=n),
            occasion=f"{minutes} {n} {fields.get('priority')}",
            **fields,
        )
        for n in range(count)
    ]


def claimed(limit=200, now=NOW):
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ids = claiming.claim(now, "sender", limit=limit)
    return set(ids)


def ids(messages):
    return {message.pk for message in messages}


def test_a_clinics_many_texts_leave_room_for_anothers_one(clinics):
    many, (one,) = waiting(clinics[0], 12, minutes=60), waiting(clinics[1], minutes=1)
    taken = claimed(limit=2)
    assert taken == {many[0].pk, one.pk}


def test_every_clinic_has_its_turn_before_any_has_its_second(clinics):
    waiting(clinics[0], 5, minutes=60)
    waiting(clinics[1], 5, minutes=50)
    waiting(clinics[2], 5, minutes=1)
    taken = Message.objects.filter(pk__in=claimed(limit=6))
    assert sorted(taken.values_list("clinic_id", flat=True)) == sorted(
        clinic.pk for clinic in clinics for _ in range(2)
    )


def test_safety_goes_before_sessions_and_sessions_before_the_rest(clinics):
    clinic = clinics[0]
    rest = waiting(clinic, minutes=90, priority=2)
    session = waiting(clinic, minutes=60, priority=1)
    safety = waiting(clinic, minutes=1, priority=0)
    order = [claimed(limit=1) for _ in range(3)]
    assert order == [ids(safety), ids(session), ids(rest)]


def test_anothers_reminder_goes_before_ones_own_thanks(clinics):
    waiting(clinics[0], 3, minutes=60, priority=2)
    reminder = waiting(clinics[1], minutes=1, priority=1)
    assert claimed(limit=1) == ids(reminder)


def test_a_lone_clinic_gets_the_whole_batch(clinics):
    waiting(clinics[0], 30)
    assert len(claimed(limit=25)) == 25


def test_many_clinics_are_taken_past_the_first_batch(clinics):
    for clinic in clinics:
        waiting(clinic, 10)
    assert (len(claimed(limit=20)), len(claimed(limit=20))) == (20, 10)


def test_what_is_not_due_yet_waits(clinics):
    waiting(clinics[0], minutes=-1)
    assert claimed() == set()


@pytest.mark.parametrize(("priority", "taken"), [(0, 1), (1, 0), (2, 0)])
def test_in_quiet_hours_only_safety_leaves(clinics, priority, taken):
    waiting(clinics[0], priority=priority)
    assert len(claimed(now=tehran("2026-11-25 22:00"))) == taken


@pytest.mark.parametrize(("priority", "taken"), [(0, 1), (1, 0), (2, 0)])
def test_of_a_clinic_that_was_stopped_only_safety_leaves(clinics, priority, taken):
    type(clinics[0]).objects.filter(pk=clinics[0].pk).update(paused_at=NOW)
    waiting(clinics[0], priority=priority)
    assert len(claimed()) == taken


def test_a_stopped_clinic_stops_no_other(clinics):
    type(clinics[0]).objects.filter(pk=clinics[0].pk).update(paused_at=NOW)
    waiting(clinics[0])
    theirs = waiting(clinics[1])
    assert claimed() == ids(theirs)


@pytest.mark.parametrize(
    ("cap", "spent", "priority", "taken"),
    [
        pytest.param(1000, 999, 1, 1, id="below the limit"),
        pytest.param(1000, 1000, 1, 0, id="at the limit"),
        pytest.param(1000, 1000, 0, 1, id="safety, at the limit"),
        pytest.param(None, 10**9, 1, 1, id="no limit"),
        pytest.param(0, None, 1, 0, id="a limit of nothing"),
        pytest.param(1, None, 1, 1, id="nothing spent"),
    ],
)
def test_a_spent_limit_holds_everything_back_but_safety(clinics, cap, spent, priority, taken):
    type(clinics[0]).objects.filter(pk=clinics[0].pk).update(monthly_cap_rial=cap)
    if spent is not None:
        month_of(clinics[0], spent)
    waiting(clinics[0], priority=priority)
    assert len(claimed()) == taken


def test_what_last_month_cost_holds_nothing_back(clinics):
    type(clinics[0]).objects.filter(pk=clinics[0].pk).update(monthly_cap_rial=1000)
    month_of(clinics[0], 5000, starts_at=NOW - dt.timedelta(days=40), ends_at=NOW)
    mine = waiting(clinics[0])
    assert claimed() == ids(mine)


def month_of(clinic, rial, starts_at=None, ends_at=None):
    Spending.objects.create(
        clinic=clinic,
        starts_at=starts_at or NOW - dt.timedelta(days=3),
        ends_at=ends_at or NOW + dt.timedelta(days=27),
        rial=rial,
    )


def account(clinic, **fields):
    values = {"api_key": "key", "sender": "1000", "created_at": NOW} | fields
    return ProviderAccount.objects.create(clinic=clinic, **values)


def test_texts_of_a_refused_account_wait_with_it(clinics):
    account(clinics[0], paused_at=NOW - MINUTE)
    waiting(clinics[0])
    assert claimed() == set()


def test_texts_of_a_refused_account_go_on_by_the_standby(clinics):
    account(clinics[0], paused_at=NOW - MINUTE)
    account(clinics[0], standby=True)
    mine = waiting(clinics[0])
    assert claimed() == ids(mine)


def test_a_refused_account_of_one_channel_does_not_hold_back_another(clinics):
    account(clinics[0], paused_at=NOW - MINUTE)
    letter = waiting(clinics[0], channel="email", recipient="sara@example.ir")
    waiting(clinics[0], minutes=7)
    assert claimed() == ids(letter)


def test_a_switched_off_account_holds_nothing_back(clinics):
    account(clinics[0], paused_at=NOW - MINUTE, active=False)
    mine = waiting(clinics[0])
    assert claimed() == ids(mine)
