"""`outbox SLUG`: every message of a clinic, as one JSON document."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from clinic.commands import JsonCommand, find_clinic
from clinic.tenancy import Hat, wear
from messaging.models import Message


class Command(JsonCommand):
    help = "Print the messages of a clinic, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def answer(self, now: dt.datetime, *, slug: str, **options: Any) -> dict[str, Any]:
        clinic = find_clinic(slug)
        with wear(Hat.WORKER, clinic_id=clinic.pk):
            messages = Message.objects.select_related("client", "session").order_by("due_at", "id")
            return {"messages": [as_json(m) for m in messages.iterator(chunk_size=2000)]}


def as_json(message: Message) -> dict[str, Any]:
    session = message.session
    return {
        "id": message.pk,
        "client": message.client.file_no,
        "recipient": message.recipient,
        "session": session and session.pk,
        "session_no": session and session.session_no,
        "starts_at": session and session.starts_at,
        "revision": message.revision,
        "rule": message.rule_key,
        "purpose": message.purpose,
        "channel": message.channel,
        "text": message.text,
        "parts": message.parts,
        "state": message.state,
        "reason": message.reason,
        "provider": message.provider,
        "provider_id": message.provider_id,
        "provider_code": message.provider_code,
        "cost_rial": message.cost_rial,
        "attempts": message.attempts,
        "due_at": message.due_at,
        "useful_until": message.useful_until,
        "planned_at": message.planned_at,
        "sending_at": message.sending_at,
        "sent_at": message.sent_at,
        "delivered_at": message.delivered_at,
    }
