"""What a client wants to hear of, and whether they go on: one page under all the others.

Each act is the client's own word, kept with its source; each can be taken back on the same page.
What is done here to treatments stands on the page of a silent client too: both would otherwise say
different things of one break.

Rows are taken in one order: the links, the client with the treatments, the tasks.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from django.db import models, transaction

from followup import client_choices
from followup.client_choices import Choice, NotNow
from messaging import outbox, replies, stopping
from messaging.models import Reason
from patients import care
from patients.actions import set_consent
from patients.models import Client, ClientEvent, ConsentRecord, Purpose, Treatment, Via
from sessions_app.links import Purpose as Link
from sessions_app.models import OPEN_STATES, ClientLink, Session

State = Treatment.State
LINK = ConsentRecord.Source.LINK


class Act(StrEnum):
    #: One kind of texts.
    REFUSE = "refuse"
    ALLOW = "allow"
    #: Everything but what concerns booked sessions, as «۱۱» does; everything; and back.
    STOP = "stop"
    STOP_ALL = "stop_all"
    START = "start"
    #: The treatments that are going on.
    PAUSE = "pause"
    FINISH = "finish"
    GO_ON = "go_on"
    #: In which language these pages open.
    SPEAK = "speak"


class Going(StrEnum):
    """How it stands with the client's treatments."""

    ON = "on"
    PAUSED = "paused"
    FINISHED = "finished"
    #: Nothing was begun, or others have ended it: the page says nothing of it.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Standing:
    going: Going
    #: The first day after the break, where one was said.
    until: dt.date | None
    #: A session is booked: a break or an end begins with calling it off.
    is_booked: bool


def standing(client: Client, now: dt.datetime, today: dt.date) -> Standing:
    treatments = list(care.open_treatments(client))
    booked = _is_booked(client, now)
    paused = [it for it in treatments if it.state == State.PAUSED and not it.is_active(today)]
    if treatments and len(paused) < len(treatments):
        return Standing(Going.ON, None, booked)
    if paused:
        days = [it.paused_until for it in paused if it.paused_until]
        return Standing(Going.PAUSED, min(days, default=None), booked)
    going = Going.FINISHED if _finished_here(client) else Going.NOTHING
    return Standing(going, None, booked)


# -- Texts -------------------------------------------------------------------------------------


def refuse(client: Client, purpose: Purpose, *, now: dt.datetime) -> None:
    """No more texts of this kind; what waits in the queue is taken out."""
    with transaction.atomic():
        set_consent(client, purpose, False, source=LINK, now=now)
        # The sender would find the refusal itself; the panel should not promise these meanwhile.
        outbox.cancel_of_client(client.pk, [purpose], Reason.NO_CONSENT, now=now)


def allow(client: Client, purpose: Purpose, *, now: dt.datetime) -> None:
    set_consent(client, purpose, True, source=LINK, now=now)


def stop(client: Client, *, now: dt.datetime) -> None:
    """What «۱۱» does, by whichever press."""
    with transaction.atomic():
        stopping.stop(client, client.clinic, now=now)


def stop_all(client: Client, *, now: dt.datetime) -> None:
    """Reminders, too: nobody needs to ask about them any more."""
    with transaction.atomic():
        for purpose in Purpose:
            refuse(client, purpose, now=now)


def start(client: Client, *, now: dt.datetime) -> None:
    """Reminders and follow-up, and of the rest what the client has stopped alone."""
    with transaction.atomic():
        allow(client, Purpose.TRANSACTIONAL, now=now)
        replies.start(client, source=LINK, now=now)


def can_start(client: Client) -> bool:
    return not (client.consent_transactional and client.consent_follow_up)


def speak(client: Client, language: str) -> None:
    """Let the client's pages open in this language, "fa" or "en"; texts stay the clinic's own."""
    Client.objects.filter(pk=client.pk).update(language=language)


# -- Treatments --------------------------------------------------------------------------------


def pause(client: Client, until: dt.date, *, now: dt.datetime) -> None:
    """A break of all that is going on. Raises NotNow, and CareError for a day that is none."""
    with transaction.atomic():
        _hold_pages(client)
        client_choices.check_break(until, client.clinic, now)
        turning = [it for it in _to_turn(client, now) if it.paused_until != until]
        for treatment in turning:
            care.pause_treatment(treatment, until, now=now, via=Via.LINK)
        if turning:
            _settle(client, Choice.PAUSE, now)


def finish(client: Client, *, now: dt.datetime) -> None:
    """A planned ending of all that is going on. Raises NotNow."""
    with transaction.atomic():
        _hold_pages(client)
        turning = _to_turn(client, now)
        for treatment in turning:
            care.complete_treatment(treatment, now=now, via=Via.LINK)
        if turning:
            _settle(client, Choice.FINISH, now)


def go_on(client: Client, *, now: dt.datetime) -> None:
    """End a break, or take back the ending that the client has chosen."""
    with transaction.atomic():
        _hold_pages(client)
        paused = [it for it in care.open_treatments(client) if it.state == State.PAUSED]
        for treatment in paused or _finished_here(client):
            with suppress(care.CareError):  # one like it has been begun meanwhile
                care.resume_treatment(treatment, now=now, via=Via.LINK)
        # The silent page asks anew, and so may a text.
        _pages(client).update(answer="", answered_at=None)


def _to_turn(client: Client, now: dt.datetime) -> list[Treatment]:
    if _is_booked(client, now):
        raise NotNow
    return list(care.open_treatments(client))


def _is_booked(client: Client, now: dt.datetime) -> bool:
    theirs = Session.objects.filter(participants__client=client, state__in=OPEN_STATES)
    return theirs.filter(starts_at__gt=now).exists()


def _finished_here(client: Client) -> list[Treatment]:
    """Treatments whose last turn was the client's own ending, which the client may take back."""
    turns = ClientEvent.objects.filter(client=client, kind__in=client_choices.TURNS)
    of_each = turns.exclude(treatment=None).order_by("treatment_id", "-at", "-id")
    last = of_each.distinct("treatment_id")
    return [
        event.treatment
        for event in last.select_related("treatment__client")
        if event.treatment is not None
        and (event.kind, event.via) == (ClientEvent.Kind.COMPLETED, Via.LINK)
        and event.treatment.state == State.COMPLETED
    ]


def _pages(client: Client) -> models.QuerySet[ClientLink]:
    return ClientLink.objects.filter(client=client, purpose=Link.CHOICES)


def _hold_pages(client: Client) -> None:
    list(_pages(client).select_for_update(of=("self",), no_key=True).order_by("pk"))


def _settle(client: Client, choice: Choice, now: dt.datetime) -> None:
    """As if it had been chosen on the page of a silent client at this very moment."""
    _pages(client).update(answer=choice, answered_at=now)
    client_choices.settle_tasks(client, choice, now)
