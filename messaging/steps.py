"""A message's life as people read it: who did what, when and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import models
from django.utils.translation import gettext, gettext_lazy as _
from django_stubs_ext import StrPromise

from clinic.tenancy import Hat
from messaging import by_hand
from messaging.models import Channel, Message, Reason, State

#: Steps of the sender's own hands. They matter while the message stands there, and say nothing
#: afterwards: what came of them is the next step.
_IN_PASSING = (State.CLAIMED, State.SENDING)


class Who(models.TextChoices):
    PLANNER = "planner", _("the planner")
    SENDER = "sender", _("the sender")
    GATEWAY = "gateway", _("the gateway")
    PERSON = "person", _("a colleague")
    CLIENT = "client", _("the client, on the page")
    REPAIR = "repair", _("a repair by the operator")


@dataclass(frozen=True, slots=True)
class Step:
    """One change. `was` is empty for the planning; `by` is the id of a person, where one did it."""

    at: dt.datetime
    was: str
    became: str
    who: Who
    #: Of `Reason`; empty where nothing needs a reason.
    why: str = ""
    #: The gateway's own code.
    code: str = ""
    by: int | None = None
    #: So many times in a row, the last one `last_at`.
    times: int = 1
    last_at: dt.datetime | None = None

    @property
    def why_words(self) -> str:
        return str(Reason(self.why).label) if self.why in Reason.values else self.why

    def words(self, channel: str = Channel.SMS) -> str:
        """What became of the message, without who and why."""
        if channel == Channel.CALL and self.became == State.SENT:
            return gettext("given to reception as a call")
        special = _FROM_TO.get((self.was, self.became))
        return str(special or _TO[self.became])


_TO: dict[str, StrPromise] = {
    State.QUEUED: _("waits again"),
    State.CLAIMED: _("being prepared"),
    State.SENDING: _("being handed to the gateway"),
    State.SENT: _("taken by the gateway"),
    State.DELIVERED: _("reached the client"),
    State.UNDELIVERED: _("did not reach the client"),
    State.SKIPPED: _("not sent"),
    State.CANCELLED: _("taken out of the queue"),
    State.MISSED: _("too late to be of use"),
    State.FAILED: _("refused for good"),
    State.UNKNOWN: _("unclear whether it left"),
    State.SHADOW: _("would have been sent"),
}
_FROM_TO: dict[tuple[str, str], StrPromise] = {
    ("", State.QUEUED): _("planned"),
    (State.SENDING, State.QUEUED): _("not taken; tried again later"),
    (State.UNKNOWN, State.QUEUED): _("turned out not to have left; queued again"),
    (State.UNKNOWN, State.SENT): _("turned out to have left"),
    (State.UNKNOWN, State.FAILED): _("turned out not to have left"),
}


def steps_of(message: Message) -> list[Step]:
    """The message's life from its planning on, the sender's comings and goings left out.

    What repeats itself, as with a gateway that is out of reach for an hour, is one step that says
    how often.
    """
    planned = Step(message.planned_at, "", State.QUEUED, Who.PLANNER)
    if message.rule_key == by_hand.KEY:
        planned = replace(planned, who=Who.PERSON, by=message.written_by_id)
    lived = [_step(noted) for noted in message.life]
    if not lived and message.state != State.QUEUED:
        # It was planned in this state, so no change of it was noted.
        planned = replace(planned, became=message.state, why=message.reason)
    return list(_folded([planned, *_telling(lived)]))


def _step(noted: dict[str, Any]) -> Step:
    was, became = noted["from"], noted["to"]
    return Step(
        dt.datetime.fromisoformat(noted["at"]),
        was,
        became,
        _who(was, became, noted),
        noted["why"] or "",
        noted["code"] or "",
        noted["by"],
    )


def _who(was: str, became: str, noted: dict[str, Any]) -> Who:
    if noted["hat"] == Hat.WEB:
        return Who.PERSON if noted["by"] else Who.CLIENT
    if noted["hat"] != Hat.WORKER:
        return Who.REPAIR
    told = became in (State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED)
    answered = noted["why"] in (Reason.BUSY, Reason.ACCOUNT, Reason.REFUSED, Reason.ECHO)
    from_outside = was in (State.SENDING, State.SENT, State.UNKNOWN)
    asked = was == State.UNKNOWN
    return Who.GATEWAY if told or asked or (from_outside and answered) else Who.SENDER


def _telling(lived: Sequence[Step]) -> Iterator[Step]:
    """Without what was only in passing, and without what was put back for no new reason."""
    known = ""
    for place, step in enumerate(lived):
        is_last = place == len(lived) - 1
        put_back = step.was == State.CLAIMED and step.became == State.QUEUED
        if put_back and step.why in ("", known):
            continue
        if is_last or step.became not in _IN_PASSING:
            known = step.why
            yield step


def _folded(steps: Iterable[Step]) -> Iterator[Step]:
    last: Step | None = None
    for step in steps:
        if last and _is_alike(last, step):
            last = replace(last, times=last.times + 1, last_at=step.at)
            continue
        if last:
            yield last
        last = step
    if last:
        yield last


def _is_alike(one: Step, other: Step) -> bool:
    return (one.became, one.who, one.why, one.code, one.by) == (
        other.became, other.who, other.why, other.code, other.by,
    ) and one.was != ""  # fmt: skip
