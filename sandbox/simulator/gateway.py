"""The gateway stand-in as the simulation uses it: its clock, its failures, and its news."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest import mock

from django.conf import settings

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import receipts, replies
from messaging.models import ProviderAccount
from messaging.providers import provider_class, wire
from messaging.providers.base import Callback
from messaging.providers.kavenegar import Kavenegar
from sandbox.codes import OK, Status
from sandbox.faults import Fault
from sandbox.records import Inbound, Text, account_name
from sandbox.simulator.opening import INSTALLATION_KEY
from sandbox.simulator.whatsapp import SimulatedWhatsApp, WhatsAppText
from sandbox.testing import RunningGateway

KIND = "kavenegar"
#: Nobody waits longer for an answer that is ordered not to come.
IMPATIENCE = 0.2
#: Until a call that was given up has been taken by the other side all the same.
_CATCH_UP = 10.0
#: Nothing listens there.
NOBODY = "http://127.0.0.1:9"


Taken = Text | WhatsAppText


class SimulatedGateway:
    def __init__(self, running: RunningGateway, rng: Random, rough: bool) -> None:
        self.running, self.rng, self.rough = running, rng, rough
        #: Whose account a name is: its number and clinic; the installation's serves all.
        self.owners: dict[str, tuple[int | None, Any]] = {
            account_name(INSTALLATION_KEY): (None, EVERYWHERE)
        }
        self.whatsapp = SimulatedWhatsApp(running, Random(f"whatsapp/{rng.random()}"), rough)
        #: Everything that any gateway has taken, in the order of asking.
        self.texts: list[Taken] = []
        self._read = 0
        self._impatient = False
        self._accepted: set[int] = set()

    def know(self, accounts: Iterable[ProviderAccount]) -> None:
        """The clinics' own accounts."""
        for account in accounts:
            whose = (account.pk, account.clinic_id)
            if account.kind == KIND:
                self.owners[account_name(account.api_key)] = whose
            else:
                self.whatsapp.owners[account.sender] = whose
                self.whatsapp.tokens.append(account.api_key)

    def read(self) -> list[Taken]:
        """Bring `texts` up to date."""
        own = list(self.running.world.gateway.texts.values())[self._read :]
        self._read += len(own)
        self.texts += [*own, *self.whatsapp.taken()]
        return self.texts

    @contextmanager
    def installed(self) -> Iterator[None]:
        """As the installation's own account, without the pace of real time."""
        exchange = wire._exchange  # noqa: SLF001 - the one place that knows the time-outs

        def hasty(session: Any, request: Any, timeouts: tuple[float, float]) -> wire.Answer:
            if not (self._impatient and "/sms/send." in request.url):
                return exchange(session, request, timeouts)
            self._impatient = False
            calls = len(self.running.calls)
            try:
                return exchange(session, request, (timeouts[0], IMPATIENCE))
            finally:
                self._wait_for_call(calls)

        with (
            mock.patch.object(wire, "_exchange", hasty),
            mock.patch.object(Kavenegar, "calls_per_second", 0.0, create=True),
            mock.patch.object(settings, "KAVENEGAR_BASE_URL", self.running.base_url),
            mock.patch.object(settings, "KAVENEGAR_API_KEY", INSTALLATION_KEY),
            mock.patch.object(settings, "WHATSAPP_BASE_URL", self.running.base_url),
        ):
            yield

    def _wait_for_call(self, before: int) -> None:
        deadline = time.monotonic() + _CATCH_UP
        while len(self.running.calls) == before and time.monotonic() < deadline:
            time.sleep(0.005)

    # -- Trouble -------------------------------------------------------------------------------

    def fail_next(self, mode: str, times: int, details: dict[str, Any]) -> None:
        self._impatient = self._impatient or mode == "delay"
        with self.running.world.lock:
            fault = Fault(mode, times, method="sms/send", **details)
            self.running.world.gateway.faults.add(fault)
        self.whatsapp.fail_next(mode, times)

    def calm(self) -> None:
        """No failure is ordered any more."""
        self._impatient = False
        with self.running.world.lock:
            self.running.world.gateway.faults.clear()
        self.running.options.credit_rial = 10**12
        self.running.options.bad_keys = ()
        settings.KAVENEGAR_BASE_URL = settings.WHATSAPP_BASE_URL = self.running.base_url
        self.whatsapp.calm()

    def break_down(self, kind: str) -> None:
        if kind == "bad_key":
            self.running.whatsapp.options.bad_tokens = tuple(self.whatsapp.tokens)
        if kind == "no_credit":
            self.running.options.credit_rial = 0
        elif kind == "bad_key":
            self.running.options.bad_keys = (INSTALLATION_KEY,)
        elif kind == "refused":
            settings.KAVENEGAR_BASE_URL = settings.WHATSAPP_BASE_URL = NOBODY
        elif kind == "busy":
            self.fail_next("code", 10**6, {"code": 409})

    # -- News ----------------------------------------------------------------------------------

    def repeated(self) -> list[int]:
        """Ids of calls since the last look that the gateway had taken in an earlier call."""
        world = self.running.world
        with world.lock:
            calls = list(world.gateway.calls)
            world.gateway.calls.clear()
            held = {text.local_id: text.accepted_at for text in world.gateway.texts.values()}
        again = []
        for call in calls:
            if call.method != "sms/send":
                continue
            again += [number for number in call.local_ids if number in self._accepted]
            # What it refused now it may have taken in the next one.
            self._accepted.update(
                number
                for number in call.local_ids
                if call.code == OK and number in held and held[number] <= call.at
            )
        return again

    def has_news(self, now: dt.datetime) -> bool:
        with self.running.world.lock:
            return any(True for _ in self.running.world.gateway.untold(now))

    def tell_states(self, now: dt.datetime) -> int:
        """The callbacks that are due; some come twice, some late before early, some never."""
        gateway = self.running.world.gateway
        with self.running.world.lock:
            news = list(gateway.untold(now))
            for text, status in news:
                gateway.mark_told(text, status)
        if self.rough:
            news = [one for one in news for _ in range(self.rng.choice((0, 1, 1, 1, 1, 1, 2)))]
            self.rng.shuffle(news)
        for text, status in news:
            self._tell_state(text, status, now)
        return len(news) + self.whatsapp.tell_states(now)

    def _tell_state(self, text: Text, status: Status, now: dt.datetime) -> None:
        account_id, clinic_id = self.owners[text.account]
        fields = {"messageid": str(text.id), "status": str(int(status))}
        news = provider_class(KIND).hear(Callback(fields))
        with wear(Hat.WORKER, clinic_id=clinic_id):
            receipts.apply(KIND, account_id, news.receipts, now=now)

    def write_back(self, text: Text, words: str) -> Inbound:
        """The phone that got a text answers it."""
        return self.running.reply(text.receptor, text.sender, words)

    def tell_inbound(self, message: Inbound, now: dt.datetime) -> None:
        """The callback of an inbound text, sometimes twice."""
        account_id, clinic_id = self.owners[message.account]
        fields = {
            "messageid": str(message.id),
            "from": message.sender,
            "to": message.receptor,
            "message": message.body,
        }
        news = provider_class(KIND).hear(Callback(fields))
        for _ in range(self.rng.choice((1, 1, 2)) if self.rough else 1):
            replies.receive(KIND, account_id, clinic_id, news.inbound, now=now)
