from datetime import UTC, datetime, timedelta

import pytest

from sandbox.callbacks import CallbackOptions
from sandbox.world import make_world
from tests.sandbox.helpers import draft, product

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@pytest.fixture
def there():
    with product() as other_end:
        yield other_end


def started(there, **options):
    world = make_world(callbacks=CallbackOptions(status_url=there.url, **options))
    world.clock.set(NOW)
    return world


def send(world, count=1):
    account = world.gateway.account("key")
    return [
        text.id
        for text in world.gateway.accept(
            account, [draft(NOW, receptor=f"0912000{9000 + n}") for n in range(count)], NOW
        )
    ]


def sent(number):
    return 4 if number % 2 else 5


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_change_is_told_once_in_its_order(there, method):
    world = started(there, method=method)
    (number,) = send(world)

    posted = []
    for step in (0, 3, 3, 60):
        world.clock.advance(timedelta(seconds=step))
        posted.append(world.pump())

    assert posted == [0, 1, 1, 0]
    assert there.states == [(number, sent(number)), (number, 10)]
    assert set(there.verbs) == {method}
    assert all(fields.get("secret") in (None, "s") for fields in there.received)


def test_changes_that_happened_together_are_told_together(there):
    world = started(there)
    first, second = send(world, 2)
    world.clock.advance(timedelta(minutes=1))
    world.pump()

    assert there.states == [
        (first, sent(first)),
        (second, sent(second)),
        (first, 10),
        (second, 10),
    ]


def test_news_may_arrive_twice(there):
    world = started(there, duplicate=True)
    (number,) = send(world)
    world.clock.advance(timedelta(seconds=3))
    world.pump()

    assert there.states == [(number, sent(number))] * 2


def test_news_may_arrive_the_wrong_way_round(there):
    world = started(there, shuffled=True)
    (number,) = send(world)
    world.clock.advance(timedelta(minutes=1))
    world.pump()

    assert there.states == [(number, 10), (number, sent(number))]


@pytest.mark.parametrize("answer", [404, 500, 302, 201])
def test_what_is_not_answered_with_200_comes_again(there, answer):
    world = started(there)
    (number,) = send(world)
    there.answer = answer
    world.clock.advance(timedelta(seconds=3))
    attempts = [world.pump()]
    for step in (119, 1):
        world.clock.advance(timedelta(seconds=step))
        there.answer = 200
        attempts.append(world.pump())

    assert attempts == [1, 1, 1]
    assert there.states == [(number, sent(number)), (number, 10), (number, sent(number))]


def test_a_callback_is_given_up_after_its_last_try(there):
    world = started(there, retry_limit=3, retry_after=timedelta(seconds=1))
    send(world)
    there.answer = 500
    for _ in range(20):
        world.clock.advance(timedelta(seconds=1))
        world.pump()

    assert len(there.received) == 6


def test_nobody_at_the_other_end_is_no_error():
    world = make_world(callbacks=CallbackOptions(status_url="http://127.0.0.1:9/hook"))
    world.clock.set(NOW)
    send(world)
    world.clock.advance(timedelta(seconds=3))

    assert world.pump() == 1


def test_an_answer_travels_with_the_documented_fields(there):
    world = make_world(callbacks=CallbackOptions(inbound_url=there.url))
    message = world.reply("09121234567", "10004346", "سلام")
    world.pump()

    assert there.received == [
        {
            "messageid": str(message.id),
            "from": "09121234567",
            "to": "10004346",
            "message": "سلام",
        }
    ]
    assert (message.answer, message.read) == (200, True)


def test_an_answer_nobody_took_stays_unread(there):
    world = make_world(callbacks=CallbackOptions(inbound_url=there.url, retry_limit=1))
    there.answer = 500
    message = world.reply("09121234567", "10004346", "سلام")
    world.pump()

    assert (message.answer, message.read) == (500, False)


def test_without_an_address_nothing_is_posted():
    world = make_world()
    world.clock.set(NOW)
    send(world)
    world.reply("09121234567", "10004346", "سلام")
    world.clock.advance(timedelta(minutes=1))

    assert world.pump() == 0
