"""`create_clinic SLUG --name …`: a clinic with its default rules, and its owner's way in."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.core.validators import validate_email

from clinic import invitations
from clinic.commands import JsonCommand
from clinic.models import DEFAULT_TIMEZONE, Clinic, Role
from clinic.tenancy import EVERYWHERE, Hat, wear
from followup.actions import open_clinic


class Command(JsonCommand):
    help = "Create a clinic. It starts in shadow mode unless --live is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the clinic's address in the panel: a-z, 0-9 and hyphens")
        parser.add_argument("--name", required=True)
        parser.add_argument("--phone", default="", help="said in texts")
        parser.add_argument("--timezone", default=DEFAULT_TIMEZONE)
        parser.add_argument("--live", action="store_true", help="let texts leave from now on")
        parser.add_argument("--owner", metavar="E-MAIL", help="prints a one-time sign-in link")

    def answer(
        self,
        now: dt.datetime,
        *,
        slug: str,
        name: str,
        phone: str,
        timezone: str,
        live: bool,
        owner: str | None,
        **options: Any,
    ) -> dict[str, Any]:
        try:
            if owner:
                validate_email(owner)
            with wear(Hat.OWNER, clinic_id=EVERYWHERE):
                clinic = open_clinic(slug, name, phone=phone, timezone=timezone, live=live, now=now)
                link = _owner_link(clinic, owner, now) if owner else None
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        return as_json(clinic) | ({"owner": owner, "link": link} if owner else {})


def _owner_link(clinic: Clinic, email: str, now: dt.datetime) -> str:
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        invited = invitations.invite(email=email, role=Role.OWNER, now=now, invited_by=None)
        return invited.link


def as_json(clinic: Clinic) -> dict[str, Any]:
    return {
        "id": clinic.pk,
        "slug": clinic.slug,
        "name": clinic.name,
        "phone": clinic.phone,
        "timezone": clinic.timezone,
        "live_since": clinic.live_since,
        "created_at": clinic.created_at,
    }
