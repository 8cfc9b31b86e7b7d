"""`preview SLUG --from T --to T`: the outbox of the future, with what will not be sent and why."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from clinic.commands import JsonCommand, find_clinic, moment
from clinic.tenancy import Hat, wear
from followup.preview import Preview, upcoming


class Command(JsonCommand):
    help = "Print what will be sent between two times, and what will not and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--from", dest="since", type=moment, required=True, metavar="ISO8601")
        parser.add_argument("--to", dest="until", type=moment, required=True, metavar="ISO8601")

    def answer(
        self, now: dt.datetime, *, slug: str, since: dt.datetime, until: dt.datetime, **options: Any
    ) -> dict[str, Any]:
        if until <= since:
            raise CommandError("--to must be later than --from")
        clinic = find_clinic(slug)
        with wear(Hat.WORKER, clinic_id=clinic.pk):
            return {"messages": [as_json(p) for p in upcoming(clinic, since, until)]}


def as_json(preview: Preview) -> dict[str, Any]:
    session = preview.session
    return {
        "id": None,
        "client": preview.client.file_no,
        "recipient": preview.recipient,
        "session": session.pk,
        "session_no": session.session_no,
        "starts_at": session.starts_at,
        "revision": session.revision,
        "rule": preview.rule.key,
        "purpose": preview.rule.purpose,
        "channel": preview.rule.channel,
        "text": preview.text,
        "parts": preview.parts,
        "state": preview.state,
        "reason": preview.reason,
        "provider_id": "",
        "due_at": preview.due_at,
        "useful_until": preview.useful_until,
        "sent_at": None,
    }
