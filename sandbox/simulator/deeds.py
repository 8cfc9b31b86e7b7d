"""What people can do, each by the product's own verb, and what is so afterwards."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clinic.models import Clinic, Directory, Service, Therapist
from clinic.tenancy import Hat, wear
from feedback.actions import Answers, Closed, respond
from followup import client_choices
from followup.actions import go_live, switch
from followup.models import Rule
from messaging import outbox
from messaging.models import Message
from patients import care, contacts
from patients.actions import set_consent
from patients.models import Client, ConsentRecord, ContactPerson, Treatment
from sandbox.simulator.facts import Facts
from sandbox.simulator.opening import close_days
from sessions_app import actions, care_tasks, client_actions, links
from sessions_app.models import ClientLink, Session

#: What a verb says when the world has changed meanwhile; nothing is wrong then.
REFUSALS = (
    actions.SessionError,
    care.CareError,
    care_tasks.TaskError,
    outbox.OutboxError,
    client_actions.Overtaken,
    client_choices.NotNow,
    Closed,
)
_ADDRESS = re.compile(r"/([sfp])/([a-z2-7]{16})\b")
_PURPOSES = {letter: purpose for purpose, letter in links.PATHS.items()}


class Deeds:
    """Every method does one thing at `now` in one clinic, and brings the facts up to date.

    Raises one of `REFUSALS` when it is not possible any more.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @contextmanager
    def _staff(self, clinic_id: int) -> Iterator[None]:
        with wear(Hat.WEB, clinic_id=clinic_id, user_id=1):
            yield

    # -- Sessions ------------------------------------------------------------------------------

    def book(
        self,
        clinic_id: int,
        client_ids: list[int],
        therapist: int,
        service: int,
        start: dt.datetime,
        now: dt.datetime,
        **said: Any,
    ) -> int:
        with self._staff(clinic_id):
            session = actions.book(
                clients=list(Client.objects.filter(pk__in=client_ids).order_by("pk")),
                therapist=Therapist.objects.get(pk=therapist),
                service=Service.objects.get(pk=service),
                starts_at=start,
                now=now,
                **said,
            )
        self.facts.people(clinic_id, client_ids)
        return int(session.pk)

    def session(
        self, clinic_id: int, session_id: int, verb: Callable[..., Any], *what: Any, **said: Any
    ) -> None:
        """Move, cancel, restore, undo or record; by the verb of that name."""
        with self._staff(clinic_id):
            verb(Session.objects.get(pk=session_id), *what, **said)
        self.facts.people(clinic_id, self.facts.houses[clinic_id].visits[session_id].clients)

    def edit(
        self, clinic_id: int, session_id: int, client_ids: list[int], now: dt.datetime
    ) -> None:
        """Change who takes part."""
        before = self.facts.houses[clinic_id].visits[session_id].clients
        with self._staff(clinic_id):
            session = Session.objects.select_related("service").get(pk=session_id)
            people = list(Client.objects.filter(pk__in=client_ids).order_by("pk"))
            actions.edit(session, clients=people, service=session.service, now=now)
        self.facts.people(clinic_id, {*before, *client_ids})

    # -- Clients' files ------------------------------------------------------------------------

    def file(
        self, clinic_id: int, client_id: int, verb: Callable[..., Any], *what: Any, **said: Any
    ) -> None:
        with self._staff(clinic_id):
            verb(Client.objects.select_related("clinic").get(pk=client_id), *what, **said)
        self.facts.people(clinic_id, [client_id])

    def consent(
        self, clinic_id: int, client_id: int, purpose: str, given: bool, now: dt.datetime
    ) -> None:
        source = ConsentRecord.Source.PANEL
        self.file(clinic_id, client_id, set_consent, purpose, given, source=source, now=now)

    def new_phone(self, clinic_id: int, client_id: int, phone: str) -> None:
        with self._staff(clinic_id):
            client = Client.objects.select_for_update(of=("self",), no_key=True).get(pk=client_id)
            client.phone = phone
            client.save()
        self.facts.people(clinic_id, [client_id])

    def gain_reader(
        self, clinic_id: int, client_id: int, phone: str, now: dt.datetime, *, alone: bool
    ) -> None:
        """A parent reads the client's texts, beside them or in their place."""
        with self._staff(clinic_id):
            client = Client.objects.select_related("clinic").get(pk=client_id)
            who = {"relation": "mother", "name": "مادر", "gets_follow_up": alone}
            parent = ContactPerson(client=client, phone=phone, **who)
            contacts.save(parent, own_texts=not alone, now=now)
        self.facts.people(clinic_id, [client_id])

    def lose_reader(self, clinic_id: int, client_id: int, now: dt.datetime) -> None:
        """The client reads everything again."""
        with self._staff(clinic_id):
            client = Client.objects.select_related("clinic").get(pk=client_id)
            for person in client.contacts.select_related("client__clinic"):
                contacts.remove(person, now=now)
            contacts.set_own_texts(client, True, now=now)
        self.facts.people(clinic_id, [client_id])

    def treatment(
        self, clinic_id: int, client_id: int, verb: Callable[..., Any], *what: Any, **said: Any
    ) -> None:
        """The client's newest treatment."""
        with self._staff(clinic_id):
            mine = Treatment.objects.filter(client=client_id).select_related("client__clinic")
            newest = mine.order_by("-pk").first()
            if newest is not None:
                verb(newest, *what, **said)
        self.facts.people(clinic_id, [client_id])

    # -- The clinic itself ---------------------------------------------------------------------

    def switch(self, clinic_id: int, key: str, on: bool, now: dt.datetime) -> None:
        with self._staff(clinic_id):
            switch(Rule.objects.get(key=key), on, now=now)
        self.facts.settings(clinic_id)

    def pause(self, clinic_id: int, since: dt.datetime | None) -> None:
        """Stop everything the clinic sends, or let it go on."""
        with self._staff(clinic_id):
            Clinic.objects.filter(pk=clinic_id).update(paused_at=since)
        self.facts.settings(clinic_id)

    def go_live(self, clinic_id: int, now: dt.datetime) -> None:
        with self._staff(clinic_id):
            go_live(Clinic.objects.get(pk=clinic_id), now=now)
        self.facts.settings(clinic_id)

    def close(self, clinic_id: int, first: dt.date, days: int) -> None:
        with self._staff(clinic_id):
            close_days(clinic_id, first, days)
        self.facts.settings(clinic_id)

    def lapse(self, clinic_id: int, service_id: int, days: int | None) -> None:
        """How long a silence may last for those who come for a service."""
        with self._staff(clinic_id):
            service = Service.objects.get(pk=service_id)
            service.lapse_days = days
            service.save()
        self.facts.settings(clinic_id)

    def settle(self, clinic_id: int, message_id: int, was_sent: bool, now: dt.datetime) -> None:
        """Somebody has looked into the gateway's own list."""
        with self._staff(clinic_id):
            outbox.settle_unknown(Message.objects.get(pk=message_id), was_sent, now=now)

    # -- Clients on their own pages ------------------------------------------------------------

    def answer(self, body: str, roll: float, now: dt.datetime) -> str:
        """Follow a text's link and press something; says what, empty without a link."""
        found = _ADDRESS.search(body)
        if found is None:
            return ""
        purpose = _PURPOSES[found[1]]
        with wear(Hat.WEB):
            clinic_id = links.clinic_behind(found[2], purpose)
        if clinic_id is None:
            return "a link that leads nowhere"
        with self._staff(clinic_id):
            link = links.find(found[2], purpose)
            if link is None:
                return "a link that leads nowhere"
            said = _press(link, purpose, roll, now)
        mates = self.facts.houses[clinic_id].visits[link.session_id].clients
        self.facts.people(clinic_id, {link.client_id, *mates})
        return said


def _press(link: ClientLink, purpose: Directory.Purpose, roll: float, now: dt.datetime) -> str:
    if purpose == Directory.Purpose.FEEDBACK:
        respond(link, Answers(overall=1 + int(roll * 5)), now=now)
        return "gives feedback"
    if purpose == Directory.Purpose.CHOICES:
        return _choose(link, roll, now)
    return _about_session(link, roll, now)


def _choose(link: ClientLink, roll: float, now: dt.datetime) -> str:
    choice = list(client_choices.Choice)[int(roll * 4)]
    until = None
    if choice is client_choices.Choice.PAUSE:
        until = now.date() + dt.timedelta(days=3 + int(roll * 1000) % 40)
    client_choices.choose(link, choice, until=until, now=now)
    return f"chooses {choice}"


def _about_session(link: ClientLink, roll: float, now: dt.datetime) -> str:
    revision = link.session.revision
    if roll < 0.7:
        client_actions.come(link, revision=revision, now=now)
        return "says yes"
    if roll < 0.88:
        client_actions.cannot_come(link, revision=revision, now=now)
        return "cannot come"
    client_actions.ask_for_another_time(link, client_actions.Wish(days=(1,)), now=now)
    return "asks for another time"
