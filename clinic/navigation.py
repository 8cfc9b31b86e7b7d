"""The panel's navigation: what a role sees, and where it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.access import EVERYBODY, MANAGERS, RECEPTION
from clinic.links import clinic_url


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: where it leads, who sees it, and which views count as being there."""

    name: str
    label: Promise
    icon: str
    within: tuple[str, ...]
    roles: Sequence[str] = EVERYBODY


@dataclass(frozen=True, slots=True)
class Item:
    name: str
    label: Promise
    icon: str
    url: str
    current: bool
    #: How many things wait there; nothing is shown for none.
    count: int = 0


#: By the name of a place, what counts what waits there; the rooms that know fill it.
counters: dict[str, Callable[[Any], int]] = {}


PANEL = (
    Place("panel:today", _("Today"), "calendar-event", ("panel:today",)),
    Place("panel:tasks", _("Call list"), "phone", ("panel:task", "panel:waiting"), RECEPTION),
    Place("panel:clients", _("Clients"), "users", ("panel:client", "panel:treatment")),
    Place(
        "panel:calendar",
        _("Calendar"),
        "calendar-time",
        ("panel:calendar", "panel:session", "panel:therapist"),
    ),
    Place("panel:inbox", _("Inbox"), "messages", ("panel:inbox",)),
    Place("panel:messages", _("Messages"), "message-2", ("panel:message",)),
    Place("panel:feedback", _("Feedback"), "heart-handshake", ("panel:feedback",)),
    Place("exchange:start", _("Import"), "file-import", ("exchange:",), RECEPTION),
    Place("settings:clinic", _("Settings"), "settings", ("settings:", "texting:"), MANAGERS),
)

SETTINGS = (
    Place("settings:clinic", _("Clinic"), "building-hospital", ("settings:clinic",)),
    Place("settings:therapists", _("Therapists"), "stethoscope", ("settings:therapist",)),
    Place("settings:services", _("Services"), "clipboard-list", ("settings:service",)),
    Place("settings:rooms", _("Rooms"), "door", ("settings:room",)),
    Place("settings:closures", _("Closed days"), "calendar-off", ("settings:closure",)),
    Place("settings:members", _("Members"), "users", ("settings:member", "settings:invitation")),
    Place(
        "texting:gateway", _("Accounts"), "device-mobile", ("texting:gateway", "texting:account")
    ),
    Place("texting:rules", _("Follow-up rules"), "message-2", ("texting:rule", "texting:wording")),
    Place(
        "texting:live",
        _("Sending"),
        "send",
        ("texting:live", "texting:pause", "texting:resume", "texting:limit"),
    ),
)


def panel(request: Any) -> list[Item]:
    return _items(request, PANEL)


def settings(request: Any) -> list[Item]:
    return _items(request, SETTINGS)


def _items(request: Any, places: Sequence[Place]) -> list[Item]:
    here = request.resolver_match.view_name if request.resolver_match else ""
    return [
        Item(
            name=place.name.replace(":", "-"),
            label=place.label,
            icon=place.icon,
            url=clinic_url(request.clinic, place.name),
            current=here.startswith(place.within),
            count=counters[place.name](request) if place.name in counters else 0,
        )
        for place in places
        if request.membership.role in place.roles
    ]
