"""Queueing a text that no rule has planned: a person sends it, now."""

from __future__ import annotations

import datetime as dt
from typing import Any

from messaging.models import Message, State
from patients.models import Client, Purpose


def queue_once(
    client: Client, recipient: str, occasion: str, *, now: dt.datetime, **fields: Any
) -> tuple[Message, bool]:
    """The text of this occasion to this address, and whether it is new; due at once.

    However often it is asked for it is one text: the unique key of the outbox decides.
    """
    at_once = dict.fromkeys(("due_at", "attempt_at", "planned_at", "state_at"), now)
    return Message.objects.get_or_create(
        clinic_id=client.clinic_id,
        rule_number=None,
        session=None,
        revision=None,
        recipient=recipient,
        occasion=occasion,
        defaults={
            "client": client,
            "purpose": Purpose.TRANSACTIONAL,
            "state": State.QUEUED,
            **at_once,
            **fields,
        },
    )
