"""Where the reader of a letter stops such letters: the address in it, and what it does.

An address is one client's for ever, derived and not kept, so that every letter carries the same one
and a letter of years ago still stops. It holds the client's number in the open and a signature of
eighty bits behind it: the directory alone says which clinic it belongs to.
"""

from __future__ import annotations

import datetime as dt
import re

from django.conf import settings
from django.utils.crypto import constant_time_compare

from clinic import directory
from clinic.models import Clinic, Directory
from messaging import replies
from patients.models import Client, ConsentRecord
from patients.queries import by_number
from sessions_app.care_tasks import open_task
from sessions_app.client_pages import when_somebody_works
from sessions_app.models import CareTask

_TOKEN = re.compile(r"([a-z2-7]{16})-([1-9][0-9]{0,17})")


def stop_url(clinic_id: int, client_id: int) -> str:
    """The address for a client's letters, which leads to its page from now on.

    Needs a hat that may publish, the sender's or the panel's. Asked again it is the same.
    """
    token = _token(clinic_id, client_id)
    entry = Directory(
        token_hash=directory.token_hash(token),
        clinic_id=clinic_id,
        purpose=Directory.Purpose.STOP,
    )
    Directory.objects.bulk_create([entry], ignore_conflicts=True)
    return f"{settings.PUBLIC_URL}/u/{token}/"


def client_behind(token: str, clinic_id: int) -> Client | None:
    """The client of a letter's token, in the scope of its clinic; None for one who is deleted.

    A letter to a file that was joined to another since stops that one.
    """
    found = _TOKEN.fullmatch(token.lower())
    if not found or not constant_time_compare(token.lower(), _token(clinic_id, int(found[2]))):
        return None
    return by_number(int(found[2]))


def is_wanted(client: Client) -> bool:
    """Whether there is anything left to stop."""
    return any(client.consents_to(purpose) for purpose in replies.STOPPED)


def stop(client: Client, clinic: Clinic, *, now: dt.datetime) -> None:
    """Refuse what «۱۱» refuses, and let a person ask whether reminders are still wanted.

    Once: whoever presses again, or whose program does, changes nothing more.
    """
    changed = replies.stop(client, source=ConsentRecord.Source.LINK, now=now)
    if changed and not replies.is_asked(client):
        open_task(
            CareTask.Kind.STOPPED,
            client,
            occasion=f"letter:{now:%Y%m%d%H%M%S}",
            due_at=when_somebody_works(clinic, now),
            now=now,
        )


def _token(clinic_id: int, client_id: int) -> str:
    signature = directory.short_token(Directory.Purpose.STOP, clinic_id, client_id)
    return f"{signature}-{client_id}"
