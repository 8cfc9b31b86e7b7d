"""A message's life as people read it."""

import datetime as dt

import pytest

from clinic.tenancy import Hat
from messaging.life import TRANSITIONS
from messaging.models import Message, State
from messaging.steps import Who, steps_of
from tests.factories import NOW

MINUTE = dt.timedelta(minutes=1)


def lived(*changes, state=None, **fields):
    """A message planned at NOW; each change «was became» or (…, fields), a minute after another."""
    life = []
    for n, change in enumerate(changes, 1):
        words, told = change if isinstance(change, tuple) else (change, {})
        was, became = words.split()
        noted = {"why": "", "code": "", "hat": Hat.WORKER.value, "by": None, **told}
        life.append({"at": (NOW + n * MINUTE).isoformat(), "from": was, "to": became, **noted})
    now_in = state or (life[-1]["to"] if life else "queued")
    return Message(planned_at=NOW, state=now_in, life=life, **fields)


def told(message):
    return [(step.became, step.who.value) for step in steps_of(message)]


ON_ITS_WAY = ("queued claimed", "claimed sending")
NOT_TAKEN = ("sending queued", {"why": "busy", "code": "503"})


def test_the_way_of_a_delivered_one_is_three_steps():
    message = lived(*ON_ITS_WAY, "sending sent", "sent delivered")
    assert told(message) == [("queued", "planner"), ("sent", "gateway"), ("delivered", "gateway")]
    assert [step.at for step in steps_of(message)] == [NOW, NOW + 3 * MINUTE, NOW + 4 * MINUTE]


@pytest.mark.parametrize("way", [ON_ITS_WAY[:1], ON_ITS_WAY])
def test_where_it_stands_is_told_even_if_only_in_passing(way):
    became = way[-1].split()[1]
    assert told(lived(*way)) == [("queued", "planner"), (became, "sender")]


def test_what_was_put_back_untouched_is_not_told():
    message = lived("queued claimed", "claimed queued", *ON_ITS_WAY, "sending sent")
    assert told(message) == [("queued", "planner"), ("sent", "gateway")]


def test_an_hour_without_the_gateway_is_one_step_that_says_how_often():
    message = lived(*(*ON_ITS_WAY, NOT_TAKEN) * 5)
    planned, waits = steps_of(message)
    assert (waits.who, waits.why, waits.code) == (Who.GATEWAY, "busy", "503")
    assert (waits.times, waits.at, waits.last_at) == (5, NOW + 3 * MINUTE, NOW + 15 * MINUTE)
    assert (planned.times, planned.last_at) == (1, None)


def test_another_code_is_another_step():
    other = ("sending queued", {"why": "busy", "code": "409"})
    message = lived(*ON_ITS_WAY, NOT_TAKEN, *ON_ITS_WAY, other)
    assert [(step.code, step.times) for step in steps_of(message)[1:]] == [("503", 1), ("409", 1)]


def test_a_reason_that_was_there_before_is_not_told_again_when_it_is_put_back():
    put_back = ("claimed queued", {"why": "busy"})
    message = lived(*ON_ITS_WAY, NOT_TAKEN, "queued claimed", put_back)
    assert told(message) == [("queued", "planner"), ("queued", "gateway")]


def test_a_stop_of_the_clinic_is_told_with_its_reason():
    message = lived("queued claimed", ("claimed queued", {"why": "clinic_paused"}))
    step = steps_of(message)[-1]
    assert (step.became, step.who, step.why) == ("queued", Who.SENDER, "clinic_paused")
    assert step.why_words == "کلینیک ارسال همه‌ی پیام‌ها را متوقف کرده است"


def test_what_was_planned_in_its_state_says_so():
    message = lived(state="skipped", reason="no_phone")
    (step,) = steps_of(message)
    assert (step.became, step.who, step.why) == ("skipped", Who.PLANNER, "no_phone")


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (("queued cancelled", {"hat": "app_web", "by": 7}), Who.PERSON),
        (("queued cancelled", {"hat": "app_web"}), Who.CLIENT),
        (("queued cancelled", {"why": "session_cancelled"}), Who.SENDER),
        (("queued missed", {"why": "too_late"}), Who.SENDER),
        (("claimed skipped", {"why": "muted"}), Who.SENDER),
        (("sending failed", {"why": "refused", "code": "411"}), Who.GATEWAY),
        (("sending unknown", {"why": "no_answer"}), Who.SENDER),
        (("sending unknown", {"why": "sender_stopped"}), Who.SENDER),
        (("sending unknown", {"why": "echo"}), Who.GATEWAY),
        (("unknown sent", {}), Who.GATEWAY),
        (("unknown queued", {}), Who.GATEWAY),
        (("unknown sent", {"hat": "app_web", "by": 7}), Who.PERSON),
        (("unknown failed", {"hat": "app_web", "by": 7}), Who.PERSON),
        (("sent undelivered", {"why": "blocked", "code": "14"}), Who.GATEWAY),
        (("failed queued", {"hat": "app_owner"}), Who.REPAIR),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value),
)
def test_who_did_it(change, who):
    assert steps_of(lived(change))[-1].who == who


def test_a_call_is_given_to_reception_and_not_to_a_gateway():
    step = steps_of(lived(*ON_ITS_WAY, "sending sent", channel="call"))[-1]
    assert step.words("call") == "برای تماس به پذیرش سپرده شد"
    assert step.words("sms") == "درگاه پیامک پذیرفت"


@pytest.mark.parametrize(("was", "became"), TRANSITIONS)
def test_every_change_that_is_possible_has_its_words(was, became):
    step = steps_of(lived(f"{was.value} {became.value}"))[-1]
    assert step.words()
    assert "%" not in step.words()


def test_no_state_is_without_its_words():
    for state in State:
        (step, *_) = steps_of(lived(state=state.value))
        assert step.words()
