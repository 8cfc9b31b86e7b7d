"""One message's life as its page shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.models import User
from clinic.states import look
from messaging.models import Message, State
from messaging.steps import Step, Who, steps_of


@dataclass(frozen=True, slots=True)
class Lived:
    """A step, with how it looks and who it was by name."""

    step: Step
    words: str
    who: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class Next:
    """What happens to the message by itself, and when at the earliest."""

    words: str
    at: dt.datetime


def life_of(message: Message) -> list[Lived]:
    """In order of time; the names of people in one query, and in none where nobody took part."""
    steps = steps_of(message)
    names = _names({step.by for step in steps if step.by})
    return [_lived(message, step, names) for step in steps]


def _names(ids: set[int]) -> dict[int, str]:
    return {pk: str(user) for pk, user in User.objects.in_bulk(ids).items()} if ids else {}


def _lived(message: Message, step: Step, names: dict[int, str]) -> Lived:
    looks = look("message", step.became)
    is_planning = not step.was and step.became == State.QUEUED
    who = names.get(step.by, "") if step.by and step.who == Who.PERSON else ""
    return Lived(
        step,
        step.words(message.channel),
        who or str(step.who.label),
        "clipboard-list" if is_planning else looks.icon,
        "grey" if is_planning else looks.tone,
    )


def next_of(message: Message) -> Next | None:
    if message.state == State.QUEUED:
        words = (
            _("tried again, at the earliest") if message.attempts else _("leaves, at the earliest")
        )
        return Next(words, message.attempt_at)
    if message.state == State.UNKNOWN and message.ask_at:
        return Next(_("the gateway is asked what became of it"), message.ask_at)
    return None
