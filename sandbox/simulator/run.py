"""Living through the days: from event to event, with a look at every promise after each."""

from __future__ import annotations

import datetime as dt
import heapq
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from random import Random
from typing import Any

from clinic import jalali
from clinic.models import Clinic
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import gates
from sandbox.plans import KeptPlans
from sandbox.records import Inbound, Text
from sandbox.simulator.beat import Beat
from sandbox.simulator.deeds import REFUSALS, Deeds
from sandbox.simulator.facts import Facts
from sandbox.simulator.gateway import SimulatedGateway
from sandbox.simulator.judge import Judge
from sandbox.simulator.ledger import Ledger
from sandbox.simulator.life import Life
from sandbox.simulator.opening import open_all
from sandbox.simulator.trouble import CALLS, Mischief, Troubles
from sandbox.testing import RunningGateway, running_gateway

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
#: The first Saturday that a seed can begin on; there are a year of them, Nowruz included.
FIRST_SATURDAY = dt.date(2026, 4, 4)
WEEKS = 50
OPENS = dt.time(8, 30)
STOP_WORDS = ("۱۱", "11", "لغو ۱۱")
WORDS = (*STOP_WORDS, "۱۲", "ممنون، ساعت ۱۱ می‌آیم")
#: Nobody's: what belongs to no clinic.
ALL = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be simulated, and which steps are told as they happen."""

    clinics: int = 3
    days: int = 14
    seed: int = 1
    faults: bool = False
    from_step: int = 0
    until_step: int | None = None


class NotEmpty(RuntimeError):
    """The database has clinics: a simulation has no business there."""


@dataclass(order=True, slots=True)
class Event:
    moment: dt.datetime
    number: int
    clinic: int = field(compare=False)
    words: str = field(compare=False)
    act: Callable[[], object] = field(compare=False)


def simulate(wanted: Wanted, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Live through the days in the connected database, which must be empty; the report.

    Texts go to a sandbox of this process alone. Raises NotEmpty.
    """
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        if Clinic.objects.exists():
            raise NotEmpty
    began = time.monotonic()
    gates.forget()
    with running_gateway() as running:
        simulation = Simulation(wanted, running, say)
        simulation.live()
    return simulation.report(time.monotonic() - began)


class Simulation:
    """The stage: the time, what is going to happen, and everybody who takes part."""

    def __init__(self, wanted: Wanted, running: RunningGateway, say: Callable[[str], None]) -> None:
        self.wanted, self._say = wanted, say
        start = FIRST_SATURDAY + self._rng("start").randrange(WEEKS) * 7 * DAY
        self.opened = self.now = jalali.combine(start, OPENS)
        self.ends = self.opened + wanted.days * DAY
        self.step = 0
        self.happened: Counter[str] = Counter()
        self.ledger, self.facts, self.troubles = Ledger(), Facts(), Troubles()
        self.deeds = Deeds(self.facts)
        self.gateway = SimulatedGateway(running, self._rng("gateway"), wanted.faults)
        self.judge = Judge(self.facts, self.ledger, self.gateway.read)
        self.answers = self._rng("answers")
        self.mischief = Mischief(self._rng("mischief"), wanted.faults)
        self.beat = Beat(
            self, self.facts, self.judge, self.ledger, self.gateway, self.mischief,
            self.troubles, self.say,
        )  # fmt: skip
        self._coming: list[Event] = []
        self._numbers = 0
        self._heard = 0
        #: Phones whose words wait to be fetched.
        self._unread: set[str] = set()

    def _rng(self, name: str) -> Random:
        return Random(f"{self.wanted.seed}/{name}")

    # -- The days ------------------------------------------------------------------------------

    def live(self) -> None:
        self.gateway.running.set_clock(self.now)
        with self.gateway.installed(), self.beat.boundaries.installed(), KeptPlans().installed():
            self._open()
            while self._go_on():
                pass

    def _open(self) -> None:
        for clinic in open_all(self.wanted.clinics, self._rng("opening"), self.opened):
            house = self.facts.settings(clinic.pk)
            self.facts.people(clinic.pk)
            Life(self, house, self._rng(f"life/{clinic.slug}")).begin(self.wanted.days)
        self.gateway.know(self.judge.know_accounts())
        for moment, kind in self.mischief.of_day(self.wanted.days, self.opened):
            self.later(moment, ALL, f"trouble: {kind}", partial(self._trouble, kind))
        for n in range(self.wanted.days):
            self.later(self.opened + n * DAY + 18 * HOUR, ALL, "the night watch", self._night)
            at = self.opened + n * DAY + 3 * HOUR
            self.later(at, ALL, "somebody looks into unclear texts", self._settle)
        self.later(self.opened + MINUTE, ALL, "the first tick", self.beat.tick)
        self.troubles.now = self.now

    def _go_on(self) -> bool:
        """One step. False at the end."""
        event = self._coming[0] if self._coming else None
        wake = self.beat.wakes()
        moments = [m for m in (wake, event.moment if event else None) if m is not None]
        if not moments or min(moments) > self.ends or self.step == self.wanted.until_step:
            return False
        if event is not None and (wake is None or event.moment <= wake):
            heapq.heappop(self._coming)
            self._begin_step(event.moment)
            self._happen(event)
        elif wake is not None:
            self._begin_step(wake)
            self.say("tick")
            self.beat.tick()
        self._hear_texts()
        return True

    def _begin_step(self, moment: dt.datetime) -> None:
        self.step += 1
        self.now = self.troubles.now = max(self.now, moment)
        self.gateway.running.set_clock(self.now)
        self.ledger.step, self.ledger.at = self.step, self.now.isoformat()

    def say(self, words: str) -> None:
        if self.step >= self.wanted.from_step:
            self._say(f"{self.step} {self.now:%Y-%m-%d %H:%M:%S} {words}")

    # -- What happens --------------------------------------------------------------------------

    def later(self, moment: dt.datetime, who: int, words: str, act: Callable[[], object]) -> None:
        self._numbers += 1
        heapq.heappush(self._coming, Event(max(moment, self.now), self._numbers, who, words, act))

    def something_happens(self) -> bool:
        """The next thing that somebody does within a day happens now."""
        for event in sorted(self._coming):
            if event.clinic != ALL and event.moment < self.now + DAY:
                self._coming.remove(event)
                heapq.heapify(self._coming)
                # What has been decided until now was decided in the world as it was.
                self.beat.look()
                self._happen(event)
                return True
        return False

    def _happen(self, event: Event) -> None:
        self.say(f"clinic {event.clinic}: {event.words}" if event.clinic else event.words)
        try:
            event.act()
        except REFUSALS:
            self.happened["refused"] += 1
            self.say("  refused")
        else:
            self.happened[event.words] += 1
        for house in self.facts.houses.values():
            self.troubles.note_stop(house)
        self.beat.look()

    def _night(self) -> None:
        self.beat.night_watch()
        self.beat.tick()

    def _settle(self) -> None:
        for pk in sorted(self.judge.open):
            row = self.judge.rows[pk]
            if row["state"] == "unknown" and row["ask_at"] is None:
                sent = pk in self.judge.taken
                self.deeds.settle(row["clinic_id"], pk, sent, self.now)
                self.happened["settled by a person"] += 1

    def _trouble(self, kind: str) -> None:
        rng = self.mischief.rng
        if kind == "call":
            mode, details = rng.choice(CALLS)
            self.say(f"  {mode}")
            times = rng.choice((1, 1, 2, 3))
            self.gateway.fail_next(mode, 1 if mode == "delay" else times, details)
            self.troubles.note(self.now, self.now + 3 * HOUR)
            self.later(self.now + 3 * HOUR, ALL, "the gateway is calm", self.gateway.calm)
            return
        length = rng.randrange(10, 150) * MINUTE
        self.troubles.note(self.now, self.now + length)
        if kind == "beat_dead":
            self.beat.asleep_until = self.now + length * 3
            self.troubles.note(self.now, self.now + length * 3)
            return
        self.gateway.break_down(kind)
        self.later(self.now + length, ALL, "the gateway is calm", self.gateway.calm)

    # -- What clients make of their texts ------------------------------------------------------

    def _hear_texts(self) -> None:
        texts = self.gateway.read()
        for text in texts[self._heard :]:
            self._hear(text)
        if len(texts) > self._heard:
            soon = self.now + self.answers.randrange(10, 120) * dt.timedelta(seconds=1)
            self.later(soon, ALL, "callbacks", self._callbacks)
        self._heard = len(texts)

    def _callbacks(self) -> None:
        self.gateway.tell_states(self.now)

    def _hear(self, text: Any) -> None:
        self.happened["texts received"] += 1
        roll, wait = self.answers.random(), self.answers.randrange(3, 600) * MINUTE
        press = self.answers.random()
        row = self.judge.rows.get(text.local_id)
        clinic = row["clinic_id"] if row else ALL
        if roll < 0.35:
            self.later(
                self.now + wait, clinic, "a client follows a link",
                lambda: self._follow(text.body, press),
            )  # fmt: skip
        elif roll < 0.41 and isinstance(text, Text):
            words = WORDS[int(press * len(WORDS))]
            self.later(
                self.now + wait, clinic, "a client writes back", lambda: self._write(text, words)
            )

    def _follow(self, body: str, press: float) -> None:
        said = self.deeds.answer(body, press, self.now)
        self.ledger.check("links", said != "a link that leads nowhere", said)
        self.say(f"  {said or 'no link in it'}")

    def _write(self, text: Any, words: str) -> None:
        message = self.gateway.write_back(text, words)
        phone = "+98" + text.receptor[1:]
        fetched = (
            self.gateway.owners[message.account][0] is not None and self.answers.random() < 0.5
        )
        if fetched:
            # Until somebody asks for it.
            self._unread.add(phone)
            self.later(self.now + 6 * MINUTE, ALL, "a tick for replies", self.beat.tick)
            self._await(phone, message, words)
        else:
            self.gateway.tell_inbound(message, self.now)
            self._read(phone, message.account, words)

    def _await(self, phone: str, message: Inbound, words: str) -> None:
        """Until it has been fetched: an outage can keep it waiting."""
        act = partial(self._look_for, phone, message, words)
        self.later(self.now + 7 * MINUTE, ALL, "a reply is read", act)

    def _look_for(self, phone: str, message: Inbound, words: str) -> None:
        if message.read:
            self._read(phone, message.account, words)
        else:
            self._await(phone, message, words)

    def _read(self, phone: str, account: str, words: str) -> None:
        """Whoever shares the number has what it wrote on file, in each clinic of that line."""
        self._unread.discard(phone)
        self.facts.phone(phone)
        if words not in STOP_WORDS:
            return
        shared = self.gateway.owners[account][0] is None
        for house in self.facts.houses.values():
            own = self.judge.accounts.get((house.id, "sms"))
            if own != account and not (shared and own is None):
                continue
            for person in house.people.values():
                if phone in person.numbers() and not person.deceased:
                    kept = person.has_stopped(phone)
                    where = {"client": person.id, "clinic": house.id}
                    self.ledger.check("replies", kept, "a stop that was not kept", **where)

    def hear_replies(self) -> None:
        """What the engine may have fetched just now is so already."""
        for phone in sorted(self._unread):
            self.facts.phone(phone)

    # -- The report ----------------------------------------------------------------------------

    def report(self, seconds: float) -> dict[str, Any]:
        replay = (
            f"manage.py simulate --clinics {self.wanted.clinics} --days {self.wanted.days}"
            f" --seed {self.wanted.seed}{' --faults' if self.wanted.faults else ''} --narrate"
        )
        told = [
            {**it, "replay": f"{replay} --from-step {max(0, it['step'] - 20)}"
                             f" --until-step {it['step']}"}
            for it in self.ledger.told
        ]  # fmt: skip
        asked = {k: v for k, v in asdict(self.wanted).items() if not k.endswith("_step")}
        return {
            **asked,
            "opened": self.opened.isoformat(),
            "steps": self.step,
            "messages": self.judge.counts(),
            "texts_taken": len(self.judge.taken),
            "happened": dict(sorted(self.happened.items())),
            "engine": dict(sorted(self.beat.counts.items())),
            "invariants": self.ledger.table(),
            "violations": told,
            "holds": not self.ledger.violated,
            "took": {"seconds": round(seconds, 1)},
        }
