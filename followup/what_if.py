"""What an edit of a rule would change, found by making it and taking it back.

The same question is asked of the planner's statements before and after the edit, in a savepoint
that is rolled back: what is shown is what will happen, whatever the edit does to budgets and stages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.models import Clinic
from followup.editing import edit
from followup.models import Kind, Rule
from followup.preview import LONGEST_WAIT, Preview, WhyNot, upcoming
from messaging.models import Channel, Reason, State

SPAN = dt.timedelta(days=7)
#: How far a silent client's text may move with its stage; other kinds move by their own offset.
LONGEST_SILENCE = dt.timedelta(days=400)

#: In a clinic in shadow mode a text becomes *shadow* where it would have been sent.
LEAVES = (State.QUEUED, State.SHADOW)

Key = tuple[int, int, str]


class Why(TextChoices):
    """Why a text goes missing, beside what the preview itself says."""

    PASSED = "passed", _("its new time has already passed")


@dataclass(frozen=True, slots=True)
class Gone:
    text: Preview
    #: Of `Reason`, `WhyNot` or `Why`.
    why: str

    @property
    def words(self) -> str:
        for reasons in (Reason, WhyNot, Why):
            if self.why in reasons.values:
                return str(reasons(self.why).label)
        return ""


@dataclass(frozen=True, slots=True)
class Moved:
    text: Preview
    due_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """Texts of the next `SPAN` that an edit adds, takes away or moves, each in order of time."""

    added: list[Preview] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    #: How many of the rule's own texts stay as they are.
    same: int = 0
    #: And how many leave at their time, but by another channel.
    rerouted: int = 0

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.gone or self.moved or self.rerouted)


def what_if(rule: Rule, changes: Mapping[str, Any], now: dt.datetime) -> Difference:
    """What `followup.editing.edit` would change, without changing anything.

    The caller's scope must be the rule's clinic. `now`: aware, UTC. Texts of other rules appear
    where the week's contact budget lets them through, or no more.
    """
    far, key = _reach(rule, changes), _key_for(rule, changes)
    asked = _Asked(rule.clinic, now, key)
    before = asked.in_span()
    with _tried(rule, changes, now):
        after = asked.in_span()
        later = asked.around(rule, far) if _lost(before, after) else {}
    earlier = asked.around(rule, far) if _lost(after, before) else {}
    return _compare(before, after, _World(now, rule, earlier, later))


@contextmanager
def _tried(rule: Rule, changes: Mapping[str, Any], now: dt.datetime) -> Iterator[None]:
    with transaction.atomic():
        edit(Rule.objects.get(pk=rule.pk), changes, now=now)
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The forecast at one moment, by what makes two texts of it the same one."""

    clinic: Clinic
    now: dt.datetime
    key: Callable[[Preview], Key]

    def in_span(self) -> dict[Key, Preview]:
        return {self.key(text): text for text in upcoming(self.clinic, self.now, self.now + SPAN)}

    def around(self, rule: Rule, far: dt.timedelta) -> dict[Key, Preview]:
        """The rule's own texts as far before and after as an edit can have moved them."""
        texts = upcoming(self.clinic, self.now - far, self.now + SPAN + far, rule=rule)
        return {self.key(text): text for text in texts}


def _reach(rule: Rule, changes: Mapping[str, Any]) -> dt.timedelta:
    if rule.kind == Kind.SILENT:
        return LONGEST_SILENCE
    shift = abs(changes.get("offset_minutes", rule.offset_minutes) - rule.offset_minutes)
    return dt.timedelta(minutes=shift) + LONGEST_WAIT


def _key_for(rule: Rule, changes: Mapping[str, Any]) -> Callable[[Preview], Key]:
    """Two clients with one phone get one text; but a phone and an address are told by their client."""
    between = {rule.channel, changes.get("channel", rule.channel)}
    return _key_of_person if len(between) > 1 and Channel.EMAIL in between else _key


def _key(text: Preview) -> Key:
    return text.session.pk, text.rule.pk, text.recipient


def _key_of_person(text: Preview) -> Key:
    return text.session.pk, text.rule.pk, str(text.client.pk)


def _lost(one: Mapping[Key, Preview], other: Mapping[Key, Preview]) -> bool:
    return any(text.state in LEAVES and key not in other for key, text in one.items())


@dataclass(frozen=True, slots=True)
class _World:
    """Where the rule's texts are outside the span, before and after the edit."""

    now: dt.datetime
    rule: Rule
    earlier: Mapping[Key, Preview]
    later: Mapping[Key, Preview]

    def moved_in(self, key: Key) -> bool:
        was = self.earlier.get(key)
        return was is not None and was.state in LEAVES and was.due_at > self.now

    def moved_out(self, key: Key) -> dt.datetime | None:
        will = self.later.get(key)
        beyond = will is not None and will.state in LEAVES and will.due_at > self.now
        return will.due_at if will and beyond else None

    def why_gone(self, key: Key, after: Preview | None) -> str:
        will = after or self.later.get(key)
        if will is None:
            return Reason.NOT_MEANT.value
        if will.due_at <= self.now or will.reason == WhyNot.BEFORE_LIVE:
            return Why.PASSED.value
        return will.reason


def _compare(
    before: Mapping[Key, Preview], after: Mapping[Key, Preview], world: _World
) -> Difference:
    found = Difference()
    went = {key: text for key, text in before.items() if text.state in LEAVES}
    goes = {key: text for key, text in after.items() if text.state in LEAVES}
    same = rerouted = 0
    for key, text in went.items():
        if key not in goes:
            _note_missing(found, key, text, after, world)
        elif goes[key].due_at != text.due_at:
            found.moved.append(Moved(text, goes[key].due_at))
        elif goes[key].rule.channel != text.rule.channel:
            rerouted += 1
        else:
            same += text.rule.pk == world.rule.pk
    for key, text in goes.items():
        if key in went:
            continue
        if world.moved_in(key):
            found.moved.append(Moved(world.earlier[key], text.due_at))
        else:
            found.added.append(text)
    found.moved.sort(key=lambda move: move.text.due_at)
    return Difference(found.added, found.gone, found.moved, same, rerouted)


def _note_missing(
    found: Difference, key: Key, text: Preview, after: Mapping[Key, Preview], world: _World
) -> None:
    if due_at := world.moved_out(key):
        found.moved.append(Moved(text, due_at))
    else:
        found.gone.append(Gone(text, world.why_gone(key, after.get(key))))
