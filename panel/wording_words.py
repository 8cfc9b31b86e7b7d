"""For whom a wording of a rule is, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from messaging.models import Template


@dataclass(frozen=True, slots=True)
class Described:
    title: str
    #: The general ones first, then from the wide to the particular.
    order: tuple[bool, bool, bool, bool, int]


def described(wording: Template) -> Described:
    """Needs the wording's service and therapist; a query each where they are not loaded."""
    values = {"service": wording.service, "therapist": wording.therapist}
    if wording.service and wording.therapist:
        title = _("%(service)s with %(therapist)s") % values
    elif wording.service:
        title = _("for %(service)s") % values
    elif wording.therapist:
        title = _("with %(therapist)s") % values
    else:
        title = _("for everybody")
    particular = bool(wording.therapist_id), bool(wording.service_id)
    return Described(title, (wording.plain, wording.invites, *particular, wording.pk))
