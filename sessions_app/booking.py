"""Booking by a client's own link: a free time of their therapist, taken without a telephone.

The page is about one client and one session, which says with whom and for what. It offers what the
therapist's working hours leave free. Where no time is to be had without a person (a crisis hold, a
treatment that has ended, a couple, no hours told) it offers a call instead, and does not say why.

Rows are taken in one order: the link, the client, then the new session and what booking changes.
The sender, too, takes the client before the session.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from patients.models import Client, Treatment, Via
from sessions_app import actions, care_tasks, links, slots
from sessions_app.client_pages import ask_again, when_somebody_works
from sessions_app.models import OPEN_STATES, CareTask, ClientLink, Session
from sessions_app.slots import Choice

#: So many bookings by link within a day, cancelled ones too, and a person is asked: each of them
#: takes a time from others and makes texts.
OFTEN, A_DAY = 3, dt.timedelta(days=1)


class Said(StrEnum):
    """What was done on the page; kept as the link's answer."""

    BOOKED = "booked"
    CALL_ME = "call_me"


class Standing(StrEnum):
    """What there is to say on the page."""

    #: Free times to choose from.
    OPEN = "open"
    #: A session of this treatment is booked, by whomever; one at a time is booked by link.
    BOOKED = "booked"
    #: A person has to find the time together with the client.
    CALL = "call"
    #: The link has had its time.
    OVER = "over"


class Why(StrEnum):
    """Why a call is offered: for staff, never for the page."""

    NOTHING = ""
    SWITCHED_OFF = "switched_off"
    CRISIS = "crisis"
    SEVERAL = "several"
    ENDED = "ended"
    INACTIVE = "inactive"
    OFTEN = "often"
    NO_TIME = "no_time"


class NotNow(ValueError):
    """Nothing can be booked here any more; the page says what is."""


class Taken(ValueError):
    """Somebody was faster, or the time has come too near; others are free."""


@dataclass(frozen=True, slots=True)
class Situation:
    standing: Standing
    #: The booked session, when there is one.
    coming: Session | None = None
    choice: Choice | None = None
    why: Why = Why.NOTHING

    @property
    def is_open(self) -> bool:
        return self.standing is Standing.OPEN


def situation(link: ClientLink, now: dt.datetime) -> Situation:
    """What a client may book who has this link; of any purpose, so that other pages may ask."""
    if links.is_over(link, now):
        return Situation(Standing.OVER)
    coming = _of_treatment(link).filter(state__in=OPEN_STATES, starts_at__gt=now)
    if booked := coming.order_by("starts_at", "id").first():
        return Situation(Standing.BOOKED, booked)
    if why := _needs_a_person(link, now):
        return Situation(Standing.CALL, why=why)
    choice = _choice(link, now)
    if not choice.days:
        return Situation(Standing.CALL, why=Why.NO_TIME)
    return Situation(Standing.OPEN, choice=choice)


def take(link: ClientLink, start: dt.datetime, *, revision: int, now: dt.datetime) -> Session:
    """Book that start. Idempotent. Raises Taken and NotNow, which leave everything as it was.

    `revision` is that of the session the link is about, as the page showed it: who read the times
    of one therapist has not chosen another's.

    Guarantees one coming session by link per treatment: two presses wait for each other on the
    client's row, and the second finds the first one's session. The exclusion constraint alone
    decides between two clients.
    """
    with transaction.atomic():
        link = _hold(link)
        found = situation(link, now)
        if found.coming is not None and found.coming.starts_at == start:
            return found.coming
        if found.choice is None or revision != link.session.revision:
            raise NotNow
        session = _book(link, start, found.choice, now)
        _publish_page_of(session, link.client_id, now)
        links.answer(link, Said.BOOKED, now=now)
        return session


def call_me(link: ClientLink, *, now: dt.datetime) -> None:
    """Ask reception for a call. Raises NotNow where the page offers none any more."""
    with transaction.atomic():
        link = _hold(link)
        if situation(link, now).standing not in (Standing.OPEN, Standing.CALL):
            raise NotNow
        due_at = when_somebody_works(link.clinic, now)
        task = care_tasks.open_task(
            CareTask.Kind.CALL_ME,
            link.client,
            session=link.session,
            occasion=f"link:{link.pk}",
            due_at=due_at,
            now=now,
        )
        ask_again(task, due_at)
        links.answer(link, Said.CALL_ME, now=now)


def waits_for_call(link: ClientLink) -> bool:
    """Whether the client has asked here to be called, and nobody has yet."""
    asked = CareTask.objects.filter(kind=CareTask.Kind.CALL_ME, client=link.client_id)
    return asked.filter(occasion=f"link:{link.pk}", closed_at=None).exists()


def hand_out(session: Session, client: Client, *, now: dt.datetime) -> links.Page:
    """The page about this session, which leads there from now on and lasts anew."""
    page = links.Page(links.Purpose.BOOKING, session.clinic_id, session.pk, client.pk)
    links.publish([page], now=now)
    return page


def outlook(treatment: Treatment, anchor: Session, now: dt.datetime) -> Situation:
    """What the client would find who got a link to book now."""
    link = ClientLink(clinic=anchor.clinic, client=treatment.client, session=anchor)
    return situation(link, now)


def address_of(session: Session, client: Client) -> str:
    """The path of the client's page of a session; empty before anything has published it."""
    purpose = links.Purpose.SESSION
    published = ClientLink.objects.filter(purpose=purpose, session=session, client=client)
    page = links.Page(purpose, session.clinic_id, session.pk, client.pk)
    return page.path if published.exists() else ""


def anchor_of(treatment: Treatment) -> Session | None:
    """The last session of a treatment, which a link to book the next one is about."""
    of_treatment = Session.objects.filter(
        therapist=treatment.therapist_id,
        service=treatment.service_id,
        participants__client=treatment.client_id,
    )
    known = of_treatment.select_related("clinic", "therapist", "service")
    return known.order_by("-starts_at", "-id").first()


def _of_treatment(link: ClientLink) -> QuerySet[Session]:
    session = link.session
    return Session.objects.filter(
        therapist=session.therapist_id,
        service=session.service_id,
        participants__client=link.client_id,
    ).select_related("clinic", "therapist", "service")


def _needs_a_person(link: ClientLink, now: dt.datetime) -> Why:
    """Why this client does not book alone; `NOTHING` where they may."""
    session = link.session
    if not link.clinic.books_by_link:
        return Why.SWITCHED_OFF
    if link.client.crisis_since is not None or link.client.deceased_at is not None:
        return Why.CRISIS
    if not (session.therapist.active and session.service.active):
        return Why.INACTIVE
    if session.participants.count() > 1:
        return Why.SEVERAL
    if not _treatment_is_open(link):
        return Why.ENDED
    return Why.OFTEN if _books_often(link, now) else Why.NOTHING


def _treatment_is_open(link: ClientLink) -> bool:
    return Treatment.objects.filter(
        client=link.client_id,
        therapist=link.session.therapist_id,
        service=link.session.service_id,
        state__in=(Treatment.State.ACTIVE, Treatment.State.PAUSED),
    ).exists()


def _books_often(link: ClientLink, now: dt.datetime) -> bool:
    by_link = Session.objects.filter(
        participants__client=link.client_id, source=Session.Source.ONLINE
    )
    return by_link.filter(booked_at__gt=now - A_DAY).count() >= OFTEN


def _choice(link: ClientLink, now: dt.datetime) -> Choice:
    session = link.session
    return slots.bookable(
        session.therapist, session.service, link.client, now=now, tz=link.clinic.timezone
    )


def _hold(link: ClientLink) -> ClientLink:
    """Lock the link and its client, and both with what they are about as they are now."""
    held = ClientLink.objects.select_for_update(of=("self", "client"), no_key=True)
    about = ("clinic", "client", "session__therapist", "session__service")
    found: ClientLink = held.select_related(*about).get(pk=link.pk)
    return found


def _book(link: ClientLink, start: dt.datetime, choice: Choice, now: dt.datetime) -> Session:
    earlier, place = link.session, choice.place_of(start)
    if place is None:
        raise Taken
    try:
        return actions.book(
            clients=[link.client],
            therapist=earlier.therapist,
            service=earlier.service,
            starts_at=start,
            duration=choice.length,
            # Who meets online goes on meeting there, and needs no room.
            room_id=None if earlier.online_url else place.room_id,
            online_url=earlier.online_url,
            now=now,
            source=Session.Source.ONLINE,
            via=Via.LINK,
        )
    except actions.SessionError:
        raise Taken from None


def _publish_page_of(session: Session, client_id: int, now: dt.datetime) -> None:
    """Where the client may cancel or ask for another time, before any text has told of it."""
    page = links.Page(links.Purpose.SESSION, session.clinic_id, session.pk, client_id)
    links.publish([page], now=now)
