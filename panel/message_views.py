"""Messages: the outbox, and one message's whole life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages as notices
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.toasts import done
from messaging import outbox
from messaging.models import Channel, Message, State
from panel import visibility
from panel.explain import reason_words, why
from panel.message_acts import LOST, STOPPABLE
from panel.message_life import life_of, next_of
from panel.outbox_filter import OutboxFilter
from panel.pages import history_page, list_or_page


@require_safe
@clinic_view()
def messages(request: ClinicRequest) -> HttpResponse:
    # A query of their own for the clients: beside the join's condition PostgreSQL takes the policy's
    # for another one, expects few rows and sorts all the clinic's texts.
    mine = visibility.messages(request.membership).defer("life").prefetch_related("client")
    form = OutboxFilter(
        request.GET,
        tz=request.clinic.timezone,
        clients=visibility.clients(request.membership),
    )
    page = history_page(request, form.apply(mine.order_by("-due_at", "-id")))
    acting = () if visibility.is_therapist(request.membership) else (*STOPPABLE, *LOST)
    context = {
        "form": form,
        "page_obj": page,
        "rows": [(it, reason_words(it.reason), it.state in acting) for it in page],
        "can_act": any(it.state in acting for it in page),
        "back": request.get_full_path(),
    }
    return list_or_page(
        request, "outbox", "panel/message_list.html", "panel/messages.html", context
    )


@require_safe
@clinic_view()
def message(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    mine = visibility.messages(request.membership)
    loaded = get_object_or_404(
        mine.select_related(
            "client", "contact", "account", "session__therapist", "session__service"
        ),
        pk=pk,
    )
    reception = not visibility.is_therapist(request.membership)
    context = {
        "message": loaded,
        "why": why(
            loaded,
            now=now,
            tz=request.clinic.timezone,
            stopped=request.clinic.paused_at is not None,
        ),
        "life": life_of(loaded),
        "next": next_of(loaded),
        **_chain(mine, loaded),
        "stoppable": reception and loaded.state in STOPPABLE,
        "settleable": reception and loaded.state == State.UNKNOWN,
    }
    return render(request, "panel/message.html", context)


def _chain(mine: QuerySet[Message], message: Message) -> dict[str, Any]:
    """What this one makes up for, what makes up for it, and what would be tried next."""
    kin = mine.filter(Q(pk=message.instead_of) | Q(instead_of=message.pk))
    found = {other.pk == message.instead_of: other for other in kin}
    return {
        "before": found.get(True),
        "after": found.get(False),
        "then": [Channel(channel).label for channel in message.then],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view(*RECEPTION)
def message_cancel(request: ClinicRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    loaded = get_object_or_404(visibility.messages(request.membership), pk=pk)
    here = clinic_url(request.clinic, "panel:message", pk)
    if request.method == "POST":
        said = _("The message was taken out of the queue.")
        return _settle(request, here, said, lambda: outbox.cancel(loaded, now=now))
    context = {
        "question": _("Take this message out of the queue?"),
        "text": _("It will not be sent, and it cannot be put back."),
        "label": _("Do not send it"),
        "back": here,
        "danger": True,
    }
    return render(request, "confirm.html", context)


@require_POST
@clinic_view(*RECEPTION)
def message_settle(request: ClinicRequest, pk: int) -> HttpResponse:
    """A person has found out whether an unclear message left."""
    now = timezone.now()
    loaded = get_object_or_404(visibility.messages(request.membership), pk=pk)
    answers = {"sent": True, "not_sent": False}
    answer = request.POST.get("answer")
    if answer not in answers:
        return HttpResponseBadRequest()
    here = clinic_url(request.clinic, "panel:message", pk)
    was_sent = answers[answer]
    said = _("Recorded as sent.") if was_sent else _("Recorded as not sent.")
    return _settle(request, here, said, lambda: outbox.settle_unknown(loaded, was_sent, now=now))


def _settle(request: ClinicRequest, here: str, said: str, act: Callable[[], None]) -> HttpResponse:
    try:
        act()
    except outbox.OutboxError as error:
        notices.error(request, str(error))
    else:
        done(request, said)
    return redirect(here)
