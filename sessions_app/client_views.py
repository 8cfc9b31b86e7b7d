"""The client's page of a session, `/s/<token>`, and the session for the phone's calendar."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, QueryDict

from clinic.jalali import local_day
from sessions_app import client_actions as said, client_calendar
from sessions_app.client_actions import NoLongerPart, Overtaken, Standing
from sessions_app.client_forms import WishForm
from sessions_app.client_pages import READ, Visit, back, client_page, not_part, show, whole_number
from sessions_app.links import Purpose
from sessions_app.slots import other_times


@client_page(Purpose.SESSION)
def session(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method != "POST":
        return _page(request, visit)
    act = _ACTS.get(request.POST.get("do", ""))
    if act is None:
        return _page(request, visit, HTTPStatus.BAD_REQUEST)
    try:
        return act(request, visit)
    except NoLongerPart:
        return not_part(request, visit)
    except Overtaken:
        visit.session.refresh_from_db()
        return _page(request, visit, HTTPStatus.CONFLICT)


@client_page(Purpose.SESSION, READ)
def calendar(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The session as a file; a session that nobody can come to any more is explained instead."""
    if said.standing(visit.session, visit.now) is not Standing.COMING:
        return _page(request, visit, HTTPStatus.GONE)
    response = HttpResponse(
        client_calendar.event(visit.session, hushed=visit.link.client.discreet),
        content_type=client_calendar.CONTENT_TYPE,
    )
    response["Content-Disposition"] = 'attachment; filename="calendar.ics"'
    return response


def _come(request: HttpRequest, visit: Visit) -> HttpResponse:
    said.come(visit.link, revision=_revision(request), now=visit.now)
    return back(request)


def _cannot(request: HttpRequest, visit: Visit) -> HttpResponse:
    said.cannot_come(visit.link, revision=_revision(request), now=visit.now)
    return back(request)


def _another(request: HttpRequest, visit: Visit) -> HttpResponse:
    form = _wish_form(visit, request.POST)
    if not form.is_valid():
        return _page(request, visit, HTTPStatus.UNPROCESSABLE_ENTITY, form)
    said.ask_for_another_time(visit.link, form.wish(), now=visit.now)
    return back(request)


def _wish_form(visit: Visit, data: QueryDict | None = None) -> WishForm:
    offer = other_times(visit.session, now=visit.now)
    return WishForm(data, offer=offer, tz=visit.clinic.timezone)


_ACTS: dict[str, Callable[[HttpRequest, Visit], HttpResponse]] = {
    "come": _come,
    "cannot": _cannot,
    "another": _another,
}


def _revision(request: HttpRequest) -> int:
    """The promise of time that the page showed; none that there is, when it says none."""
    sent = whole_number(request, "revision")
    return -1 if sent is None else sent


def _page(
    request: HttpRequest, visit: Visit, status: int = HTTPStatus.OK, form: WishForm | None = None
) -> HttpResponse:
    link, session = visit.link, visit.session
    standing = said.standing(session, visit.now)
    return show(
        request,
        visit,
        "session",
        status,
        standing=standing.value,
        overtaken=status == HTTPStatus.CONFLICT and standing is Standing.COMING,
        comes=said.comes(link, session),
        answer=said.said_of(link, session),
        wish=said.wish_of(link),
        several=session.participants.count() > 1,
        moved_from=said.moved_from(link),
        # Free times are looked up only where they are shown.
        form=form or (_wish_form(visit) if standing is Standing.COMING else None),
        days_ahead=(local_day(session.starts_at, visit.clinic.timezone) - visit.today).days,
    )
