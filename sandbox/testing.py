"""The sandbox inside a test's own process, over real HTTP on a free loopback port."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.callbacks import CallbackOptions
from sandbox.codes import Status
from sandbox.faults import Fault
from sandbox.mail import MailServer, PostOffice
from sandbox.records import Call, Inbound, Options, Text
from sandbox.server import Server
from sandbox.whatsapp import GraphFault, WhatsApp
from sandbox.world import World, make_world


class RunningGateway:
    """A gateway that answers at `base_url`, with handles for a test."""

    def __init__(self, world: World, base_url: str) -> None:
        self.world = world
        self.base_url = base_url

    @property
    def messages(self) -> list[Text]:
        """Everything accepted, oldest first."""
        with self.world.lock:
            return list(self.world.gateway.texts.values())

    @property
    def inbound(self) -> list[Inbound]:
        with self.world.lock:
            return list(self.world.gateway.inbound.values())

    @property
    def calls(self) -> list[Call]:
        """Every call that arrived, refused and failed ones too."""
        with self.world.lock:
            return list(self.world.gateway.calls)

    @property
    def options(self) -> Options:
        """How it behaves; may be changed at any time."""
        return self.world.gateway.options

    def status(self, text: Text) -> Status:
        with self.world.lock:
            return self.world.gateway.status(text, self.world.clock.now())

    def fail_next(self, mode: str, times: int = 1, **details: Any) -> None:
        """Let the next calls fail; see `sandbox.faults` for the modes and their details."""
        with self.world.lock:
            self.world.gateway.faults.add(Fault(mode, times, **details))

    @property
    def whatsapp(self) -> WhatsApp:
        """The Cloud API beside it, at the same address; its options may be changed at any time."""
        return self.world.whatsapp

    def fail_next_whatsapp(self, mode: str, times: int = 1, **details: Any) -> None:
        """As `fail_next`, for calls of the Cloud API; `code` is one of Meta's."""
        with self.world.lock:
            self.world.whatsapp.add_fault(GraphFault(mode, times, **details))

    def set_clock(self, now: datetime | None) -> None:
        """Stop the gateway's clock at `now`, or let it run again."""
        self.world.clock.set(now)

    def advance(self, step: timedelta) -> None:
        """Move the clock on and stop it there."""
        self.world.clock.advance(step)

    def reply(self, sender: str, line: str, body: str) -> Inbound:
        """A phone (`09…`) writes to one of our lines."""
        return self.world.reply(sender, line, body)

    def pump(self) -> int:
        """Deliver the callbacks that are due, now and here; gives their number."""
        return self.world.pump()

    def forget(self) -> None:
        """Forget every text, call and failure; options stay."""
        self.world.forget()


@contextmanager
def running_gateway(
    *, journal: Path | None = None, title: str = "", host: str = "127.0.0.1", **options: Any
) -> Iterator[RunningGateway]:
    """Run a gateway for the length of a block.

    Options are the fields of `Options` and `CallbackOptions`; WhatsApp's are changed while it runs.
    """
    mine = {each.name for each in fields(CallbackOptions)}
    callbacks = CallbackOptions(**{name: options.pop(name) for name in mine & set(options)})
    world = make_world(Options(**options), callbacks, journal=journal, title=title)
    server = Server(world, host)
    server.start()
    try:
        yield RunningGateway(world, server.base_url)
    finally:
        server.stop()


@contextmanager
def running_mail() -> Iterator[tuple[PostOffice, int]]:
    """Run a mail server on loopback for the length of a block: its letters, and its port."""
    server = MailServer(PostOffice())
    server.start()
    try:
        yield server.office, server.port
    finally:
        server.stop()
