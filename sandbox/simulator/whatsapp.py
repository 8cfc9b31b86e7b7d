"""WhatsApp as the simulation uses it: what it has taken, and what its webhooks tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from clinic.tenancy import Hat, wear
from messaging import receipts
from messaging.providers import provider_class
from messaging.providers.base import Callback
from sandbox.codes import Status
from sandbox.records import Pace
from sandbox.testing import RunningGateway
from sandbox.whatsapp import GraphFault, Sent
from sandbox.whatsapp_webhooks import webhook_of

KIND = "whatsapp"
#: Failures that its calls can meet; one of its own codes stands for all that turn a call away.
MODES = ("accept_then_drop", "drop", "half", "empty", "html", "redirect", "null_entries", "code")
BUSY = 130429
_STATES = {
    "failed": Status.UNDELIVERED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
}


def account_of(number_id: str) -> str:
    """The name of the account that a phone number belongs to."""
    return f"whatsapp {number_id}"


@dataclass(frozen=True, slots=True)
class WhatsAppText:
    """What WhatsApp has taken, as `sandbox.records.Text` tells it of an SMS."""

    sent: Sent
    running: RunningGateway

    @property
    def id(self) -> str:
        return self.sent.id

    @property
    def local_id(self) -> int:
        return int(self.sent.callback_data)

    @property
    def account(self) -> str:
        return account_of(self.sent.number_id)

    @property
    def receptor(self) -> str:
        return "0" + self.sent.receptor.removeprefix("98")

    @property
    def body(self) -> str:
        return self.sent.body

    @property
    def accepted_at(self) -> dt.datetime:
        return self.sent.at

    def status_at(self, now: dt.datetime, _: Pace) -> Status:
        return _STATES.get(self.sent.word(now, self.running.whatsapp.options), Status.QUEUED)


class SimulatedWhatsApp:
    def __init__(self, running: RunningGateway, rng: Random, rough: bool) -> None:
        self.running, self.rng, self.rough = running, rng, rough
        #: By the phone number's id: the account's number and its clinic.
        self.owners: dict[str, tuple[int, int]] = {}
        self.tokens: list[str] = []
        self._read = 0
        running.whatsapp.options.any_template = True
        running.whatsapp.options.serves_iran = True

    def taken(self) -> Iterator[WhatsAppText]:
        """What it has taken since the last question."""
        sent = list(self.running.whatsapp.sent.values())[self._read :]
        self._read += len(sent)
        return (WhatsAppText(each, self.running) for each in sent)

    def fail_next(self, mode: str, times: int) -> None:
        if mode in MODES:
            with self.running.world.lock:
                self.running.whatsapp.add_fault(GraphFault(mode, times, code=BUSY))

    def calm(self) -> None:
        """No failure is ordered any more."""
        with self.running.world.lock:
            while self.running.whatsapp.take_fault():
                pass
        self.running.whatsapp.options.bad_tokens = ()

    def tell_states(self, now: dt.datetime) -> int:
        """The webhooks that are due; some come twice or late before early, and none is given up."""
        world = self.running.whatsapp
        with self.running.world.lock:
            news = list(world.untold(now))
            for _, about, word, _ in news:
                world.mark_told(about.id, word)
        if self.rough:
            news = [one for one in news for _ in range(self.rng.choice((1, 1, 1, 2)))]
            self.rng.shuffle(news)
        for each in news:
            account_id, clinic_id = self.owners[each[1].number_id]
            body = webhook_of([each], world.options, now).body
            heard = provider_class(KIND).hear(Callback({}, body))
            with wear(Hat.WORKER, clinic_id=clinic_id):
                receipts.apply(KIND, account_id, heard.receipts, now=now)
        return len(news)
