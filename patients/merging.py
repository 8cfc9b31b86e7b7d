"""Two files of one client become one.

Everything that happened stays and goes on under the kept file; of the other one a `FormerFile` is
left, by which old addresses, lists and phones still find their client. Rooms to the left bring
along what is theirs by registering a `Part`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _, gettext_lazy
from django_stubs_ext import StrPromise

from clinic.models import User
from clinic.security import key_name
from clinic.tenancy import TenantForeignKey, each_tenant_model
from patients import care, stricter
from patients.contacts import kept_words
from patients.models import (
    OPEN_TREATMENTS,
    Client,
    ClientEvent,
    ConsentRecord,
    ContactPerson,
    FormerFile,
    Treatment,
)
from patients.phones import national

#: What a person chooses between where the two files differ, each with the columns it stands for.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("first_name", "last_name"),
    "honorific": ("honorific",),
    "file_no": ("file_no",),
    "phone": ("phone",),
    "email": ("email",),
    "gender": ("gender",),
    "birth_date": ("birth_date",),
    "therapist": ("therapist_id",),
    "service": ("service_id",),
    "hours": ("texts_from", "texts_until"),
}
#: So often a merge begins again when a row came in behind it; what its key is called then.
_TRIES = 3
_POINTS_AT_IT = "_of_clinic"
_LONGEST_NOTE = 300


class MergeError(ValueError):
    """The files cannot be joined now; `str()` says why in the reader's language, naming nobody."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Who goes on as whom, and where both could be reached until now.

    `kept` already holds what was chosen, and is locked as `lost` is.
    """

    kept: Client
    lost: Client
    #: Phones and e-mail addresses of both, as they were.
    addresses: frozenset[str]
    now: dt.datetime
    by: User | None
    #: Rows that go because the kept file has the same, by table: the former file keeps them.
    left_out: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def both(self) -> tuple[int, int]:
        return self.kept.pk, self.lost.pk

    def leave_out(self, rows: QuerySet[Any]) -> None:
        """Delete these rows and keep what they said."""
        table = rows.model._meta.db_table
        self.left_out.setdefault(table, []).extend(as_it_is(row) for row in rows)
        rows.delete()


@dataclass(frozen=True, slots=True)
class Part:
    """What one room has of a client.

    `counts` names, for the preview, what would go along; `hold` locks what must not change
    meanwhile; `move` brings it along, and leaves no row that points at the lost file. They run in
    the order of the rooms, as everybody takes locks.
    """

    counts: Callable[[Client], dict[StrPromise, int]]
    hold: Callable[[Merge], None]
    move: Callable[[Merge], None]


_parts: list[Part] = []


def register(part: Part) -> None:
    """Called by a room when it is ready; rooms become ready from right to left."""
    _parts.append(part)


def merge(
    kept: Client,
    lost: Client,
    *,
    taken: Collection[str] = (),
    now: dt.datetime,
    by: User | None = None,
) -> Client:
    """Join `lost` to `kept`; of the fields named in `taken` the lost file's value stays.

    Guarantee: one commit, after which no row points at the lost file. Both clients are held, in the
    order of their numbers, as the sender holds them: a text that is leaving has left, and one that
    has not is judged anew, as a text to the kept client. Whoever writes down something about the
    lost file at this moment either is found by the last check, and the merge begins again, or is
    refused by the key. Raises MergeError.
    """
    if kept.pk == lost.pk:
        raise MergeError(_("A file cannot be joined with itself."))
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                return _merge(kept, lost, taken, now, by)
        except IntegrityError as error:
            if not tries_left and _POINTS_AT_IT not in str(error):
                raise
        except OperationalError:  # `hold` does not wait for a text that is changing
            break
    raise MergeError(_("Something about this client is changing just now; try again in a moment."))


def _merge(
    kept: Client, lost: Client, taken: Collection[str], now: dt.datetime, by: User | None
) -> Client:
    kept, lost = _hold(kept, lost)
    one_died = (kept.deceased_at is None) != (lost.deceased_at is None)
    addresses = frozenset({kept.phone, kept.email, lost.phone, lost.email} - {""})
    held, said = {"kept": as_it_is(kept), "lost": as_it_is(lost)}, _in_words(kept, lost, taken)
    joined = Merge(kept, lost, addresses, now, by)
    for part in _parts:
        part.hold(joined)
    _settle(joined, taken)
    _move_own(joined)
    for part in _parts:
        part.move(joined)
    event = ClientEvent.objects.create(
        client=kept, kind=ClientEvent.Kind.MERGED, note=said, at=now, by=by
    )
    _delete(lost)
    if "file_no" in taken:  # it stands once, so that the lost file had to let go of it
        kept.file_no = lost.file_no
        kept.save(update_fields=["file_no", "search_text"])
    _leave_former(joined, held)
    _check_keys()
    if one_died:
        care.client_died.send(Client, client=kept, event=event, now=now)
    return kept


def _delete(lost: Client) -> None:
    """The row alone: Django's own delete would take along, in silence, what came in behind us.

    Only from here to the commit, which is a moment, does a new row about this client have to wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM patients_client WHERE id = %s", [lost.pk])


def differing(kept: Client, lost: Client) -> list[str]:
    """The fields that both files have filled in, and otherwise."""
    return [name for name in FIELDS if _is_filled(kept, name) and _differs(kept, lost, name)]


def filled_by(kept: Client, lost: Client) -> list[str]:
    """The fields that the kept file lacks and the lost one brings along."""
    return [name for name in FIELDS if not _is_filled(kept, name) and _is_filled(lost, name)]


def counts(client: Client) -> dict[StrPromise, int]:
    """What a file would bring along, by what it is called; what there is none of is not named."""
    found = {
        gettext_lazy("treatments"): client.treatments.count(),
        gettext_lazy("records of consent"): client.consent_records.count(),
        gettext_lazy("people who get the texts"): client.contacts.count(),
    }
    for part in _parts:
        found |= part.counts(client)
    return {name: n for name, n in found.items() if n}


def as_it_is(row: Model) -> dict[str, Any]:
    """A row's columns by name."""
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


def _hold(kept: Client, lost: Client) -> tuple[Client, Client]:
    rows = Client.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    held = {row.pk: row for row in rows.filter(pk__in=(kept.pk, lost.pk)).order_by("pk")}
    if kept.pk not in held or lost.pk not in held:
        raise MergeError(_("One of the two files is not there any more."))
    return held[kept.pk], held[lost.pk]


def _differs(kept: Client, lost: Client, name: str) -> bool:
    return _is_filled(lost, name) and any(
        getattr(kept, column) != getattr(lost, column) for column in FIELDS[name]
    )


def _is_filled(client: Client, name: str) -> bool:
    return any(getattr(client, column) not in ("", None) for column in FIELDS[name])


def _settle(joined: Merge, taken: Collection[str]) -> None:
    """Put on the kept file what was chosen, what it lacked, and the stricter of the two's wishes."""
    kept, lost = joined.kept, joined.lost
    wanted = [name for name in differing(kept, lost) if name in taken] + filled_by(kept, lost)
    left = {name: getattr(kept, name) for name in stricter.CONSENTS}
    words = [kept.own_words(), lost.own_words(), kept.former_words, lost.former_words]
    for name, value in stricter.of(kept, lost, joined.now).items():
        setattr(kept, name, value)
    wanted = [name for name in wanted if name != "file_no"]
    for column in (column for name in wanted for column in FIELDS[name]):
        setattr(kept, column, getattr(lost, column))
    kept.created_at = min(kept.created_at, lost.created_at)
    kept.former_words = " ".join(dict.fromkeys(" ".join(words).split()))
    kept.save()
    _record_refusals(joined, left)


def _record_refusals(joined: Merge, before: Mapping[str, bool]) -> None:
    ConsentRecord.objects.bulk_create(
        ConsentRecord(
            client=joined.kept,
            purpose=name.removeprefix("consent_"),
            given=False,
            source=ConsentRecord.Source.MERGE,
            recorded_at=joined.now,
            recorded_by=joined.by,
        )
        for name, given in before.items()
        if given and not getattr(joined.kept, name)
    )


def _move_own(joined: Merge) -> None:
    kept, lost = joined.kept, joined.lost
    _join_treatments(joined)
    _join_contacts(joined)
    for model in (Treatment, ConsentRecord, ContactPerson, ClientEvent, FormerFile):
        model.objects.filter(client=lost).update(client=kept)


def _join_treatments(joined: Merge) -> None:
    """Of two open ones with the same therapist for the same service one goes on.

    Since the earlier beginning; and paused where one of them is, as long as the longer pause: a
    break that somebody asked for is not cut short by a second file. A planned ending holds for both.
    """
    rows = Treatment.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
    held = list(rows.filter(client__in=joined.both, state__in=OPEN_TREATMENTS))
    theirs = {(t.therapist_id, t.service_id): t for t in held if t.client_id == joined.lost.pk}
    for mine in held:
        other = theirs.get((mine.therapist_id, mine.service_id))
        if mine.client_id != joined.kept.pk or other is None:
            continue
        mine.started_at = min(mine.started_at, other.started_at)
        pauses = [t for t in (mine, other) if t.state == Treatment.State.PAUSED]
        if pauses:
            mine.state = Treatment.State.PAUSED
            days = [t.paused_until for t in pauses]
            mine.paused_until = None if None in days else max(day for day in days if day)
        if mine.ends_on is None and mine.ends_after is None:
            mine.ends_on, mine.ends_after = other.ends_on, other.ends_after
        ClientEvent.objects.filter(treatment=other).update(treatment=mine)
        joined.leave_out(Treatment.objects.filter(pk=other.pk))
        mine.save(update_fields=["state", "paused_until", "started_at", "ends_on", "ends_after"])


def _join_contacts(joined: Merge) -> None:
    """Of two people with one number one stays, and keeps the texts of both; refusals stay, too."""
    there = {it.phone: it for it in joined.kept.contacts.all()}
    for other in joined.lost.contacts.exclude(phone=""):
        mine = there.get(other.phone)
        if mine is None:
            continue
        for told in ContactPerson._meta.related_objects:
            rows: QuerySet[Any] = getattr(other, str(told.get_accessor_name())).all()
            rows.update(**{told.field.name: mine})
        mine.stopped_at = mine.stopped_at or other.stopped_at
        mine.save(update_fields=["stopped_at"])
        joined.leave_out(ContactPerson.objects.filter(pk=other.pk))
    kept = kept_words([*joined.kept.contacts.all(), *joined.lost.contacts.all()])
    for name, value in kept.items():
        setattr(joined.kept, name, value)
    joined.kept.save(update_fields=[*kept, "search_text"])


def _leave_former(joined: Merge, held: dict[str, Any]) -> None:
    kept = joined.kept
    let_go = {
        name: next((row[name] for row in held.values() if row[name] != getattr(kept, name)), "")
        for name in ("file_no", "phone")
    }
    FormerFile.objects.create(
        client=kept,
        number=joined.lost.pk,
        **let_go,
        held={**held, "left_out": joined.left_out},
        joined_at=joined.now,
        joined_by=joined.by,
    )


def _in_words(kept: Client, lost: Client, taken: Collection[str]) -> str:
    """What the file says of the other one: its number and name, and what was not chosen of both."""
    left = [lost if name not in taken else kept for name in differing(kept, lost)]
    lines = [f"{lost.file_no} · {lost.full_name}"]
    for name, whose in zip(differing(kept, lost), left, strict=True):
        if name == "phone":
            lines.append(national(whose.phone))
        elif name == "email":
            lines.append(whose.email)
        elif name in ("file_no", "name") and whose is kept:
            lines.append(kept.file_no if name == "file_no" else kept.full_name)
    return "\n".join(lines)[:_LONGEST_NOTE]


def _check_keys() -> None:
    """Ask now what waits for the commit: does anything still point at the lost file?"""
    keys = [
        key_name(model._meta.db_table, column.column)
        for model in each_tenant_model()
        for column in model._meta.local_fields
        if isinstance(column, TenantForeignKey) and column.related_model is Client
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {', '.join(keys)} IMMEDIATE")
        cursor.execute(f"SET CONSTRAINTS {', '.join(keys)} DEFERRED")
