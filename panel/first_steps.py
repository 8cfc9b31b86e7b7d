"""From an empty clinic to its first text: what is done, what comes next, and why it matters."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.links import clinic_url
from clinic.models import Clinic, Service, Therapist, WorkingHours
from followup.preview import Preview, upcoming
from messaging.accounts import gateways_of
from messaging.models import Message, State
from patients.models import Client
from sessions_app.models import Session
from sessions_app.queries import coming

#: So long a clinic looks on before it lets texts leave; a proposal, nobody is held to it.
TRIAL = dt.timedelta(days=7)
#: How far ahead the first text is looked for.
AHEAD = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    #: What it is for, in a sentence.
    text: str
    done: bool
    url: str
    label: str
    #: Somebody in a hurry may go on without it.
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    steps: list[Step]

    @property
    def needed(self) -> list[Step]:
        return [step for step in self.steps if not step.optional]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.needed)

    @property
    def following(self) -> Step | None:
        """The first that is not done; what is optional waits until all else is."""
        waiting = [step for step in self.steps if not step.done]
        return min(waiting, key=lambda step: step.optional, default=None)


def progress(clinic: Clinic, now: dt.datetime) -> Progress:
    """How far the clinic in scope has come."""
    return Progress([*_house(clinic), *_people(clinic, now), *_sending(clinic, now)])


def first_text(clinic: Clinic, now: dt.datetime) -> Preview | None:
    """The text that the rules would send first once the clinic is live."""
    foreseen = upcoming(clinic, now, now + AHEAD)
    return next((it for it in foreseen if it.state in (State.QUEUED, State.SHADOW)), None)


def _house(clinic: Clinic) -> list[Step]:
    return [
        Step(
            _("The clinic's phone and address"),
            _("Texts name them, so that a client can call back and find the door."),
            bool(clinic.phone and clinic.address),
            clinic_url(clinic, "settings:clinic"),
            _("Fill them in"),
        ),
        Step(
            _("Therapists"),
            _("Enter each one, and how a text is to name them."),
            Therapist.objects.filter(active=True).exists(),
            clinic_url(clinic, "settings:therapist_new"),
            _("Enter a therapist"),
        ),
        Step(
            _("Services"),
            _(
                "Individual, couple, child …: how long each lasts, and after how much silence you ask."
            ),
            Service.objects.filter(active=True).exists(),
            clinic_url(clinic, "settings:service_new"),
            _("Enter a service"),
        ),
        Step(
            _("Working hours"),
            _("With them the calendar shows what is free, and clients are offered real times."),
            WorkingHours.objects.exists(),
            clinic_url(clinic, "settings:therapists"),
            _("Choose a therapist"),
            optional=True,
        ),
    ]


def _people(clinic: Clinic, now: dt.datetime) -> list[Step]:
    return [
        Step(
            _("Clients"),
            _("Bring your list from Excel, or enter the first one by hand."),
            Client.objects.exists(),
            clinic_url(clinic, "exchange:start"),
            _("Import a list"),
        ),
        Step(
            _("Sessions to come"),
            _(
                "They come with the same list, or are booked one by one; reminders follow from them."
            ),
            coming(Session.objects.all(), now).exists(),
            clinic_url(clinic, "panel:session_book"),
            _("Book a session"),
        ),
    ]


def _sending(clinic: Clinic, now: dt.datetime) -> list[Step]:
    trial = Message.objects.filter(state=State.SHADOW).order_by("planned_at").first()
    looked_on = trial is not None and trial.planned_at <= now - TRIAL
    return [
        Step(
            _("The SMS account"),
            _("The key of your Kavenegar or sms.ir account. It is checked at once."),
            bool(gateways_of({clinic.pk})),
            clinic_url(clinic, "texting:gateway"),
            _("Set up the account"),
        ),
        Step(
            _("The words of your texts"),
            _(
                "Rules and wordings stand ready. Read what your clients would read, and change a word."
            ),
            clinic.is_live or trial is not None,
            clinic_url(clinic, "texting:rules"),
            _("Read the texts"),
            optional=True,
        ),
        Step(
            _("A week of looking on"),
            _(
                "Texts are planned and shown, and none leaves. See whether you would have sent them."
            ),
            clinic.is_live or looked_on,
            clinic_url(clinic, "panel:messages"),
            _("See the texts"),
            optional=True,
        ),
        Step(
            _("Start sending"),
            _("From then on what falls due reaches real phones. You can stop at any moment."),
            clinic.is_live,
            clinic_url(clinic, "texting:live"),
            _("Start sending"),
        ),
    ]
