"""Everything one sandbox process holds: the gateways, their journal, callbacks and clock."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.callbacks import CallbackOptions, Callbacks
from sandbox.gateway import Gateway
from sandbox.journal import Journal
from sandbox.mail import PostOffice
from sandbox.records import Inbound, Options
from sandbox.whatsapp import WhatsApp, WhatsAppOptions, Written
from sandbox.whatsapp_webhooks import Webhooks


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
    whatsapp: WhatsApp = field(default_factory=lambda: WhatsApp(WhatsAppOptions()))
    post_office: PostOffice = field(default_factory=PostOffice)
    title: str = ""
    journal: Journal | None = None
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(self.whatsapp)

    @property
    def version(self) -> int:
        """Grows with every change, so that the page knows when to look again."""
        return self.gateway.version + self.whatsapp.version + len(self.post_office.letters)

    def pump(self) -> int:
        """Deliver the callbacks that are due now, and give their number. Posts without the lock."""
        with self.lock:
            due = self.callbacks.collect(self.clock.now())
        for delivery in due:
            status = self.callbacks.post(delivery)
            with self.lock:
                self.callbacks.settle(delivery, status, self.clock.now())
        return len(due) + self._pump_webhooks()

    def _pump_webhooks(self) -> int:
        with self.lock:
            due = self.webhooks.collect(self.clock.now())
        for webhook in due:
            status = self.webhooks.post(webhook)
            with self.lock:
                self.webhooks.settle(webhook, status, self.clock.now())
        return len(due)

    def write_by_whatsapp(self, sender: str, body: str, kind: str = "text") -> Written:
        """A phone writes by WhatsApp; `sender` is the number's digits with the country's."""
        with self.lock:
            return self.whatsapp.receive(sender, body, self.clock.now(), kind)

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
            self.whatsapp = WhatsApp(self.whatsapp.options, record)
            self.webhooks = Webhooks(self.whatsapp)
            self.post_office.forget()

    def close(self) -> None:
        if self.journal:
            self.journal.close()


def make_world(
    options: Options | None = None,
    callbacks: CallbackOptions | None = None,
    whatsapp: WhatsAppOptions | None = None,
    *,
    journal: Path | None = None,
    title: str = "",
) -> World:
    """The gateways with what their journal remembers."""
    kept = Journal(journal) if journal else None
    record, lock = (kept.record if kept else None), threading.RLock()
    gateway = Gateway(options or Options(), record)
    graph, office = WhatsApp(whatsapp or WhatsAppOptions(), record), PostOffice(record, lock)
    for each in (gateway, graph, office) if kept else ():
        each.replay(kept.events() if kept else ())
    return World(
        gateway,
        Callbacks(gateway, callbacks or CallbackOptions()),
        whatsapp=graph,
        post_office=office,
        title=title,
        journal=kept,
        lock=lock,
    )
