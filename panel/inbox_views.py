"""The inbox: what clients wrote, one conversation for each number, and what is done about it.

Therapists read what their own clients wrote; to answer, call and close is the work of reception.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.toasts import done
from messaging import by_hand, inbox as acts
from messaging.models import Message, Reply
from panel import visibility
from panel.inbox import Conversation, conversation, listed, rows_of
from panel.inbox_forms import AnswerForm, AttachForm, CloseForm, PersonForm
from panel.pages import history_page, list_or_page
from patients.models import Client
from patients.queries import search
from sessions_app import care_tasks
from sessions_app.models import CareTask

ALL = "all"
#: Of the clients that fit what was typed, so many are offered.
OFFERED = 12


@require_safe
@clinic_view()
def inbox(request: ClinicRequest) -> HttpResponse:
    typed = request.GET.get("q", "").strip()
    everything = request.GET.get("show") == ALL
    page = history_page(request, listed(request.membership, everything=everything, typed=typed))
    context = {
        "typed": typed,
        "everything": everything,
        "page_obj": page,
        "rows": rows_of(page, request.membership),
    }
    return list_or_page(request, "inbox", "panel/inbox_list.html", "panel/inbox.html", context)


@require_safe
@clinic_view()
def inbox_talk(request: ClinicRequest, pk: int) -> HttpResponse:
    """One conversation. Addressed by any of its replies, because a number belongs in no address."""
    return _page(request, _talk_or_404(request, pk))


@require_POST
@clinic_view(*RECEPTION)
def inbox_answer(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    talk = _talk_or_404(request, pk)
    form = AnswerForm(request.POST, people=talk.living)
    sent = form.send(talk.last, now=now, by=request.user) if form.is_valid() else None
    if sent is None:
        return _page(request, talk, form)
    if form.cleaned_data["closes"]:
        _close_quietly(talk.last, Reply.Ending.ANSWERED, now, request)
    done(request, _said_of(request, sent, now))
    return redirect(_address(request, pk))


@require_POST
@clinic_view(*RECEPTION)
def inbox_close(request: ClinicRequest, pk: int) -> HttpResponse:
    """Close what waits, up to the reply in the address: what came in since has not been read."""
    reply = _reply_or_404(request, pk)
    form = CloseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The note is too long."))
        return redirect(_address(request, pk))
    try:
        acts.close(
            reply,
            Reply.Ending.SETTLED,
            note=form.cleaned_data["note"],
            now=timezone.now(),
            by=request.user,
        )
    except acts.InboxError as error:
        messages.warning(request, str(error))
    else:
        undo = clinic_url(request.clinic, "panel:inbox_reopen", pk)
        done(request, _("The conversation is closed."), undo=undo)
    return redirect(clinic_url(request.clinic, "panel:inbox"))


@require_POST
@clinic_view(*RECEPTION)
def inbox_reopen(request: ClinicRequest, pk: int) -> HttpResponse:
    try:
        acts.reopen(_reply_or_404(request, pk))
    except acts.InboxError as error:
        messages.warning(request, str(error))
    else:
        done(request, _("The conversation waits again."))
    return redirect(_address(request, pk))


@require_POST
@clinic_view(*RECEPTION)
def inbox_call(request: ClinicRequest, pk: int) -> HttpResponse:
    """Put the writer on the call list, with what they wrote; the list takes it over from here."""
    now = timezone.now()
    talk = _talk_or_404(request, pk)
    form = PersonForm(request.POST, people=talk.living)
    person = form.person() if form.is_valid() else None
    if person is None:
        messages.error(request, _("Choose who is to be called."))
        return redirect(_address(request, pk))
    care_tasks.open_task(
        CareTask.Kind.REPLY,
        person,
        text="\n".join(reply.text for reply in talk.waiting or [talk.last]),
        occasion=f"reply:{talk.last.pk}",
        due_at=now,
        now=now,
        by=request.user,
    )
    _close_quietly(talk.last, Reply.Ending.CALL, now, request)
    done(request, _("%(client)s is on the call list now.") % {"client": person})
    return redirect(_address(request, pk))


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view(*RECEPTION)
def inbox_attach(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say whose number it is. A search by GET offers clients; the choice is posted."""
    reply = _reply_or_404(request, pk)
    mine = visibility.clients(request.membership).filter(deceased_at=None)
    form = AttachForm(request.POST if request.method == "POST" else None, people=mine)
    if form.is_bound and form.is_valid() and _attach(request, reply, form):
        return redirect(_address(request, pk))
    typed = request.GET.get("q", "").strip()
    context = {
        "reply": reply,
        "form": form,
        "typed": typed,
        "found": _offered(request, mine, typed),
        "back": _address(request, pk),
    }
    status = 422 if form.is_bound else 200
    return render(request, "panel/inbox_attach.html", context, status=status)


# -- What they do ------------------------------------------------------------------------------


def _reply_or_404(request: ClinicRequest, pk: int) -> Reply:
    return get_object_or_404(visibility.inbox(request.membership), pk=pk)


def _talk_or_404(request: ClinicRequest, pk: int) -> Conversation:
    return conversation(_reply_or_404(request, pk), request.membership)


def _address(request: ClinicRequest, pk: int) -> str:
    return clinic_url(request.clinic, "panel:inbox_talk", pk)


def _page(
    request: ClinicRequest, talk: Conversation, form: AnswerForm | None = None
) -> HttpResponse:
    now = timezone.now()
    reception = not visibility.is_therapist(request.membership)
    refusal = _refusal(talk, now) if reception else ""
    writes = reception and bool(talk.living) and not refusal
    context: dict[str, Any] = {
        "talk": talk,
        "reception": reception,
        "refusal": refusal,
        "form": (form or AnswerForm(people=talk.living)) if writes else None,
        "callers": PersonForm(people=talk.living) if reception and talk.living else None,
        "leaves_at": _later(talk.living, now) if writes else None,
    }
    return render(request, "panel/inbox_talk.html", context, status=422 if form else 200)


def _refusal(talk: Conversation, now: dt.datetime) -> str:
    """Why nobody behind this number may be written to; empty where somebody may."""
    reasons = [by_hand.why_not(client, talk.phone, now) for client in talk.people]
    return "" if not all(reasons) or not reasons else reasons[0]


def _later(people: Sequence[Client], now: dt.datetime) -> dt.datetime | None:
    """When an answer would leave, where that is not at once."""
    moment = by_hand.leaves_at(people[0], now)
    return moment if moment > now else None


def _close_quietly(reply: Reply, ending: str, now: dt.datetime, request: ClinicRequest) -> None:
    """What was done about it closes it; that a colleague was faster is no trouble."""
    try:
        acts.close(reply, ending, now=now, by=request.user)
    except acts.InboxError:
        return


def _said_of(request: ClinicRequest, message: Message, now: dt.datetime) -> str:
    at = by_hand.leaves_at(message.client, now)
    if at <= now:
        return _("The text is on its way.")
    when = jalali.relative(at, now, tz=request.clinic.timezone)
    return _("It is quiet time now; the text leaves %(when)s.") % {"when": when}


def _offered(request: ClinicRequest, mine: Any, typed: str) -> list[Client]:
    chosen = request.POST.get("client", "")
    if chosen.isdecimal():
        return list(mine.filter(pk=int(chosen)))
    return list(search(mine, typed)[:OFFERED]) if typed else []


def _attach(request: ClinicRequest, reply: Reply, form: AttachForm) -> bool:
    person: Client = form.cleaned_data["client"]
    try:
        acts.attach(reply, person, onto_file=form.cleaned_data["onto_file"])
    except acts.InboxError as error:
        form.add_error(None, str(error))
        return False
    if form.cleaned_data["onto_file"]:
        done(request, _("The number stands on the file of %(client)s now.") % {"client": person})
    else:
        said = _("The conversation bears the name of %(client)s now; the file stays as it was.")
        done(request, said % {"client": person})
    return True
