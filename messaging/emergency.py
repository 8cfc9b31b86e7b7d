"""The clinic's emergency text: the one that a person sends to a client in danger.

Nothing plans it. It leaves over a crisis hold, a mute and quiet hours (`Priority.SAFETY`), and
never to somebody who has died.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from messaging.models import Channel, Message, Priority, State, Template
from messaging.placeholders import Occasion
from messaging.queueing import queue_once
from messaging.render import Unrenderable, has_link, placeholders_of, render
from messaging.stop_note import with_stop_note
from patients.care import CareError, hold
from patients.contacts import Addressee, addressees
from patients.models import Client, ClientEvent, Purpose
from patients.queries import is_usable, sharing_phone

#: Of its message and of its wording.
KEY: Final = "emergency"
#: Later than this somebody has called.
USEFUL: Final = dt.timedelta(hours=2)
_ON_ITS_WAY = (State.QUEUED, State.CLAIMED, State.SENDING)


class EmergencyError(CareError):
    """It cannot be sent; `str()` says why in the reader's language, naming nobody."""


def send(client: Client, *, now: dt.datetime, by: User | None) -> list[Message]:
    """Queue the text to everybody who reads of the client's sessions, to leave at once.

    Raises EmergencyError. Guarantee: two clicks send one text. The second waits for the client's row and then finds the
    first on its way; and should that have left by then, the same minute is the same occasion.
    """
    with transaction.atomic():
        held = hold(client)
        ready(held, now=now)
        queued = [_queue(reader, now) for reader in _readers(held)]
        if any(is_new for _message, is_new in queued):
            ClientEvent.objects.create(client=held, kind=ClientEvent.Kind.EMERGENCY, at=now, by=by)
        return [message for message, _is_new in queued]


def _queue(reader: Addressee, now: dt.datetime) -> tuple[Message, bool]:
    return queue_once(
        reader.client,
        reader.phone,
        f"safety:{reader.client.pk}:{now:%Y%m%d%H%M}",
        now=now,
        contact=reader.contact,
        rule_key=KEY,
        priority=Priority.SAFETY,
        channel=Channel.SMS,
        useful_until=now + USEFUL,
    )


def _readers(client: Client) -> list[Addressee]:
    people = addressees(client, Purpose.TRANSACTIONAL)
    return [reader for reader in people if is_usable(reader.phone)]


def ready(client: Client, *, now: dt.datetime) -> str:
    """The text that `send` would send at this moment. Raises EmergencyError where it would."""
    _refuse(client)
    return text_for(client, now=now)


def text_for(client: Client, *, now: dt.datetime) -> str:
    """The text as its first reader would read it. Raises EmergencyError when it cannot be written."""
    wording = wording_of_clinic()
    first = next(iter(_readers(client)), Addressee(client))
    occasion = Occasion(
        client.clinic,
        client,
        None,
        now,
        shared_phone=sharing_phone(first.phone, but=client.pk).exists(),
        contact=first.contact,
    )
    try:
        text = render(wording.body, occasion)
    except Unrenderable:
        raise EmergencyError(
            _("The emergency text cannot be written: one of its values, as the phone, is empty.")
        ) from None
    return with_stop_note(text, client.clinic, Purpose.TRANSACTIONAL)


def wording_of_clinic() -> Template:
    """The wording of the clinic in scope; a new one without words where it has none."""
    return Template.objects.filter(key=KEY).order_by("id").first() or Template(key=KEY)


def reword(body: str, *, now: dt.datetime, by: User | None) -> None:
    """Give it other words. Raises ValidationError for a text that could not be sent."""
    check(body)
    wording = wording_of_clinic()
    wording.body, wording.updated_at, wording.updated_by = body, now, by
    wording.save()


def check(body: str) -> None:
    """Refuse what does not belong in it. Raises ValidationError on the field `body`.

    A link costs a moment's doubt, and some gateways refuse texts with one.
    """
    if has_link(body):
        raise ValidationError({"body": _("No link belongs in the emergency text.")}, code="link")
    if any(placeholder.needs_session for placeholder in placeholders_of(body)):
        raise ValidationError(
            {"body": _("The emergency text is about no session, so it can name nothing of one.")},
            code="session",
        )


def _refuse(client: Client) -> None:
    if client.deceased_at is not None:
        raise EmergencyError(_("The death of this client is recorded; nothing is sent."))
    if not _readers(client):
        raise EmergencyError(_("No mobile number is on file, so no text can reach this client."))
    earlier = Message.objects.filter(client=client, rule_key=KEY, state__in=_ON_ITS_WAY)
    if earlier.exists():
        raise EmergencyError(_("An emergency text is on its way already."))
