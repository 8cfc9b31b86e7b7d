"""The proof bites: each guarantee broken on purpose, and the check that notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prove import broken, matrix
from prove.judge import Verdict, judge
from prove.place import Place
from prove.points import ACCEPTED, LEAVING
from prove.report import Report
from prove.scene import DUE
from prove.stage import UNPLANNED, WITH, WITHOUT, Stage, stage
from prove.waiting import NeverHappened


@dataclass(frozen=True)
class Bite:
    guarantee: str
    #: The guarantee is broken in here.
    play: Callable[[Stage], None]
    scene: str
    #: The fault that must be reported.
    noticed: str


def bites() -> list[Bite]:
    return [
        Bite("what hung while sending is never queued again", _hung, WITHOUT, "too many"),
        Bite(
            "the world is looked at when a text leaves", _looked, WITH, "to a client under a hold"
        ),
        Bite("who slept past a lease hands nothing over", _slept, WITH, "to a client under a hold"),
        Bite("a text keeps its id over all attempts", _renamed, WITH, "too many"),
        Bite("receipts never move back", _believed, WITH, "delivered and then not"),
        Bite("an occasion has one text", _repeated, UNPLANNED, "too many"),
    ]


def prove(place: Place, report: Report) -> None:
    report.part("The proof bites", "a guarantee is broken on purpose; what the proof then reports")
    for bite in bites():
        with stage(place, bite.scene) as own:
            bite.play(own)
            verdict = judge(place.gateway)
        passed = verdict.faults.get(bite.noticed, 0) > 0
        report.add(f"broken: {bite.guarantee}", _told(verdict, bite), passed=passed)
    with stage(place, WITH) as own:
        refused = _is_refused(own)
        verdict = judge(place.gateway)
    report.add(
        "broken: receipts never move back, in the code alone",
        "the database refuses it" if refused else str(verdict),
        passed=refused and not verdict.faults,
    )


def _told(verdict: Verdict, bite: Bite) -> str:
    return f"noticed: {verdict}" if bite.noticed in verdict.faults else f"NOT NOTICED: {verdict}"


def _hung(own: Stage) -> None:
    _die_and_recover(own, "send_again_what_hung")


def _renamed(own: Stage) -> None:
    _die_and_recover(own, "make_new_ids")


def _die_and_recover(own: Stage, *names: str) -> None:
    own.killed(at=ACCEPTED, nth=matrix.THIRD, broken=names)
    own.process("carry on", broken=names).end_well()


def _looked(own: Stage) -> None:
    sender = own.held_up(at=LEAVING, broken=("believe_the_first_look",))
    matrix.hold()
    sender.go_on(DUE)


def _slept(own: Stage) -> None:
    matrix.sleep_through_holds(own, ("sleep_unawares",))


def _believed(own: Stage) -> None:
    broken.let_any_state_follow()
    matrix.hear_twice(own, ("believe_every_receipt",))


def _is_refused(own: Stage) -> bool:
    try:
        matrix.hear_twice(own, ("believe_every_receipt",))
    except NeverHappened:
        return True
    return False


def _repeated(own: Stage) -> None:
    broken.let_occasions_repeat()
    matrix.plan_twice(own)
