"""The demonstration clinic: built once, kept, and carried on at every later start."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from allauth.account.models import EmailAddress
from django.db import transaction

from clinic import invitations, jalali
from clinic.models import DEFAULT_TIMEZONE, Clinic, Room, Service, Therapist, User, WorkingHours
from clinic.tenancy import EVERYWHERE, Hat, wear
from exchange.actions import import_files
from followup.actions import open_clinic
from panel.demo import care, days, lists, mixups, premises, replies, soon
from panel.demo.days import GatewayClock, Reception
from panel.demo.people import (
    ADDRESS,
    NAME,
    OPERATOR,
    PHONE,
    REFUSED,
    SERVICES,
    SLUG,
    STAFF,
    THERAPISTS,
    Staff,
    TherapistFacts,
    everybody,
)
from panel.demo.rhythm import PAST_WEEKS, Appointment, appointments
from patients.actions import set_consent
from patients.models import Client, ConsentRecord, Purpose

#: How long ago the clinic went live: its working days are what building the demonstration costs.
#: The earlier weeks came with the list it imported.
LIVE_DAYS = 7
_OPENED_AT = dt.time(8, 30)
_ANY_DAY, _BREAK, _LONGEST = dt.date(2000, 1, 1), dt.timedelta(hours=2), dt.timedelta(minutes=90)
_RIAL = 10  # in a Toman

#: Who signs in with which password: by `Staff.key`.
Passwords = Mapping[str, str]


@dataclass(slots=True)
class News:
    """What a start found and did."""

    clinic: Clinic
    booked: int = 0
    #: How many texts will leave in the next minutes, and when the first of them.
    texts_soon: int = 0
    first_at: dt.datetime | None = None
    quiet_hours: tuple[dt.time, dt.time] = field(default=soon.NIGHT)


def find() -> Clinic | None:
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return Clinic.objects.filter(slug=SLUG).first()


def others() -> int:
    """How many clinics there are besides the demonstration."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return int(Clinic.objects.exclude(slug=SLUG).count())


def build(now: dt.datetime, *, passwords: Passwords, gateway_clock: GatewayClock) -> Clinic:
    """Build the clinic as if it had gone live some days ago. All of it, or nothing.

    The gateway of this process must be a sandbox: the texts of these days are really sent.
    """
    today = jalali.local_day(now)
    opened = jalali.combine(today - dt.timedelta(days=LIVE_DAYS), _OPENED_AT)
    planned = appointments(_first_saturday(today), PAST_WEEKS + 4)
    with transaction.atomic():
        clinic = _open(opened, now, passwords)
        receptionist = _receptionist()
        _import(clinic, receptionist, planned, opened)
        reception = Reception(clinic, receptionist)
        with reception.at_work():
            care.close_for_workshop(today)
        care.remember_answers(reception, opened)
        agreed_at, tick = now - soon.AGREED_BEFORE, partial(days.tick, gateway_clock)
        also: list[days.Event] = [
            (opened + dt.timedelta(days=1, hours=2), lambda at: _refuse(reception, at)),
            (agreed_at, lambda at: soon.book_first(reception, now, at)),
            (agreed_at + dt.timedelta(minutes=4), tick),
            *((start - days.REMINDED[0], tick) for start in soon.starts(now)),
            *care.events(reception, opened, now),
            *replies.events(reception, opened, now),
            *mixups.events(reception, opened, now, tick),
        ]
        days.live(
            planned, reception, opened=opened, now=now, also=also, gateway_clock=gateway_clock
        )
    return clinic


def carry_on(clinic: Clinic, now: dt.datetime) -> News:
    """Keep the calendar two weeks ahead, and see that something will happen soon."""
    _stay_awake(clinic, now)
    reception = Reception(clinic, _receptionist())
    news = News(clinic, quiet_hours=(clinic.quiet_from, clinic.quiet_to))
    news.booked = _book_ahead(clinic, reception, now)
    with reception.at_work():
        texts = soon.due_soon(clinic, now)
        if not texts and soon.book_one_more(reception, now):
            news.booked += 1
            texts = soon.due_soon(clinic, now)
    news.texts_soon = len(texts)
    news.first_at = min((text.due_at for text in texts), default=None)
    return news


def set_passwords(passwords: Passwords) -> None:
    """Give the people of the demonstration the passwords that will be printed."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        for person in (*STAFF, OPERATOR):
            for user in User.objects.filter(email=person.email):
                user.set_password(passwords[person.key])
                user.save(update_fields=["password"])


def _open(opened: dt.datetime, now: dt.datetime, passwords: Passwords) -> Clinic:
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = open_clinic(
            SLUG, NAME, phone=PHONE, timezone=DEFAULT_TIMEZONE, live=True, now=opened
        )
        clinic.address = ADDRESS
        clinic.quiet_from, clinic.quiet_to = soon.quiet_hours(now)
        clinic.books_by_link = True
        clinic.save()
        _make_operator(passwords, opened)
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        for it in SERVICES:
            Service.objects.create(
                name=it.name,
                duration_minutes=it.minutes,
                price_rial=it.price_toman * _RIAL,
                rhythm_days=it.rhythm_days,
            )
        rooms = premises.furnish()
        for who in THERAPISTS:
            therapist = Therapist.objects.create(name=who.name, title=who.title)
            _tell_hours(therapist, who, rooms)
        _welcome_staff(passwords, opened)
    return clinic


def _tell_hours(therapist: Therapist, who: TherapistFacts, rooms: Mapping[str, Room]) -> None:
    """Each stretch from its first start until an hour and a half after its last."""
    for weekday, clocks in who.hours.items():
        starts = [dt.datetime.combine(_ANY_DAY, dt.time.fromisoformat(it)) for it in clocks.split()]
        breaks = [n for n, (a, b) in enumerate(pairwise(starts), 1) if b - a > _BREAK]
        for first, end in pairwise([0, *breaks, len(starts)]):
            begins, ends = starts[first].time(), (starts[end - 1] + _LONGEST).time()
            WorkingHours.objects.create(
                therapist=therapist,
                weekday=weekday,
                begins=begins,
                ends=ends,
                room=rooms.get(who.room_at(begins)),
            )


def _welcome_staff(passwords: Passwords, now: dt.datetime) -> None:
    """Through the door that everybody comes in by: an invitation, accepted."""
    for person in STAFF:
        therapist = _therapist(person)
        invited = invitations.invite(person.email, person.role, now=now, therapist=therapist)
        user = invitations.register(
            invited.invitation,
            full_name=person.full_name,
            password=passwords[person.key],
            now=now,
        )
        invitations.accept(invited.invitation, user, now=now)


def _therapist(person: Staff) -> Therapist | None:
    facts = person.therapist
    return Therapist.objects.get(name=facts.name) if facts else None


def _make_operator(passwords: Passwords, now: dt.datetime) -> None:
    user = User.objects.create_superuser(
        OPERATOR.email, passwords[OPERATOR.key], full_name=OPERATOR.full_name, date_joined=now
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def _import(
    clinic: Clinic, by: User | None, planned: list[Appointment], opened: dt.datetime
) -> None:
    """The clinic's first morning: its lists go in, two weeks ahead as its diary was."""
    known = [it for it in planned if it.starts_at <= opened + days.HORIZON]
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=by.pk if by else None):
        report = import_files(
            clinic,
            clients=lists.clients_file(everybody()),
            sessions=lists.sessions_file(known, opened),
            now=opened,
        )
        premises.seat_imported()
    if report.rejected:
        raise RuntimeError(f"the demonstration's own lists: {report.rejected[0].reason}")


def _refuse(reception: Reception, now: dt.datetime) -> None:
    """One client calls and wants no texts."""
    with reception.at_work():
        client = next(c for c in Client.objects.all() if c.full_name == REFUSED)
        set_consent(
            client,
            Purpose.TRANSACTIONAL,
            False,
            source=ConsentRecord.Source.PANEL,
            now=now,
            by=reception.user,
        )


def _book_ahead(clinic: Clinic, reception: Reception, now: dt.datetime) -> int:
    """Book what the clients' rhythms have brought since the last start."""
    first = _first_saturday(jalali.local_day(clinic.created_at) + dt.timedelta(days=LIVE_DAYS))
    weeks = (now.date() - first).days // 7 + 4
    missing = [
        appointment
        for appointment in appointments(first, weeks)
        if appointment.starts_at > now
        and days.booking_moment(appointment) <= now
        and not reception.knows(appointment)
    ]
    for appointment in missing:
        reception.book(appointment, now)
    return sum(reception.knows(appointment) for appointment in missing)


def _stay_awake(clinic: Clinic, now: dt.datetime) -> None:
    begins, ends = clinic.quiet_from, clinic.quiet_to
    clocks = (jalali.local(now).time(), jalali.local(now + soon.SOON).time())
    quiet = any(soon.is_within(clock, begins, ends) for clock in clocks)
    if quiet:
        clinic.quiet_from, clinic.quiet_to = soon.quiet_hours(now)
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            clinic.save(update_fields=["quiet_from", "quiet_to"])


def _first_saturday(built_on: dt.date) -> dt.date:
    return jalali.week_of(built_on)[0] - dt.timedelta(weeks=PAST_WEEKS)


def _receptionist() -> User | None:
    """Whoever tries the demonstration may have taken her away."""
    email = next(person.email for person in STAFF if person.key == "reception")
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return User.objects.filter(email=email).first()
