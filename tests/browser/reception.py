"""A clinic with a full day: eight therapists, forty sessions, and what waits for reception."""

import datetime as dt
import os

import psycopg2

from tests.factories import FAMILY_NAMES, FIRST_NAMES

#: Saturday 30 Aban 1405, 10:05 in Tehran.
NOW = dt.datetime(2026, 11, 21, 6, 35, tzinfo=dt.UTC)
SLUG = "reception"
EMAIL, PASSWORD = "reception@aramesh.example", "a long enough password"
THERAPISTS = (
    *("آرش ملکی", "بهار نوری", "پیمان راد", "ترانه صدر"),
    *("جمشید کاوه", "حمید فرهی", "رویا شاهین", "ژاله امین"),
)
#: Of every therapist; those of nine o'clock have been recorded, but for the first one's.
HOURS = (9, 10, 11, 15, 16)


def name_of(therapist, hour):
    """Who comes to a therapist, counted from 0, at an hour of `HOURS`: forty different people."""
    n = therapist * len(HOURS) + HOURS.index(hour)
    return f"{FIRST_NAMES[n % 10]} {FAMILY_NAMES[(n // 10 + n) % 10]}"


WORLD = """
import datetime as dt, json
from django.conf import settings
from django.test import Client as Browser
from clinic import jalali
from clinic.models import WorkingHours
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.actions import open_clinic
from messaging.models import Reply
from sessions_app.models import CareTask, Wish
from tests import factories
from tests.browser.reception import HOURS, NOW, EMAIL, SLUG, THERAPISTS, name_of

day = jalali.local_day(NOW)
at = lambda hour, days=0: jalali.combine(day + dt.timedelta(days=days), dt.time(hour))
with wear(Hat.OWNER, clinic_id=EVERYWHERE):
    clinic = open_clinic(SLUG, "کلینیک آرامش", phone="02188001122", timezone="Asia/Tehran", live=True,
        now=NOW - dt.timedelta(hours=2))
    member = factories.MembershipFactory(clinic=clinic, role="receptionist",
        user=factories.UserFactory(email=EMAIL, full_name="نسرین امیری"))
    service = factories.ServiceFactory(clinic=clinic, name="مشاوره‌ی فردی")
    person = lambda name, n, **more: factories.ClientFactory(clinic=clinic,
        first_name=name.split()[0], last_name=name.split(maxsplit=1)[1],
        phone=f"+98912000{n:04}", file_no=str(n), **more)
    people = {}
    for t, name in enumerate(THERAPISTS):
        therapist = factories.TherapistFactory(clinic=clinic, name=name, title=f"دکتر {name}")
        for weekday in range(6):
            WorkingHours.objects.create(clinic=clinic, therapist=therapist, weekday=weekday,
                begins=dt.time(9), ends=dt.time(19))
        for h, hour in enumerate(HOURS):
            client = person(name_of(t, hour), 1000 + 10 * t + h, therapist=therapist, service=service)
            factories.SessionFactory(clinic=clinic, therapist=therapist, service=service,
                clients=[client], starts_at=at(hour),
                state="attended" if hour == 9 and t else "scheduled")
    karimi = person("شکوفه کریمی", 2001)
    caller = person("پروانه دانش", 2002)
    waiting = person("کامران یگانه", 2003)
    writer = person("فرهاد سپهر", 2004)
    silent = factories.ClientFactory(clinic=clinic, first_name="بی‌نشان", last_name="بهمنی",
        phone="", file_no="2005", therapist=therapist, service=service)
    factories.SessionFactory(clinic=clinic, therapist=therapist, service=service, clients=[silent],
        starts_at=at(11, 2))
    Wish.objects.create(clinic=clinic, client=waiting, created_at=at(9, -4), note="عصرها بهتر است",
        begins=dt.time(14), ends=dt.time(18))
    Reply.objects.create(clinic=clinic, provider="kavenegar", provider_id="7001", phone=writer.phone,
        text="سلام، فردا مدارک هم بیاورم؟", intent="other", received_at=at(9))
    CareTask.objects.create(clinic=clinic, client=caller, kind="call_me", due_at=at(9),
        created_at=at(9))
browser = Browser()
with wear(Hat.WEB):
    browser.force_login(member.user)
name = settings.SESSION_COOKIE_NAME
print(json.dumps({"cookie": [name, browser.cookies[name].value]}))
"""


class Database:
    """What stands in the clinic's database, asked past every policy and beside Django."""

    def __init__(self, url):
        self._line = psycopg2.connect(
            os.environ["PEYGIR_TEST_ADMIN_URL"], dbname=url.rsplit("/", 1)[1]
        )
        self._line.autocommit = True

    def close(self):
        self._line.close()

    def rows(self, question, **values):
        with self._line.cursor() as cursor:
            cursor.execute(question, values)
            return cursor.fetchall()

    def sessions_of(self, client):
        """State, time in Tehran, therapist and length in minutes of a client's sessions."""
        return self.rows(
            """SELECT s.state, to_char(s.starts_at AT TIME ZONE 'Asia/Tehran', 'DD HH24:MI'),
                      t.name, extract(epoch FROM s.ends_at - s.starts_at)::int / 60
               FROM sessions_app_session s
               JOIN sessions_app_participant p ON p.session_id = s.id
               JOIN patients_client c ON c.id = p.client_id
               JOIN clinic_therapist t ON t.id = s.therapist_id
               WHERE c.first_name || ' ' || c.last_name = %(client)s ORDER BY s.id""",
            client=client,
        )

    def state_of(self, client):
        (session,) = self.sessions_of(client)
        return session[0]

    def texts_of(self, client):
        """Rule and state of each message to a client, in their order."""
        return self.rows(
            """SELECT m.rule_key, m.state FROM messaging_message m
               JOIN patients_client c ON c.id = m.client_id
               WHERE c.first_name || ' ' || c.last_name = %(client)s ORDER BY m.id""",
            client=client,
        )
