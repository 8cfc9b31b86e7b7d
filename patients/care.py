"""What is decided about a client's file: stops, holds, own hours, and the turns of a treatment.

Every verb locks the client's row first, as every change of a client does, so that a text being sent
at this moment either has seen the decision or has already left; then it leaves one `ClientEvent`.
All of them raise `CareError` when they are not possible. Days are the clinic's local ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.models import Clinic, User
from patients.models import OPEN_TREATMENTS, Client, ClientEvent, Treatment, Via
from patients.queries import is_muted

Kind = ClientEvent.Kind
State = Treatment.State

#: Sent inside the transaction, under the client's lock, with `client`, `event` and `now`, and the
#: second with `since`, the moment of the mistake; rooms to the left stop what they do for the
#: client, and take it up again.
client_died = Signal()
client_not_died = Signal()

#: A narrower window would hold back nearly every text.
SHORTEST_HOURS = dt.timedelta(hours=2)

# What an event can be undone against: the last of these about the same client or treatment.
_MUTES = (Kind.MUTED, Kind.UNMUTED)
_DEATHS = (Kind.DIED, Kind.NOT_DIED)
_PLANS = (Kind.PLANNED,)
_TURNS = (Kind.PAUSED, Kind.RESUMED, Kind.COMPLETED, Kind.DROPPED)


class CareError(ValueError):
    """The verb is not possible; `str()` says why in the reader's language, naming nobody."""


# Every verb takes who did it and by which way.
Who = dict[str, Any]


def mute(
    client: Client,
    until: dt.date | None = None,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """No automated text until that day, or until somebody ends it; again, to change the day."""
    with transaction.atomic():
        held = hold(client)
        _refuse_past(until, _today(held, now))
        muted_at = held.muted_at if is_muted(held, _today(held, now)) else now
        _set(held, client, muted_at=muted_at, muted_until=until)
        return _note(held, Kind.MUTED, until=until, note=note, now=now, by=by, via=via)


def unmute(
    client: Client,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    with transaction.atomic():
        held = hold(client)
        if not is_muted(held, _today(held, now)):
            raise CareError(_("Texts to this client are not stopped."))
        _set(held, client, muted_at=None, muted_until=None)
        return _note(held, Kind.UNMUTED, note=note, now=now, by=by, via=via)


def hold_for_crisis(
    client: Client,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """No automated text but the clinic's own emergency wording, until a person lifts it."""
    with transaction.atomic():
        held = hold(client)
        if held.crisis_since is not None:
            raise CareError(_("A crisis hold stands already."))
        _set(held, client, crisis_since=now)
        return _note(held, Kind.CRISIS, note=note, now=now, by=by, via=via)


def lift_crisis(
    client: Client,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    with transaction.atomic():
        held = hold(client)
        if held.crisis_since is None:
            raise CareError(_("No crisis hold stands."))
        _set(held, client, crisis_since=None)
        return _note(held, Kind.CRISIS_OVER, note=note, now=now, by=by, via=via)


def record_death(
    client: Client,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """Nothing is sent to this client any more and nobody is asked to call, for whatever reason.

    What is booked stays until a person cancels it.
    """
    with transaction.atomic():
        held = hold(client)
        if held.deceased_at is not None:
            raise CareError(_("The death of this client is recorded already."))
        _set(held, client, deceased_at=now)
        event = _note(held, Kind.DIED, note=note, now=now, by=by, via=via)
        client_died.send(Client, client=held, event=event, now=now)
        return event


def undo_death(
    client: Client,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """It was a mistake. Texts that fall due from now on are sent again, and none from before."""
    with transaction.atomic():
        held = hold(client)
        if held.deceased_at is None:
            raise CareError(_("No death is recorded of this client."))
        since = held.deceased_at
        _set(held, client, deceased_at=None)
        event = _note(held, Kind.NOT_DIED, note=note, now=now, by=by, via=via)
        client_not_died.send(Client, client=held, event=event, now=now, since=since)
        return event


def set_hours(
    client: Client,
    texts_from: dt.time | None,
    texts_until: dt.time | None,
    *,
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """The client's own hours for texts, on the clinic's clock; None and None for the clinic's."""
    with transaction.atomic():
        held = hold(client)
        check_hours(held.clinic, texts_from, texts_until)
        _set(held, client, texts_from=texts_from, texts_until=texts_until)
        hours = f"{texts_from:%H:%M}-{texts_until:%H:%M}" if texts_from and texts_until else ""
        return _note(held, Kind.HOURS, note=hours, now=now, by=by, via=via)


def check_hours(clinic: Clinic, texts_from: dt.time | None, texts_until: dt.time | None) -> None:
    """Raises CareError unless the hours are two at least, and inside the clinic's waking ones."""
    if texts_from is None and texts_until is None:
        return
    if texts_from is None or texts_until is None:
        raise CareError(_("Write both, or leave both empty."))
    if not clinic.quiet_to <= texts_from < texts_until <= clinic.quiet_from:
        raise CareError(
            _("The hours must lie inside the clinic's own, from %(start)s to %(end)s.")
            % {"start": f"{clinic.quiet_to:%H:%M}", "end": f"{clinic.quiet_from:%H:%M}"}
        )
    day = dt.date(2000, 1, 1)
    length = dt.datetime.combine(day, texts_until) - dt.datetime.combine(day, texts_from)
    if length < SHORTEST_HOURS:
        raise CareError(_("The hours must be two at least, or texts would hardly find a time."))


def pause_treatment(
    treatment: Treatment,
    until: dt.date | None = None,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """Until that day, which is the first one on again, or until it is taken up; also to change it."""
    with transaction.atomic():
        client, held = _hold_treatment(treatment)
        _refuse_closed(held)
        _refuse_past(until, _today(client, now))
        _turn(held, treatment, state=State.PAUSED, paused_until=until, ended_at=None)
        return _note(client, Kind.PAUSED, held, until=until, note=note, now=now, by=by, via=via)


def resume_treatment(
    treatment: Treatment,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """End a pause, or take up a treatment that was finished or given up."""
    with transaction.atomic():
        client, held = _hold_treatment(treatment)
        if held.state == State.ACTIVE:
            raise CareError(_("This treatment is going on already."))
        _turn(held, treatment, state=State.ACTIVE, paused_until=None, ended_at=None)
        return _note(client, Kind.RESUMED, held, note=note, now=now, by=by, via=via)


def complete_treatment(
    treatment: Treatment,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """A planned ending: nothing is asked of the client afterwards."""
    return _end(treatment, State.COMPLETED, Kind.COMPLETED, note=note, now=now, by=by, via=via)


def drop_treatment(
    treatment: Treatment,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """An ending that nobody planned."""
    return _end(treatment, State.DROPPED, Kind.DROPPED, note=note, now=now, by=by, via=via)


def plan_ending(
    treatment: Treatment,
    ends_on: dt.date | None = None,
    ends_after: int | None = None,
    *,
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
) -> ClientEvent:
    """When the treatment is to end: a day, a number of sessions, or both; neither takes the plan back.

    The caller has looked that the number lies ahead of the sessions there have been.
    """
    with transaction.atomic():
        client, held = _hold_treatment(treatment)
        _refuse_closed(held)
        _refuse_past(ends_on, _today(client, now))
        _turn(held, treatment, ends_on=ends_on, ends_after=ends_after)
        after = str(ends_after or "")
        return _note(client, Kind.PLANNED, held, until=ends_on, note=after, now=now, by=by, via=via)


def undo(event: ClientEvent, *, now: dt.datetime, by: User | None = None) -> ClientEvent:
    """Put back what the event changed, while it is the last of its sort; itself an event.

    A crisis hold is not undone: it is lifted, with a reason.
    """
    with transaction.atomic():
        hold(event.client)
        earlier = _earlier(event)
        who: Who = {"now": now, "by": by}
        if event.treatment is not None:
            back = _undo_plan if event.kind == Kind.PLANNED else _undo_turn
            return back(event.treatment, event, earlier, who)
        if event.kind == Kind.DIED:
            return undo_death(event.client, **who)
        if event.kind == Kind.NOT_DIED:
            return record_death(event.client, **who)
        if event.kind == Kind.HOURS:
            return set_hours(event.client, *_hours_of(earlier), **who)
        if earlier is not None and earlier.kind == Kind.MUTED:
            return mute(event.client, earlier.until, **who)
        return unmute(event.client, **who)


def _earlier(event: ClientEvent) -> ClientEvent | None:
    """What stood before the event. Raises CareError when another has come since."""
    sorts = (_MUTES, _DEATHS, (Kind.HOURS,), _PLANS, _TURNS)
    sort = next((kinds for kinds in sorts if event.kind in kinds), None)
    if sort is None:
        raise CareError(_("There is nothing to undo."))
    of_sort = ClientEvent.objects.filter(
        client=event.client_id, treatment=event.treatment_id, kind__in=sort
    ).order_by("-at", "-id")
    last, *before = of_sort[:2]
    if last.pk != event.pk:
        raise CareError(_("The file has been changed again since; look at it first."))
    return before[0] if before else None


def _undo_turn(
    treatment: Treatment, event: ClientEvent, earlier: ClientEvent | None, who: Who
) -> ClientEvent:
    """A treatment begins without an event: with none before, it was going on."""
    if earlier is None or earlier.kind == Kind.RESUMED:
        return resume_treatment(treatment, **who)
    if earlier.kind == Kind.COMPLETED:
        return complete_treatment(treatment, **who)
    if earlier.kind == Kind.DROPPED:
        return drop_treatment(treatment, **who)
    if event.kind in (Kind.COMPLETED, Kind.DROPPED):
        resume_treatment(treatment, **who)
    return pause_treatment(treatment, earlier.until, **who)


def _undo_plan(
    treatment: Treatment, _event: ClientEvent, earlier: ClientEvent | None, who: Who
) -> ClientEvent:
    """A plan is what its event says: the day, and the number as its note."""
    if earlier is None:
        return plan_ending(treatment, **who)
    return plan_ending(treatment, earlier.until, int(earlier.note or 0) or None, **who)


def _hours_of(event: ClientEvent | None) -> tuple[dt.time | None, dt.time | None]:
    if event is None or not event.note:
        return None, None
    start, end = event.note.split("-")
    return dt.time.fromisoformat(start), dt.time.fromisoformat(end)


def _end(
    treatment: Treatment, state: str, kind: str, *, now: dt.datetime, **said: Any
) -> ClientEvent:
    with transaction.atomic():
        client, held = _hold_treatment(treatment)
        _refuse_closed(held)
        _turn(held, treatment, state=state, paused_until=None, ended_at=now)
        return _note(client, kind, held, now=now, **said)


def _refuse_closed(treatment: Treatment) -> None:
    if not treatment.is_open:
        raise CareError(_("This treatment has ended; take it up again first."))


def _refuse_past(until: dt.date | None, today: dt.date) -> None:
    if until is not None and until <= today:
        raise CareError(_("Choose a day after today."))


def _today(client: Client, now: dt.datetime) -> dt.date:
    return jalali.local_day(now, client.clinic.timezone)


def hold(client: Client) -> Client:
    """Lock the client's row, as the sender does, and read it anew with the clinic."""
    held: Client = (
        Client.objects.select_for_update(of=("self",), no_key=True)
        .select_related("clinic")
        .get(pk=client.pk)
    )
    return held


def _hold_treatment(treatment: Treatment) -> tuple[Client, Treatment]:
    """The client's row first, then the treatment's: a booking that ends a pause takes only that."""
    client = hold(treatment.client)
    held = Treatment.objects.select_for_update(of=("self",), no_key=True).get(pk=treatment.pk)
    return client, held


def _set(held: Client, given: Client, **values: Any) -> None:
    for row in (held, given):
        for name, value in values.items():
            setattr(row, name, value)
    held.save(update_fields=list(values))


def _turn(held: Treatment, given: Treatment, **values: Any) -> None:
    for row in (held, given):
        for name, value in values.items():
            setattr(row, name, value)
    try:
        with transaction.atomic():
            held.save(update_fields=list(values))
    except IntegrityError as error:
        if "treatment_open_once" not in str(error):
            raise
        raise CareError(
            _("Another treatment with the same therapist for the same service is open already.")
        ) from None


def _note(
    client: Client, kind: str, treatment: Treatment | None = None, *, now: dt.datetime, **said: Any
) -> ClientEvent:
    return ClientEvent.objects.create(
        clinic_id=client.clinic_id, client=client, treatment=treatment, kind=kind, at=now, **said
    )


def open_treatments(client: Client) -> Iterable[Treatment]:
    """Active and paused ones, the newest first."""
    return Treatment.objects.filter(client=client, state__in=OPEN_TREATMENTS).select_related(
        "therapist", "service"
    )
