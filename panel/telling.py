"""What becomes of "tell the client": the word after a change, as honest as the engine itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.access import ClinicRequest
from clinic.models import Clinic
from clinic.toasts import done
from followup.models import Kind, Rule
from followup.preview import Preview, upcoming
from messaging.accounts import gateways_of
from messaging.models import Reason, State
from patients.models import Client
from sessions_app.actions import TIME_TO_UNDO
from sessions_app.models import Session, SessionChange, State as SessionState

#: Longer than the longest night: a text that waits for the morning is found.
REACH = dt.timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Telling:
    """When a text goes, in words; and who gets none and why, a sentence each."""

    when: str = ""
    silence: tuple[str, ...] = ()


def say(
    request: ClinicRequest, said: str, session: Session, now: dt.datetime, *, undo: str = ""
) -> None:
    """Say what the last change did, with what the client will read of it."""
    told = telling_of(request.clinic, session, session.changes.all()[0], now)
    done(request, f"{said} {told.when}".strip(), undo=undo)
    for sentence in told.silence:
        messages.warning(request, sentence)


def telling_of(
    clinic: Clinic, session: Session, change: SessionChange, now: dt.datetime
) -> Telling:
    """What becomes of telling this change.

    Nothing, where staff chose to tell nobody. Asked of the preview, which is the planner's and the
    sender's own question about the next minutes.
    """
    if not change.tell or session.starts_at <= now:
        return Telling()
    rules = list(Rule.objects.filter(kind=rule_kind(session, change), enabled=True))
    foreseen = [it for rule in rules for it in _foreseen(clinic, rule, session, now)]
    leaving = [it for it in foreseen if it.will_be_sent]
    if leaving and clinic.pk not in gateways_of({clinic.pk}):
        return Telling(silence=(_no_text(str(Reason.NO_ACCOUNT.label)),))
    when = _when(min(it.due_at for it in leaving), now, clinic.timezone) if leaving else ""
    return Telling(when, tuple(_silence(session, leaving, foreseen, has_rule=bool(rules))))


def rule_kind(session: Session, change: SessionChange) -> str:
    """The kind of rule that tells of a change."""
    if session.state == SessionState.CANCELLED:
        return Kind.CANCELLED
    return Kind.BOOKED if change.kind == SessionChange.Kind.BOOKED else Kind.MOVED


def _foreseen(clinic: Clinic, rule: Rule, session: Session, now: dt.datetime) -> list[Preview]:
    return upcoming(clinic, now, now + REACH, session=session, rule=rule)


def _silence(
    session: Session, leaving: list[Preview], foreseen: list[Preview], *, has_rule: bool
) -> Iterator[str]:
    """Why nobody reads of some of the session's clients; who shares a phone reads it there."""
    people = list(session.clients.all())
    told, phones = {it.client for it in leaving}, {it.recipient for it in leaving}
    silent = [client for client in people if client not in told and client.call_phone not in phones]
    reasons = {client: _reason(client, foreseen, has_rule) for client in silent}
    if len(silent) == len(people) and len(set(reasons.values())) == 1:
        yield _no_text(reasons[silent[0]])
        return
    said = _("No text will be sent to %(client)s: %(reason)s.")
    yield from (said % {"client": client, "reason": why} for client, why in reasons.items())


def _reason(client: Client, foreseen: list[Preview], has_rule: bool) -> str:
    mine = next((it for it in foreseen if it.client.pk == client.pk), None)
    if mine is None:
        return str((Reason.NOT_MEANT if has_rule else Reason.RULE_OFF).label)
    if mine.state == State.SHADOW:
        return _("the clinic is in trial mode; it will only be shown among the messages")
    return mine.reason_words


def _no_text(reason: str) -> str:
    return _("No text will be sent: %(reason)s.") % {"reason": reason}


def _when(due: dt.datetime, now: dt.datetime, tz: str) -> str:
    if due - now <= TIME_TO_UNDO:
        return _("A text goes out within three minutes.")
    return _("A text goes out %(when)s.") % {"when": jalali.relative(due, now, tz=tz)}
