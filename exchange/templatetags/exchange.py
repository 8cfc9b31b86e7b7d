"""Words of the Import page."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

_COUNTED: dict[str, Promise] = {
    "clients": _("clients"),
    "sessions": _("sessions"),
    "therapists": _("therapists"),
    "services": _("services"),
}


@register.filter
def counted(name: str) -> Promise:
    """The word for one of the things an import counts."""
    return _COUNTED[name]
