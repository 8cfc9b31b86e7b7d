"""Clients: the list with its search, the file, and everything about one person."""

from __future__ import annotations

import datetime as dt
from copy import copy
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.toasts import done
from followup.preview import Preview, upcoming
from panel import locked, visibility
from panel.care_views import client_or_404
from panel.contact_views import people_around
from panel.lines import lines_of, look_of
from panel.locked import Locked
from panel.pages import list_or_page, page_of, way_back
from panel.task_views import calls_of, with_attempts
from panel.timeline import ALONE, Timeline
from patients.actions import set_consent
from patients.forms import ClientForm, ConsentForm
from patients.models import Client, ClientEvent, ConsentRecord, Purpose
from patients.queries import NEAR, has_usable_phone, is_muted, search, sharing_phone
from sessions_app import care_tasks, waiting
from sessions_app.queries import coming, next_starts, tally, with_people, with_visits

FORM_METHODS = ["GET", "HEAD", "POST"]
#: How far the client's page looks ahead for what will be sent.
AHEAD = dt.timedelta(days=30)
SESSIONS_AHEAD = SESSIONS_BACK = 5


@require_safe
@clinic_view()
def clients(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    typed = request.GET.get("q", "").strip()
    mine = visibility.clients(request.membership)
    page = page_of(request, search(mine.select_related("therapist", "service"), typed))
    sessions = visibility.sessions(request.membership)
    starts = next_starts(sessions, [client.pk for client in page], now)
    context = {
        "typed": typed,
        "page_obj": page,
        "rows": [(client, starts.get(client.pk), client.rank == NEAR) for client in page],
        "reception": not visibility.is_therapist(request.membership),
    }
    return list_or_page(
        request, "client-list", "panel/client_list.html", "panel/clients.html", context
    )


@require_safe
@clinic_view()
def client(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    tz, member = request.clinic.timezone, request.membership
    try:
        person = client_or_404(request, pk)
    except Http404:
        return _to_joined(request, pk)
    told = _told(request, person, now)
    if request.htmx and request.htmx.target == "timeline":
        return list_or_page(request, "timeline", "panel/client_timeline.html", "", told)
    sessions = visibility.sessions(member).filter(participants__client=person)
    past = sessions.filter(starts_at__lte=now).order_by("-starts_at", "-id")
    ahead = with_people(coming(sessions, now))[:SESSIONS_AHEAD]
    context = {
        "client": person,
        "age": jalali.age(person.birth_date, now, tz) if person.birth_date else None,
        "usable_phone": has_usable_phone(person),
        "sharing": _sharing(request, person),
        "consents": [(p.value, p.label, person.consents_to(p)) for p in Purpose],
        "treatments": [
            (treatment, treatment.is_active(jalali.local_day(now, tz)))
            for treatment in with_visits(
                visibility.treatments(member).filter(client=person)
            ).select_related("therapist", "service")
        ],
        "ahead": lines_of(ahead, member=member, now=now, tz=tz),
        "past": [(session, look_of(session, now)) for session in past[:SESSIONS_BACK]],
        "counts": tally(past),
        **people_around(person, member),
        **_to_come(request, person, now),
        "reception": not visibility.is_therapist(member),
        **told,
        **_standing(request, person, now),
    }
    return list_or_page(
        request, "timeline", "panel/client_timeline.html", "panel/client.html", context
    )


def _to_come(request: ClinicRequest, person: Client, now: dt.datetime) -> dict[str, Any]:
    """What will be sent, and how the next text looks to whoever sees the phone."""
    if person.deceased_at is not None:
        return {"previews": [], "locked": None}
    previews = _previews(request, person, now)
    return {"previews": previews, "locked": locked.next_text(request.clinic, person, previews)}


def _told(request: ClinicRequest, person: Client, now: dt.datetime) -> dict[str, Any]:
    """The page of the timeline that is asked for: of everything, or of one sort alone."""
    alone = request.GET.get("show", "")
    tz, member = request.clinic.timezone, request.membership
    timeline = Timeline(person, member=member, now=now, tz=tz, alone=alone)
    return {
        "page_obj": page_of(request, timeline),
        "alone": alone if alone in ALONE else "",
        "sorts": [(name, label) for name, (label, _kinds) in ALONE.items()],
    }


def _to_joined(request: ClinicRequest, pk: int) -> HttpResponse:
    """Whoever has the address of a file that was joined to another is led to that one."""
    mine = visibility.clients(request.membership)
    kept = get_object_or_404(mine, former_files__number=pk)
    return redirect(clinic_url(request.clinic, "panel:client", kept.pk))


def _standing(request: ClinicRequest, person: Client, now: dt.datetime) -> dict[str, Any]:
    """What holds for the client at this moment, said at the top of the page."""
    member = request.membership
    open_tasks = care_tasks.still_open(visibility.tasks(member).filter(client=person))
    crisis = person.events.filter(kind=ClientEvent.Kind.CRISIS).select_related("by")
    deaths = person.events.filter(kind=ClientEvent.Kind.DIED).select_related("by")
    return {
        "muted": is_muted(person, jalali.local_day(now, request.clinic.timezone)),
        "crisis": crisis.first() if person.crisis_since else None,
        "death": deaths.first() if person.deceased_at else None,
        "still_booked": _still_booked(request, person, now),
        "lifts_crisis": member.manages or visibility.is_therapist(member),
        "wrong_number": care_tasks.wrong_number(person),
        "calls": calls_of(with_attempts(open_tasks), member=member, now=now),
        "wish": waiting.still_open(person.wishes.all()).first(),
        "back": request.path,
    }


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def client_new(request: ClinicRequest) -> HttpResponse:
    return _file(request, None)


@require_http_methods(FORM_METHODS)
@clinic_view(*RECEPTION)
def client_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    return _file(request, client_or_404(request, pk))


@require_POST
@clinic_view(*RECEPTION)
def client_consent(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    person = client_or_404(request, pk)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest()
    purpose, given = Purpose(form.cleaned_data["purpose"]), form.cleaned_data["given"]
    changed = set_consent(
        person, purpose, given, source=ConsentRecord.Source.PANEL, now=now, by=request.user
    )
    if changed:
        said = (
            _("%(client)s will get texts %(about)s.")
            if given
            else _("%(client)s will get no more texts %(about)s.")
        )
        done(request, said % {"client": person.addressed, "about": purpose.label})
    return redirect(clinic_url(request.clinic, "panel:client", pk))


def _file(request: ClinicRequest, person: Client | None) -> HttpResponse:
    """The form of a new file or of one that exists."""
    now = timezone.now()
    instance = {"instance": person} if person else {}
    form = ClientForm(request.POST or None, now=now, tz=request.clinic.timezone, **instance)
    if form.is_bound and form.is_valid():
        kept = form.keep(by=request.user)
        if kept is not None:
            _say_kept(request, kept, new=person is None)
            return redirect(clinic_url(request.clinic, "panel:client", kept.pk))
    home = clinic_url(request.clinic, "panel:clients")
    back = clinic_url(request.clinic, "panel:client", person.pk) if person else home
    context = {
        "form": form,
        "client": person,
        "back": way_back(request, back),
        "locks": _both_ways(request, person),
    }
    return render(request, "panel/client_form.html", context, status=422 if form.is_bound else 200)


def _both_ways(request: ClinicRequest, person: Client | None) -> list[tuple[str, Locked]]:
    """A reminder on a locked phone, as usual and discreet; of a new client somebody's."""
    shown = copy(person) if person else Client(last_name=_("Karimi"), honorific=_("Ms."))
    ways = []
    for discreet, name in ((False, _("As usual")), (True, _("Discreet"))):
        shown.discreet = discreet
        example = locked.example(request.clinic, shown)
        if example is not None:
            ways.append((name, example))
    return ways


def _say_kept(request: ClinicRequest, kept: Client, *, new: bool) -> None:
    done(request, _("The file was opened.") if new else _("The file was saved."))
    others = [str(other) for other in sharing_phone(kept.phone, but=kept.pk)]
    if others:
        text = _("This phone number is also that of %(clients)s. That is fine; texts name nobody.")
        if request.clinic.names_on_shared_phones:
            text = _("This phone number is also that of %(clients)s.")
        messages.warning(request, text % {"clients": _(" and ").join(others)})


def _still_booked(request: ClinicRequest, person: Client, now: dt.datetime) -> int:
    """How many coming sessions of a client who has died wait for reception to cancel them."""
    if person.deceased_at is None:
        return 0
    theirs = visibility.sessions(request.membership).filter(participants__client=person)
    return coming(theirs, now).count()


def _sharing(request: ClinicRequest, person: Client) -> list[Client]:
    """Who else has the client's number, as far as the member may know."""
    if not person.phone:
        return []
    others = sharing_phone(person.phone, but=person.pk)
    return list(others.filter(pk__in=visibility.clients(request.membership)))


def _previews(request: ClinicRequest, person: Client, now: dt.datetime) -> list[Preview]:
    coming_texts: list[Any] = upcoming(request.clinic, now, now + AHEAD, client=person)
    me = request.membership
    if not visibility.is_therapist(me):
        return coming_texts
    return [text for text in coming_texts if text.session.therapist_id == me.therapist_id]
