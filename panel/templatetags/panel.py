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

from clinic import jalali
from clinic.templatetags.peygir import jalali_time, persian_digits
from followup.defaults import RULE_NAMES
from messaging.models import Channel
from panel.channels import CHANNEL_ICONS, GATEWAYS
from panel.lines import Line
from patients.models import Client
from patients.phones import display
from sessions_app.links import without_keys
from sessions_app.models import CareTask, Wish
from sessions_app.queries import names_in

#: A mark without a look that reads from left to right.
LRM = "\u200e"

register = template.Library()
register.filter(names_in)


@register.filter
def when_suits(wish: Wish) -> str:
    """«شنبه و دوشنبه، ۱۶:۰۰ تا ۲۰:۰۰»: when somebody on the waiting list could come."""
    days = _(" and ").join(jalali.weekday_name(day) for day in wish.weekdays) or _("any day")
    if wish.begins is None:
        return days
    hours = {"start": jalali_time(wish.begins), "end": jalali_time(wish.ends)}
    return days + _(", ") + _("%(start)s to %(end)s") % hours


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
    # What is left of an address ends in marks without a direction; in Persian they would fly ahead.
    return without_keys(text).replace("/…", f"/…{LRM}")


@register.filter
def people(clients: Iterable[Client]) -> SafeString:
    """Several clients as people say them, «مریم کریمی و علی کریمی», in every direction of text."""
    names = ((str(client),) for client in clients)
    return format_html_join(_(" and "), "<bdi>{}</bdi>", names)


@register.simple_tag(takes_context=True)
def act_fields(context: RequestContext) -> SafeString:
    """What the forms that act on a session bring along, the token included: the same in all of them."""
    return _written_once(context, "panel/act_fields.html", {})


@register.simple_tag(takes_context=True)
def session_acts(context: RequestContext, line: Line) -> SafeString:
    """What may be done with a session of a list.

    Sessions that stand alike have the same buttons: they are written once, for a session of no number,
    and each gets its own. A day's buttons took most of the time of its page.
    """
    alike = (
        tuple(outcome.value for outcome in line.outcomes),
        *(line.is_recorded, line.manageable, line.is_open, line.is_cancelled, line.is_ahead),
    )
    shown = {"line": line, "session": {"pk": _NO_NUMBER}}
    written = _written_once(context, "panel/session_acts.html", shown, alike)
    return SafeString(written.replace(str(_NO_NUMBER), str(line.session.pk)))


@register.simple_tag(takes_context=True)
def task_acts(context: RequestContext, task: CareTask) -> SafeString:
    """What may be done with a task of the call list; written as `session_acts` is."""
    nobody = {"pk": _NO_NUMBER, "client_id": _NOBODY, "closed_at": task.closed_at}
    is_closed = task.closed_at is not None
    written = _written_once(context, "panel/task_acts.html", {"task": nobody}, is_closed)
    numbered = written.replace(str(_NO_NUMBER), str(task.pk))
    return SafeString(numbered.replace(str(_NOBODY), str(task.client_id)))


#: Long enough to stand nowhere else on a page.
_NO_NUMBER, _NOBODY = 918_273_645_546_372, 819_372_546_645_273


def _written_once(
    context: RequestContext, template: str, shown: dict[str, Any], *alike: object
) -> SafeString:
    """The part of the page; from the second time on as it was written the first time."""
    request = context["request"]
    place = (str(context.get(name, "")) for name in ("back", "live", "day", "grouping"))
    key = (template, *place, *alike)
    written: dict[object, SafeString] = request.__dict__.setdefault("written_once", {})
    if key not in written:
        around: dict[str, Any] = context.flatten()  # type: ignore[assignment]
        written[key] = render_to_string(template, around | shown)
    return written[key]


@register.filter
def beyond(rows: Sized, shown: int) -> int:
    """How many rows are not among the first `shown`."""
    return max(0, len(rows) - shown)
