"""What is done to several sessions at once, and taken back at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic import jalali
from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import TimeOff
from clinic.toasts import done
from panel.pages import asked_day, day_link, day_param
from sessions_app import actions
from sessions_app.forms import explain
from sessions_app.models import Session, SessionChange
from sessions_app.queries import names_in, with_people

#: A day has fewer sessions; more numbers in an address are no work of ours.
_MOST = 100
_LONGEST_NUMBER = 18
_UNDONE = (SessionChange.Kind.CANCELLED, SessionChange.Kind.MOVED, SessionChange.Kind.BOOKED)


@dataclass(slots=True)
class Result:
    """Sessions that were changed; and those that could not be, with the reason."""

    changed: list[Session] = field(default_factory=list)
    refused: list[tuple[Session, str]] = field(default_factory=list)

    def attempt(self, session: Session, tz: str, act: Callable[[], Session]) -> None:
        try:
            self.changed.append(act())
        except actions.SessionError as error:
            self.refused.append((session, explain(error, tz)))


def undo_address(
    request: ClinicRequest,
    sessions: Iterable[Session],
    day: dt.date,
    *,
    absence: TimeOff | None = None,
) -> str:
    """Where the last change of each of these is taken back, and the absence entered with them."""
    changes = SessionChange.objects.filter(session__in=list(sessions))
    last = changes.order_by("session_id", "-pk").distinct("session_id").values_list("pk", flat=True)
    named = ".".join(map(str, last))
    away = f"&absence={absence.pk}" if absence else ""
    here = clinic_url(request.clinic, "panel:sessions_undo")
    return f"{here}?day={day_param(day)}&changes={named}{away}"


@require_POST
@clinic_view(*RECEPTION)
def sessions_undo(request: ClinicRequest) -> HttpResponse:
    """Take back the changes that the address names, but for what was changed again since."""
    now, tz = timezone.now(), request.clinic.timezone
    changes = SessionChange.objects.filter(pk__in=_numbers(request, "changes"), kind__in=_UNDONE)
    of = {change.session_id: change for change in changes.order_by("pk")}
    result = Result()
    for session in with_people(Session.objects.filter(pk__in=of)).order_by("pk"):
        act = partial(actions.undo, session, change=of[session.pk], now=now, by=request.user)
        result.attempt(session, tz, act)
    # Their own act is taken back: what somebody else has entered is the settings' to delete.
    TimeOff.objects.filter(pk__in=_numbers(request, "absence"), created_by=request.user).delete()
    if result.changed:
        done(request, _("Undone."))
    say_refused(request, result)
    day = asked_day(request, "day", jalali.local_day(now, tz))
    return redirect(day_link(request.clinic, "panel:today", day))


def say_refused(request: ClinicRequest, result: Result) -> None:
    """Name what stayed as it was; its sessions come from `with_people`."""
    for session, why in result.refused:
        said = _("The session of %(clients)s stayed as it was: %(why)s")
        messages.warning(request, said % {"clients": names_in(session), "why": why})


def _numbers(request: ClinicRequest, name: str) -> list[int]:
    named = request.GET.get(name, "").split(".")[:_MOST]
    return [
        int(it) for it in named if it.isascii() and it.isdecimal() and len(it) <= _LONGEST_NUMBER
    ]
