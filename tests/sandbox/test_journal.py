import stat
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.journal import Journal
from sandbox.records import Options, Text
from sandbox.world import make_world
from tests.sandbox.helpers import draft

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "sandbox.jsonl"


def started(path):
    world = make_world(Options(), journal=path)
    world.clock.set(NOW)
    return world


def seen(world):
    gateway, account = world.gateway, world.gateway.account("key")
    return (
        list(gateway.texts.values()),
        list(gateway.inbound.values()),
        gateway.credit(account),
        account,
        list(gateway.untold(NOW + timedelta(hours=1))),
    )


def busy(world):
    """Do one of everything that is remembered."""
    gateway, account = world.gateway, world.gateway.account("key")
    texts = gateway.accept(account, [draft(NOW, local_id=n) for n in (1, 2)], NOW)
    (later,) = gateway.accept(account, [draft(NOW + timedelta(hours=1), local_id=3)], NOW)
    gateway.cancel(later, NOW)
    gateway.mark_told(texts[0], next(texts[0].changes(gateway.options.pace))[1])
    gateway.receive("09121234567", "10004346", "۱۱", NOW)
    gateway.receive("09350000000", "10004346", "12", NOW)
    gateway.configure(account, {"apilogs": "enabled"})
    gateway.mark_read([next(iter(gateway.inbound.values()))])
    gateway.mark_answered(list(gateway.inbound.values())[1], 503)


def test_a_restart_forgets_nothing(path):
    world = started(path)
    busy(world)
    before = seen(world)
    world.close()

    assert seen(started(path)) == before


def test_after_a_restart_local_ids_still_give_the_first_text(path):
    world = started(path)
    busy(world)
    world.close()
    world = started(path)

    (text,) = world.gateway.accept(world.gateway.account("key"), [draft(NOW, local_id=1)], NOW)

    assert text == next(iter(world.gateway.texts.values()))
    (new,) = world.gateway.accept(world.gateway.account("key"), [draft(NOW, local_id=9)], NOW)
    assert new.id > max(set(world.gateway.texts) - {new.id} | set(world.gateway.inbound))


@pytest.mark.parametrize(
    "torn", ['{"event": "text", "id": 5', "nonsense\n", "[]\n", '{"event": "text"}\n', '"x"\n\n']
)
def test_a_torn_line_costs_only_itself(path, torn):
    world = started(path)
    busy(world)
    before = seen(world)
    world.close()
    with path.open("a", encoding="utf-8") as file:
        file.write(torn)

    world = started(path)
    assert seen(world) == before
    world.gateway.accept(world.gateway.account("key"), [draft(NOW, local_id=4)], NOW)
    after = seen(world)
    world.close()
    assert seen(started(path)) == after


def test_the_journal_is_its_owners_alone_and_holds_no_key(path):
    world = started(path)
    busy(world)
    world.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert '"key"' not in path.read_text(encoding="utf-8")


def test_clearing_leaves_an_empty_file_that_can_be_written(path):
    journal = Journal(path)
    journal.record({"event": "x"})
    journal.clear()
    journal.record({"event": "y"})

    assert list(journal.events()) == [{"event": "y"}]


def test_a_text_shows_neither_number_nor_words():
    text = Text(1, "a", "09121234567", "سلام", "1000", None, NOW, NOW, 1, 0)

    assert "0912" not in repr(text)
    assert "سلام" not in repr(text)
