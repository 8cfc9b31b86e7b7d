"""What beat has the engine do, with its mishaps, and the looks before and after."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup import planner
from followup.models import Watermark
from messaging import delivery, lookups
from sandbox.simulator.facts import Facts, House
from sandbox.simulator.gateway import SimulatedGateway
from sandbox.simulator.judge import Judge, Row
from sandbox.simulator.ledger import Ledger
from sandbox.simulator.oracle import Occasion, Oracle, purpose_of
from sandbox.simulator.steps import Boundaries, Killed
from sandbox.simulator.trouble import Mischief, Mishap, Troubles
from sessions_app import rhythm

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
BEAT = 10 * MINUTE
SOON = dt.timedelta(seconds=1)
#: Minutes between what others do while a sender sleeps: its lease ends, it is asked about, twice.
NAPS = (1, 2, 1, 1)
#: The longest time between two plannings, while anything happens.
PATIENCE = dt.timedelta(hours=2)
#: How far behind its last look the planner still finds what has become true late: at the first look
#: in a quarter of an hour, and at the others.
OVERLAP, LATELY, QUARTER = DAY, 5 * MINUTE, 15 * MINUTE
#: Sessions longer over than this give rise to nothing of themselves.
OLD = 12 * DAY


class Stage(Protocol):
    now: dt.datetime

    def something_happens(self) -> bool:
        """Let the next thing that people do happen at once."""

    def hear_replies(self) -> None:
        """Bring up to date what fetched replies have changed."""


class Beat:
    """Plans, asks and sends at the stage's moment; `wakes` says when there is next a reason to."""

    def __init__(
        self,
        stage: Stage,
        facts: Facts,
        judge: Judge,
        ledger: Ledger,
        gateway: SimulatedGateway,
        mischief: Mischief,
        troubles: Troubles,
        say: Callable[[str], None],
    ) -> None:
        self.stage, self.facts, self.judge, self.ledger = stage, facts, judge, ledger
        self.gateway, self.mischief, self.troubles, self.say = gateway, mischief, troubles, say
        self.boundaries = Boundaries(self._before, self._after)
        self.counts: Counter[str] = Counter()
        self.planned_at: dt.datetime | None = None
        self.tried_at: dt.datetime | None = None
        self.asleep_until: dt.datetime | None = None
        self._marks: dict[str, dt.datetime] = {}
        self._mishaps: list[Mishap] = []
        self._inside = 0
        self._found: dict[int, tuple[int, list[Occasion]]] = {}

    # -- One tick ------------------------------------------------------------------------------

    def tick(self) -> None:
        """Plan, ask, send."""
        self.counts["ticks"] += 1
        if not self._inside and not self._mishaps:
            self._mishaps = self.mischief.of_tick()
        if self._has_to_plan():
            self._plan()
        asked = self._run("look_after", lambda: lookups.look_after(self.stage.now))
        self.stage.hear_replies()
        drained = self._run("drain", lambda: delivery.drain(lambda: self.stage.now))
        self.look()
        self.judge.know_rests()
        if drained and self.troubles.are_over:
            self.judge.after_a_good_drain(self.stage.now)
        if asked and drained and self.troubles.are_over:
            self.judge.after_good_questions(self.stage.now)

    def look(self) -> list[Row]:
        """Compare outbox and gateway."""
        self.judge.repeated(self.gateway.repeated())
        return self.judge.look(self.troubles)

    def night_watch(self) -> None:
        """What runs once a night, and a look at everything that is final."""
        wrong = rhythm.check()["wrong"]
        self.ledger.check("rhythms", not wrong, f"{wrong} rhythms were wrong")
        self.judge.look_at_all()

    def _has_to_plan(self) -> bool:
        """Beat plans every minute; where nothing falls due that finds nothing, and takes long."""
        now = self.stage.now
        if self.planned_at is None or self.planned_at != self.tried_at:
            return True
        due = (
            occasion
            for house in self.facts.houses.values()
            for occasion in self.occasions(house)
            if self.planned_at <= occasion.falls[1] <= now and occasion.key not in self.judge.keys
        )
        return now - self.planned_at > PATIENCE or next(due, None) is not None

    def _plan(self) -> None:
        now, since = self.stage.now, self.tried_at
        self.tried_at = now
        if self._run("plan", lambda: planner.plan(now)):
            new = self.look()
            self._compare_plan(new, since or now)
            self.planned_at = now
        self._check_marks()

    def _run(self, name: str, work: Callable[[], Counter[str]]) -> bool:
        """Whether it came to its end. An error is a broken promise, a kill is none."""
        if not self._inside:
            self.boundaries.reset()
        try:
            counts = work()
        except Killed:
            self.counts[f"{name}_killed"] += 1
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            said = f"{name}: {type(error).__name__}: {error}"
            self.ledger.check("unbroken", False, said[:300])
            return False
        self.ledger.check("unbroken", True)
        self.counts.update({f"{name}:{key}": n for key, n in counts.items() if n})
        return True

    def _check_marks(self) -> None:
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            marks = dict(Watermark.objects.order_by("kind").values_list("kind", "scanned_to"))
        for kind, moment in marks.items():
            before = self._marks.get(kind, moment)
            self.ledger.check("watermarks", moment >= before, "it went back", kind=kind)
        self._marks = marks

    # -- What should be planned ----------------------------------------------------------------

    def occasions(self, house: House) -> list[Occasion]:
        """Everything that a house's facts give rise to; kept until they change."""
        known = self._found.get(house.id)
        if known and known[0] == house.version:
            return known[1]
        oracle, old = Oracle(house), self.stage.now - OLD
        visits = [v for v in house.visits.values() if v.ends_at > old]
        found = [o for visit in visits for o in oracle.of_visit(visit)]
        found += [o for person in house.people.values() for o in oracle.of_person(person)]
        self._found[house.id] = (house.version, found)
        return found

    def _compare_plan(self, new: list[Row], tried_at: dt.datetime) -> None:
        now = self.stage.now
        for house in self.facts.houses.values():
            for occasion in self.occasions(house):
                if self._must_be_planned(house, occasion, tried_at):
                    planned = occasion.key in self.judge.keys
                    where = {"rule": occasion.rule, "session": occasion.key[1], "clinic": house.id}
                    self.ledger.check("planned", planned, "nothing was planned", **where)
        for row in new:
            if row["planned_at"] == now and row["instead_of"] is None:
                self._compare_new(row)

    def _must_be_planned(self, house: House, occasion: Occasion, tried_at: dt.datetime) -> bool:
        first, last = occasion.falls
        since = house.rules[occasion.rule].active_since
        live = house.live_since is None or first >= house.live_since
        fresh = first > min(tried_at, self.stage.now) - self._look_back(tried_at)
        return live and fresh and first >= since and last <= self.stage.now

    def _look_back(self, tried_at: dt.datetime) -> dt.timedelta:
        quarter = _ceil(tried_at + SOON, QUARTER)
        return LATELY if tried_at < self.stage.now < quarter else OVERLAP

    def _compare_new(self, row: Row) -> None:
        house = self.facts.houses[row["clinic_id"]]
        where = {"message": row["id"], "rule": row["rule_key"], "session": row["session_id"]}
        key = (row["rule_number"], row["session_id"], row["revision"], row["recipient"])
        found = [o for o in self.occasions(house) if o.key == key]
        meant = [o for o in found if self._may_be_planned(house, o)]
        if not self.ledger.check("only_planned", meant, "nobody asked for it", **where):
            return
        due = [o for o in meant if o.due[0] <= row["due_at"] <= o.due[1]]
        words = f"due {row['due_at']:%F %T}, not {meant[0].due[0]:%F %T}"
        self.ledger.check("times", due, words, **where)
        until = [o for o in meant if o.until == row["useful_until"]]
        words = f"until {row['useful_until']:%F %T}, not {meant[0].until:%F %T}"
        self.ledger.check("times", until, words, **where)
        purpose = row["purpose"] == purpose_of(row["rule_key"])
        self.ledger.check("times", purpose, "another purpose", **where)

    def _may_be_planned(self, house: House, occasion: Occasion) -> bool:
        first, last = occasion.falls
        since = house.rules[occasion.rule].active_since
        live = house.live_since is None or last >= house.live_since
        return live and last >= since and first <= self.stage.now

    # -- When there is next a reason -----------------------------------------------------------

    def wakes(self) -> dt.datetime | None:
        """The next moment at which something can be due, as beat would meet it."""
        reasons = [*self._falling(), *self._waiting()]
        wake = min(reasons, default=None)
        if wake is not None and self.asleep_until is not None:
            wake = max(wake, self.asleep_until)
        return wake

    def _falling(self) -> list[dt.datetime]:
        planned, soon = self.tried_at or self.stage.now, self.stage.now + SOON
        if self.planned_at != self.tried_at:
            return [_ceil(self.stage.now + SOON, MINUTE)]
        return [
            self._heard(house, occasion.client, max(occasion.falls[1], soon))
            for house in self.facts.houses.values()
            for occasion in self.occasions(house)
            if occasion.falls[1] >= planned and occasion.key not in self.judge.keys
        ]

    def _waiting(self) -> list[dt.datetime]:
        """Messages that wait for their time, a lease or an answer."""
        found = []
        for pk in sorted(self.judge.open):
            row = self.judge.rows[pk]
            house = self.facts.houses[row["clinic_id"]]
            if row["state"] == "queued":
                moment = self._next_try(row)
            else:
                moment = row["lease_until"] or row["ask_at"]
            if moment is not None:
                soon = max(moment, self.stage.now + SOON)
                found.append(self._heard(house, row["client_id"], soon))
        return found

    def _next_try(self, row: Row) -> dt.datetime:
        """What could go, goes soon; what may not is tried in vain once an hour."""
        now = self.stage.now
        if row["attempt_at"] > now:
            later: dt.datetime = row["attempt_at"]
            return later
        return now + (BEAT if self.judge.could_go(row, now) else HOUR)

    def _heard(self, house: House, client: int, moment: dt.datetime) -> dt.datetime:
        """The beat that meets a moment: every ten minutes, and each one before a night."""
        usual, next_one = _ceil(moment, BEAT), _ceil(moment, MINUTE)
        night = house.night_of(house.people[client])
        falls_asleep = house.almanac.is_quiet(usual, night)
        return next_one if falls_asleep and not house.almanac.is_quiet(next_one, night) else usual

    # -- Between two steps ---------------------------------------------------------------------

    def _before(self, module: str, number: int) -> None:
        if self._takes("kill_before", module, number):
            raise Killed
        # A drain sweeps, claims, drafts; and only then anything begins to leave.
        if module == "delivery" and number > 2:
            self.judge.begun(self.stage.now)

    def _after(self, module: str, number: int) -> None:
        if self._inside:
            return
        if self._takes("kill_after", module, number):
            raise Killed
        if self._takes("world", module, number):
            self.stage.something_happens()
        if self._takes("second_drain", module, number):
            self._aside(lambda: self._run("drain", lambda: delivery.drain(lambda: self.stage.now)))
        if self._takes("zombie", module, number):
            self._aside(self._long_sleep)

    def _takes(self, kind: str, module: str, number: int) -> bool:
        for mishap in self._mishaps:
            if (mishap.kind, mishap.module, mishap.number) == (kind, module, number):
                self._mishaps.remove(mishap)
                self.counts[kind] += 1
                self.troubles.note(self.stage.now, self.stage.now)
                self.say(f"  at commit {number} of {module}: {kind}")
                return True
        return False

    def _aside(self, work: Callable[[], object]) -> None:
        self._inside += 1
        counts = dict(self.boundaries.counts)
        try:
            work()
        finally:
            self._inside -= 1
            self.boundaries.counts = counts

    def _long_sleep(self) -> None:
        """A sender that stops for minutes, as a machine that sleeps, and goes on as if nothing."""
        start = self.stage.now
        for minutes in NAPS[: self.mischief.rng.randrange(1, len(NAPS) + 1)]:
            self.pass_time(minutes * MINUTE)
            self.tick()
            if self.mischief.rng.random() < 0.3:
                self.stage.something_happens()
        self.troubles.note(start, self.stage.now)

    def pass_time(self, step: dt.timedelta) -> None:
        self.stage.now += step
        self.troubles.now = self.stage.now
        self.gateway.running.set_clock(self.stage.now)


def _ceil(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    epoch = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return moment + (epoch - moment) % step
