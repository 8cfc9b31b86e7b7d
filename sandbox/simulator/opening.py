"""Clinics as they open: people, a history that came with a list, and rules."""

from __future__ import annotations

import datetime as dt
from random import Random

from django.db import connection

from clinic import jalali
from clinic.models import Clinic, Closure, Service, Therapist
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.actions import open_clinic, switch
from followup.models import Rule
from messaging.models import Channel, ProviderAccount, Template
from patients.models import Client, Via
from sessions_app import actions
from sessions_app.models import Session, State

NAMES = ("آرامش", "باران", "پگاه", "ترنم", "ثمین", "جوانه", "چکاوک", "حریر")
FIRST = ("مریم", "سارا", "علی", "رضا", "نگار", "مهدی", "لیلا", "امیر", "زهرا", "حسین")
LAST = ("کریمی", "صادقی", "ملکی", "صالحی", "رضایی", "احمدی", "موسوی", "یزدانی", "نوری", "پارسا")
TIMEZONES = ("Asia/Tehran", "Asia/Tehran", "Europe/Berlin", "America/Toronto")
INSTALLATION_KEY = "key-of-the-installation"
CLIENTS = 10
#: Ends of numbers that decide a text's fate in the sandbox; the rest receive theirs.
FATES = {2: "0011", 3: "0014", 4: "0005"}
#: And those whom WhatsApp does not reach; SMS reaches the second of them.
NOT_ON_WHATSAPP = {1: "0026", 4: "0006"}
#: The first message's number: drawn at random elsewhere, and it decides small things, as back-off.
FIRST_MESSAGE = 700_000_000_000_000
_MOBILE = "+98912"


def open_all(count: int, rng: Random, opened: dt.datetime) -> list[Clinic]:
    """Open the clinics, as if their lists had been imported that morning."""
    _number_messages()
    return [_open_one(n, rng, opened) for n in range(count)]


def _number_messages() -> None:
    with wear(Hat.OWNER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
        cursor.execute(f"ALTER SEQUENCE messaging_message_id_seq RESTART WITH {FIRST_MESSAGE}")


def _open_one(number: int, rng: Random, opened: dt.datetime) -> Clinic:
    name = f"کلینیک {NAMES[number % len(NAMES)]} {number}"
    timezone = TIMEZONES[0] if number < len(TIMEZONES) // 2 else rng.choice(TIMEZONES)
    # The last of several finds its feet in shadow mode.
    live = number == 0 or number % 4 != 3
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = open_clinic(
            f"sim-{number}", name, phone="021-88001122", timezone=timezone, live=live, now=opened
        )
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        _furnish(clinic, number, rng, opened)
        _remember(clinic, rng, opened)
    return clinic


def _furnish(clinic: Clinic, number: int, rng: Random, opened: dt.datetime) -> None:
    for n in range(2):
        Therapist.objects.create(name=f"دکتر {LAST[n]} {number}", title=f"دکتر {LAST[n]}")
    Service.objects.create(name="فردی", duration_minutes=50)
    Service.objects.create(name="زوج", duration_minutes=75, rhythm_days=14, lapse_days=12)
    if number % 2:
        # Every other clinic has an account of its own; the rest share the installation's.
        ProviderAccount.objects.create(
            kind="kavenegar",
            sender=f"1000{number:04}",
            api_key=f"key-of-clinic-{number}",
            created_at=opened,
        )
    if has_whatsapp(number):
        _reach_by_whatsapp(number, opened)
    for rule in Rule.objects.filter(enabled=False).order_by("pk"):
        if rng.random() < 0.6:
            switch(rule, True, now=opened)
    for n in range(CLIENTS):
        _client(number, n, rng, opened)


def has_whatsapp(number: int) -> bool:
    """Every third clinic writes by WhatsApp first, and by SMS what certainly did not arrive."""
    return number % 3 == 2


def _reach_by_whatsapp(number: int, opened: dt.datetime) -> None:
    ProviderAccount.objects.create(
        kind="whatsapp",
        channel=Channel.WHATSAPP,
        sender=f"5550{number:04}",
        api_key=f"token-of-clinic-{number}",
        texts_iran=True,
        created_at=opened,
    )
    Rule.objects.update(channel=Channel.WHATSAPP, then=[Channel.SMS])
    for wording in Template.objects.order_by("pk"):
        wording.approved_name = f"wording_{wording.pk}"
        wording.save(update_fields=["approved_name"])


def _client(number: int, n: int, rng: Random, opened: dt.datetime) -> Client:
    return Client.objects.create(
        file_no=str(1000 + n),
        honorific=rng.choice(("خانم", "آقای", "")),
        first_name=FIRST[n % len(FIRST)],
        last_name=LAST[(n + number) % len(LAST)],
        phone=_phone(number, n),
        consent_motivation=rng.random() < 0.5,
        created_at=opened,
    )


def _phone(number: int, n: int) -> str:
    if n == 5:
        return ""
    if n == 7:  # brother and sister share a telephone
        n = 6
    if n == 8:  # known to every clinic
        return f"{_MOBILE}9998888"
    fates = FATES | NOT_ON_WHATSAPP if has_whatsapp(number) else FATES
    return f"{_MOBILE}{number:03}{fates.get(n, f'7{n:03}')}"


def _remember(clinic: Clinic, rng: Random, opened: dt.datetime) -> None:
    """Weeks of sessions before the opening; some have been silent since long ago."""
    therapists = list(Therapist.objects.order_by("pk"))
    services = list(Service.objects.order_by("pk"))
    for client in Client.objects.order_by("pk"):
        since = rng.choice((2, 3, 4, 5, 6, 9, 13, 17, 19, 20, 25, 40))
        gap = rng.choice((5, 7, 7, 7, 14))
        therapist, service = rng.choice(therapists), rng.choice(services)
        clock = dt.time(rng.randrange(9, 20), rng.choice((0, 30)))
        for back in range(rng.choice((0, 0, 1, 2, 3, 4)), 0, -1):
            day = jalali.local_day(opened, clinic.timezone) - dt.timedelta(
                days=since + gap * (back - 1)
            )
            start = jalali.combine(day, clock, clinic.timezone)
            session = actions.book(
                clients=[client],
                therapist=therapist,
                service=service,
                starts_at=start,
                now=start - dt.timedelta(days=7),
                source=Session.Source.IMPORT,
                via=Via.IMPORT,
            )
            actions.record(session, State.ATTENDED, now=session.ends_at, via=Via.IMPORT)


def close_days(clinic_id: int, first: dt.date, days: int) -> None:
    """A closure of the clinic's own."""
    last = first + dt.timedelta(days=days - 1)
    closures = Closure.objects.filter(clinic=clinic_id, first_day=first, kind=Closure.Kind.OWN)
    if not closures.exists():
        Closure.objects.create(first_day=first, last_day=last, name="تعطیلی کلینیک")
