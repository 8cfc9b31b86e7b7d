"""How a state looks: an icon, a word and a tint. The word and the icon carry the meaning."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _, pgettext_lazy
from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Look:
    label: StrPromise | str
    icon: str
    tone: str = "grey"  # grey, accent, green, amber, red, blue


SESSION: dict[str, Look] = {
    "scheduled": Look(pgettext_lazy("session", "scheduled"), "calendar-event", "grey"),
    "confirmed": Look(pgettext_lazy("session", "confirmed"), "circle-check", "accent"),
    "arrived": Look(pgettext_lazy("session", "arrived"), "door-enter", "blue"),
    "attended": Look(pgettext_lazy("session", "attended"), "checks", "green"),
    "no_show": Look(pgettext_lazy("session", "did not come"), "user-x", "red"),
    "cancelled": Look(pgettext_lazy("session", "cancelled"), "calendar-x", "grey"),
    "cancelled_by_client": Look(
        pgettext_lazy("session", "cancelled by the client"), "calendar-x", "grey"
    ),
    "cancelled_by_clinic": Look(
        pgettext_lazy("session", "cancelled by the clinic"), "calendar-x", "grey"
    ),
    "cancelled_late": Look(pgettext_lazy("session", "cancelled late"), "calendar-x", "amber"),
    "unrecorded": Look(pgettext_lazy("session", "not recorded"), "help-circle", "amber"),
}

MESSAGE: dict[str, Look] = {
    "queued": Look(pgettext_lazy("message", "in the queue"), "hourglass", "grey"),
    "claimed": Look(pgettext_lazy("message", "about to be sent"), "hourglass", "grey"),
    "sending": Look(pgettext_lazy("message", "being sent"), "loader", "blue"),
    "sent": Look(pgettext_lazy("message", "sent"), "check", "accent"),
    "delivered": Look(pgettext_lazy("message", "delivered"), "checks", "green"),
    "undelivered": Look(pgettext_lazy("message", "not delivered"), "alert-triangle", "amber"),
    "skipped": Look(pgettext_lazy("message", "not sent"), "ban", "grey"),
    "cancelled": Look(pgettext_lazy("message", "cancelled"), "circle-x", "grey"),
    "missed": Look(pgettext_lazy("message", "missed its time"), "history", "amber"),
    "failed": Look(pgettext_lazy("message", "failed"), "alert-circle", "red"),
    "unknown": Look(pgettext_lazy("message", "outcome unknown"), "help-circle", "amber"),
    "shadow": Look(pgettext_lazy("message", "would have been sent"), "ghost-2", "blue"),
}

ROLE: dict[str, Look] = {
    "owner": Look(_("owner"), "key", "accent"),
    "manager": Look(_("manager"), "shield-check", "accent"),
    "receptionist": Look(_("receptionist"), "phone", "grey"),
    "therapist": Look(_("therapist"), "stethoscope", "grey"),
}

LOOKS = {"session": SESSION, "message": MESSAGE, "role": ROLE}


def look(kind: str, state: str) -> Look:
    """The look of a state; one not in the table shows its own name, quietly."""
    return LOOKS[kind].get(state) or Look(state, "circle-dot")
