"""The table of states, in the code and in the database: what it allows, notes and forgets never."""

import re
from itertools import product

import pytest
from django.db import IntegrityError, connection

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging.life import TRANSITIONS, possible
from messaging.models import FINAL_STATES, Message, State
from tests.factories import NOW, MessageFactory, UserFactory


@pytest.fixture
def message(clinic):
    return MessageFactory(clinic=clinic)


def put(message, state):
    """As only the owner can, whatever the table says."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        Message.objects.filter(pk=message.pk).update(state=state)


def goes(message, old, new, hat):
    """Whether the message may go from one state to the other under a hat."""
    put(message, old)
    try:
        with wear(hat, clinic_id=message.clinic_id, user_id=1):
            return bool(Message.objects.filter(pk=message.pk).update(state=new))
    except IntegrityError:
        return False


def life_of(message):
    message.refresh_from_db(fields=["life"])
    return message.life


@pytest.mark.parametrize("hat", [Hat.WORKER, Hat.WEB])
def test_the_database_allows_the_tables_changes_and_no_other(message, hat):
    pairs = [(old, new) for old, new in product(State, State) if old != new]
    allowed = {pair for pair in pairs if goes(message, *pair, hat)}
    assert allowed == {pair for pair, hats in TRANSITIONS.items() if hat in hats}


def test_a_refused_change_changes_nothing(message):
    goes(message, State.DELIVERED, State.QUEUED, Hat.WORKER)
    message.refresh_from_db()
    assert (message.state, len(message.life)) == ("delivered", 1)


def test_the_database_keeps_the_same_table_as_the_code(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'keep_life'")
        (source,) = cursor.fetchone()
    (kept,) = re.findall(r"ANY \('\{(.*?)\}'\)", source)
    assert kept.replace('"', "").split(",") == possible()


def test_every_change_is_noted_with_what_was_known_of_it(message):
    user = UserFactory()
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        rows = Message.objects.filter(pk=message.pk)
        rows.update(state=State.CLAIMED, state_at=NOW)
        rows.update(state=State.QUEUED, state_at=NOW, reason="busy", provider_code="409")
    with wear(Hat.WEB, clinic_id=message.clinic_id, user_id=user.pk):
        rows = Message.objects.filter(pk=message.pk)
        rows.update(state=State.CANCELLED, state_at=NOW, reason="", provider_code="")
    at = "2026-11-21T06:30:00+00:00"
    worker = {"at": at, "hat": "app_worker", "by": None}
    assert life_of(message) == [
        {**worker, "from": "queued", "to": "claimed", "why": "", "code": ""},
        {**worker, "from": "claimed", "to": "queued", "why": "busy", "code": "409"},
        {
            "at": at, "hat": "app_web", "by": user.pk,
            "from": "queued", "to": "cancelled", "why": "", "code": "",
        },
    ]  # fmt: skip


def test_the_owners_repairs_are_noted_too(message):
    put(message, State.DELIVERED)
    put(message, State.QUEUED)
    assert [(step["from"], step["to"], step["hat"]) for step in life_of(message)] == [
        ("queued", "delivered", "app_owner"),
        ("delivered", "queued", "app_owner"),
    ]


def test_what_changes_no_state_is_not_noted(message):
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        Message.objects.filter(pk=message.pk).update(state=State.QUEUED, attempts=3)
    assert life_of(message) == []


@pytest.mark.parametrize("hat", [Hat.WORKER, Hat.WEB, Hat.OWNER])
@pytest.mark.parametrize("forged", [[], [{"from": "queued", "to": "sent"}]])
def test_nobody_rewrites_a_life(message, hat, forged):
    goes(message, State.QUEUED, State.CLAIMED, Hat.WORKER)
    before = life_of(message)
    with wear(hat, clinic_id=message.clinic_id, user_id=1):
        Message.objects.filter(pk=message.pk).update(life=forged)
    assert life_of(message) == before


def test_nobody_rewrites_a_life_in_the_course_of_a_change(message):
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        Message.objects.filter(pk=message.pk).update(state=State.CLAIMED, life=[])
    assert [(step["from"], step["to"]) for step in life_of(message)] == [("queued", "claimed")]


def test_no_way_leads_out_of_a_final_state():
    assert {old for old, _ in TRANSITIONS} & set(FINAL_STATES) == set()


def test_every_state_can_be_reached_and_every_other_one_left():
    reached = {new for _, new in TRANSITIONS}
    left = {old for old, _ in TRANSITIONS}
    assert (reached, left) == (set(State), set(State) - set(FINAL_STATES))


def test_what_may_have_left_is_queued_again_by_the_engine_alone():
    ways_back = {old: hats for (old, new), hats in TRANSITIONS.items() if new == State.QUEUED}
    assert ways_back == dict.fromkeys((State.CLAIMED, State.SENDING, State.UNKNOWN), (Hat.WORKER,))
