"""A rule's text as one client would read it, and whether and why it would not be sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from followup.models import Kind, Rule
from followup.preview import Preview, channels_without_links, upcoming
from messaging.judge import World, judge, write
from messaging.models import Channel, Expects, Message, Reason, State, Template
from patients.contacts import Addressee, addressees
from patients.models import Client
from patients.queries import sharing_phone
from sessions_app.models import COMING_STATES, Session, State as SessionState

#: How far ahead an occasion is looked for.
AHEAD = dt.timedelta(days=60)
#: Kinds whose texts are about a session that is still to come.
ABOUT_COMING = (Kind.BEFORE_SESSION, Kind.BOOKED, Kind.MOVED, Kind.LONG_GAP)
_OUTCOME = {
    Kind.NO_SHOW: (SessionState.NO_SHOW,),
    Kind.CANCELLED: (SessionState.CANCELLED,),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """`occasion` is what is foreseen next; without one the text is about a session of the past.

    `session` is None for a client who has had none that such a text could be about, and `text` is
    then empty.
    """

    client: Client
    session: Session | None
    occasion: Preview | None
    text: str
    #: Of `Reason` or `followup.preview.WhyNot`; empty where nothing stands in the way.
    reason: str

    @property
    def reason_words(self) -> str:
        if self.occasion and self.occasion.reason == self.reason:
            return self.occasion.reason_words
        return str(Reason(self.reason).label) if self.reason else ""


def read(rule: Rule, client: Client, now: dt.datetime) -> Reading:
    """The caller's scope must be the rule's clinic. `now`: aware, UTC. Nothing is written."""
    ahead = upcoming(rule.clinic, now, now + AHEAD, client=client, rule=rule)
    occasion = next((p for p in ahead if p.state in (State.QUEUED, State.SHADOW)), None)
    occasion = occasion or (ahead[0] if ahead else None)
    session = occasion.session if occasion else _likely_session(rule, client)
    if session is None:
        return Reading(client, None, None, "", "" if rule.enabled else Reason.RULE_OFF.value)
    message = _as_if(rule, client, session, now)
    wordings = list(Template.objects.filter(key=rule.key))
    world = World({(rule.clinic_id, rule.key): wordings}, {})
    if occasion:
        text = occasion.text or write(message, world, occasion.due_at).text
        return Reading(client, session, occasion, text, occasion.reason)
    text = write(message, world, now).text
    return Reading(client, session, None, text, _reason(rule, message, world, now))


def _likely_session(rule: Rule, client: Client) -> Session | None:
    """The session that a text of this kind would most likely be about."""
    mine = Session.objects.filter(participants__client=client)
    mine = mine.select_related("therapist", "service")
    if rule.kind in ABOUT_COMING:
        coming = mine.filter(state__in=COMING_STATES).order_by("starts_at", "id")
        return coming.first() or mine.order_by("-starts_at", "-id").first()
    outcome = _OUTCOME.get(Kind(rule.kind), (SessionState.ATTENDED,))
    return mine.filter(state__in=outcome).order_by("-starts_at", "-id").first()


def _as_if(rule: Rule, client: Client, session: Session, now: dt.datetime) -> Message:
    """The message as the planner would make it of this session now; never saved."""
    reader = next(iter(addressees(client, rule.purpose)), Addressee(client))
    message = Message(
        clinic=rule.clinic,
        client=client,
        contact=reader.contact,
        session=session,
        rule_key=rule.key,
        purpose=rule.purpose,
        channel=rule.channel,
        revision=session.revision,
        recipient=reader.email if rule.channel == Channel.EMAIL else reader.phone,
        expects=_expected(session),
        invites=rule.kind == Kind.THANKS,
        planned_at=now,
        due_at=now,
        useful_until=now + dt.timedelta(days=1),
    )
    annotated = {
        "still_participant": True,
        "shared_phone": sharing_phone(reader.phone, but=client.pk).exists(),
        "links_refused": rule.channel in channels_without_links(rule.clinic),
        "turn": 0,
        "recent_texts": 0,
        "invited_lately": False,
    }
    for name, value in annotated.items():
        setattr(message, name, value)
    return message


def _expected(session: Session) -> str:
    outcomes = (SessionState.ATTENDED, SessionState.NO_SHOW, SessionState.CANCELLED)
    return session.state if session.state in outcomes else Expects.COMING


def _reason(rule: Rule, message: Message, world: World, now: dt.datetime) -> str:
    if not rule.enabled:
        return Reason.RULE_OFF
    if not _is_for(rule, message.session):
        return Reason.NOT_MEANT
    verdict = judge(message, world, now)
    return "" if verdict.state in (State.SENDING, State.SHADOW) else str(verdict.reason)


def _is_for(rule: Rule, session: Session) -> bool:
    return (not rule.services or session.service_id in rule.services) and (
        not rule.therapists or session.therapist_id in rule.therapists
    )
