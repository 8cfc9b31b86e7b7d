"""The page of what a client wants to hear of, `/u/<token>`: under every page, and in every letter.

The address in letters is one of its own, the client's for ever; under another page it has that
page's token, so that every text already leads here, and nothing is published by a mere visit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from clinic import directory
from clinic.jalali import local_day, zone
from clinic.models import Directory
from clinic.tenancy import Hat, wear
from followup import preferences as wanted
from followup.client_choices import NotNow
from followup.client_views import break_days, until_of
from followup.preferences import Act
from messaging import stopping
from patients.care import CareError
from patients.models import Client, Purpose
from sessions_app.client_pages import open_page, speaking, tel_of, wrong_address
from sessions_app.links import PATHS
from sessions_app.models import ClientLink

LETTERS = Directory.Purpose.STOP


def _preferences(request: HttpRequest, token: str) -> HttpResponse:
    """A visit asks; a press acts, and so does a mail program that posts without a visit (RFC 8058),
    which follows no redirect: hence the answer is a page. A reload changes nothing more."""
    token = token.lower()
    found = directory.whose(token, [LETTERS, *PATHS])
    if found is None:
        return wrong_address(request)
    clinic_id, purpose = found
    with wear(Hat.WEB, clinic_id=clinic_id):
        client = _client_behind(token, purpose, clinic_id)
        if client is None:
            return render(request, "client/unknown.html", status=HTTPStatus.NOT_FOUND)
        with timezone.override(zone(client.clinic.timezone)), speaking(request, client):
            if client.deceased_at is not None:
                return _show(request, client, "at_rest", HTTPStatus.GONE)
            return _answer(request, client, one_click=purpose == LETTERS)


preferences = open_page(_preferences)


def _client_behind(token: str, purpose: str, clinic_id: int) -> Client | None:
    if purpose == LETTERS:
        return stopping.client_behind(token, clinic_id)
    digest = directory.token_hash(token)
    link = ClientLink.objects.filter(token_hash=digest, purpose=purpose)
    found = link.select_related("client__clinic").first()
    return found.client if found else None


def _answer(request: HttpRequest, client: Client, *, one_click: bool) -> HttpResponse:
    now = timezone.now()
    if request.method != "POST":
        return _page(request, client, now)
    do = request.POST.get("do", Act.STOP if one_click else "")
    try:
        return _ACTS[Act(do)](request, client, now)
    except NotNow:
        return _page(request, client, now, status=HTTPStatus.CONFLICT)
    except CareError as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, client, now, status=status, error=str(error))
    except ValueError:  # an act, a kind of texts or a language that is none
        return _page(request, client, now, status=HTTPStatus.BAD_REQUEST)


# -- Acts --------------------------------------------------------------------------------------


def _refuse(request: HttpRequest, client: Client, now: dt.datetime) -> HttpResponse:
    purpose = Purpose(request.POST.get("purpose", ""))
    wanted.refuse(client, purpose, now=now)
    return _page(request, client, now, done=Act.REFUSE, about=purpose)


def _allow(request: HttpRequest, client: Client, now: dt.datetime) -> HttpResponse:
    purpose = Purpose(request.POST.get("purpose", ""))
    wanted.allow(client, purpose, now=now)
    return _page(request, client, now, done=Act.ALLOW, about=purpose)


def _pause(request: HttpRequest, client: Client, now: dt.datetime) -> HttpResponse:
    until = until_of(request, local_day(now, client.clinic.timezone))
    wanted.pause(client, until, now=now)
    return _page(request, client, now, done=Act.PAUSE)


def _plain(act: Act, do: Callable[..., None]) -> Callable[..., HttpResponse]:
    def done(request: HttpRequest, client: Client, now: dt.datetime) -> HttpResponse:
        do(client, now=now)
        return _page(request, client, now, done=act)

    return done


def _speak(request: HttpRequest, client: Client, now: dt.datetime) -> HttpResponse:
    """To the page anew, which opens in that language from now on."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise ValueError(language)
    wanted.speak(client, language)
    response = HttpResponseRedirect(request.path)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


_ACTS: dict[Act, Callable[[HttpRequest, Client, dt.datetime], HttpResponse]] = {
    Act.REFUSE: _refuse,
    Act.ALLOW: _allow,
    Act.STOP: _plain(Act.STOP, wanted.stop),
    Act.STOP_ALL: _plain(Act.STOP_ALL, wanted.stop_all),
    Act.START: _plain(Act.START, wanted.start),
    Act.PAUSE: _pause,
    Act.FINISH: _plain(Act.FINISH, wanted.finish),
    Act.GO_ON: _plain(Act.GO_ON, wanted.go_on),
    Act.SPEAK: _speak,
}


# -- The page ----------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    client: Client,
    now: dt.datetime,
    *,
    status: int = HTTPStatus.OK,
    done: Act | None = None,
    about: Purpose | None = None,
    error: str = "",
) -> HttpResponse:
    today = local_day(now, client.clinic.timezone)
    kinds = [(it.value, client.consents_to(it)) for it in _shown(client, about)]
    context = {
        "kinds": kinds,
        "wants_any": any(given for _, given in kinds),
        "wants_more": stopping.is_wanted(client),
        "can_start": wanted.can_start(client),
        "standing": wanted.standing(client, now, today),
        "done": done.value if done else "",
        "about": about.value if about else "",
        "too_late": status == HTTPStatus.CONFLICT,
        "error": error,
        **break_days(request, today),
    }
    return _show(request, client, "preferences", status, **context)


def _shown(client: Client, about: Purpose | None) -> list[Purpose]:
    """News are named only to who has asked for them."""
    hidden = {Purpose.CAMPAIGN} - ({about} if about else set())
    return [it for it in Purpose if it not in hidden or client.consents_to(it)]


def _show(
    request: HttpRequest, client: Client, template: str, status: int, **context: Any
) -> HttpResponse:
    known = {"clinic": client.clinic, "visit": {"tel": tel_of(client.clinic)}}
    return render(request, f"client/{template}.html", known | context, status=status)
