"""Who reads a client's texts: the client, a parent, a spouse.

What may be sent at all stands in the client's file. Every change here holds the client's row, as the
sender does, so that a text on its way out either has seen it or has already left; and it leaves one
`ClientEvent`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from patients.care import CareError, hold
from patients.models import Client, ClientEvent, ContactPerson, Via

#: Of one client; more is a mistake in a list.
MOST = 8
_LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True)
class Addressee:
    """One who is written to; without a contact person it is the client."""

    client: Client
    contact: ContactPerson | None = None

    @property
    def phone(self) -> str:
        return self.contact.phone if self.contact else self.client.phone

    @property
    def email(self) -> str:
        return self.contact.email if self.contact else self.client.email


def addressees(client: Client, purpose: str) -> list[Addressee]:
    """Who gets the client's texts of this purpose; the planner's statements ask the same."""
    own = [Addressee(client)] if client.own_texts else []
    people = [Addressee(client, it) for it in client.contacts.all() if it.gets(purpose)]
    return own + people


def contact_at(client: Client, phone: str) -> ContactPerson | None:
    """Whose number it is of the client's contact persons; None where it is the client's own."""
    if not phone or phone == client.phone:
        return None
    return ContactPerson.objects.filter(client=client, phone=phone).first()


def save(
    contact: ContactPerson, *, own_texts: bool, now: dt.datetime, by: User | None = None
) -> ClientEvent:
    """Keep a new or a changed contact person, and whether the client gets the texts, too.

    Raises CareError: too many, the same number twice, or nobody left to read about sessions.
    """
    with transaction.atomic():
        client = hold(contact.client)
        others = client.contacts.exclude(pk=contact.pk)
        if others.count() >= MOST:
            raise CareError(_("There are so many people in this file already; remove one first."))
        if contact.phone and others.filter(phone=contact.phone).exists():
            raise CareError(_("Somebody else in this file has the same number."))
        if contact.gets_follow_up:
            # Whoever ticks it has asked; the refusal stays in the history.
            contact.stopped_at = None
        contact.clinic_id, contact.created_at = client.clinic_id, contact.created_at or now
        contact.save()
        return _settle(client, contact.client, own_texts, _said(contact), now, by)


def remove(contact: ContactPerson, *, now: dt.datetime, by: User | None = None) -> ClientEvent:
    """No text goes to this person any more, also none that waits.

    The client's own texts stay as they were: perhaps the number is one that nobody wants told.
    """
    with transaction.atomic():
        client = hold(contact.client)
        said = _("%(who)s was removed.") % {"who": _whom(contact)}
        # A planner that has just found this reader commits first; else its text would point at nobody.
        list(ContactPerson.objects.select_for_update(of=("self",)).filter(pk=contact.pk))
        contact.delete()
        return _settle(client, contact.client, client.own_texts, said, now, by)


def set_own_texts(
    client: Client, wanted: bool, *, now: dt.datetime, by: User | None = None
) -> ClientEvent:
    """Whether texts go to the client's own number and address."""
    with transaction.atomic():
        return _settle(hold(client), client, wanted, "", now, by)


def stop(contact: ContactPerson, client: Client, *, now: dt.datetime) -> None:
    """«۱۱» from this person's phone: nothing but texts about booked sessions; for them alone.

    The caller holds the client's row, here and in `start`.
    """
    if contact.stopped_at is None:
        said = _("%(who)s has refused what is not about a booked session.")
        _hear(contact, client, said, stopped_at=now, now=now)


def start(contact: ContactPerson, client: Client, *, now: dt.datetime) -> None:
    """«۱۲»: take that back."""
    if contact.stopped_at is not None:
        said = _("%(who)s wants what is not about a booked session again.")
        _hear(contact, client, said, stopped_at=None, now=now)


def _hear(
    contact: ContactPerson,
    client: Client,
    said: str,
    *,
    stopped_at: dt.datetime | None,
    now: dt.datetime,
) -> None:
    contact.stopped_at = stopped_at
    contact.save(update_fields=["stopped_at"])
    _note(client, said % {"who": _whom(contact)}, now, via=Via.REPLY)


def _settle(
    held: Client, given: Client, own_texts: bool, said: str, now: dt.datetime, by: User | None
) -> ClientEvent:
    """Keep beside the client what is asked of contacts in lists, where each is one line."""
    people = list(held.contacts.all())
    if not own_texts and not any(it.gets_sessions for it in people):
        said = " ".join(filter(None, [said, _("Nobody gets texts about booked sessions.")]))
    values: dict[str, Any] = {"own_texts": own_texts, **kept_words(people)}
    if own_texts != given.own_texts:
        said = " ".join([said, _own(own_texts)]).strip()
    for row in (held, given):
        for name, value in values.items():
            setattr(row, name, value)
    held.save(update_fields=[*values, "search_text"])
    return _note(held, said, now, by=by)


def _note(client: Client, said: str, now: dt.datetime, **who: Any) -> ClientEvent:
    return ClientEvent.objects.create(
        clinic_id=client.clinic_id,
        client=client,
        kind=ClientEvent.Kind.CONTACTS,
        note=said[:_LONGEST_NOTE],
        at=now,
        **who,
    )


def kept_words(people: Iterable[ContactPerson]) -> dict[str, str]:
    """What the client's row repeats of its contact persons: a number to call, and words to find."""
    told = list(people)
    return {
        "contact_phone": next((it.phone for it in told if it.phone), ""),
        "contact_words": " ".join(it.words() for it in told),
    }


def _said(contact: ContactPerson) -> str:
    gets = {
        _("texts about booked sessions"): contact.gets_sessions,
        _("follow-up and feedback"): contact.gets_follow_up,
    }
    wanted = _(" and ").join(name for name, given in gets.items() if given)
    if not wanted:
        return _("%(who)s gets no texts.") % {"who": _whom(contact)}
    return _("%(who)s gets: %(texts)s.") % {"who": _whom(contact), "texts": wanted}


def _whom(contact: ContactPerson) -> str:
    return f"{contact.name} ({contact.get_relation_display()})"


def _own(own_texts: bool) -> str:
    return _("The client gets texts.") if own_texts else _("The client gets no texts.")
