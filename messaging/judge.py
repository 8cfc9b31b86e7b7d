"""May this message go, now? The re-check against the world, and the text if it may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from clinic import jalali
from messaging import by_hand
from messaging.models import (
    Channel,
    Expects,
    Message,
    Priority,
    ProviderAccount,
    Reason,
    Reply,
    State,
    Template,
)
from messaging.placeholders import Occasion
from messaging.providers.base import WINDOW, ApprovedText
from messaging.render import LONGEST, Unrenderable, has_link, pages_of, render, values_of
from messaging.stop_note import with_stop_note
from messaging.wordings import Key, choose, wordings_of
from patients.models import Client, ContactPerson, FormerFile, Purpose
from patients.phones import is_mobile
from sessions_app.links import Page
from sessions_app.models import COMING_STATES, Participant, Session, State as SessionState

#: Rooms that plan messages add a question here: which of these, by id, no longer stand and why.
#: Asked in the sender's transaction, under its locks.
objections: list[Callable[[Sequence[int], dt.datetime], dict[int, str]]] = []

#: At most this many texts that are not about a booked session, per client in `BUDGET_SPAN`, over
#: all flows.
BUDGET = 2
BUDGET_SPAN = dt.timedelta(days=7)
#: At most one invitation to give feedback in this time.
INVITATION_SPAN = dt.timedelta(days=30)
#: What has reached a client, or may have; in shadow mode what would have.
GONE = (
    State.SENDING,
    State.SENT,
    State.DELIVERED,
    State.UNDELIVERED,
    State.UNKNOWN,
    State.SHADOW,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is SENDING when the text may leave; anything else is where the message ends."""

    state: State
    reason: str = ""
    text: str = field(default="", repr=False)
    wording: Template | None = None
    pages: tuple[Page, ...] = ()
    #: For gateways that take only what they have approved beforehand.
    approved: ApprovedText | None = None

    @property
    def may_leave(self) -> bool:
        return self.state == State.SENDING


def with_world(messages: QuerySet[Message], now: dt.datetime) -> QuerySet[Message]:
    """Messages with most of what the verdict looks at, in one query; `look` brings the rest."""
    same_phone = Client.objects.filter(
        clinic=OuterRef("clinic"), phone=OuterRef("recipient")
    ).exclude(pk=OuterRef("client"))
    no_links = ProviderAccount.objects.filter(
        clinic=OuterRef("clinic"), channel=OuterRef("channel"), active=True, refuses_links=True
    )
    wrote = Reply.objects.filter(
        clinic=OuterRef("clinic"),
        phone=OuterRef("recipient"),
        provider=Channel.WHATSAPP,
        received_at__gt=now - WINDOW,
    )
    former = FormerFile.objects.filter(
        clinic=OuterRef("clinic"), client=OuterRef("client"), phone=OuterRef("recipient")
    )
    still_in = Participant.objects.filter(session=OuterRef("session"), client=OuterRef("client"))
    return messages.select_related(
        "clinic", "client", "contact", "template", "session__therapist", "session__service"
    ).annotate(
        shared_phone=Exists(same_phone),
        former_phone=Exists(former),
        still_participant=Exists(still_in),
        out_of_hours=_out_of_hours(now),
        links_refused=Exists(no_links),
        window_is_open=Exists(wrote),
        turn=_count(_had_before()),
        recent_texts=_count(_others_gone(now - BUDGET_SPAN)),
        invited_lately=Exists(_others_gone(now - INVITATION_SPAN).filter(invites=True)),
    )


def _out_of_hours(now: dt.datetime) -> ExpressionWrapper:
    """What the claim asks of the hour: the clinic's nights, the client's own, and closed days."""

    def asks(function: str, *columns: str) -> Func:
        at = (Value(now), F("clinic__timezone"), *map(F, columns))
        return Func(*at, function=function, output_field=BooleanField())

    night = asks("is_quiet", "clinic__quiet_from", "clinic__quiet_to")
    own = asks("is_quiet", "client__texts_until", "client__texts_from")
    closed = asks("is_held_back", "due_at", "clinic_id")
    forbidden = (
        Q(night)
        | Q(client__texts_from__isnull=False) & Q(own)
        | ~Q(purpose=Purpose.TRANSACTIONAL) & Q(closed)
    )
    return ExpressionWrapper(forbidden, BooleanField())


def _others_gone(since: dt.datetime) -> QuerySet[Message]:
    """The same reader's other texts, not about a booked session, that left after `since`.

    What is in shadow never left; it counts from when it fell due.
    """
    others = _to_same_reader().filter(state__in=GONE)
    others = others.exclude(Q(purpose=Purpose.TRANSACTIONAL) | Q(pk=OuterRef("pk")))
    # What did not arrive by another channel does not stand in the way of what makes up for it.
    others = others.exclude(pk=Coalesce(OuterRef("instead_of"), 0))
    return others.annotate(left_at=Coalesce("attempted_at", "due_at")).filter(left_at__gt=since)


def _to_same_reader() -> QuerySet[Message]:
    """About the same client and to the same person: of two parents each is counted alone."""
    theirs = Message.objects.filter(client=OuterRef("client")).alias(reader=Coalesce("contact", 0))
    return theirs.filter(reader=Coalesce(OuterRef("contact"), 0))


def _had_before() -> QuerySet[Message]:
    """The same reader's texts of the same rule, but for the one that this makes up for."""
    others = _to_same_reader().filter(
        clinic=OuterRef("clinic"), rule_key=OuterRef("rule_key"), state__in=GONE
    )
    return others.exclude(Q(pk=OuterRef("pk")) | Q(pk=Coalesce(OuterRef("instead_of"), 0)))


def _count(messages: QuerySet[Message]) -> Coalesce:
    per_client = messages.order_by().values("client").annotate(n=Count("*"))
    return Coalesce(Subquery(per_client.values("n"), output_field=IntegerField()), 0)


def look(messages: Iterable[Message], now: dt.datetime) -> list[tuple[Message, Verdict]]:
    """The verdict on each message from `with_world`, in their order."""
    rows = list(messages)
    world = World(wordings_of(rows), objections_to([m.pk for m in rows], now))
    return [(message, judge(message, world, now)) for message in rows]


def objections_to(ids: Sequence[int], now: dt.datetime) -> dict[int, str]:
    """Why some of these messages are no longer wanted by what planned them."""
    return {pk: why for asked in objections for pk, why in asked(ids, now).items()}


@dataclass(frozen=True, slots=True)
class World:
    """What a verdict needs beside the message: its rule's wordings, and objections by id."""

    wordings: Mapping[Key, Sequence[Template]]
    objections: Mapping[int, str]


def judge(message: Message, world: World, now: dt.datetime) -> Verdict:
    """The verdict on one message.

    A clinic in shadow mode is judged like any other and stops at the last step, so that what "would
    have been sent" is exactly what would have been sent.
    """
    if now >= message.useful_until:
        return Verdict(State.MISSED, Reason.TOO_LATE)
    hindrance = (
        _about_death(message)
        or _about_occasion(message, world, now)
        or _about_recipient(message)
        or _about_wishes(message)
    )
    if hindrance:
        return hindrance
    written = write(message, world, now)
    live_since = message.clinic.live_since
    # What fell due before may have waited for a working day: the moment of planning tells.
    if written.may_leave and (live_since is None or message.planned_at < live_since):
        return replace(written, state=State.SHADOW)
    return written


def _is_by_hand(message: Message) -> bool:
    return message.rule_key == by_hand.KEY


def _about_death(message: Message) -> Verdict | None:
    died = message.client.deceased_at is not None
    return Verdict(State.SKIPPED, Reason.DECEASED) if died else None


def _about_occasion(message: Message, world: World, now: dt.datetime) -> Verdict | None:
    """What a person who sends the clinic's emergency text has decided over."""
    if message.priority == Priority.SAFETY:
        return None
    return (
        _about_session(message)
        or _about_rule(world.objections.get(message.pk, ""))
        or _about_stops(message, now)
    )


def _about_wishes(message: Message) -> Verdict | None:
    """Nor do these stop such a text."""
    if message.priority == Priority.SAFETY:
        return None
    if not message.client.consents_to(message.purpose):
        return Verdict(State.SKIPPED, Reason.NO_CONSENT)
    return _about_budget(message)


def _about_session(message: Message) -> Verdict | None:
    session: Session | None = message.session
    if session is None:
        return None
    if session.state == SessionState.CANCELLED and message.expects != Expects.CANCELLED:
        return Verdict(State.CANCELLED, Reason.SESSION_CANCELLED)
    if session.revision != message.revision:
        return Verdict(State.CANCELLED, Reason.SESSION_MOVED)
    if not _as_expected(session, message.expects):
        coming = message.expects == Expects.COMING
        return Verdict(State.SKIPPED, Reason.SESSION_STARTED if coming else Reason.RECORD_CHANGED)
    if not message.still_participant:  # type: ignore[attr-defined]
        return Verdict(State.SKIPPED, Reason.NOT_PARTICIPANT)
    return None


def _as_expected(session: Session, expects: str) -> bool:
    if expects == Expects.COMING:
        return session.state in COMING_STATES
    return session.state == expects


def _about_rule(objection: str) -> Verdict | None:
    if not objection:
        return None
    off = objection == Reason.RULE_OFF
    return Verdict(State.CANCELLED if off else State.SKIPPED, objection)


def _about_recipient(message: Message) -> Verdict | None:
    reader, recipient = message.contact or message.client, message.recipient
    if message.channel == Channel.CALL:
        return None  # reception knows whom to call, and whom not
    by_mail = message.channel == Channel.EMAIL
    against = {
        Reason.NO_EMAIL if by_mail else Reason.NO_PHONE: not recipient,
        Reason.NOT_TOLD: not _is_told(message),
        # The planner finds the new number by itself: it makes another occasion.
        Reason.PHONE_CHANGED: recipient != (reader.email if by_mail else reader.phone)
        and not _was_leaving_for_former_phone(message),
        Reason.NOT_MOBILE: not by_mail and not is_mobile(recipient),
    }
    return _first(against)


def _is_told(message: Message) -> bool:
    """Whether texts of this sort still go to the one it is addressed to.

    Whoever wrote in is answered, and a person decides over an emergency.
    """
    if message.priority == Priority.SAFETY or _is_by_hand(message):
        return True
    contact: ContactPerson | None = message.contact
    return contact.gets(message.purpose) if contact else bool(message.client.own_texts)


def _was_leaving_for_former_phone(message: Message) -> bool:
    """A text that was on its way when two files were joined, and turns out not to have left.

    It still belongs to the phone it went to: at the other one its occasion is taken.
    """
    return message.attempts > 0 and message.former_phone  # type: ignore[attr-defined]


def _about_stops(message: Message, now: dt.datetime) -> Verdict | None:
    held = message.client.crisis_since is not None
    return _first({Reason.CRISIS: held, Reason.MUTED: _is_muted(message, now)})


def _first(against: Mapping[Reason, bool]) -> Verdict | None:
    reason = next((reason for reason, holds in against.items() if holds), None)
    return Verdict(State.SKIPPED, reason) if reason else None


def _is_muted(message: Message, now: dt.datetime) -> bool:
    client = message.client
    # A mute is about automated texts; whoever wrote by hand was asked about it then.
    if client.muted_at is None or _is_by_hand(message):
        return False
    today = jalali.local_day(now, message.clinic.timezone)
    return client.muted_until is None or today < client.muted_until


def _about_budget(message: Message) -> Verdict | None:
    """Two senders cannot both be the second: begin_sending holds the client's row alone."""
    spent = message.recent_texts  # type: ignore[attr-defined]
    if message.purpose != Purpose.TRANSACTIONAL and spent >= BUDGET:
        return Verdict(State.SKIPPED, Reason.BUDGET)
    return None


def write(message: Message, world: World, now: dt.datetime) -> Verdict:
    """The text alone, whatever stands in its way otherwise: SENDING, or why it cannot be written.

    A text that was on its way before keeps its wording, unless it was turned away for its link. The
    first wording that can be filled is used; where none can, the best one's trouble is told.
    """
    plain: bool = message.links_refused  # type: ignore[attr-defined]
    if _is_by_hand(message):
        return _by_hand(message, plain)
    known = world.wordings.get((message.clinic_id, message.rule_key), ())
    chosen = choose(
        message,
        known,
        invites=message.invites and not message.invited_lately,  # type: ignore[attr-defined]
        plain=plain,
    )
    wordings = [message.template] if message.template and not plain else chosen
    none = Reason.LINKS_REFUSED if plain and known else Reason.NO_TEMPLATE
    written = (_fill(wording, message, now) for wording in wordings)
    best = next(written, Verdict(State.SKIPPED, none))
    return best if best.may_leave else next((v for v in written if v.may_leave), best)


def _by_hand(message: Message, plain: bool) -> Verdict:
    if plain and has_link(message.text):
        return Verdict(State.SKIPPED, Reason.LINKS_REFUSED)
    return Verdict(State.SENDING, text=by_hand.as_sent(message.text, message.clinic))


def _fill(wording: Template, message: Message, now: dt.datetime) -> Verdict:
    occasion = Occasion(
        clinic=message.clinic,
        client=message.client,
        session=message.session,
        now=now,
        shared_phone=message.shared_phone,  # type: ignore[attr-defined]
        contact=message.contact,
    )
    try:
        text = render(wording.body, occasion)
    except Unrenderable:
        return Verdict(State.SKIPPED, Reason.NO_TEXT)
    text = with_stop_note(text, message.clinic, message.purpose)
    if len(text) > LONGEST:
        return Verdict(State.SKIPPED, Reason.TOO_LONG)
    return Verdict(
        State.SENDING,
        text=text,
        wording=wording,
        pages=tuple(pages_of(wording.body, occasion)),
        approved=_approved(wording, occasion),
    )


def _approved(wording: Template, occasion: Occasion) -> ApprovedText | None:
    if not wording.approved_name:
        return None
    return ApprovedText(wording.approved_name, tuple(values_of(wording.body, occasion)))
