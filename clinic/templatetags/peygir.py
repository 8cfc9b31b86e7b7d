"""Tags and filters for every page: addresses, icons, dates, digits, states, fields.

Dates come as instants or days and leave as Persian text; the zone is the active one, which is the
clinic's inside a clinic. `docs/interface-kit.md` shows how pages are built from them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BoundField
from django.forms.widgets import (
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    RadioSelect,
    Select,
)
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext as _

from clinic import banners, bell, icons, jalali, links, navigation, states, text
from clinic.toasts import undo_url

register = template.Library()

Moment = dt.datetime | dt.date | None


@register.simple_tag(takes_context=True)
def clinic_url(context: RequestContext, name: str, *args: object, **kwargs: object) -> str:
    """`{% clinic_url 'panel:client' client.pk %}`: an address inside the request's clinic."""
    return links.clinic_url(context["request"].clinic, name, *args, **kwargs)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """`{% icon "phone" %}`: one of the names in `clinic/icons.json`."""
    return icons.svg(name, css)


@register.simple_tag(takes_context=True)
def panel_nav(context: RequestContext) -> list[navigation.Item]:
    return navigation.panel(context["request"])


@register.simple_tag(takes_context=True)
def settings_nav(context: RequestContext) -> list[navigation.Item]:
    return navigation.settings(context["request"])


@register.inclusion_tag("partials/banners.html", takes_context=True)
def panel_banners(context: RequestContext) -> dict[str, Any]:
    return {"banners": banners.of(context["request"]), "csrf_token": context.get("csrf_token")}


@register.simple_tag(takes_context=True)
def panel_bell(context: RequestContext) -> list[bell.Waiting]:
    return bell.of(context["request"])


@register.filter
def bell_total(things: Iterable[bell.Waiting]) -> int:
    return sum(thing.count for thing in things)


@register.simple_tag
def today_jalali() -> str:
    """Today as 1405/09/06, for the date picker."""
    return jalali.numeric_date(timezone.now(), tz=_zone(), language="en")


# -- Dates -------------------------------------------------------------------------------------


@register.filter
def jalali_date(value: Moment) -> str:
    """«۱۴۰۵/۰۹/۰۶»: for tables."""
    return jalali.numeric_date(value, tz=_zone()) if value else ""


@register.filter
def jalali_day(value: Moment) -> str:
    """«پنجشنبه ۶ آذر», with the year when it is not this one."""
    return jalali.day_name_date(value, now=timezone.now(), tz=_zone()) if value else ""


@register.filter
def jalali_full(value: Moment) -> str:
    """«پنجشنبه ۶ آذر ۱۴۰۵»."""
    return jalali.full_date(value, tz=_zone()) if value else ""


@register.filter
def jalali_spoken(value: dt.datetime | None) -> str:
    """«پنجشنبه ۶ آذر، ساعت ۱۷:۳۰»."""
    return jalali.spoken(value, now=timezone.now(), tz=_zone()) if value else ""


@register.filter
def jalali_relative(value: dt.datetime | None) -> str:
    """«فردا، ساعت ۱۷:۳۰», «دیروز …», or the spoken date."""
    return jalali.relative(value, timezone.now(), tz=_zone()) if value else ""


@register.filter
def jalali_time(value: dt.datetime | dt.time | None) -> str:
    """«۱۷:۳۰», of an instant or of a time of day."""
    if value is None:
        return ""
    if isinstance(value, dt.time):
        return persian_digits(f"{value:%H:%M}")
    return jalali.time(value, tz=_zone())


# -- Numbers and direction ---------------------------------------------------------------------


@register.filter
def persian_digits(value: object) -> str:
    """Digits as the page's language writes them: a stored number may have been typed in either."""
    if value is None:
        return ""
    return text.persian_digits(value) if _persian() else text.ascii_digits(str(value))


@register.filter
def number(value: int | None) -> str:
    """«۱٬۲۵۰», grouped by thousands."""
    if value is None:
        return ""
    grouped = f"{value:,}"
    return persian_digits(grouped.replace(",", "٬")) if _persian() else grouped


@register.filter
def toman(rial: int | None) -> str:
    """An amount in Rial as people say it: «۶۵۰٬۰۰۰ تومان»."""
    if rial is None:
        return ""
    return _("%(amount)s Toman") % {"amount": number(rial // 10)}


@register.filter
def ltr(value: object) -> SafeString:
    """A phone number, code or e-mail that keeps its left-to-right order inside Persian text."""
    return format_html('<bdi dir="ltr">{}</bdi>', "" if value is None else value)


# -- States ------------------------------------------------------------------------------------


@register.simple_tag
def session_state(state: str, label: object = "") -> SafeString:
    return _look("session", state, label)


@register.simple_tag
def message_state(state: str, label: object = "") -> SafeString:
    return _look("message", state, label)


@register.simple_tag
def role_badge(role: str, label: object = "") -> SafeString:
    return _look("role", role, label)


@register.simple_tag
def state_badge(label: object, icon: str, tone: str = "grey") -> SafeString:
    """A state of no table: `{% state_badge _("active") "circle-check" "green" %}`."""
    # No template of its own: a list has one in each line, and each would cost more than its text.
    badge = '<span class="state state-{}">{}{}</span>'
    return format_html(badge, tone, icons.svg(icon), label)


# -- Fields ------------------------------------------------------------------------------------


@register.inclusion_tag("partials/field.html")
def field(bound: BoundField, size: str = "", unit: object = "") -> dict[str, Any]:
    """A field with its label, hint and error. `size`: "", "narrow" or "wide"."""
    widget = bound.field.widget
    kind = _kind(widget)
    classes = _CLASSES[kind] + (" is-invalid" if bound.errors else "")
    widget.attrs["class"] = f"{widget.attrs.get('class', '')} {classes}".strip()
    return {"bound": bound, "kind": kind, "control": bound, "size": size, "unit": unit}


@register.inclusion_tag("partials/form_errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """What is wrong with the form as a whole, and a pointer to the fields below."""
    return {"form": form}


_CLASSES = {
    "text": "form-control",
    "select": "form-select",
    "check": "form-check-input",
    "group": "form-check-input",
    "file": "form-control",
}


def _kind(widget: Any) -> str:
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        return "group"
    if isinstance(widget, CheckboxInput):
        return "check"
    if isinstance(widget, FileInput):
        return "file"
    return "select" if isinstance(widget, Select) else "text"


# -- Messages ----------------------------------------------------------------------------------

register.filter("undo_url", undo_url)


@register.filter
def tone(level_tag: str) -> str:
    """The tint of a notice for a level of django.contrib.messages."""
    tones = {"success": "green", "warning": "amber", "error": "red", "info": "blue"}
    return tones.get(level_tag, "blue")


@register.filter
def tone_icon(level_tag: str) -> str:
    names = {"success": "circle-check", "warning": "alert-triangle", "error": "alert-circle"}
    return names.get(level_tag, "info-circle")


@register.simple_tag(takes_context=True)
def page_link(context: RequestContext, number: int) -> str:
    """The present query string with another `page`."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


def _look(kind: str, state: str, label: object) -> SafeString:
    look = states.look(kind, state)
    return state_badge(label or look.label, look.icon, look.tone)


def _zone() -> dt.tzinfo:
    return timezone.get_current_timezone()


def _persian() -> bool:
    return (get_language() or "fa").startswith("fa")
