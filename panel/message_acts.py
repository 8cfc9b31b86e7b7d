"""What is done to several messages at once, and the outbox as a table for a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator

from django.contrib import messages as notices
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_POST, require_safe

from clinic import jalali
from clinic.access import MANAGERS, RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.templatetags.peygir import number
from clinic.toasts import done
from followup.defaults import RULE_NAMES
from messaging import outbox
from messaging.models import Message, State
from panel import visibility
from panel.explain import reason_words
from panel.outbox_filter import OutboxFilter
from panel.pages import way_back
from patients.phones import national
from sessions_app import care_tasks
from sessions_app.models import CareTask

#: States out of which a person may still take a message.
STOPPABLE = (State.QUEUED, State.CLAIMED)
#: What did not arrive, or perhaps not: somebody can still say it by phone.
LOST = (State.FAILED, State.UNDELIVERED, State.UNKNOWN, State.MISSED)
#: More stand on no page; and more rows than a spreadsheet is read with.
_MOST, _MOST_ROWS = 100, 20_000
#: A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@require_POST
@clinic_view(*RECEPTION)
def messages_chosen(request: ClinicRequest) -> HttpResponse:
    """Take the ticked ones out of the queue, after a question; or put their clients on the call list."""
    chosen = _chosen(request)
    back = way_back(request, clinic_url(request.clinic, "panel:messages"))
    do = request.POST.get("do")
    if do == "call":
        _put_on_call_list(request, chosen.filter(state__in=LOST), timezone.now())
    elif do != "cancel":
        return HttpResponseBadRequest()
    elif "sure" in request.POST:
        _cancel(request, chosen, timezone.now())
    elif (waiting := chosen.filter(state__in=STOPPABLE)).exists():
        return _ask(request, list(waiting), back)
    else:
        notices.warning(request, _("None of the ticked messages waits in the queue."))
    return redirect(back)


def _chosen(request: ClinicRequest) -> QuerySet[Message]:
    ticked = [int(pk) for pk in request.POST.getlist("chosen")[:_MOST] if pk.isdecimal()]
    mine = visibility.messages(request.membership).filter(pk__in=ticked)
    return mine.select_related("client", "session").order_by("due_at", "pk")


def _ask(request: ClinicRequest, waiting: list[Message], back: str) -> HttpResponse:
    count = len(waiting)
    question = ngettext(
        "Take %(n)s message out of the queue?", "Take %(n)s messages out of the queue?", count
    )
    context = {
        "question": question % {"n": number(count)},
        "text": _("They will not be sent, and they cannot be put back."),
        "label": _("Do not send them"),
        "back": back,
        "danger": True,
        "waiting": waiting,
    }
    return render(request, "panel/messages_sure.html", context)


def _cancel(request: ClinicRequest, chosen: QuerySet[Message], now: dt.datetime) -> None:
    gone = late = 0
    for message in chosen:
        try:
            outbox.cancel(message, now=now)
            gone += 1
        except outbox.OutboxError:
            late += 1
    if gone:
        said = ngettext(
            "%(n)s message was taken out of the queue.",
            "%(n)s messages were taken out of the queue.",
            gone,
        )
        done(request, said % {"n": number(gone)})
    if late:
        said = ngettext(
            "%(n)s message could no longer be stopped.",
            "%(n)s messages could no longer be stopped.",
            late,
        )
        notices.warning(request, said % {"n": number(late)})


def _put_on_call_list(request: ClinicRequest, lost: QuerySet[Message], now: dt.datetime) -> None:
    for message in lost:
        care_tasks.open_task(
            CareTask.Kind.INSTEAD,
            message.client,
            session=message.session,
            occasion=f"message:{message.pk}",
            due_at=now,
            now=now,
            by=request.user,
        )
    if count := len(lost):
        said = ngettext(
            "%(n)s call is on the call list.", "%(n)s calls are on the call list.", count
        )
        done(request, said % {"n": number(count)})
    else:
        notices.warning(request, _("All the ticked messages have arrived or are on their way."))


# -- For a spreadsheet -------------------------------------------------------------------------


@require_safe
@clinic_view(*MANAGERS)
def messages_csv(request: ClinicRequest) -> HttpResponse:
    """What the list shows, all pages of it; without the texts themselves, which stay in the panel."""
    clinic = request.clinic
    clients = visibility.clients(request.membership)
    form = OutboxFilter(request.GET, tz=clinic.timezone, clients=clients)
    mine = visibility.messages(request.membership).order_by("-due_at", "-id")
    found = form.apply(mine).defer("life", "text").prefetch_related("client")
    rows = list(found[: _MOST_ROWS + 1])
    if len(rows) > _MOST_ROWS:
        said = _("These are more than %(n)s messages; choose a shorter time for the file.")
        notices.warning(request, said % {"n": number(_MOST_ROWS)})
        return redirect(f"{clinic_url(clinic, 'panel:messages')}?{request.GET.urlencode()}")
    day = jalali.numeric_date(timezone.now(), tz=clinic.timezone, language="en").replace("/", "-")
    response = HttpResponse(_table(rows, clinic.timezone), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="messages-{day}.csv"'
    return response


def _table(rows: list[Message], tz: str) -> bytes:
    # With a mark in front, or Excel on Windows takes Persian for something else.
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(_headings())
    writer.writerows([_plain(cell) for cell in _cells(message, tz)] for message in rows)
    return written.getvalue().encode("utf-8-sig")


def _headings() -> list[str]:
    return [
        _("Day"),
        _("Time"),
        _("File number"),
        _("Client"),
        _("Recipient"),
        _("Message"),
        _("Channel"),
        _("State"),
        _("Reason"),
        _("Parts"),
        _("Cost in Rial"),
    ]


def _cells(message: Message, tz: str) -> Iterator[object]:
    yield jalali.numeric_date(message.due_at, tz=tz, language="en")
    yield f"{jalali.local(message.due_at, tz):%H:%M}"
    yield message.client.file_no
    yield str(message.client)
    # A number with a space in it stays as it is; Excel would take the zero in front away.
    yield _spaced(message.recipient)
    yield str(RULE_NAMES.get(message.rule_key, message.rule_key))
    yield message.get_channel_display()
    yield message.get_state_display()
    yield reason_words(message.reason)
    yield message.parts or ""
    yield "" if message.cost_rial is None else message.cost_rial


def _spaced(recipient: str) -> str:
    if not recipient.startswith("+"):
        return recipient
    digits = national(recipient)
    return f"{digits[:4]} {digits[4:]}"


def _plain(cell: object) -> object:
    """A cell that no spreadsheet runs as a formula: names are typed by anybody."""
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else cell
