"""What the people of one clinic do, and when: drawn from the seed, never from the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from patients import care
from patients.models import Purpose
from sandbox.simulator.deeds import Deeds
from sandbox.simulator.facts import House, Visit
from sessions_app import actions
from sessions_app.models import CancelledBy, Session, State

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
GAPS = (0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 7, 7, 8, 10, 14, 21)
USUAL_HOURS = (9, 10, 11, 12, 14, 15, 16, 17, 18, 19)
ODD_CLOCKS = (dt.time(7, 0), dt.time(8, 0), dt.time(20, 30), dt.time(21, 30), dt.time(23, 0))

Act = Callable[[], object]


class Stage(Protocol):
    """Where it is played."""

    now: dt.datetime
    deeds: Deeds

    def later(self, moment: dt.datetime, who: int, words: str, act: Act) -> None:
        """Let something happen at a moment, in a clinic."""


class Life:
    """One clinic's people. Each draws from this clinic's own stream of chance."""

    def __init__(self, stage: Stage, house: House, rng: Random) -> None:
        self.stage, self.house, self.rng = stage, house, rng
        self._spare = 0

    def begin(self, days: int) -> None:
        """The first bookings, and the staff's days."""
        almanac, opened = self.house.almanac, self.stage.now
        for client in sorted(self.house.people):
            if self.rng.random() < 0.9:
                self._will(
                    opened + self.rng.randrange(5, 600) * MINUTE, "books", self.agree, client
                )
        today = almanac.local(opened).date()
        for n in range(days + 1):
            day = today + n * DAY
            self._will(self._on(day, 10, 20), "the staff's morning", self.morning)
            self._will(self._on(day, 13, 30), "the staff's noon", self.noon)
        if self.house.live_since is None:
            at = self._on(today + self.rng.randrange(2, 6) * DAY, 11, 5)
            self._will(at, "goes live", self._go_live)

    # -- Booking -------------------------------------------------------------------------------

    def agree(self, client: int) -> None:
        """Find an hour for a client, alone or as a couple."""
        person = self.house.people[client]
        if person.deceased:
            return
        people = [client]
        if self.rng.random() < 0.2:
            people.append(self.rng.choice(sorted(set(self.house.people) - {client})))
        therapist, service = self._habit(client)
        source = Session.Source.ONLINE if self.rng.random() < 0.1 else Session.Source.PANEL
        tell = self.rng.random() < 0.95
        for start in self._hours():
            try:
                session = self.stage.deeds.book(
                    self.house.id, people, therapist, service, start, self.stage.now,
                    source=source, tell=tell,
                )  # fmt: skip
            except actions.SessionError:
                continue
            self._fates(session)
            return

    def _habit(self, client: int) -> tuple[int, int]:
        mine = [self.house.visits[pk] for pk in sorted(self.house.visits_of[client])]
        if mine and self.rng.random() < 0.85:
            return mine[-1].therapist, mine[-1].service
        therapists = sorted({v.therapist for v in self.house.visits.values()})
        return self.rng.choice(therapists), self.rng.choice(sorted(self.house.services))

    def _hours(self) -> list[dt.datetime]:
        """Some free-looking starts, in the order of liking."""
        today = self.house.almanac.local(self.stage.now).date()
        day = today + self.rng.choice(GAPS) * DAY
        starts = []
        for _ in range(6):
            if self.house.almanac.is_closed(day) and self.rng.random() < 0.9:
                day += DAY
            clock = dt.time(self.rng.choice(USUAL_HOURS), self.rng.choice((0, 0, 30)))
            if self.rng.random() < 0.06:
                clock = self.rng.choice(ODD_CLOCKS)
            starts.append(self.house.almanac.at(day, clock))
            if self.rng.random() < 0.5:
                day += DAY
        return [start for start in starts if start > self.stage.now]

    # -- What becomes of a session -------------------------------------------------------------

    def _fates(self, session: int) -> None:
        visit, roll = self._visit(session), self.rng.random()
        span = visit.starts_at - self.stage.now
        sometime = self._awake(self.stage.now + span * self.rng.random())
        if roll < 0.06:
            soon = self.stage.now + self.rng.randrange(1, 9) * MINUTE
            self._will(soon, "takes a step back", self._undo, session)
        elif roll < 0.2:
            self._will(sometime, "moves a session", self._move, session)
        elif roll < 0.3:
            self._will(sometime, "cancels a session", self._cancel, session)
        elif roll < 0.35:
            self._will(sometime, "changes who comes", self._edit, session)
        self._will(visit.ends_at + self._delay(), "records", self._record, session)

    def _delay(self) -> dt.timedelta:
        """How long after the end its outcome is recorded."""
        roll = self.rng.random()
        if roll < 0.75:
            return self.rng.randrange(0, 40) * MINUTE
        return self.rng.randrange(1, 70) * HOUR if roll < 0.97 else 400 * DAY

    def _move(self, session: int) -> None:
        visit = self._visit(session)
        if not visit.is_open or visit.starts_at <= self.stage.now:
            return
        tell = self.rng.random() < 0.7
        shift = self.rng.choice((-1, 0, 0, 1, 1, 2, 7)) * DAY + self.rng.choice((0, 1, 2)) * HOUR
        start = visit.starts_at + shift
        if start > self.stage.now:
            self._do(session, actions.move, starts_at=start, tell=tell)
            self._will(start + DAY / 12 + self._delay(), "records", self._record, session)
        if self.rng.random() < 0.2:
            self._will(self.stage.now + 2 * MINUTE, "takes a step back", self._undo, session)

    def _cancel(self, session: int) -> None:
        by_whom = self.rng.choice((CancelledBy.CLINIC, CancelledBy.CLIENT, CancelledBy.LATE))
        self._do(session, actions.cancel, by_whom=by_whom, tell=self.rng.random() < 0.7)
        roll, now = self.rng.random(), self.stage.now
        if roll < 0.15:
            self._will(now + self.rng.randrange(1, 7) * MINUTE, "undoes", self._undo, session)
        elif roll < 0.35:
            self._will(now + self.rng.randrange(1, 30) * HOUR, "restores", self._restore, session)

    def _restore(self, session: int) -> None:
        self._do(session, actions.restore, tell=self.rng.random() < 0.6)

    def _undo(self, session: int) -> None:
        self._do(session, actions.undo)

    def _edit(self, session: int) -> None:
        visit = self._visit(session)
        others = sorted(set(self.house.people) - set(visit.clients))
        people = [*visit.clients, self.rng.choice(others)]
        if len(visit.clients) > 1 and self.rng.random() < 0.5:
            people = visit.clients[1:]
        self.stage.deeds.edit(self.house.id, session, people, self.stage.now)

    def _record(self, session: int) -> None:
        visit = self._visit(session)
        if not visit.is_open:
            return
        if visit.starts_at > self.stage.now:
            self._will(visit.ends_at + 5 * MINUTE, "records", self._record, session)
            return
        outcome = State.NO_SHOW if self.rng.random() < 0.18 else State.ATTENDED
        self._do(session, actions.record, outcome)
        if self.rng.random() < 0.05:
            wrong = State.ATTENDED if outcome == State.NO_SHOW else State.NO_SHOW
            at = self.stage.now + self.rng.randrange(1, 300) * MINUTE
            self._will(at, "corrects an outcome", self._do, session, actions.record, wrong)
        for client in visit.clients:
            self._next(client)

    def _next(self, client: int) -> None:
        roll = self.rng.random()
        if roll < 0.6:
            self._will(self.stage.now + 3 * MINUTE, "books", self.agree, client)
        elif roll < 0.8:
            at = self._awake(self.stage.now + self.rng.randrange(10, 220) * HOUR)
            self._will(at, "books", self.agree, client)

    # -- The staff -----------------------------------------------------------------------------

    def morning(self) -> None:
        """Who has gone quiet sometimes calls and books."""
        for client in sorted(self.house.people):
            coming = [
                v
                for v in (self.house.visits[pk] for pk in self.house.visits_of[client])
                if v.is_open
            ]
            if not coming and self.rng.random() < 0.15:
                self._will(
                    self.stage.now + self.rng.randrange(400) * MINUTE, "books", self.agree, client
                )

    def noon(self) -> None:
        """One or two of the things that come up."""
        for chance, words, act in (
            (0.10, "stops texts to somebody", self._mute),
            (0.06, "sets a crisis hold", self._hold),
            (0.10, "turns a treatment", self._turn),
            (0.12, "records a consent", self._consent),
            (0.08, "records another number", self._phone),
            (0.06, "agrees hours for texts", self._set_hours),
            (0.12, "lets a parent read the texts", self._gain_reader),
            (0.08, "plans an ending", self._plan),
            (0.10, "switches a rule off", self._switch),
            (0.06, "stops everything", self._pause),
            (0.07, "closes the clinic", self._close),
            (0.05, "changes a threshold", self._lapse),
            (0.02, "records a death", self._death),
        ):
            if self.rng.random() < chance:
                self._will(self.stage.now + self.rng.randrange(360) * MINUTE, words, act)

    def _somebody(self) -> int:
        return self.rng.choice(sorted(self.house.people))

    def _mute(self) -> None:
        client, now = self._somebody(), self.stage.now
        until = self.house.almanac.local(now).date() + self.rng.randrange(1, 5) * DAY
        self._of(client, care.mute, until if self.rng.random() < 0.7 else None)
        self._will(
            now + self.rng.randrange(3, 90) * HOUR, "ends a stop", self._of, client, care.unmute
        )

    def _hold(self) -> None:
        client, after = self._somebody(), self.rng.randrange(2, 120) * HOUR
        self._of(client, care.hold_for_crisis)
        self._will(self.stage.now + after, "lifts a hold", self._of, client, care.lift_crisis)

    def _turn(self) -> None:
        client, now = self._somebody(), self.stage.now
        verb = self.rng.choice((care.pause_treatment, care.complete_treatment, care.drop_treatment))
        self.stage.deeds.treatment(self.house.id, client, verb, now=now)
        if self.rng.random() < 0.5:
            at = now + self.rng.randrange(1, 100) * HOUR
            self._will(at, "takes a treatment up", self._resume, client)

    def _resume(self, client: int) -> None:
        self.stage.deeds.treatment(self.house.id, client, care.resume_treatment, now=self.stage.now)

    def _consent(self) -> None:
        purpose = self.rng.choice((Purpose.TRANSACTIONAL, Purpose.FOLLOW_UP, Purpose.MOTIVATION))
        given = self.rng.random() < 0.6
        self.stage.deeds.consent(self.house.id, self._somebody(), purpose, given, self.stage.now)

    def _phone(self) -> None:
        self._spare += 1
        phone = f"+98935{self.house.id % 1000:03}5{self._spare:03}"
        self.stage.deeds.new_phone(self.house.id, self._somebody(), phone)

    def _gain_reader(self) -> None:
        client, alone = self._somebody(), self.rng.random() < 0.6
        self._spare += 1
        phone = f"+98936{self.house.id % 1000:03}6{self._spare:03}"
        now, here = self.stage.now, self.house.id
        self.stage.deeds.gain_reader(here, client, phone, now, alone=alone)
        if self.rng.random() < 0.4:
            at = now + self.rng.randrange(1, 200) * HOUR
            self._will(at, "reads the texts alone again", self._lose_reader, client)

    def _lose_reader(self, client: int) -> None:
        self.stage.deeds.lose_reader(self.house.id, client, self.stage.now)

    def _plan(self) -> None:
        client, today = self._somebody(), self.house.almanac.local(self.stage.now).date()
        day = today + self.rng.randrange(1, 15) * DAY
        ending = self.rng.choice(((day, None), (None, self.rng.randrange(2, 7)), (None, None)))
        verb, now = care.plan_ending, self.stage.now
        self.stage.deeds.treatment(self.house.id, client, verb, *ending, now=now)

    def _set_hours(self) -> None:
        hours: tuple[dt.time | None, dt.time | None] = self.rng.choice(
            ((None, None), (dt.time(9), dt.time(12)), (dt.time(17), dt.time(21)))
        )
        self._of(self._somebody(), care.set_hours, *hours)

    def _switch(self) -> None:
        on = [key for key, rule in sorted(self.house.rules.items()) if rule.enabled]
        if on:
            key, after = self.rng.choice(on), self.rng.randrange(1, 60) * HOUR
            self._set_rule(key, False)
            self._will(self.stage.now + after, "switches a rule on", self._set_rule, key, True)

    def _set_rule(self, key: str, on: bool) -> None:
        self.stage.deeds.switch(self.house.id, key, on, self.stage.now)

    def _pause(self) -> None:
        self.stage.deeds.pause(self.house.id, self.stage.now)
        after = self.rng.randrange(20, 1500) * MINUTE
        self._will(
            self.stage.now + after, "lets texts go on", self.stage.deeds.pause, self.house.id, None
        )

    def _close(self) -> None:
        first = self.house.almanac.local(self.stage.now).date() + self.rng.randrange(4) * DAY
        self.stage.deeds.close(self.house.id, first, self.rng.choice((1, 1, 2, 4)))

    def _lapse(self) -> None:
        service = self.rng.choice(sorted(self.house.services))
        self.stage.deeds.lapse(self.house.id, service, self.rng.choice((None, 10, 14, 25)))

    def _death(self) -> None:
        self._of(self._somebody(), care.record_death)

    def _go_live(self) -> None:
        self.stage.deeds.go_live(self.house.id, self.stage.now)

    # -- Shorthand -----------------------------------------------------------------------------

    def _will(self, moment: dt.datetime, words: str, act: Callable[..., Any], *what: Any) -> None:
        self.stage.later(moment, self.house.id, words, lambda: act(*what))

    def _do(self, session: int, verb: Callable[..., Any], *what: Any, **said: Any) -> None:
        self.stage.deeds.session(self.house.id, session, verb, *what, now=self.stage.now, **said)

    def _of(self, client: int, verb: Callable[..., Any], *what: Any) -> None:
        self.stage.deeds.file(self.house.id, client, verb, *what, now=self.stage.now)

    def _visit(self, session: int) -> Visit:
        return self.house.visits[session]

    def _on(self, day: dt.date, hour: int, minute: int) -> dt.datetime:
        return self.house.almanac.at(day, dt.time(hour, minute))

    def _awake(self, moment: dt.datetime) -> dt.datetime:
        """People act by day; most of them."""
        here = self.house.almanac.local(moment)
        if 9 <= here.hour < 21 or self.rng.random() < 0.1:
            return moment
        return self._on(here.date(), self.rng.randrange(9, 20), here.minute)
