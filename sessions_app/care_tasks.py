"""Work for people: opening a task, what came of each try, and closing it.

A task is locked after the client and the treatments that its outcome changes; a booking, which
closes tasks, takes them in the same order. So none waits for the other in a circle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, QuerySet, Value
from django.db.models.functions import Greatest
from django.dispatch import receiver
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.models import Clinic, User
from patients import care
from patients.models import Client, ClientEvent, Treatment
from sessions_app.actions import session_changed
from sessions_app.models import COMING_STATES, CareAttempt, CareTask, Session, SessionChange

Kind, Outcome = CareTask.Kind, CareTask.Outcome

#: When a call that nobody answered is tried again, on the clinic's clock.
MORNING = dt.time(10)
#: So many calls in vain are enough.
TRIES = 3
#: What keeps a task open; everything else closes it.
STILL_OPEN = (Outcome.LATER, Outcome.NO_ANSWER)
#: What a new booking answers.
SETTLED_BY_BOOKING = (
    Kind.NO_NEXT_BOOKING,
    Kind.SILENT,
    Kind.CONTINUE,
    Kind.NO_SHOW,
    Kind.PAUSE_OVER,
    Kind.PLAN_OVER,
    Kind.CANCELLED,
)


_ENDINGS: dict[str, Callable[..., ClientEvent]] = {
    Outcome.FINISHED: care.complete_treatment,
    Outcome.ELSEWHERE: care.drop_treatment,
}


class TaskError(ValueError):
    """What was asked of a task is not possible; `str()` says why in the reader's language."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def open_task(
    kind: str,
    client: Client,
    *,
    session: Session | None = None,
    text: str = "",
    occasion: str = "",
    due_at: dt.datetime,
    now: dt.datetime,
    by: User | None = None,
) -> CareTask:
    """The task of this occasion, opened unless it is there; without an occasion always a new one.

    Words that are new replace the earlier ones and open a closed task again: nothing that a client
    says is lost because somebody had just ticked it off.
    """
    values: dict[str, Any] = {"session": session, "text": text, "due_at": due_at}
    values |= {"created_at": now, "created_by": by}
    if not occasion:
        return _create(kind=kind, client=client, **values)
    task, new = CareTask.objects.get_or_create(
        clinic_id=client.clinic_id, kind=kind, client=client, occasion=occasion, defaults=values
    )
    if not new and text and text != task.text:
        task.text, task.due_at = text, due_at
        task.outcome, task.closed_at, task.closed_by = "", None, None
        task.save(update_fields=["text", "due_at", "outcome", "closed_at", "closed_by"])
    return task


def attempt(
    task: CareTask,
    outcome: str,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    again_at: dt.datetime | None = None,
) -> CareAttempt:
    """Record a try and what follows from it. Raises TaskError, with the field at fault.

    No answer moves the task to the next working morning, and the third one closes it. Later needs
    `again_at`. Finished is a planned ending of the client's treatment, elsewhere an unplanned one.
    """
    if outcome == Outcome.LATER and (again_at is None or again_at <= now):
        raise TaskError(_("Choose a time in the future."), "again_day")
    with transaction.atomic():
        _end_treatments(task, outcome, now=now, by=by)
        held = CareTask.objects.select_for_update(of=("self",), no_key=True).get(pk=task.pk)
        if held.closed_at is not None:
            raise TaskError(_("Somebody has closed this task meanwhile."))
        made = CareAttempt.objects.create(
            clinic_id=held.clinic_id,
            task=held,
            outcome=outcome,
            phone=task.client.phone,
            note=note,
            at=now,
            by=by,
        )
        _follow(held, outcome, now=now, by=by, again_at=again_at)
    task.outcome, task.due_at = held.outcome, held.due_at
    task.closed_at, task.closed_by = held.closed_at, held.closed_by
    return made


def reopen(task: CareTask, *, now: dt.datetime, by: User | None = None) -> CareTask:
    """Take the closing back, with the endings of treatments that it brought; tries stay on record.

    Raises TaskError when it is open, or when a treatment has been changed again since.
    """
    due_at = max(task.due_at, now)
    with transaction.atomic():
        if task.closed_at is not None and task.outcome in _ENDINGS:
            _begin_treatments_again(task, task.closed_at, now=now, by=by)
        closed = CareTask.objects.filter(pk=task.pk, closed_at__isnull=False)
        if not closed.update(outcome="", closed_at=None, closed_by=None, due_at=due_at):
            raise TaskError(_("This task is open already."))
    task.outcome, task.closed_at, task.closed_by, task.due_at = "", None, None, due_at
    return task


def next_working_morning(clinic: Clinic, now: dt.datetime) -> dt.datetime:
    """Ten o'clock of the first day after today on which the clinic works."""
    tomorrow = jalali.local_day(now, clinic.timezone) + dt.timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT working_day(%s, %s)", [tomorrow, clinic.pk])
        day: dt.date = cursor.fetchone()[0]
    return jalali.combine(day, MORNING, clinic.timezone)


# -- What is asked -----------------------------------------------------------------------------


def still_open(tasks: QuerySet[CareTask]) -> QuerySet[CareTask]:
    """Those that wait for somebody, the longest due first."""
    return tasks.filter(closed_at=None).order_by("due_at", "id")


def closed(tasks: QuerySet[CareTask]) -> QuerySet[CareTask]:
    """Those that are settled, the last one first."""
    return tasks.filter(closed_at__isnull=False).order_by("-closed_at", "-id")


def due(tasks: QuerySet[CareTask], now: dt.datetime) -> QuerySet[CareTask]:
    return still_open(tasks).filter(due_at__lte=now)


def by_kind(tasks: QuerySet[CareTask]) -> dict[str, int]:
    """How many there are of each kind."""
    return dict(tasks.order_by().values_list("kind").annotate(Count("id")))


def wrong_number(client: Client) -> bool:
    """Whether somebody has found out that the number on file is not the client's."""
    tries = CareAttempt.objects.filter(task__client=client, outcome=Outcome.WRONG_NUMBER)
    return bool(client.phone) and tries.filter(phone=client.phone).exists()


# -- What follows ------------------------------------------------------------------------------


def _create(**values: Any) -> CareTask:
    return CareTask.objects.create(clinic_id=values["client"].clinic_id, **values)


def _end_treatments(task: CareTask, outcome: str, *, now: dt.datetime, by: User | None) -> None:
    end = _ENDINGS.get(outcome)
    if end is None:
        return
    try:
        for treatment in treatments_of(task):
            end(treatment, now=now, by=by)
    except care.CareError as error:
        raise TaskError(str(error)) from None


def _begin_treatments_again(
    task: CareTask, closed_at: dt.datetime, *, now: dt.datetime, by: User | None
) -> None:
    # What the closing ended bears its very moment.
    endings = ClientEvent.objects.filter(
        client=task.client_id,
        at=closed_at,
        kind__in=(ClientEvent.Kind.COMPLETED, ClientEvent.Kind.DROPPED),
    )
    try:
        for event in endings.select_related("client__clinic", "treatment__client"):
            care.undo(event, now=now, by=by)
    except care.CareError as error:
        raise TaskError(str(error)) from None


def treatments_of(task: CareTask) -> list[Treatment]:
    """See `treatments_meant`."""
    return treatments_meant(task.client, task.session)


def treatments_meant(client: Client, session: Session | None) -> list[Treatment]:
    """The open treatment that the session belongs to; all open ones when it belongs to none.

    None where it belongs to one that has ended: a colleague's is not meant instead.
    """
    treatments = list(care.open_treatments(client))
    if session is None:
        return treatments
    whose = (session.therapist_id, session.service_id)
    of_session = [t for t in treatments if (t.therapist_id, t.service_id) == whose]
    if of_session or not treatments:
        return of_session
    ended = Treatment.objects.filter(
        client=client, therapist=session.therapist_id, service=session.service_id
    )
    return [] if ended.exists() else treatments


def _follow(
    task: CareTask,
    outcome: str,
    *,
    now: dt.datetime,
    by: User | None,
    again_at: dt.datetime | None,
) -> None:
    unanswered = task.attempts.filter(outcome=Outcome.NO_ANSWER).count()
    enough = outcome == Outcome.NO_ANSWER and unanswered % TRIES == 0
    if outcome not in STILL_OPEN or enough:
        task.outcome, task.closed_at, task.closed_by = outcome, now, by
    elif outcome == Outcome.NO_ANSWER:
        task.due_at = next_working_morning(task.clinic, now)
    elif again_at is not None:
        task.due_at = again_at
    task.save(update_fields=["outcome", "closed_at", "closed_by", "due_at"])


@receiver(session_changed, dispatch_uid="care_tasks.settle")
def settle(session: Session, change: SessionChange, now: dt.datetime, **kwargs: Any) -> None:
    """A booking answers what was to be asked about the next one; a move, the wish for one."""
    if session.state not in COMING_STATES or session.starts_at <= now:
        return
    people = session.participants.values("client_id")
    waiting = CareTask.objects.filter(closed_at=None, client_id__in=people)
    if change.kind in (SessionChange.Kind.BOOKED, SessionChange.Kind.RESTORED):
        waiting = waiting.filter(kind__in=SETTLED_BY_BOOKING)
    elif change.kind == SessionChange.Kind.MOVED and "starts_at" in change.after:
        waiting = waiting.filter(kind=Kind.RESCHEDULE, session=session)
    else:
        return
    _close_as(Outcome.BOOKED, waiting, now=now, by=change.by)


def settle_imported(*, now: dt.datetime) -> None:
    """The same after a list went in: for bookings made since their task, in the clinic in scope."""
    waiting = CareTask.objects.filter(
        closed_at=None,
        kind__in=SETTLED_BY_BOOKING,
        client__rhythms__next_session_at__gt=now,
        client__rhythms__next_session__booked_at__gte=F("created_at"),
    )
    _close_as(Outcome.BOOKED, waiting, now=now, by=None)


@receiver(care.client_died, dispatch_uid="care_tasks.close_of_deceased")
def close_of_deceased(client: Client, event: ClientEvent, now: dt.datetime, **kwargs: Any) -> None:
    """Nobody calls a client who has died."""
    waiting = CareTask.objects.filter(closed_at=None, client=client)
    # At the moment of the death on file, by which a mistake opens them again.
    _close_as(Outcome.DECEASED, waiting, now=client.deceased_at or now, by=event.by)


@receiver(care.client_not_died, dispatch_uid="care_tasks.open_again")
def open_again(client: Client, now: dt.datetime, since: dt.datetime, **kwargs: Any) -> None:
    """What a mistake closed waits for somebody again: what closed then bears its very moment."""
    closed_then = CareTask.objects.filter(client=client, outcome=Outcome.DECEASED, closed_at=since)
    closed_then.update(
        outcome="", closed_at=None, closed_by=None, due_at=Greatest(F("due_at"), Value(now))
    )


def _close_as(
    outcome: str, waiting: QuerySet[CareTask], *, now: dt.datetime, by: User | None
) -> None:
    # In the order of their numbers, or two bookings for a couple could wait for each other.
    locked = waiting.select_for_update(of=("self",), no_key=True).order_by("pk")
    tasks = list(locked.select_related("client"))
    if not tasks:
        return
    CareTask.objects.filter(pk__in=[task.pk for task in tasks]).update(
        outcome=outcome, closed_at=now, closed_by=by
    )
    CareAttempt.objects.bulk_create(
        CareAttempt(
            clinic_id=task.clinic_id,
            task=task,
            outcome=outcome,
            phone=task.client.phone,
            at=now,
            by=by,
        )
        for task in tasks
    )
