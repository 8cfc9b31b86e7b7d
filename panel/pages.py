"""What every view of the panel does: the clinic's clock, pages, and the way back."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme

from clinic import jalali
from clinic.links import clinic_url
from clinic.models import Clinic

ROWS = 30
#: So many pages of a history can be turned; whoever looks for more chooses a time or a state.
MOST_PAGES = 30


def page_of(request: HttpRequest, rows: Any, size: int = ROWS) -> Page[Any]:
    """The page that `?page=` asks for; the first or the last one for a number that is none."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


class History(Paginator[Any]):
    """Pages of what grows for ever, the newest first; `goes_on` when there is more than they show.

    To count all of it, and to skip all that comes before a late page, would cost more every month.
    """

    @cached_property
    def count(self) -> int:
        most = MOST_PAGES * self.per_page
        return min(most, self._counted)

    @property
    def goes_on(self) -> bool:
        return self._counted > self.count

    @cached_property
    def _counted(self) -> int:
        # In their order: the index in which the page stands counts them, and stops there.
        rows: Any = self.object_list
        found: int = rows[: MOST_PAGES * self.per_page + 1].count()
        return found


def history_page(request: HttpRequest, rows: Any, size: int = ROWS) -> Page[Any]:
    """As `page_of`, of rows that grow for ever."""
    return History(rows, size).get_page(request.GET.get("page"))


def list_or_page(
    request: Any, target: str, part: str, whole: str, context: dict[str, Any]
) -> HttpResponse:
    """The list alone when HTMX puts it in place of `target`: the frame around it stays."""
    in_place = bool(request.htmx) and request.htmx.target == target
    response = render(request, part if in_place else whole, {**context, "in_place": in_place})
    # Both have the same address: the browser's Back must not show the part as the page.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def way_back(request: HttpRequest, default: str) -> str:
    """The page that `next` names, when it is one of ours; else the default."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if safe else default


def with_next(address: str, back: str) -> str:
    """The address, which returns to `back` when its work is done."""
    return f"{address}?next={quote(back)}"


def day_link(clinic: Clinic, name: str, day: dt.date, param: str = "day") -> str:
    return f"{clinic_url(clinic, name)}?{param}={day_param(day)}"


def day_param(day: dt.date) -> str:
    """A day as addresses write it: 1405-09-06."""
    return jalali.numeric_date(day, language="en").replace("/", "-")


def asked_day(request: HttpRequest, param: str, today: dt.date, unread: str = "") -> dt.date:
    """The day that the address asks for; today when it names none, or with a word one unread."""
    typed = request.GET.get(param, "").strip()
    if not typed:
        return today
    try:
        return jalali.parse_date(typed)
    except jalali.DateError:
        if unread:
            messages.warning(request, unread)
        return today
