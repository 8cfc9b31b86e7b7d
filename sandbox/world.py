"""Everything one sandbox process holds: the gateway, its journal, its callbacks and its clock."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.callbacks import CallbackOptions, Callbacks
from sandbox.gateway import Gateway
from sandbox.journal import Journal
from sandbox.records import Inbound, Options


@dataclass
class Clock:
    """The real time, or a time that stands still until it is set again."""

    stopped_at: datetime | None = None

    def now(self) -> datetime:
        return self.stopped_at or datetime.now(UTC)

    def set(self, moment: datetime | None) -> None:
        """Stop at an aware moment, or follow the real time again."""
        if moment is not None and moment.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        self.stopped_at = moment.astimezone(UTC) if moment else None

    def advance(self, step: timedelta) -> None:
        self.set(self.now() + step)


@dataclass
class World:
    """Shared by the server's threads: `lock` is held by whoever touches the gateway."""

    gateway: Gateway
    callbacks: Callbacks
    title: str = ""
    journal: Journal | None = None
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def pump(self) -> int:
        """Deliver the callbacks that are due now, and give their number. Posts without the lock."""
        with self.lock:
            due = self.callbacks.collect(self.clock.now())
        for delivery in due:
            status = self.callbacks.post(delivery)
            with self.lock:
                self.callbacks.settle(delivery, status, self.clock.now())
        return len(due)

    def reply(self, sender: str, line: str, body: str) -> Inbound:
        """A phone answers one of our lines; its callback is queued."""
        with self.lock:
            now = self.clock.now()
            message = self.gateway.receive(sender, line, body, now)
            if not message.silent:
                self.callbacks.queue_inbound(message, now)
            return message

    def forget(self) -> None:
        """Start over with the same options: no texts, no failures, no journal."""
        with self.lock:
            record = self.journal.record if self.journal else None
            if self.journal:
                self.journal.clear()
            version = self.gateway.version + 1
            self.gateway = Gateway(self.gateway.options, record)
            self.gateway.version = version
            self.callbacks = Callbacks(self.gateway, self.callbacks.options)

    def close(self) -> None:
        if self.journal:
            self.journal.close()


def make_world(
    options: Options | None = None,
    callbacks: CallbackOptions | None = None,
    *,
    journal: Path | None = None,
    title: str = "",
) -> World:
    """A gateway with what its journal remembers."""
    kept = Journal(journal) if journal else None
    gateway = Gateway(options or Options(), kept.record if kept else None)
    if kept:
        gateway.replay(kept.events())
    return World(gateway, Callbacks(gateway, callbacks or CallbackOptions()), title, kept)
