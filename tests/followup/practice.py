"""One therapist's practice, told in Tehran's times: what a table of a rule needs, and no more."""

import datetime as dt
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from clinic.models import Clinic, Closure, Service, Therapist
from clinic.tenancy import Hat, wear
from followup.models import Rule
from followup.planner import plan
from messaging.delivery import drain
from patients.models import Client, Treatment
from sessions_app import actions, rhythm
from sessions_app.models import CareTask, Session
from tests import factories
from tests.followup.clinics import live_clinic, outbox, tehran

LENGTH = dt.timedelta(minutes=50)


@dataclass
class Practice:
    """A live clinic with some of the rules on, no closed day but Fridays, and one client."""

    clinic: Clinic
    therapist: Therapist
    service: Service
    client: Client

    @property
    def treatment(self):
        return Treatment.objects.get(client=self.client, therapist=self.therapist)

    @property
    def rhythm(self):
        return self.client.rhythms.get()

    def rule(self, key) -> Rule:
        return Rule.objects.get(clinic=self.clinic, key=key)

    @contextmanager
    def inside(self):
        """What staff of the clinic do."""
        with wear(Hat.WEB, clinic_id=self.clinic.pk, user_id=1):
            yield

    def someone(self, **fields) -> Client:
        with self.inside():
            return factories.ClientFactory(clinic=self.clinic, **fields)

    def book(self, starts, *, at, clients=None, **fields: Any) -> Session:
        with self.inside():
            return actions.book(
                clients=clients or [self.client],
                therapist=fields.pop("therapist", self.therapist),
                service=fields.pop("service", self.service),
                starts_at=tehran(starts),
                now=tehran(at),
                **fields,
            )

    def do(self, verb, subject, *args, at, **fields: Any) -> Any:
        """A verb of sessions or of care, at a time of Tehran's clocks."""
        with self.inside():
            return verb(subject, *args, now=tehran(at), **fields)

    def came(self, starts, *, recorded=None, outcome="attended", **fields: Any) -> Session:
        """A session booked a week ahead, and its outcome: recorded at its end, or when said."""
        start = tehran(starts)
        before = start - dt.timedelta(days=7)
        with self.inside():
            session = actions.book(
                clients=fields.pop("clients", [self.client]),
                therapist=fields.pop("therapist", self.therapist),
                service=fields.pop("service", self.service),
                starts_at=start,
                now=before,
                tell=False,
                **fields,
            )
            now = tehran(recorded) if recorded else session.ends_at
            return actions.record(session, outcome, now=now)

    def missed(self, starts, *, recorded=None, **fields: Any) -> Session:
        return self.came(starts, recorded=recorded, outcome="no_show", **fields)

    def close(self, first, last=None, name="تعطیلی کلینیک"):
        with self.inside():
            days = {"first_day": tehran(f"{first} 12:00").date()}
            days["last_day"] = tehran(f"{last or first} 12:00").date()
            Closure.objects.create(clinic=self.clinic, name=name, **days)

    def change(self, row, **values):
        """A row of the clinic's as a form would leave it."""
        with self.inside():
            for name, value in values.items():
                setattr(row, name, value)
            row.save()
        return row

    def texts(self, rule=None):
        """Each text's state and reason, in the order they fell due."""
        return [(m.state, m.reason) for m in outbox(self.clinic, rule)]

    def tasks(self):
        return list(CareTask.objects.filter(clinic=self.clinic).order_by("id"))


def practice(*rules, **options) -> Practice:
    """With these rules on, and all others gone."""
    clinic = live_clinic(options.pop("slug", "live"), **options)
    theirs = Rule.objects.filter(clinic=clinic)
    if rules:
        theirs.exclude(key__in=rules).delete()
    theirs.update(enabled=True)
    Closure.objects.filter(clinic=clinic).delete()
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        client = factories.ClientFactory(clinic=clinic, consent_motivation=True)
        return Practice(
            clinic,
            factories.TherapistFactory(clinic=clinic),
            factories.ServiceFactory(clinic=clinic),
            client,
        )


def plan_at(when):
    return plan(tehran(when))


def send_at(when):
    moment = tehran(when)
    return drain(lambda: moment)


@contextmanager
def only_for_now():
    """Whatever happens inside is taken back: many endings of one story."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


__all__ = ["LENGTH", "Practice", "only_for_now", "plan_at", "practice", "rhythm", "send_at"]
