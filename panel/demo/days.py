"""The days since the clinic went live, lived through in their order by the real machinery.

Reception books, moves, cancels and records; planner and sender tick; the gateway, whose clock is
moved along, takes the texts. So every message of the demonstration has really been sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial

from clinic import jalali
from clinic.hours import usual_room
from clinic.models import Clinic, Room, Service, Therapist, User
from clinic.tenancy import Hat, Scope, wear
from followup import planner
from messaging import delivery, lookups
from panel.demo.people import Person
from panel.demo.rhythm import Appointment, Fate
from patients.models import Client
from sessions_app import actions
from sessions_app.models import CancelledBy, Session, State

#: How far ahead clients book.
HORIZON = dt.timedelta(days=14)
_MOVED_AT = (2, dt.time(12, 30))
_CONFIRMED_AT = (1, dt.time(18, 40))
#: What waited for the end of the night, and for a working day.
_MORNINGS = (dt.time(9), dt.time(10))
#: Each evening, so that no text stays on its way over night.
_LAST_LOOK = dt.time(20, 58)
#: When reminders leave, and a moment more for the spread of those of the day before.
REMINDED = (dt.timedelta(hours=72, minutes=-1), dt.timedelta(hours=24, minutes=-11))
#: How long after an act its text leaves: a changed time, a thank-you, a kind word to who was missed.
_TOLD, _THANKED, _MISSED = dt.timedelta(minutes=3), dt.timedelta(0), dt.timedelta(hours=2)
#: No text waits longer for the planner to look.
PATIENCE = dt.timedelta(minutes=15)
_CANCELLED_BY = {
    Fate.CANCELLED_BY_CLIENT: CancelledBy.CLIENT,
    Fate.CANCELLED_LATE: CancelledBy.LATE,
    Fate.CANCELLED_BY_CLINIC: CancelledBy.CLINIC,
}

#: Tells the gateway what time it is.
GatewayClock = Callable[[dt.datetime], object]
Act = Callable[[dt.datetime], object]
Event = tuple[dt.datetime, Act]
#: An event, and how long after it its text is due, if there is one.
Told = tuple[dt.datetime, Act, dt.timedelta | None]


class Reception:
    """What reception does, in the words of the story; each act is one of the product's own."""

    def __init__(self, clinic: Clinic, user: User | None) -> None:
        self.clinic, self.user = clinic, user
        with self.at_work():
            self._clients = {client.file_no: client for client in Client.objects.all()}
            self.therapists = {it.name: it for it in Therapist.objects.all()}
            self.services = {it.name: it for it in Service.objects.all()}
            numbered = Session.objects.exclude(session_no=None)
            self._sessions = {str(session.session_no): session for session in numbered}

    def at_work(self) -> AbstractContextManager[Scope]:
        user_id = self.user.pk if self.user else None
        return wear(Hat.WEB, clinic_id=self.clinic.pk, user_id=user_id)

    def knows(self, appointment: Appointment) -> bool:
        return appointment.number in self._sessions

    def client(self, person: Person) -> Client:
        return self._clients[str(person.file_no)]

    def book(self, appointment: Appointment, now: dt.datetime) -> None:
        """Book it, unless somebody was given that hour meanwhile."""
        with self.at_work(), suppress(actions.SessionError, KeyError):
            start = appointment.agreed_start()
            self._sessions[appointment.number] = actions.book(
                clients=[self.client(person) for person in appointment.people],
                therapist=self.therapists[appointment.therapist.name],
                service=self.services[appointment.service.name],
                starts_at=start,
                room=self._room(appointment, start),
                session_no=appointment.number,
                now=now,
                by=self.user,
            )

    def move(self, appointment: Appointment, now: dt.datetime) -> None:
        start = appointment.starts_at
        with self.at_work():
            room = self._room(appointment, start)
        move = partial(actions.move, starts_at=start, room=room, tell=True)
        self._do(appointment, move, now)

    def cancel(self, appointment: Appointment, now: dt.datetime) -> None:
        by_whom = _CANCELLED_BY[appointment.fate]
        tell = by_whom == CancelledBy.CLINIC
        self._do(appointment, partial(actions.cancel, by_whom=by_whom, tell=tell), now)

    def record(self, appointment: Appointment, outcome: State, now: dt.datetime) -> None:
        self._do(appointment, partial(actions.record, outcome=outcome), now)

    def _room(self, appointment: Appointment, start: dt.datetime) -> Room | None:
        therapist = self.therapists[appointment.therapist.name]
        return usual_room(therapist, start, self.clinic.timezone)

    def _do(self, appointment: Appointment, act: Callable[..., Session], now: dt.datetime) -> None:
        session = self._sessions.get(appointment.number)
        if session is not None:
            with self.at_work(), suppress(actions.SessionError):
                act(session, now=now, by=self.user)


def live(
    appointments: Iterable[Appointment],
    reception: Reception,
    *,
    opened: dt.datetime,
    now: dt.datetime,
    also: Iterable[Event] = (),
    gateway_clock: GatewayClock,
) -> None:
    """Live from the opening until now."""
    coming = [appointment for appointment in appointments if appointment.ends_at > opened]
    lived = [told for it in coming for told in _events(it, reception, opened, now)]
    events = [*also, *((at, act) for at, act, _ in lived)]
    starts = {start for it in coming for start in (it.starts_at, it.agreed_start())}
    due = {start - lead for start in starts for lead in REMINDED}
    due |= {at + wait for at, _, wait in lived if wait is not None}
    due |= set(_every_day(opened, now, _MORNINGS))
    looks = {*_looks(due), *_every_day(opened, now, (_LAST_LOOK,))}
    events += [(at, partial(tick, gateway_clock)) for at in looks]
    events.append((now, partial(tick, gateway_clock)))
    for at, happen in sorted(events, key=lambda event: event[0]):
        if opened < at <= now:
            happen(at)


def tick(gateway_clock: GatewayClock, now: dt.datetime) -> None:
    """What beat does every minute."""
    gateway_clock(now)
    planner.plan(now)
    lookups.look_after(now)
    delivery.drain(lambda: now)


def _looks(due: Iterable[dt.datetime]) -> Iterator[dt.datetime]:
    """The fewest moments to look at, so that nothing due waits longer than `PATIENCE`.

    A look costs a tenth of a second, and beat's every minute would cost a quarter of an hour. None
    in quiet hours, when nothing leaves.
    """
    last: dt.datetime | None = None
    for moment in sorted(due):
        by_day = _MORNINGS[0] <= jalali.local(moment + PATIENCE).time() < _LAST_LOOK
        if by_day and (last is None or moment > last):
            last = moment + PATIENCE
            yield last


def booking_moment(appointment: Appointment) -> dt.datetime:
    """Two weeks ahead, at the end of the session then."""
    return appointment.ends_at - HORIZON + dt.timedelta(minutes=5)


def _events(
    appointment: Appointment, reception: Reception, opened: dt.datetime, now: dt.datetime
) -> Iterator[Told]:
    if not reception.knows(appointment):
        yield booking_moment(appointment), partial(reception.book, appointment), _TOLD
    if appointment.moves:
        yield _before(appointment, _MOVED_AT), partial(reception.move, appointment), _TOLD
    if cancelled_at := appointment.cancelled_at():
        yield cancelled_at, partial(reception.cancel, appointment), _TOLD
        return
    if appointment.confirms and not appointment.moves:
        confirm = partial(reception.record, appointment, State.CONFIRMED)
        yield _before(appointment, _CONFIRMED_AT), confirm, None
    yield from _outcome(appointment, reception, now)


def _outcome(appointment: Appointment, reception: Reception, now: dt.datetime) -> Iterator[Told]:
    start, minute = appointment.starts_at, dt.timedelta(minutes=1)
    if appointment.fate == Fate.NO_SHOW:
        missed = partial(reception.record, appointment, State.NO_SHOW)
        yield start + 25 * minute, missed, _MISSED
    if appointment.fate == Fate.ATTENDED:
        if appointment.day == jalali.local_day(now):
            arrived = partial(reception.record, appointment, State.ARRIVED)
            yield start - 4 * minute, arrived, None
        attended = partial(reception.record, appointment, State.ATTENDED)
        yield appointment.ends_at + 6 * minute, attended, _THANKED


def _before(appointment: Appointment, when: tuple[int, dt.time]) -> dt.datetime:
    days, clock = when
    return jalali.combine(appointment.day - dt.timedelta(days=days), clock)


def _every_day(
    opened: dt.datetime, now: dt.datetime, clocks: Iterable[dt.time]
) -> Iterator[dt.datetime]:
    day = jalali.local_day(opened)
    while day <= jalali.local_day(now):
        yield from (jalali.combine(day, clock) for clock in clocks)
        day += dt.timedelta(days=1)
