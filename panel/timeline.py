"""Everything that happened with one client, newest first, page by page.

One statement orders the entries of all tables and takes a page of them; then each table is asked
once for the entries that it has on the page. The cost does not grow with the client's history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, QuerySet, Value

from clinic.models import Membership
from messaging.models import Message
from panel import visibility
from panel.history import Entry, in_words
from panel.lines import look_of
from patients.models import Client, ConsentRecord
from sessions_app.models import Session, SessionChange
from sessions_app.queries import with_people

SESSION, CHANGE, MESSAGE, CONSENT = "session", "change", "message", "consent"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; `it` is a session, a message, a consent record, or a change."""

    kind: str
    at: dt.datetime
    it: Any
    entry: Entry | None = None
    look: str = ""


class Timeline(Sequence[Moment]):
    """What a paginator needs: a length, and slices that load only what they show."""

    def __init__(self, client: Client, *, member: Membership, now: dt.datetime, tz: str) -> None:
        self.now, self.tz = now, tz
        mine = visibility.sessions(member).filter(participants__client=client)
        self._sessions = mine.filter(starts_at__lte=now)
        self._changes = SessionChange.objects.filter(session__in=mine)
        self._messages = visibility.messages(member).filter(client=client)
        self._consents = ConsentRecord.objects.filter(client=client)

    def __len__(self) -> int:
        parts = (self._sessions, self._changes, self._messages, self._consents)
        return sum(part.count() for part in parts)

    def __getitem__(self, wanted: Any) -> Any:
        keys = list(self._keys()[wanted])
        return self._load(keys)

    def _keys(self) -> Any:
        parts = (
            _keyed(self._sessions, SESSION, "starts_at"),
            _keyed(self._changes, CHANGE, "at"),
            _keyed(self._messages, MESSAGE, "due_at"),
            _keyed(self._consents, CONSENT, "recorded_at"),
        )
        first, *others = parts
        return first.union(*others, all=True).order_by("-moment", "table", "-pk")

    def _load(self, keys: list[tuple[int, dt.datetime, str]]) -> list[Moment]:
        ids = {kind: [pk for pk, _, k in keys if k == kind] for *_, kind in keys}
        found = {kind: self._of_kind(kind, pks) for kind, pks in ids.items()}
        return [found[kind][pk] for pk, _, kind in keys]

    def _of_kind(self, kind: str, pks: list[int]) -> dict[int, Moment]:
        load = {
            SESSION: self._load_sessions,
            CHANGE: self._load_changes,
            MESSAGE: self._load_messages,
            CONSENT: self._load_consents,
        }[kind]
        return {moment.it.pk: moment for moment in load(pks)}

    def _load_sessions(self, pks: list[int]) -> Iterable[Moment]:
        for session in with_people(Session.objects.filter(pk__in=pks)):
            yield Moment(SESSION, session.starts_at, session, look=look_of(session, self.now))

    def _load_changes(self, pks: list[int]) -> Iterable[Moment]:
        chosen = SessionChange.objects.filter(pk__in=pks)
        changes = list(chosen.select_related("by", "session__therapist"))
        for change, entry in zip(changes, in_words(changes, self.tz), strict=True):
            yield Moment(CHANGE, change.at, change, entry=entry)

    def _load_messages(self, pks: list[int]) -> Iterable[Moment]:
        for message in Message.objects.filter(pk__in=pks):
            yield Moment(MESSAGE, message.due_at, message)

    def _load_consents(self, pks: list[int]) -> Iterable[Moment]:
        for record in ConsentRecord.objects.filter(pk__in=pks).select_related("recorded_by"):
            yield Moment(CONSENT, record.recorded_at, record)


def _keyed(rows: QuerySet[Any], kind: str, moment: str) -> QuerySet[Any, Any]:
    keyed = rows.order_by().annotate(moment=F(moment), table=Value(kind, output_field=CharField()))
    keys: QuerySet[Any, Any] = keyed.values_list("pk", "moment", "table")
    return keys
