"""What must always hold, how often it was looked at, and what did not hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

PROMISES = {
    "planned": "after a whole planning every text that the table of rules asks for is in the outbox",
    "only_planned": "nothing is planned that the table of rules does not ask for",
    "times": "a text falls due, and loses its use, when the table of rules says so",
    "life": "states change only along the table of transitions, each from the one before",
    "final": "a final state never changes",
    "taken_is_known": "what is sent or further the gateway has, under the same number",
    "not_taken": "what waits, failed or was given up the gateway does not have",
    "unclear_is_honest": "unclear is only what was on its way, and it is asked about or shown",
    "once": "the gateway has one text of a message and of an occasion, never two",
    "not_repeated": "what the gateway has taken is not handed over again, unless it denied it twice",
    "not_wrong": "nothing begins to leave against the world as it is: session, client, rule, clinic",
    "awake": "whoever slept for longer than a lease since that look hands nothing over",
    "own_clinic": "a text is of its own clinic: its client, its account, its name",
    "sequels": "what goes by another channel does so once, and only after what certainly did not arrive",
    "night": "nothing leaves in quiet hours, the clinic's or the client's",
    "closed_days": "what can wait does not leave on closed days",
    "budget": "at most two texts not about a booked session reach a client in seven days",
    "in_time": "nothing leaves after its useful time",
    "shadow": "nothing leaves of a clinic that is not live",
    "nothing_lies": "a sender without trouble leaves nothing behind that could go",
    "missed_for_a_reason": "what is missed was held back by night, closed days, a stop or trouble",
    "reason_is_true": "what is not sent is given a reason that holds",
    "status": "delivered and undelivered are what the gateway says",
    "replies": "a stop by text is kept, for everybody who shares the number",
    "watermarks": "the planner's watermarks never go back",
    "unbroken": "planner, sender and look-ups end without an error",
    "rhythms": "the nightly check finds every rhythm right",
    "links": "the link of a text leads somewhere",
}
#: More are counted and not told one by one.
MOST_TOLD = 50


@dataclass(slots=True)
class Ledger:
    """`told` are the violations in their order."""

    checked: Counter[str] = field(default_factory=Counter)
    violated: Counter[str] = field(default_factory=Counter)
    told: list[dict[str, Any]] = field(default_factory=list)
    #: Where the story is: step, moment.
    step: int = 0
    at: str = ""
    _known: set[tuple[object, ...]] = field(default_factory=set)

    def check(self, name: str, holds: object, what: str = "", **where: Any) -> bool:
        """Note that a promise was looked at; when it does not hold, once for the same place."""
        self.checked[name] += 1
        if not holds:
            self._violation(name, what, where)
        return bool(holds)

    def _violation(self, name: str, what: str, where: dict[str, Any]) -> None:
        place = (name, what, *sorted((k, str(v)) for k, v in where.items()))
        if place in self._known:
            return
        self._known.add(place)
        self.violated[name] += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(
                {"invariant": name, "step": self.step, "at": self.at, "what": what, **where}
            )

    def table(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "meaning": meaning,
                "checked": self.checked[name],
                "violations": self.violated[name],
            }
            for name, meaning in PROMISES.items()
        ]
