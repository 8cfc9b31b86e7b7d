"""What two files of one client have of sessions, joined: see `patients.merging`."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat, Left
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from patients.merging import Merge, Part
from patients.models import Client
from sessions_app import rhythm
from sessions_app.models import (
    CareTask,
    ClientLink,
    Participant,
    Rhythm,
    Session,
    SessionChange,
    Wish,
)

#: What an occasion may be long, less what tells it from the same one of the other file.
_OCCASION = 60


def counts(client: Client) -> dict[StrPromise, int]:
    return {
        _("sessions"): client.participations.count(),
        _("calls"): client.tasks.count(),
    }


def hold(joined: Merge) -> None:
    """Both clients' sessions, by id: who comes to them must not change meanwhile."""
    theirs = Participant.objects.filter(client__in=joined.both).values("session_id")
    rows = Session.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=theirs)
    list(rows.order_by("pk").values_list("pk", flat=True))


def move(joined: Merge) -> None:
    """Places, addresses in the client's hand, wishes and calls; and how the client comes, reckoned anew."""
    _join_places(joined)
    _rename(joined)
    ClientLink.objects.filter(client=joined.lost).update(client=joined.kept)
    Wish.objects.filter(client=joined.lost).update(client=joined.kept)
    _reckon_rhythm(joined)
    _join_tasks(joined)


def _join_places(joined: Merge) -> None:
    """One place in a session where both files had one."""
    mine = Participant.objects.filter(client=joined.kept).values("session_id")
    theirs = Participant.objects.filter(client=joined.lost)
    joined.leave_out(theirs.filter(session__in=mine))
    theirs.update(client=joined.kept)


def _rename(joined: Merge) -> None:
    """Histories name clients by number, and undoing a change puts these back into the session."""
    kept, lost = joined.kept.pk, joined.lost.pk
    named = Q(before__clients__contains=lost) | Q(after__clients__contains=lost)
    changes = list(SessionChange.objects.filter(named))
    for change in changes:
        for said in (change.before, change.after):
            if "clients" in said:
                said["clients"] = _renamed(said["clients"], lost, kept)
    SessionChange.objects.bulk_update(changes, ["before", "after"])


def _renamed(people: Iterable[int], lost: int, kept: int) -> list[int]:
    return list(dict.fromkeys(kept if pk == lost else pk for pk in people))


def _reckon_rhythm(joined: Merge) -> None:
    """Of one client now. Held in the order of everybody, before one of them goes."""
    held = Rhythm.objects.select_for_update(of=("self",), no_key=True)
    list(held.filter(client__in=joined.both).order_by("client_id").values_list("pk", flat=True))
    Rhythm.objects.filter(client=joined.lost).delete()
    if joined.kept.participations.exists():
        rhythm.refresh([joined.kept.pk])


def _join_tasks(joined: Merge) -> None:
    """Calls of both; of two open ones about the same the other file's is settled.

    Both stay on record, so the one that goes by the same name is given another.
    """
    theirs = CareTask.objects.filter(client=joined.lost)
    twice = theirs.filter(pk__in=_told_twice(joined))
    open_twice = theirs.filter(pk__in=_told_twice(joined, closed_at=None), closed_at=None)
    open_twice.update(outcome=CareTask.Outcome.DONE, closed_at=joined.now, closed_by=joined.by)
    twice.update(
        occasion=Concat(Left("occasion", _OCCASION), Value(f":{joined.lost.pk}")),
    )
    theirs.update(client=joined.kept)


def _told_twice(joined: Merge, **which: object) -> list[int]:
    """The lost file's tasks of an occasion for which the kept one has a task, too."""
    mine = set(
        CareTask.objects.filter(client=joined.kept, **which)
        .exclude(occasion="")
        .values_list("kind", "occasion")
    )
    theirs: QuerySet[CareTask] = CareTask.objects.filter(client=joined.lost).exclude(occasion="")
    rows = theirs.order_by("pk").values_list("pk", "kind", "occasion")
    return [pk for pk, kind, occasion in rows if (kind, occasion) in mine]


PART = Part(counts, hold, move)
