"""What all the pages have in common that a client reaches from a text, without an account.

The address is the key: whoever has it may do what the page offers, so nothing on a page says more
than the text that carried it. A GET changes nothing, because phones, messengers and scanners open
links by themselves.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clinic.counting import count, counted
from clinic.jalali import local_day, zone
from clinic.models import Clinic, Directory
from clinic.tenancy import Hat, wear
from clinic.text import ascii_digits
from patients.models import Client
from sessions_app import links
from sessions_app.models import CareTask, ClientLink, Participant, Session

log = structlog.get_logger(__name__)

#: So many wrong addresses from one place within the window, and it hears of no more until it is
#: over. A right one opens all the same: thousands of phones share a carrier's address, and one of
#: them must not shut out the others. What keeps guesses out is the token's eighty bits.
WRONG_ADDRESSES = 20
WINDOW = dt.timedelta(minutes=10)
#: Whoever has an IPv6 line has all of such a network.
_IPV6_LINE = 64

#: More digits than any number of a form has; Python refuses to read thousands of them.
_LONGEST_NUMBER = 9

READ = ("GET", "HEAD")
READ_AND_ACT = (*READ, "POST")


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a right address, and when."""

    link: ClientLink
    now: dt.datetime

    @property
    def clinic(self) -> Clinic:
        return self.link.clinic

    @property
    def session(self) -> Session:
        session: Session = self.link.session
        return session

    @property
    def today(self) -> dt.date:
        return local_day(self.now, self.clinic.timezone)

    @property
    def tel(self) -> str:
        return tel_of(self.clinic)


def tel_of(clinic: Clinic) -> str:
    """The clinic's phone for a `tel:` link; empty when it is more than one number."""
    phone = ascii_digits(clinic.phone)
    digits = "".join(filter(str.isdigit, phone))
    plus = "+" if phone.strip().startswith("+") else ""
    return "" if any(map(str.isalpha, phone)) or not digits else plus + digits


Page = Callable[[HttpRequest, Visit], HttpResponse]
View = Callable[..., HttpResponse]


def client_page(
    purpose: Directory.Purpose, methods: Collection[str] = READ_AND_ACT
) -> Callable[[Page], View]:
    """Make a view of a page for clients: `page(request, visit)` at an address with a `token`.

    It runs, and renders, in the scope of the clinic that sent the address and on its clock. Wrong
    addresses, too many of them, people who are no longer part of the session, and the pages of
    those who have died are answered here.

    No CSRF token is asked for: the site must know who is asking by the address alone, since there
    is neither a session nor a cookie to ride on, and who knows the address needs no forgery. Nor
    could there be one: with `Referrer-Policy: no-referrer` browsers send `Origin: null`.
    """

    def decorate(page: Page) -> View:
        @wraps(page)
        def answer(request: HttpRequest, token: str) -> HttpResponse:
            return _answer(page, purpose, request, token)

        return open_page(answer, methods)

    return decorate


def open_page(answer: View, methods: Collection[str] = READ_AND_ACT) -> View:
    """Make a view of `answer(request, token)` as all clients' pages are: no CSRF token, in the
    language asked for, kept by nobody. Finding the clinic and wearing its hat is the answer's."""

    @csrf_exempt
    @sensitive_post_parameters()
    @require_http_methods([*methods])
    @wraps(answer)
    def view(request: HttpRequest, token: str) -> HttpResponse:
        # "charset=hex" names a codec that makes no text: no field could be read by it.
        request.encoding = "utf-8"
        language = _language(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = answer(request, token)
            return _sealed(response, request.LANGUAGE_CODE)

    return view


def show(
    request: HttpRequest, visit: Visit, template: str, status: int = 200, **context: Any
) -> HttpResponse:
    """Render `client/<template>.html` with what every page says of its clinic."""
    match = request.resolver_match
    known = {
        "visit": visit,
        "clinic": visit.clinic,
        "session": visit.session,
        "token": match.kwargs["token"] if match else "",
    }
    return render(request, f"client/{template}.html", known | context, status=status)


def not_part(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What is left to say to who takes no part in the session any more."""
    return show(request, visit, "not_part", HTTPStatus.GONE)


def at_rest(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The client has died, and perhaps one of the family reads this: nothing is asked or changed."""
    return show(request, visit, "at_rest", HTTPStatus.GONE)


def back(request: HttpRequest, **query: str) -> HttpResponse:
    """After an act, to the same page by GET, in the same language: a reload repeats nothing."""
    return onward(request, request.path, **query)


def onward(request: HttpRequest, path: str, **query: str) -> HttpResponse:
    """After an act, to another page by GET, in the same language."""
    parameters = QueryDict(mutable=True)
    if request.GET.get("lang") in dict(settings.LANGUAGES):
        parameters["lang"] = request.GET["lang"]
    parameters.update(query)
    address = f"{path}?{parameters.urlencode()}" if parameters else path
    response = HttpResponseRedirect(address)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def when_somebody_works(clinic: Clinic, now: dt.datetime) -> dt.datetime:
    """Now, or when the clinic opens again: when a task from a client's page falls due."""
    hours: list[Any] = [clinic.timezone, clinic.quiet_from, clinic.quiet_to]
    with connection.cursor() as cursor:
        cursor.execute("SELECT working_moment(%s, %s, %s, %s, %s)", [now, *hours, clinic.pk])
        moment: dt.datetime = cursor.fetchone()[0]
    return moment


def ask_again(task: CareTask, due_at: dt.datetime) -> None:
    """Open a closed task anew, because the client asks once more.

    Not `care_tasks.reopen`: what staff have decided about the treatment meanwhile stands.
    """
    closed = CareTask.objects.filter(pk=task.pk, closed_at__isnull=False)
    closed.update(outcome="", closed_at=None, closed_by=None, due_at=due_at)


def _answer(
    page: Page, purpose: Directory.Purpose, request: HttpRequest, token: str
) -> HttpResponse:
    clinic_id = links.clinic_behind(token, purpose)
    if clinic_id is None:
        return wrong_address(request)
    with wear(Hat.WEB, clinic_id=clinic_id):
        link = links.find(token, purpose)
        if link is None:  # what it was about has been deleted
            return render(request, "client/unknown.html", status=HTTPStatus.NOT_FOUND)
        with timezone.override(zone(link.clinic.timezone)), speaking(request, link.client):
            visit = Visit(link, timezone.now())
            if link.client.deceased_at is not None:
                return at_rest(request, visit)
            takes_part = Participant.objects.filter(session=link.session, client=link.client)
            if not takes_part.exists():
                return not_part(request, visit)
            return page(request, visit)


def wrong_address(request: HttpRequest) -> HttpResponse:
    place = _place(request)
    if _wrong_from(place) < WRONG_ADDRESSES:
        _count_wrong(place)
        return render(request, "client/unknown.html", status=HTTPStatus.NOT_FOUND)
    response = render(request, "client/limited.html", status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(int(WINDOW.total_seconds()))
    return response


@contextmanager
def speaking(request: HttpRequest, client: Client) -> Iterator[None]:
    """In the language that the client has chosen for good, unless the address asks for another."""
    asked = request.GET.get("lang") in dict(settings.LANGUAGES)
    language = request.LANGUAGE_CODE if asked else client.language or request.LANGUAGE_CODE
    with translation.override(language):
        request.LANGUAGE_CODE = language
        yield


def _language(request: HttpRequest) -> str:
    """Asked for in the address, because a messenger's browser may keep no cookie."""
    asked = request.GET.get("lang", "")
    return asked if asked in dict(settings.LANGUAGES) else translation.get_language()


def _sealed(response: HttpResponse, language: str) -> HttpResponse:
    """Kept by nobody, found by nobody, told to nobody."""
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Content-Language"] = language
    return response


def whole_number(request: HttpRequest, name: str) -> int | None:
    """A field of the form as a number; None for what no form of ours sends."""
    sent = request.POST.get(name, "")
    return (
        int(sent) if sent.isascii() and sent.isdecimal() and len(sent) <= _LONGEST_NUMBER else None
    )


# -- Guessing ----------------------------------------------------------------------------------


def _place(request: HttpRequest) -> str:
    """Where a request comes from, as the limits of sign-in know it; empty when nobody can tell."""
    try:
        address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    except (PermissionDenied, ValueError):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        # A server that listens for both kinds says the old ones so; all would be in one network.
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network(f"{address}/{_IPV6_LINE}", strict=False))
    return str(address)


def _wrong_from(place: str) -> int:
    return counted(_key(place)) if place else 0  # nothing is lost: see WRONG_ADDRESSES


def _count_wrong(place: str) -> None:
    if place and (wrong := count(_key(place), WINDOW)) == WRONG_ADDRESSES:
        log.warning("client_pages_guessed", wrong=wrong)


def _key(place: str) -> str:
    return f"client-pages/wrong/{place}"
