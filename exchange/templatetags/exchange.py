"""Words of the Import page."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

register = template.Library()

_COUNTED: dict[str, Promise] = {
    "clients": pgettext_lazy("counted", "clients"),
    "sessions": pgettext_lazy("counted", "sessions"),
    "therapists": pgettext_lazy("counted", "therapists"),
    "services": pgettext_lazy("counted", "services"),
}


@register.filter
def counted(name: str) -> Promise:
    """The word for one of the things an import counts."""
    return _COUNTED[name]
