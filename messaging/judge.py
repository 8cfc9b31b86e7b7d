"""May this message go, now? The re-check against the world, and the text if it may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import and_

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable

from messaging.models import Message, Reason, State
from messaging.placeholders import Occasion
from messaging.render import LONGEST, Unrenderable, render
from patients.models import Client
from patients.phones import is_mobile
from sessions_app.models import COMING_STATES, Participant, Session, State as SessionState

#: Rooms that plan messages add a condition here: whether what planned this one still stands.
still_wanted: list[Callable[[], Q]] = []


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is SENDING when the text may leave; anything else is where the message ends."""

    state: State
    reason: str = ""
    text: str = field(default="", repr=False)

    @property
    def may_leave(self) -> bool:
        return self.state == State.SENDING


def with_world(messages: QuerySet[Message], now: dt.datetime) -> QuerySet[Message]:
    """Messages with all that the verdict looks at, in one query."""
    quiet = Func(
        Value(now),
        *(F(f"clinic__{name}") for name in ("timezone", "quiet_from", "quiet_to")),
        function="is_quiet",
        output_field=BooleanField(),
    )
    same_phone = Client.objects.filter(
        clinic=OuterRef("clinic"), phone=OuterRef("recipient")
    ).exclude(pk=OuterRef("client"))
    still_in = Participant.objects.filter(session=OuterRef("session"), client=OuterRef("client"))
    return messages.select_related(
        "clinic", "client", "template", "session__therapist", "session__service"
    ).annotate(
        shared_phone=Exists(same_phone),
        still_participant=Exists(still_in),
        is_wanted=_wanted(),
        is_quiet=quiet,
    )


def _wanted() -> Q | Combinable:
    conditions = [condition() for condition in still_wanted]
    return reduce(and_, conditions) if conditions else Value(True)


def judge(message: Message, now: dt.datetime) -> Verdict:
    """The verdict on one message from `with_world`.

    A clinic in shadow mode is judged like any other and stops at the last step, so that what "would
    have been sent" is exactly what would have been sent.
    """
    if now >= message.useful_until:
        return Verdict(State.MISSED, Reason.TOO_LATE)
    if not message.is_wanted:  # type: ignore[attr-defined]
        return Verdict(State.CANCELLED, Reason.RULE_OFF)
    hindrance = _about_session(message) or _about_client(message)
    if hindrance:
        return hindrance
    written = _write(message, now)
    live_since = message.clinic.live_since
    if written.may_leave and (live_since is None or message.due_at < live_since):
        return Verdict(State.SHADOW, text=written.text)
    return written


def _about_session(message: Message) -> Verdict | None:
    session: Session | None = message.session
    if session is None:
        return None
    if session.state == SessionState.CANCELLED:
        return Verdict(State.CANCELLED, Reason.SESSION_CANCELLED)
    if session.revision != message.revision:
        return Verdict(State.CANCELLED, Reason.SESSION_MOVED)
    if session.state not in COMING_STATES:
        return Verdict(State.SKIPPED, Reason.SESSION_STARTED)
    if not message.still_participant:  # type: ignore[attr-defined]
        return Verdict(State.SKIPPED, Reason.NOT_PARTICIPANT)
    return None


def _about_client(message: Message) -> Verdict | None:
    if not message.recipient:
        return Verdict(State.SKIPPED, Reason.NO_PHONE)
    if message.client.phone != message.recipient:
        # The planner finds the new number by itself: it makes another occasion.
        return Verdict(State.SKIPPED, Reason.PHONE_CHANGED)
    if not is_mobile(message.recipient):
        return Verdict(State.SKIPPED, Reason.NOT_MOBILE)
    if not message.client.consents_to(message.purpose):
        return Verdict(State.SKIPPED, Reason.NO_CONSENT)
    return None


def _write(message: Message, now: dt.datetime) -> Verdict:
    if message.template is None:
        return Verdict(State.SKIPPED, Reason.NO_TEMPLATE)
    occasion = Occasion(
        clinic=message.clinic,
        client=message.client,
        session=message.session,
        now=now,
        shared_phone=message.shared_phone,  # type: ignore[attr-defined]
    )
    try:
        text = render(message.template.body, occasion)
    except Unrenderable:
        return Verdict(State.SKIPPED, Reason.NO_TEXT)
    if len(text) > LONGEST:
        return Verdict(State.SKIPPED, Reason.TOO_LONG)
    return Verdict(State.SENDING, text=text)
