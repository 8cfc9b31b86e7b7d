"""Words that only the panel's own pages need; everything shared is in `peygir`."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext as _

from clinic.templatetags.peygir import persian_digits
from followup.defaults import RULE_NAMES
from messaging.models import Channel
from panel.channels import CHANNEL_ICONS, GATEWAYS
from patients.models import Client
from patients.phones import display
from sessions_app.links import without_keys

register = template.Library()


@register.filter
def rule_name(key: str) -> str:
    """A rule's key in words; a key without any is shown itself."""
    return str(RULE_NAMES.get(key, key))


@register.filter
def phone(e164: str) -> str:
    """«۰۹۱۲ ۱۲۳ ۴۵۶۷»; to be shown left to right."""
    return display(e164, "fa" if (get_language() or "fa").startswith("fa") else "en")


@register.filter
def address(recipient: str) -> str:
    """A phone as `phone` writes it, or an e-mail address as it is."""
    return recipient if "@" in recipient else phone(recipient)


@register.inclusion_tag("panel/channel.html")
def channel(name: str, *, quiet: bool = False) -> dict[str, object]:
    """A channel's icon and word; `quiet` leaves the word to screen readers."""
    known = name in Channel.values
    label = Channel(name).label if known else name
    return {"icon": CHANNEL_ICONS.get(name, "message-2"), "label": label, "quiet": quiet}


@register.filter
def gateway(kind: str) -> str:
    """«کاوه‌نگار»: the name of a kind of gateway; one that is not known is shown itself."""
    return str(GATEWAYS.get(kind, kind))


@register.filter
def hours(note: str) -> str:
    """«از ۱۷:۰۰ تا ۲۰:۰۰», of the hours that a client's file keeps as 17:00-20:00."""
    start, _dash, end = persian_digits(note).partition("-")
    return _("from %(start)s to %(end)s") % {"start": start, "end": end}


@register.filter
def keyless(text: str) -> str:
    """A client's text without the addresses that only the client may open."""
    return without_keys(text)


@register.filter
def people(clients: Iterable[Client]) -> SafeString:
    """Several clients as people say them, «مریم کریمی و علی کریمی», in every direction of text."""
    names = ((str(client),) for client in clients)
    return format_html_join(_(" and "), "<bdi>{}</bdi>", names)


@register.simple_tag(takes_context=True)
def act_fields(context: RequestContext) -> SafeString:
    """What the forms that act on a session bring along, the token included.

    The same in each of a page's hundred forms, so it is written once and repeated.
    """
    request = context["request"]
    key = tuple(str(context.get(name, "")) for name in ("back", "live", "day", "grouping"))
    written: dict[tuple[str, ...], SafeString] = request.__dict__.setdefault("act_fields", {})
    if key not in written:
        shown: dict[str, Any] = context.flatten()  # type: ignore[assignment]
        written[key] = render_to_string("panel/act_fields.html", shown)
    return written[key]


@register.filter
def beyond(rows: Sized, shown: int) -> int:
    """How many rows are not among the first `shown`."""
    return max(0, len(rows) - shown)
