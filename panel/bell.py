"""The bell over every page: what waits for a member, with a way to each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from clinic.access import MANAGERS
from clinic.bell import Waiting
from clinic.links import clinic_url
from clinic.models import Membership
from panel.alarms import Standing, standing
from panel.waits import Waits, waits_of


def bell(request: Any) -> Iterator[Waiting]:
    """All of it with links, for the frame of every page."""
    return things(request.membership, waits_of(request), standing(request))


def things(member: Membership, waits: Waits, standing: Standing) -> Iterator[Waiting]:
    """What waits, with where it is acted on. Accounts are in the hands of managers alone."""
    clinic = member.clinic
    today = f"{clinic_url(clinic, 'panel:today')}#attention"
    inbox_url, calls_url = clinic_url(clinic, "panel:inbox"), clinic_url(clinic, "panel:tasks")
    yield Waiting("messages", _("replies to answer"), waits.talks, inbox_url)
    yield Waiting("phone", _("calls to make"), waits.calls, calls_url)
    yield Waiting("message-off", _("texts that went wrong"), waits.texts, today)
    yield Waiting("help-circle", _("sessions not recorded"), waits.unrecorded, today)
    if member.role in MANAGERS and clinic.is_live:
        paused = sum(account.paused for account in standing.accounts)
        accounts_url = clinic_url(clinic, "texting:gateway")
        yield Waiting("player-pause", _("accounts that take no texts"), paused, accounts_url)
