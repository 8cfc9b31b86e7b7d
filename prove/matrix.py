"""The crash matrix: a sender dies, sleeps or is contradicted, and others carry on.

Eight texts are due. Most scenarios stop a sender at its third call: two texts are recorded by then,
one is on its way, five are claimed. Then time goes on past the lease, other workers do their rounds
until nothing changes, and the gateway is asked what the phones received.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

from clinic.models import Clinic
from clinic.tenancy import EVERYWHERE, Hat, Scope, wear
from patients import care
from prove import points, scene, work
from prove.judge import Ending, judge
from prove.place import Place
from prove.points import (
    ACCEPTED,
    ANSWERED,
    CLAIMED,
    CLAIMING,
    HANDING_OVER,
    LEAVING,
    RECORDED,
    RECORDING,
    SENDING,
)
from prove.report import Report
from prove.scene import DUE
from prove.sender import LOSE_PATIENCE
from prove.stage import BATCH, UNPLANNED, WITH, WITHOUT, Stage, address_that_refuses, stage
from prove.waiting import NeverHappened
from sessions_app import actions

THIRD = 3
SOME = 3
ALL = Ending(received=8, arrived=8)
#: The third text stands where a person sees it; whether the phone has it, only the gateway knows.
NOT_SENT = Ending(received=7, arrived=7, unknown=1)
WAS_SENT = Ending(received=8, arrived=7, unknown=1)
KINDS = {WITH: "with look-up", WITHOUT: "without look-up", BATCH: "eight in one call"}


@dataclass(frozen=True)
class Scenario:
    what: str
    play: Callable[[Stage], object]
    ends: dict[str, Ending]


def scenarios() -> list[Scenario]:
    return [*_deaths(), *_sleeps(), *_failures(), *_changes(), _two_planners(), _receipts()]


def prove(place: Place, report: Report) -> None:
    report.part(
        "Crash matrix", "a sender dies, sleeps or is contradicted; who received what, how often"
    )
    for scenario in scenarios():
        for kind, ending in scenario.ends.items():
            _prove(place, report, scenario, kind, ending)


def _prove(place: Place, report: Report, scenario: Scenario, kind: str, ending: Ending) -> None:
    what = f"{scenario.what}, {KINDS[kind]}" if kind in KINDS else scenario.what
    with stage(place, kind) as own:
        try:
            scenario.play(own)
        except NeverHappened as problem:
            report.add(what, str(problem), passed=False)
            return
        verdict = judge(place.gateway)
    passed = verdict.ending == ending and not verdict.faults
    report.add(what, str(verdict) if passed else f"{verdict}; due: {ending}", passed=passed)


def _deaths() -> list[Scenario]:
    """With look-up nothing is lost; without, what may have left waits for a person."""
    without = {
        CLAIMING: ALL,
        CLAIMED: ALL,
        SENDING: NOT_SENT,
        ACCEPTED: WAS_SENT,
        ANSWERED: WAS_SENT,
        RECORDING: WAS_SENT,
        RECORDED: ALL,
    }
    once = (CLAIMING, CLAIMED)
    return [
        Scenario(
            f"killed: {point}",
            partial(_die, point=point, nth=1 if point in once else THIRD),
            {WITH: ALL, WITHOUT: ending} | ({} if point in once else {BATCH: ALL}),
        )
        for point, ending in without.items()
    ]


def _die(own: Stage, *, point: str, nth: int) -> None:
    own.killed(at=point, nth=1 if own.scene == BATCH else nth)
    work.carry_on(own.place.gateway, DUE)


def _sleeps() -> list[Scenario]:
    """The sender does not die: it wakes after the others have settled everything.

    It looks at the clock before the first byte. Asleep after even that, it hands its text over; by
    then everybody has counted on it, and nobody has sent it in its place without asking.
    """
    without = {
        CLAIMED: ALL,
        SENDING: NOT_SENT,
        HANDING_OVER: WAS_SENT,
        ACCEPTED: WAS_SENT,
        ANSWERED: WAS_SENT,
    }
    deaf = Ending(received=2, arrived=2, skipped=6)
    held = Scenario(
        "asleep past its lease, and 6 crisis holds meanwhile",
        sleep_through_holds,
        {WITH: deaf, WITHOUT: replace(deaf, unknown=1, skipped=5)},
    )
    asleep = (
        Scenario(
            f"asleep past its lease: {point}",
            partial(_sleep, point=point, nth=1 if point == CLAIMED else THIRD),
            {WITH: ALL, WITHOUT: ending},
        )
        for point, ending in without.items()
    )
    return [*asleep, held]


def _sleep(own: Stage, *, point: str, nth: int) -> None:
    sender = own.held_up(at=point, nth=nth)
    woken = work.carry_on(own.place.gateway, DUE)
    sender.go_on(woken)
    work.carry_on(own.place.gateway, woken)


def sleep_through_holds(own: Stage, broken: tuple[str, ...] = ()) -> None:
    """All clients whose texts have not left yet, the sleeper's own among them."""
    sender = own.held_up(at=SENDING, nth=THIRD, broken=broken)
    hold(scene.TEXTS - 2)
    woken = work.carry_on(own.place.gateway, DUE)
    sender.go_on(woken)
    work.carry_on(own.place.gateway, woken)


def _failures() -> list[Scenario]:
    unclear = Ending(received=8, arrived=5, unknown=3)
    return [
        Scenario(
            "taken, and no answer in time, three times",
            _no_answer,
            {WITH: ALL, WITHOUT: unclear},
        ),
        Scenario("connection refused", _refused, {WITH: ALL, WITHOUT: ALL}),
        Scenario(
            "answer cut in the middle, three times",
            partial(_fail, mode="half"),
            {WITH: ALL, WITHOUT: unclear},
        ),
        Scenario(
            "cut off before it was taken, three times",
            partial(_fail, mode="drop"),
            {WITH: ALL, WITHOUT: Ending(received=5, arrived=5, unknown=3)},
        ),
        Scenario(
            "one text left out of the answer",
            partial(_fail, mode="missing_entry", times=1),
            {BATCH: ALL},
        ),
    ]


def _no_answer(own: Stage) -> None:
    own.place.gateway.fail_next("delay", SOME, seconds=60)
    own.process(at=ACCEPTED, times=SOME, then=LOSE_PATIENCE).end_well()
    work.carry_on(own.place.gateway, DUE)


def _refused(own: Stage) -> None:
    with address_that_refuses() as address:
        own.process(base_url=address).end_well()
    if own.place.gateway.texts():
        raise NeverHappened("the connection was refused")
    work.carry_on(own.place.gateway, DUE)


def _fail(own: Stage, *, mode: str, times: int = SOME) -> None:
    own.place.gateway.fail_next(mode, times)
    own.process().end_well()
    work.carry_on(own.place.gateway, DUE)


def _changes() -> list[Scenario]:
    """After the claim the world changes, and the sender goes on as if it had not."""
    others = {"received": 5, "arrived": 5}
    return [
        Scenario(
            "3 sessions cancelled between claim and send",
            partial(_change, _cancel),
            dict.fromkeys((WITH, WITHOUT, BATCH), Ending(**others, cancelled=SOME)),
        ),
        Scenario(
            "3 crisis holds between claim and send",
            partial(_change, hold),
            dict.fromkeys((WITH, WITHOUT, BATCH), Ending(**others, skipped=SOME)),
        ),
        Scenario(
            "clinic stopped between claim and send",
            partial(_change, partial(_pause, paused_at=DUE)),
            dict.fromkeys((WITH, WITHOUT), Ending(received=0, queued=8)),
        ),
        Scenario("clinic stopped, and let go on", _pause_and_go_on, {WITH: ALL, WITHOUT: ALL}),
        Scenario(
            "all cancelled while the third text is leaving",
            _cancel_late,
            {WITH: Ending(received=3, arrived=3, cancelled=5)},
        ),
    ]


def _change(change: Callable[[], None], own: Stage) -> None:
    sender = own.held_up(at=LEAVING)
    change()
    sender.go_on(DUE)
    work.carry_on(own.place.gateway, DUE)


def _cancel(count: int = SOME) -> None:
    with _staff():
        for session in scene.some_sessions(count):
            actions.cancel(session, now=DUE)


def hold(count: int = SOME) -> None:
    with _staff():
        for client in scene.some_clients(count):
            care.hold_for_crisis(client, now=DUE)


def _pause(paused_at: dt.datetime | None) -> None:
    with _staff():
        Clinic.objects.update(paused_at=paused_at)


def _pause_and_go_on(own: Stage) -> None:
    _change(partial(_pause, paused_at=DUE), own)
    _pause(None)
    work.carry_on(own.place.gateway, DUE + work.MINUTES * work.MINUTE)


def _cancel_late(own: Stage) -> None:
    sender = own.held_up(at=SENDING, nth=THIRD)
    _cancel(scene.TEXTS)
    sender.go_on(DUE)
    work.carry_on(own.place.gateway, DUE)


def _two_planners() -> Scenario:
    return Scenario("two planners at once, and two senders", plan_twice, {UNPLANNED: ALL})


def plan_twice(own: Stage) -> None:
    """The first has planned and not committed when the second plans."""
    first = own.held_up(task="plan", at=points.PLANNED)
    second = own.process("plan")
    own.ends_or_waits_for_a_lock(second)
    first.go_on(DUE)
    second.end_well()
    for sender in [own.process() for _ in range(2)]:
        sender.end_well()
    work.carry_on(own.place.gateway, DUE)


def _receipts() -> Scenario:
    return Scenario("receipts twice, and in any order", hear_twice, {WITH: ALL})


def hear_twice(own: Stage, broken: tuple[str, ...] = ()) -> None:
    own.process().end_well()
    own.process("hear", broken=broken).end_well()


def _staff() -> AbstractContextManager[Scope]:
    """What people of the clinic do."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = Clinic.objects.get()
    return wear(Hat.WEB, clinic_id=clinic.pk)
