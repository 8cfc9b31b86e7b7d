"""Believable rows, one factory per model. Related rows share the clinic of the first."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from clinic import models as clinic_models
from followup import models as followup_models
from messaging import models as messaging_models
from patients import models as patient_models
from sessions_app import models as session_models

NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)
FAMILY_NAMES = [
    "رستگار",
    "صادقی",
    "فلاحی",
    "صالحی",
    "رضایی",
    "احمدی",
    "موسوی",
    "یزدانی",
    "نوری",
    "پارسا",
]
FIRST_NAMES = ["مریم", "سارا", "علی", "رضا", "نگار", "مهدی", "لیلا", "امیر", "زهرا", "حسین"]


class UserFactory(DjangoModelFactory):
    class Meta:
        model = clinic_models.User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.ir")
    full_name = factory.Sequence(lambda n: f"همکار {n}")
    date_joined = NOW
    password = factory.django.Password("a long enough password")


class ClinicFactory(DjangoModelFactory):
    class Meta:
        model = clinic_models.Clinic

    slug = factory.Sequence(lambda n: f"clinic-{n}")
    name = factory.Sequence(lambda n: f"کلینیک {n}")
    phone = "021-88001122"
    created_at = NOW


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = clinic_models.Membership

    clinic = factory.SubFactory(ClinicFactory)
    user = factory.SubFactory(UserFactory)
    role = "receptionist"
    created_at = NOW


class TherapistFactory(DjangoModelFactory):
    class Meta:
        model = clinic_models.Therapist

    clinic = factory.SubFactory(ClinicFactory)
    name = factory.Sequence(lambda n: f"دکتر {FAMILY_NAMES[n % 10]} {n}")
    title = factory.Sequence(lambda n: f"خانم دکتر {FAMILY_NAMES[n % 10]}")


class ServiceFactory(DjangoModelFactory):
    class Meta:
        model = clinic_models.Service

    clinic = factory.SubFactory(ClinicFactory)
    name = factory.Sequence(lambda n: f"مشاوره‌ی فردی {n}")
    duration_minutes = 50


class ClosureFactory(DjangoModelFactory):
    """One day of the clinic's own, each a week after the one before."""

    class Meta:
        model = clinic_models.Closure

    clinic = factory.SubFactory(ClinicFactory)
    first_day = factory.Sequence(lambda n: dt.date(2026, 11, 23) + dt.timedelta(days=7 * (n % 60)))
    last_day = factory.SelfAttribute("first_day")
    name = factory.Sequence(lambda n: f"کارگاه {n}")


class ClientFactory(DjangoModelFactory):
    class Meta:
        model = patient_models.Client

    clinic = factory.SubFactory(ClinicFactory)
    file_no = factory.Sequence(lambda n: str(1000 + n))
    honorific = "خانم"
    first_name = factory.Sequence(lambda n: FIRST_NAMES[n % 10])
    last_name = factory.Sequence(lambda n: FAMILY_NAMES[n % 10])
    gender = "female"
    phone = factory.Sequence(lambda n: f"+98912{n:07d}")
    created_at = NOW


class SessionFactory(DjangoModelFactory):
    """A session the day after tomorrow at 17:30 in Tehran; `clients=[…]` makes participants."""

    class Meta:
        model = session_models.Session
        skip_postgeneration_save = True

    clinic = factory.SubFactory(ClinicFactory)
    therapist = factory.SubFactory(TherapistFactory, clinic=factory.SelfAttribute("..clinic"))
    service = factory.SubFactory(ServiceFactory, clinic=factory.SelfAttribute("..clinic"))
    starts_at = dt.datetime(2026, 11, 23, 14, 0, tzinfo=dt.UTC)
    ends_at = factory.LazyAttribute(lambda s: s.starts_at + dt.timedelta(minutes=50))
    booked_at = factory.LazyAttribute(lambda s: s.starts_at - dt.timedelta(days=10))

    @factory.post_generation
    def clients(self, create, extracted, **kwargs):
        people = [ClientFactory(clinic=self.clinic)] if extracted is None else extracted
        for client in people:
            session_models.Participant.objects.create(
                clinic=self.clinic, session=self, client=client
            )


class TemplateFactory(DjangoModelFactory):
    class Meta:
        model = messaging_models.Template

    clinic = factory.SubFactory(ClinicFactory)
    key = factory.Sequence(lambda n: f"text-{n}")
    body = "{خطاب}، جلسه‌ی شما {روز} ساعت {ساعت} است. {کلینیک}"
    updated_at = NOW


class ProviderAccountFactory(DjangoModelFactory):
    class Meta:
        model = messaging_models.ProviderAccount

    clinic = factory.SubFactory(ClinicFactory)
    api_key = factory.Sequence(lambda n: f"4B5A3c7d9E{n:02}")
    created_at = NOW


class RuleFactory(DjangoModelFactory):
    class Meta:
        model = followup_models.Rule

    clinic = factory.SubFactory(ClinicFactory)
    key = "reminder_24h"
    kind = "before_session"
    purpose = "transactional"
    active_since = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    offset_minutes = 24 * 60
    useful_minutes = 3 * 60
    notice_minutes = 24 * 60
    spread_minutes = 10


class MessageFactory(DjangoModelFactory):
    class Meta:
        model = messaging_models.Message

    clinic = factory.SubFactory(ClinicFactory)
    client = factory.SubFactory(ClientFactory, clinic=factory.SelfAttribute("..clinic"))
    session = factory.LazyAttribute(lambda m: SessionFactory(clinic=m.clinic, clients=[m.client]))
    template = factory.SubFactory(TemplateFactory, clinic=factory.SelfAttribute("..clinic"))
    rule_number = 1
    rule_key = "reminder_24h"
    purpose = "transactional"
    revision = factory.LazyAttribute(lambda m: m.session.revision if m.session else None)
    recipient = factory.LazyAttribute(lambda m: m.client.phone)
    due_at = NOW
    useful_until = factory.LazyAttribute(lambda m: m.due_at + dt.timedelta(hours=20))
    planned_at = factory.LazyAttribute(lambda m: m.due_at)
    state_at = factory.LazyAttribute(lambda m: m.due_at)
    attempt_at = factory.LazyAttribute(lambda m: m.due_at)
