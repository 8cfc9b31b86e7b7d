"""Changing what a rule does: its numbers and limits, and the wordings it chooses from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic.models import Directory, Service, Therapist, User
from followup.models import Kind, Rule, Watermark
from messaging.models import Template
from messaging.placeholders import Placeholder
from messaging.render import has_link, placeholders_of

#: Which kinds of rule a page of the client's fits: its text must be about what the page asks.
FITTING: dict[Directory.Purpose, tuple[Kind, ...]] = {
    Directory.Purpose.SESSION: (Kind.BEFORE_SESSION, Kind.BOOKED, Kind.MOVED, Kind.LONG_GAP),
    Directory.Purpose.FEEDBACK: (Kind.THANKS,),
    Directory.Purpose.CHOICES: (Kind.NO_NEXT_BOOKING, Kind.SILENT),
    Directory.Purpose.BOOKING: (
        *(Kind.CANCELLED, Kind.THANKS, Kind.NO_SHOW),
        *(Kind.NO_NEXT_BOOKING, Kind.SILENT),
    ),
}


def edit(rule: Rule, changes: Mapping[str, Any], *, now: dt.datetime) -> None:
    """Give a rule other numbers or limits; what is queued stays queued and is asked again.

    No ghosts: what would have fallen due earlier under the new numbers is not sent, so a longer
    lead skips the sessions that have already come nearer than it. The line is drawn where the
    planner has looked, not at `now`: what fell due since its last tick belongs to the next one.
    Beside `active_since`, because messages planned before an edit are still wanted, and those
    planned before the rule was switched off are not.

    By another channel the line lies just beyond where the planner has looked. What was planned in
    that very moment has a phone in its key, and would be planned again with an address.
    """
    if not changes:
        return
    is_rerouted = changes.get("channel", rule.channel) != rule.channel
    for name, value in changes.items():
        setattr(rule, name, value)
    seen = min(_scanned_to(rule.kind) or now, now)
    rule.numbers_since = seen + dt.timedelta(microseconds=1) if is_rerouted else seen
    rule.save(update_fields=[*changes, "numbers_since"])


def _scanned_to(kind: str) -> dt.datetime | None:
    return Watermark.objects.filter(pk=kind).values_list("scanned_to", flat=True).first()


def general_wordings(key: str) -> QuerySet[Template]:
    """The wordings that fit every text of a rule, through every account that takes links."""
    return Template.objects.filter(
        key=key, service=None, therapist=None, invites=False, plain=False
    )


def save_wording(
    wording: Template,
    rule: Rule,
    *,
    body: str,
    service: Service | None,
    therapist: Therapist | None,
    invites: bool,
    plain: bool = False,
    approved_name: str = "",
    now: dt.datetime,
    by: User | None = None,
) -> None:
    """Add a wording to a rule, or change one. Queued messages use it: a text is written last.

    Raises ValidationError for a text that could not be sent, for a link in a plain one, and where a
    rule that is on would be left without a general wording.
    """
    if plain:
        check_plain(body)
    with transaction.atomic():
        is_general = not (service or therapist or invites or plain)
        if wording.pk and not is_general:
            _spare_the_last(wording, rule)
        wording.key, wording.body, wording.invites = rule.key, body, invites
        wording.service, wording.therapist = service, therapist
        wording.plain, wording.approved_name = plain, approved_name
        wording.updated_at, wording.updated_by = now, by
        wording.save()


def check_plain(body: str) -> None:
    """Refuse a link in a text that is for accounts which take none. Raises on the field `body`."""
    if has_link(body):
        raise ValidationError(
            {"body": _("This text is for accounts that take no links; leave the link out.")},
            code="link",
        )


def remove_wording(wording: Template, rule: Rule) -> None:
    """Raises ValidationError for the last general wording of a rule that is on."""
    with transaction.atomic():
        _spare_the_last(wording, rule)
        wording.delete()


def _spare_the_last(wording: Template, rule: Rule) -> None:
    """Holds the rule, so that two people cannot each remove the other's last but one."""
    on = Rule.objects.select_for_update().filter(pk=rule.pk, enabled=True).exists()
    general = general_wordings(rule.key)
    if on and general.filter(pk=wording.pk).exists() and general.count() == 1:
        raise ValidationError(
            _(
                "This is the only text for everybody. Write another one first, or turn the rule"
                " off: without it clients would get nothing."
            ),
            code="last_general",
        )


def misplaced_links(body: str, kind: str) -> list[Placeholder]:
    """Links of a body whose page has nothing to ask of the readers of this kind of rule."""
    linked = [found for found in placeholders_of(body) if found.page is not None]
    return [link for link in linked if link.page and kind not in FITTING.get(link.page, ())]
