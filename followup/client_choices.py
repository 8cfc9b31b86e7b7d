"""How a silent client wants to go on: four ways of equal worth, chosen on the client's own page.

Every answer stops the silent texts (`followup.conditions` asks for it). A later choice replaces the
earlier one and takes back what it did, until somebody of the clinic has acted on it.

Rows are taken in one order: the link, the client with the treatments, the tasks.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _, gettext_lazy
from django_stubs_ext import StrPromise

from clinic.jalali import add_months, local_day
from clinic.models import Clinic
from patients import care
from patients.models import Client, ClientEvent, Treatment, Via
from sessions_app import booking, care_tasks, links
from sessions_app.client_pages import ask_again, when_somebody_works
from sessions_app.models import OPEN_STATES, CareTask, ClientLink, Session, State


class Choice(StrEnum):
    CONTINUE = "continue"
    PAUSE = "pause"
    FINISH = "finish"
    CALL_ME = "call_me"


LABELS: dict[str, StrPromise] = {
    Choice.CONTINUE: gettext_lazy("I would like to go on"),
    Choice.PAUSE: gettext_lazy("I am taking a break"),
    Choice.FINISH: gettext_lazy("I would like to finish well"),
    Choice.CALL_ME: gettext_lazy("Please call me"),
}
#: Choices that a person of the clinic answers.
ASKING: dict[str, CareTask.Kind] = {
    Choice.CONTINUE: CareTask.Kind.CONTINUE,
    Choice.CALL_ME: CareTask.Kind.CALL_ME,
}
#: What nobody need ask any more once the client has chosen a break or an end.
SETTLED = (
    CareTask.Kind.CONTINUE,
    CareTask.Kind.CALL_ME,
    CareTask.Kind.SILENT,
    CareTask.Kind.NO_NEXT_BOOKING,
    CareTask.Kind.PAUSE_OVER,
)
#: Who goes on to choose a time alone has so long before reception is to call.
CHOOSING = dt.timedelta(hours=1)
#: A break ends within so many months; longer ones are endings.
LONGEST_BREAK = 12
TURNS = (
    ClientEvent.Kind.PAUSED,
    ClientEvent.Kind.RESUMED,
    ClientEvent.Kind.COMPLETED,
    ClientEvent.Kind.DROPPED,
)
_TAKEN_BACK = {
    ClientEvent.Kind.PAUSED.value: Treatment.State.PAUSED,
    ClientEvent.Kind.COMPLETED.value: Treatment.State.COMPLETED,
}


class Standing(StrEnum):
    """What there is to say on the page."""

    OPEN = "open"
    #: Chosen, and the client may choose otherwise.
    CHOSEN = "chosen"
    #: Chosen, and somebody of the clinic has acted on it.
    SETTLED = "settled"
    #: A session is booked, or the client has been here since.
    BOOKED = "booked"
    SEEN = "seen"
    #: The treatment has ended otherwise: only going on and a call are left to choose.
    ENDED = "ended"


class NotNow(ValueError):
    """The choice is not open any more; the page says why."""


@dataclass(frozen=True, slots=True)
class Situation:
    standing: Standing
    #: The booked session, when there is one.
    coming: Session | None = None

    @property
    def offered(self) -> list[Choice]:
        if self.standing in (Standing.OPEN, Standing.CHOSEN):
            return list(Choice)
        return [Choice.CONTINUE, Choice.CALL_ME] if self.standing is Standing.ENDED else []


def situation(link: ClientLink, now: dt.datetime) -> Situation:
    later = Session.objects.filter(
        participants__client=link.client, starts_at__gt=link.session.starts_at
    ).filter(state__in=(*OPEN_STATES, State.ATTENDED))
    coming = later.filter(starts_at__gt=now).select_related("therapist").order_by("starts_at")
    if booked := coming.first():
        return Situation(Standing.BOOKED, booked)
    if later.exists():
        return Situation(Standing.SEEN)
    if link.answered_at is not None and not _break_is_over(link, now):
        return Situation(Standing.SETTLED if _is_settled(link) else Standing.CHOSEN)
    return Situation(Standing.OPEN if _treatments(link) else Standing.ENDED)


def choose(
    link: ClientLink, choice: Choice, *, until: dt.date | None = None, now: dt.datetime
) -> None:
    """Do what the client chose; `until` is the first day after a break, the clinic's local one.

    Idempotent. Raises NotNow, and `patients.care.CareError` for a day that is none.
    """
    with transaction.atomic():
        rows = ClientLink.objects.select_for_update(of=("self",), no_key=True)
        link = rows.select_related("clinic", "client", "session").get(pk=link.pk)
        if choice not in situation(link, now).offered:
            raise NotNow
        if link.answer == choice and until == break_of(link):
            return
        _take_back(link, now)
        if choice is Choice.FINISH:
            for treatment in _treatments(link):
                care.complete_treatment(treatment, now=now, via=Via.LINK)
        elif choice is Choice.PAUSE:
            _pause(link, until, now)
        elif choice is Choice.CONTINUE:
            _go_on(link, now)
        _settle_tasks(link, choice, now)
        _ask(link, choice, now)
        links.answer(link, choice, now=now)


def leads_to_booking(link: ClientLink, now: dt.datetime) -> bool:
    """Whether who goes on can choose a free time at once, on a page of its own."""
    return booking.situation(link, now).is_open


def break_of(link: ClientLink) -> dt.date | None:
    """Until when the client has chosen a break on this page."""
    if link.answer != Choice.PAUSE:
        return None
    event = _own_turns(link).filter(kind=ClientEvent.Kind.PAUSED).first()
    return event.until if event else None


def _break_is_over(link: ClientLink, now: dt.datetime) -> bool:
    until = break_of(link)
    return until is not None and until <= local_day(now, link.clinic.timezone)


def breaks(today: dt.date) -> list[tuple[int, dt.date]]:
    """Breaks at hand: months, and the first day after."""
    return [(months, add_months(today, months)) for months in (1, 2, 3)]


def check_break(until: dt.date | None, clinic: Clinic, now: dt.datetime) -> None:
    """Raises CareError for a break without an end within twelve months."""
    last = add_months(local_day(now, clinic.timezone), LONGEST_BREAK)
    if until is None or until > last:
        raise care.CareError(_("Choose a day within the next twelve months."))


def _pause(link: ClientLink, until: dt.date | None, now: dt.datetime) -> None:
    check_break(until, link.clinic, now)
    for treatment in _treatments(link):
        care.pause_treatment(treatment, until, now=now, via=Via.LINK)


def _go_on(link: ClientLink, now: dt.datetime) -> None:
    for treatment in _treatments(link):
        if treatment.state == Treatment.State.PAUSED:
            care.resume_treatment(treatment, now=now, via=Via.LINK)


def _treatments(link: ClientLink) -> list[Treatment]:
    return care_tasks.treatments_meant(link.client, link.session)


def _own_turns(link: ClientLink) -> QuerySet[ClientEvent]:
    """What the choice on this page did to treatments: it bears the very moment of the answer."""
    own = ClientEvent.objects.filter(client=link.client_id, via=Via.LINK, kind__in=TURNS)
    if link.answered_at is None:
        return own.none()
    return own.filter(at=link.answered_at).select_related("treatment__client")


def _take_back(link: ClientLink, now: dt.datetime) -> None:
    for event in _own_turns(link):
        if event.treatment is not None and event.treatment.state == _TAKEN_BACK.get(event.kind):
            care.resume_treatment(event.treatment, now=now, via=Via.LINK)


def _is_settled(link: ClientLink) -> bool:
    """Whether somebody of the clinic has answered, or has decided about the treatment since."""
    task = _task(link)
    if task is not None and task.closed_at is not None:
        return True
    decided = ClientEvent.objects.filter(
        client=link.client_id, kind__in=TURNS, at__gt=link.answered_at
    )
    return decided.exclude(via=Via.LINK).exists()


def _task(link: ClientLink) -> CareTask | None:
    kind = ASKING.get(link.answer, "")
    mine = CareTask.objects.filter(kind=kind, client=link.client_id, occasion=_occasion(link))
    return mine.first()


def _settle_tasks(link: ClientLink, choice: Choice, now: dt.datetime) -> None:
    if choice in ASKING:
        waiting = CareTask.objects.filter(client=link.client_id, closed_at=None)
        others = waiting.filter(occasion=_occasion(link)).exclude(kind=ASKING[choice])
        _close(others, choice, now)
    else:
        settle_tasks(link.client, choice, now)


def settle_tasks(client: Client, choice: Choice, now: dt.datetime) -> None:
    """Nobody calls to ask what the client has just said."""
    waiting = CareTask.objects.filter(client=client, closed_at=None, kind__in=SETTLED)
    _close(waiting, choice, now)


def _close(waiting: QuerySet[CareTask], choice: Choice, now: dt.datetime) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        note = _("Chose by the link: %(choice)s") % {"choice": LABELS[choice]}
    for task in waiting.select_related("client", "clinic", "session").order_by("pk"):
        with suppress(care_tasks.TaskError):  # somebody has just closed it
            care_tasks.attempt(task, CareTask.Outcome.DONE, note=note, now=now)


def _ask(link: ClientLink, choice: Choice, now: dt.datetime) -> None:
    if choice not in ASKING:
        return
    alone = choice is Choice.CONTINUE and leads_to_booking(link, now)
    due_at = when_somebody_works(link.clinic, now + CHOOSING if alone else now)
    task = care_tasks.open_task(
        ASKING[choice],
        link.client,
        session=link.session,
        occasion=_occasion(link),
        due_at=due_at,
        now=now,
    )
    ask_again(task, due_at)


def _occasion(link: ClientLink) -> str:
    return f"link:{link.pk}"
