"""A text that a person writes, in answer to what came in from a client's number.

It goes through the outbox like any other, in nobody's quiet hours, and is counted. What stands in
its way is said before it is queued, so that the writer can call instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.models import Clinic, User
from messaging.models import Channel, Message, Priority, ProviderAccount, Reply
from messaging.providers.base import WINDOW
from messaging.queueing import queue_once
from messaging.render import LONGEST, has_link
from messaging.stop_note import with_stop_note
from patients.care import hold
from patients.contacts import contact_at
from patients.models import Client, ContactPerson, Purpose
from patients.phones import is_mobile
from patients.queries import is_muted

#: Of its messages; no rule has planned them.
KEY: Final = "by_hand"
#: An answer that comes later than this answers nothing.
USEFUL: Final = dt.timedelta(hours=24)
# The clinic's night twice, for the client's own may end in it. Without own hours nothing is added.
_NIGHT = "after_quiet({at}, %(tz)s, %(night)s::time, %(morning)s::time)"
_OWN = "after_quiet({at}, %(tz)s, %(until)s::time, %(from)s::time)"
_LEAVES_AT = "SELECT " + _NIGHT.format(at=_OWN.format(at=_NIGHT.format(at="%(now)s::timestamptz")))


class HandError(ValueError):
    """It cannot be sent; `str()` says why in the reader's language, naming nobody."""


def write(
    client: Client, reply: Reply, text: str, *, once: str, now: dt.datetime, by: User | None
) -> Message:
    """Queue a text to the number that `reply` came from, in the client's name. Raises HandError.

    Guarantee: one `once`, drawn when the form is shown, is one text, however often it is sent: the
    unique key of the outbox has it as the occasion. The client's row is held meanwhile, as the
    sender holds it, so that a hold or a refusal at this moment is either seen here or by the sender.
    """
    with transaction.atomic():
        held = hold(client)
        if refusal := why_not(held, reply.phone, now):
            raise HandError(refusal)
        channel = channel_to(reply.phone, now)
        if problem := _problem(text, held.clinic, channel):
            raise HandError(problem)
        message, _new = queue_once(
            held,
            reply.phone,
            f"hand:{once}",
            now=now,
            rule_key=KEY,
            priority=Priority.SESSIONS,
            channel=channel,
            written_by=by,
            contact=contact_at(held, reply.phone),
            text=as_sent(text, held.clinic),
            useful_until=leaves_at(held, now) + USEFUL,
        )
        return message


def as_sent(text: str, clinic: Clinic) -> str:
    """The text as it leaves: lines that carry more than reminders say how to stop."""
    return with_stop_note(text, clinic, Purpose.TRANSACTIONAL)


def why_not(client: Client, phone: str, now: dt.datetime) -> str:
    """Why no text may be written to this client at this number; empty where one may.

    Whoever wrote in is answered, whatever they have stopped before that. Who shares the phone with
    somebody under a crisis hold is called: nobody knows who will read it.
    """
    return next((words for holds, words in _against(client, phone, now) if holds), "")


def _against(client: Client, phone: str, now: dt.datetime) -> Iterator[tuple[object, str]]:
    clinic = client.clinic
    yield not clinic.is_live, _("The clinic is in trial mode, so nothing leaves. Call instead.")
    yield clinic.paused_at, _("All texts of the clinic are stopped. Call instead.")
    yield client.deceased_at, _("The death of this client is recorded; nothing is sent.")
    is_theirs = client.phone == phone or contact_at(client, phone) is not None
    yield (
        not (is_theirs and is_mobile(phone)),
        _("This number is not a mobile on the client's file, so no text goes to it."),
    )
    yield (
        client.crisis_since or _crises(phone).exists(),
        _("A crisis hold stands. Speak with the therapist, and call; no other text goes."),
    )
    yield (
        not client.consents_to(Purpose.TRANSACTIONAL) or _asked_for_silence(client, phone, now),
        _("This client has asked for no more texts. Call instead."),
    )


def channel_to(phone: str, now: dt.datetime) -> str:
    """By which channel an answer goes: as they wrote last, where WhatsApp still takes free words."""
    last = _last_from(phone)
    by_whatsapp = last is not None and last.provider == Channel.WHATSAPP
    is_fresh = last is not None and last.received_at > now - WINDOW
    return Channel.WHATSAPP if by_whatsapp and is_fresh else Channel.SMS


def leaves_at(client: Client, now: dt.datetime) -> dt.datetime:
    """Now, or when the clinic's night and the client's own are over."""
    clinic = client.clinic
    values: dict[str, Any] = {
        "now": now,
        "tz": clinic.timezone,
        "night": clinic.quiet_from,
        "morning": clinic.quiet_to,
        "until": client.texts_until,
        "from": client.texts_from,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES_AT, values)
        moment: dt.datetime = cursor.fetchone()[0]
    return moment


def _crises(phone: str) -> QuerySet[Client]:
    """Under a hold, with this number or a contact person who has it. The few under a hold come first:
    their index is small.
    """
    held = Client.objects.filter(crisis_since__isnull=False, deceased_at=None)
    people = ContactPerson.objects.filter(client=OuterRef("pk"), phone=phone)
    return held.filter(Q(phone=phone) | Q(Exists(people)))


def _asked_for_silence(client: Client, phone: str, now: dt.datetime) -> bool:
    """Whether the last that was heard is that no more texts are wanted: a stop, or a mute since."""
    last = _last_from(phone)
    if last is None or last.intent == Reply.Intent.STOP:
        return True
    today = jalali.local_day(now, client.clinic.timezone)
    since = client.muted_at if is_muted(client, today) else None
    return since is not None and last.received_at < since


def _last_from(phone: str) -> Reply | None:
    return Reply.objects.filter(phone=phone).order_by("-received_at", "-id").first()


def _problem(text: str, clinic: Clinic, channel: str) -> str:
    if not text.strip():
        return _("The text is empty.")
    if len(as_sent(text, clinic)) > LONGEST:
        return _("The text is longer than %(n)s characters.") % {"n": LONGEST}
    refusing = ProviderAccount.objects.filter(channel=channel, active=True, refuses_links=True)
    if has_link(text) and refusing.exists():
        return _("The account refuses texts with a link; write it without one.")
    return ""
