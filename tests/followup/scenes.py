"""For each rule of the table a scene that earns exactly one text, with its moments.

Saturday is 2026-11-28 (7 Azar 1405). All moments are in working hours, so that a scene tells of its
rule alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patients.models import Purpose
from sessions_app import actions
from tests.followup.clinics import tehran
from tests.followup.practice import Practice, practice

SILENT = ("silent_1", "silent_2", "silent_3")


@dataclass(frozen=True)
class Scene:
    """`due` and `until` on Tehran's clocks; `until` is the first minute that is too late."""

    rule: str
    due: str
    until: str
    play: Callable[[Practice], Any]
    purpose: str = Purpose.FOLLOW_UP
    rules: tuple[str, ...] = ()

    def open(self, **options) -> tuple[Practice, Any]:
        """A practice with this rule, after what happens in the scene, and its session."""
        place = practice(*(self.rules or (self.rule,)), **options)
        return place, self.play(place)


def _moved(p):
    session = p.book("2026-11-28 17:30", at="2026-11-14 10:00", tell=False)
    start = tehran("2026-11-29 17:30")
    return p.do(actions.move, session, starts_at=start, at="2026-11-21 10:00", tell=True)


def _cancelled(p):
    session = p.book("2026-11-28 17:30", at="2026-11-14 10:00", tell=False)
    return p.do(actions.cancel, session, at="2026-11-21 10:00", tell=True)


def _long_gap(p):
    p.came("2026-11-21 17:30")
    return p.book("2026-12-19 17:30", at="2026-11-22 10:00")


def _four_sessions(p):
    return [p.came(f"2026-11-{day:02} 17:30") for day in (7, 14, 21, 28)][-1]


def _silence(p):
    return p.came("2026-11-08 17:30")


def _booked(p):
    return p.book("2026-11-28 17:30", at="2026-11-21 10:00")


SCENES = [
    Scene("booked", "2026-11-21 10:03", "2026-11-21 11:03", _booked, purpose=Purpose.TRANSACTIONAL),
    Scene("moved", "2026-11-21 10:03", "2026-11-29 17:30", _moved, purpose=Purpose.TRANSACTIONAL),
    Scene(
        "cancelled",
        "2026-11-21 10:03",
        "2026-11-28 17:30",
        _cancelled,
        purpose=Purpose.TRANSACTIONAL,
    ),
    Scene(
        "reminder_72h",
        "2026-11-25 17:30",
        "2026-11-27 17:30",
        _booked,
        purpose=Purpose.TRANSACTIONAL,
    ),
    Scene(
        "reminder_3h",
        "2026-11-28 14:30",
        "2026-11-28 16:30",
        _booked,
        purpose=Purpose.TRANSACTIONAL,
    ),
    Scene(
        "thank_you",
        "2026-11-28 18:25",
        "2026-11-30 18:20",
        lambda p: p.came("2026-11-28 17:30", recorded="2026-11-28 18:25"),
    ),
    Scene(
        "no_show",
        "2026-11-28 17:20",
        "2026-11-29 17:20",
        lambda p: p.missed("2026-11-28 15:00", recorded="2026-11-28 15:20"),
    ),
    Scene(
        "no_next_booking",
        "2026-12-01 18:20",
        "2026-12-05 18:20",
        lambda p: p.came("2026-11-29 17:30"),
    ),
    Scene(
        "motivation_gap",
        "2026-12-05 17:30",
        "2026-12-17 17:30",
        _long_gap,
        purpose=Purpose.MOTIVATION,
    ),
    Scene(
        "motivation_mid",
        "2026-12-01 18:20",
        "2026-12-05 18:20",
        _four_sessions,
        purpose=Purpose.MOTIVATION,
    ),
    Scene("silent_1", "2026-11-29 17:30", "2026-12-23 17:30", _silence, rules=SILENT),
    Scene("silent_2", "2026-12-23 17:30", "2027-02-06 17:30", _silence, rules=SILENT[1:]),
    Scene("silent_3", "2027-02-06 17:30", "2027-03-08 17:30", _silence, rules=SILENT[2:]),
]
BY_RULE = {scene.rule: scene for scene in SCENES}
