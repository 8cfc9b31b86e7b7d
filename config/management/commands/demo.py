"""`manage.py demo`: a believable clinic with web, worker, beat and a sandbox gateway."""

from __future__ import annotations

import datetime as dt
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from clinic.commands import prepare_embedded_database
from clinic.models import Clinic
from config import embedded, env
from config.demo import accounts, addresses, lines
from config.demo.addresses import Addresses
from config.demo.single import Stopped, alone, stoppable
from config.demo.supervisor import ChildEnded, Supervisor
from panel.demo import world
from panel.demo.people import NAME, OPERATOR, STAFF
from sandbox.plans import KeptPlans
from sandbox.testing import running_gateway

START_SECONDS = 90.0
#: What became of older texts was asked while the story was lived; of younger ones the sandbox tells.
ASKED_AFTER = dt.timedelta(minutes=10)


class Command(BaseCommand):
    help = (
        "Start web, worker, beat and a sandbox gateway with a believable clinic. Data is kept "
        "between starts; Ctrl-C stops everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="forget the data and start over")

    def handle(self, *, reset: bool, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("the demo is not for production: unset PEYGIR_ENV")
        var: Path = settings.ENV.var
        with stoppable(), alone(var / "demo.lock"):
            if reset:
                _reset(var)
            self._prepare_database()
            where = self._choose_ports()
            with Supervisor(env.PROJECT_ROOT, var / "log") as processes:
                try:
                    self._start(processes, where, var)
                    processes.watch()
                except ChildEnded as end:
                    raise CommandError(str(end)) from None
                except Stopped:
                    self._say(["", "  Stopping … · در حال ایستادن …"])
                    raise

    def _start(self, processes: Supervisor, where: Addresses, var: Path) -> None:
        environment, journal = where.environment(), var / "sandbox.jsonl"
        # It takes the longest and needs no data: it comes up while the clinic is built.
        processes.start("web", where.web_command(), environment)
        # The links in texts lead to the pages of this start.
        settings.PUBLIC_URL = where.panel
        clinic, passwords = self._clinic(var / "demo.json", journal)
        # A worker in the middle of a call shall get its answer.
        processes.start("sandbox", where.sandbox_command(journal, NAME), environment, outlasts=True)
        news = world.carry_on(clinic, timezone.now())
        processes.start("worker", where.worker_command(), environment)
        processes.start("beat", where.beat_command(var / "beat-schedule"), environment)
        _wait(processes, where)
        self._say(lines.ready(where, passwords, news, var / "log"))

    def _clinic(self, kept: Path, journal: Path) -> tuple[Clinic, dict[str, str]]:
        """The clinic of the last start, or a new one; and who signs in how."""
        clinic, passwords = world.find(), accounts.read(kept)
        keys = [person.key for person in (*STAFF, OPERATOR)]
        is_whole = passwords.keys() >= set(keys)
        if not is_whole:
            passwords = accounts.make(kept, keys)
        if clinic is None:
            self._say(["  Building the clinic … · کلینیک ساخته می‌شود …"])
            clinic = _build(journal, passwords)
        elif not is_whole:
            world.set_passwords(passwords)
        return clinic, passwords

    def _prepare_database(self) -> None:
        if settings.EMBEDDED_DATABASE:
            prepare_embedded_database(self.stderr)
            return
        try:
            others = world.others()
        except DatabaseError:
            raise CommandError(
                "the database of DATABASE_URL is not ready: run `manage.py provision` and "
                "`manage.py migrate`, or unset it to use an embedded one"
            ) from None
        # The sandbox would take their texts, and the database would say that they were sent.
        if others:
            raise CommandError(
                "the database of DATABASE_URL has clinics of its own: unset it for the demo"
            )

    def _choose_ports(self) -> Addresses:
        wanted = settings.ENV.port
        where = addresses.choose(wanted)
        for what, usual, taken in (
            ("panel", wanted, where.web_port),
            ("sandbox", addresses.SANDBOX_PORT, where.sandbox_port),
        ):
            if usual != taken:
                self._say([lines.other_port(what, usual, taken)])
        return where

    def _say(self, said: Iterable[str]) -> None:
        for line in said:
            self.stdout.write(line)
        self.stdout.flush()


def _build(journal: Path, passwords: dict[str, str]) -> Clinic:
    """Live the clinic's first days through, with a sandbox of this process as the gateway."""
    journal.unlink(missing_ok=True)
    now = timezone.now()
    with running_gateway(journal=journal) as gateway:
        # Of this process alone: the children have theirs in the environment.
        settings.KAVENEGAR_BASE_URL = gateway.base_url
        settings.KAVENEGAR_API_KEY = addresses.API_KEY
        with KeptPlans().installed():
            clinic = world.build(now, passwords=passwords, gateway_clock=gateway.set_clock)
        told = gateway.world.gateway
        for text, status in list(told.untold(now - ASKED_AFTER)):
            told.mark_told(text, status)
    return clinic


def _reset(var: Path) -> None:
    if not settings.EMBEDDED_DATABASE:
        raise CommandError("RESET erases embedded servers only: unset DATABASE_URL")
    try:
        embedded.reset()
    except embedded.EmbeddedServerError as problem:
        raise CommandError(str(problem)) from None
    # The new server may listen elsewhere.
    connection.close()
    connection.settings_dict.update(env.read(os.environ).database)
    for kept in (var / "demo.json", var / "sandbox.jsonl", *var.glob("beat-schedule*")):
        kept.unlink(missing_ok=True)


def _wait(processes: Supervisor, where: Addresses) -> None:
    """Until the panel is well. Raises CommandError when that takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not addresses.is_well(where.web_port):
        processes.check()
        if time.monotonic() > deadline:
            raise CommandError(f"the panel does not become well: see {where.web}/healthz")
        time.sleep(0.2)
