"""What clients do about a session: come, not come, ask for another time; on its page or by text.

Each takes the session's row first, so that of two tabs, or of a client and a receptionist, one acts
and the other finds out. Each is idempotent: pressed twice it has happened once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _, gettext_lazy

from clinic import jalali
from clinic.jalali.names import WEEKDAYS_EN, WEEKDAYS_FA
from clinic.models import DEFAULT_TIMEZONE
from patients.models import Client, Via
from sessions_app import actions, care_tasks, links
from sessions_app.client_pages import ask_again, when_somebody_works
from sessions_app.models import (
    COMING_STATES,
    CancelledBy,
    CareTask,
    ClientLink,
    Session,
    SessionChange,
    State,
)


class Said(StrEnum):
    """What a client can have said of a session; kept as the link's answer."""

    COME = "come"
    CANCEL = "cancel"
    #: One of several, whose absence does not call the session off.
    CANNOT = "cannot"
    ANOTHER = "another"


class Standing(StrEnum):
    """What there is to say about the session of a page."""

    COMING = "coming"
    ARRIVED = "arrived"
    BEGUN = "begun"
    OVER = "over"
    CANCELLED = "cancelled"


class Overtaken(ValueError):
    """The session has changed since the page was opened, or its time has come."""


class NoLongerPart(Overtaken):
    """Somebody has just taken the client out of the session; it is for others now."""


PARTS_OF_DAY = {
    "morning": gettext_lazy("mornings"),
    "afternoon": gettext_lazy("early afternoons"),
    "evening": gettext_lazy("late afternoons and evenings"),
}
#: Saturday to Thursday.
DAYS = range(6)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which other time would do. Days are 0 for Saturday to 5 for Thursday; `starts` were free."""

    days: Sequence[int] = ()
    parts: Sequence[str] = ()
    note: str = ""
    starts: Sequence[dt.datetime] = ()
    tz: str = DEFAULT_TIMEZONE

    def __str__(self) -> str:
        """In the language of the staff, who read it; the note as it was written."""
        with translation.override(settings.LANGUAGE_CODE):
            names = weekday_names()
            days = [names[day] for day in self.days]
            times = [jalali.spoken(start, tz=self.tz) for start in self.starts]
            when = [*times, *days, *(str(PARTS_OF_DAY[part]) for part in self.parts)]
            said = _("Another time would suit: %(when)s.") % {"when": _(", ").join(when)}
            return "\n".join(filter(None, [said if when else _("Another time, any."), self.note]))


def weekday_names() -> tuple[str, ...]:
    return WEEKDAYS_FA if (translation.get_language() or "fa").startswith("fa") else WEEKDAYS_EN


def standing(session: Session, now: dt.datetime) -> Standing:
    if session.state == State.CANCELLED:
        return Standing.CANCELLED
    if session.state in (State.ATTENDED, State.NO_SHOW) or session.ends_at <= now:
        return Standing.OVER
    if session.starts_at <= now:
        return Standing.BEGUN
    return Standing.ARRIVED if session.state == State.ARRIVED else Standing.COMING


def come(link: ClientLink, *, revision: int, now: dt.datetime) -> None:
    """Record that the client comes. Raises Overtaken, which leaves everything as it was.

    For a couple or a family the first yes confirms the session.
    """
    with transaction.atomic():
        session = _hold(link, now, revision)
        _confirm(session, now, Via.LINK)
        if said_of(link, session) != Said.COME:
            links.answer(link, Said.COME, now=now)


def cannot_come(link: ClientLink, *, revision: int, now: dt.datetime) -> None:
    """Cancel the session, and tell reception by a task. Raises Overtaken.

    One of several does not call the session off for the others; there a person has to ask.
    """
    with transaction.atomic():
        session = _hold(link, now, revision)
        if session.participants.count() > 1:
            if said_of(link, session) != Said.CANNOT:
                _tell_of_absence(link, session, now)
                links.answer(link, Said.CANNOT, now=now)
            return
        _call_off(session, link.client, now, Via.LINK)
        links.answer(link, Said.CANCEL, now=now)


def answer_by_text(
    client: Client, session: Session, said: Said, *, revision: int, now: dt.datetime
) -> None:
    """Come or cancel, as on the page, said by a text. Raises Overtaken.

    Only of a session that is the client's alone: what one of several means is for a person. The
    page, if a text has led to it, says the same afterwards.
    """
    with transaction.atomic():
        held = _hold_session(session.pk, client.pk, now, revision)
        if held.participants.count() > 1:
            raise Overtaken
        if said is Said.COME:
            _confirm(held, now, Via.REPLY)
        else:
            _call_off(held, client, now, Via.REPLY)
        pages = ClientLink.objects.filter(
            purpose=links.Purpose.SESSION, session=held, client=client
        )
        for link in pages:
            links.answer(link, said, now=now)


def ask_for_another_time(link: ClientLink, wish: Wish, *, now: dt.datetime) -> None:
    """A task for reception; the session stands until it answers. Raises Overtaken.

    The same wish again, after reception has dealt with it, is a wish again.
    """
    with transaction.atomic():
        session = _hold(link, now)
        task = _open(CareTask.Kind.RESCHEDULE, link.client, session, str(wish), now)
        ask_again(task, when_somebody_works(session.clinic, now))
        links.answer(link, Said.ANOTHER, now=now)


def said_of(link: ClientLink, session: Session) -> str:
    """What the client has said of the session at its present time; empty when nothing."""
    is_of_now = link.answered_at is not None and link.answered_at >= session.booked_at
    return link.answer if is_of_now else ""


def comes(link: ClientLink, session: Session) -> bool:
    """Whether this client is known to come: by whichever way, when the session is theirs alone."""
    if session.participants.count() > 1:
        return said_of(link, session) == Said.COME
    return session.state == State.CONFIRMED


def wish_of(link: ClientLink) -> CareTask | None:
    """What the client has asked reception about this session and not been answered yet."""
    waiting = CareTask.objects.filter(
        kind=CareTask.Kind.RESCHEDULE, client=link.client, session=link.session, closed_at=None
    )
    return waiting.order_by("-created_at", "-id").first()


def moved_from(link: ClientLink) -> dt.datetime | None:
    """The earlier start that the client was told, when the session has another one now."""
    told_otherwise = SessionChange.objects.filter(
        session=link.session, at__gt=link.created_at, before__has_key="starts_at"
    )
    for change in told_otherwise.filter(after__has_key="starts_at").order_by("at", "id"):
        start = dt.datetime.fromisoformat(change.before["starts_at"])
        return start if start != link.session.starts_at else None
    return None


def _hold(link: ClientLink, now: dt.datetime, revision: int | None = None) -> Session:
    """Lock the session of a link, and both as they are now. Raises Overtaken."""
    session = _hold_session(link.session_id, link.client_id, now, revision)
    link.refresh_from_db(fields=["answer", "answered_at"])
    return session


def _hold_session(
    session_id: int, client_id: int, now: dt.datetime, revision: int | None
) -> Session:
    """Lock the session while the client is expected there. Raises Overtaken.

    With a revision only at that promise of time: who read Monday has not said yes to Tuesday.
    """
    rows = Session.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    session: Session = rows.get(pk=session_id)
    if not session.participants.filter(client=client_id).exists():
        raise NoLongerPart
    if session.state not in COMING_STATES or session.starts_at <= now:
        raise Overtaken
    if revision is not None and revision != session.revision:
        raise Overtaken
    return session


def _confirm(session: Session, now: dt.datetime, via: str) -> None:
    if session.state != State.CONFIRMED:
        actions.record(session, State.CONFIRMED, now=now, via=via)


def _call_off(session: Session, client: Client, now: dt.datetime, via: str) -> None:
    """Cancel, late inside the clinic's window, and let reception know."""
    late = session.starts_at - now < dt.timedelta(hours=session.clinic.late_cancel_hours)
    by_whom = CancelledBy.LATE if late else CancelledBy.CLIENT
    actions.cancel(session, by_whom=by_whom, now=now, via=via)
    _open(CareTask.Kind.CANCELLED, client, session, "", now)


def _tell_of_absence(link: ClientLink, session: Session, now: dt.datetime) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        text = _("Cannot come. The session stands: others take part in it.")
    occasion = f"absent:{session.pk}:{session.revision}"
    _open(CareTask.Kind.RESCHEDULE, link.client, session, text, now, occasion)


def _open(
    kind: str, client: Client, session: Session, text: str, now: dt.datetime, occasion: str = ""
) -> CareTask:
    return care_tasks.open_task(
        kind,
        client,
        session=session,
        text=text,
        occasion=occasion or f"session:{session.pk}:{session.revision}",
        due_at=when_somebody_works(session.clinic, now),
        now=now,
    )
