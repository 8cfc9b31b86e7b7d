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
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrPromise

from clinic.models import Membership
from feedback.models import Response
from messaging.models import Message, Reply
from panel import visibility
from panel.history import Entry, in_words
from panel.lines import look_of
from patients.models import Client, ClientEvent, ConsentRecord
from sessions_app.models import CareAttempt, CareTask, Session, SessionChange
from sessions_app.queries import with_people

SESSION, CHANGE, MESSAGE, CONSENT = "session", "change", "message", "consent"
EVENT, TASK, ATTEMPT, RESPONSE, REPLY = "event", "task", "attempt", "response", "reply"

#: What a reader may ask for alone, by its name in the address, with the tables it stands in.
ALONE: dict[str, tuple[StrPromise, tuple[str, ...]]] = {
    "sessions": (gettext_lazy("Sessions"), (SESSION, CHANGE)),
    "messages": (gettext_lazy("Messages"), (MESSAGE,)),
    "calls": (gettext_lazy("Calls"), (TASK, ATTEMPT)),
    "answers": (gettext_lazy("Answers"), (RESPONSE, REPLY)),
    "decisions": (gettext_lazy("Decisions and wishes"), (EVENT, CONSENT)),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; `it` is the row that it tells of, of the table `kind`."""

    kind: str
    at: dt.datetime
    it: Any
    entry: Entry | None = None
    look: str = ""
    #: Of feedback, and of what it asks for: whether the reader may know what it says.
    readable: bool = True


class Timeline(Sequence[Moment]):
    """What a paginator needs: a length, and slices that load only what they show.

    `alone` is a name of `ALONE`; anything else shows everything.
    """

    def __init__(
        self, client: Client, *, member: Membership, now: dt.datetime, tz: str, alone: str = ""
    ) -> None:
        self.now, self.tz, self.member = now, tz, member
        mine = visibility.sessions(member).filter(participants__client=client)
        tasks = visibility.tasks(member).filter(client=client)
        #: Each table's part: its rows, and the column by which they are ordered.
        self._parts: dict[str, tuple[QuerySet[Any], str]] = {
            SESSION: (mine.filter(starts_at__lte=now), "starts_at"),
            CHANGE: (SessionChange.objects.filter(session__in=mine), "at"),
            MESSAGE: (visibility.messages(member).filter(client=client), "due_at"),
            CONSENT: (ConsentRecord.objects.filter(client=client), "recorded_at"),
            EVENT: (visibility.events(member).filter(client=client), "at"),
            TASK: (tasks, "created_at"),
            ATTEMPT: (CareAttempt.objects.filter(task__in=tasks), "at"),
            RESPONSE: (visibility.responses(member).filter(client=client), "created_at"),
            REPLY: (visibility.replies(member, client), "received_at"),
        }
        if alone in ALONE:
            _label, kinds = ALONE[alone]
            self._parts = {kind: self._parts[kind] for kind in kinds}

    def __len__(self) -> int:
        keys: int = self._union().count()
        return keys

    def __getitem__(self, wanted: Any) -> Any:
        return self._load(list(self._union().order_by("-moment", "table", "-pk")[wanted]))

    def _union(self) -> Any:
        first, *others = (_keyed(rows, kind, at) for kind, (rows, at) in self._parts.items())
        return first.union(*others, all=True) if others else first

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
            EVENT: self._load_events,
            TASK: self._load_tasks,
            ATTEMPT: self._load_attempts,
            RESPONSE: self._load_responses,
            REPLY: self._load_replies,
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
        for message in Message.objects.filter(pk__in=pks).defer("life"):
            yield Moment(MESSAGE, message.due_at, message)

    def _load_consents(self, pks: list[int]) -> Iterable[Moment]:
        for record in ConsentRecord.objects.filter(pk__in=pks).select_related("recorded_by"):
            yield Moment(CONSENT, record.recorded_at, record)

    def _load_events(self, pks: list[int]) -> Iterable[Moment]:
        chosen = ClientEvent.objects.filter(pk__in=pks)
        for event in chosen.select_related("by", "treatment__therapist", "treatment__service"):
            yield Moment(EVENT, event.at, event)

    def _load_tasks(self, pks: list[int]) -> Iterable[Moment]:
        for task in CareTask.objects.filter(pk__in=pks).select_related("created_by", "session"):
            yield Moment(
                TASK, task.created_at, task, readable=visibility.reads_task(self.member, task)
            )

    def _load_attempts(self, pks: list[int]) -> Iterable[Moment]:
        chosen = CareAttempt.objects.filter(pk__in=pks)
        for attempt in chosen.select_related("by", "task"):
            yield Moment(ATTEMPT, attempt.at, attempt)

    def _load_responses(self, pks: list[int]) -> Iterable[Moment]:
        chosen = Response.objects.filter(pk__in=pks)
        for response in chosen.select_related("session__therapist"):
            readable = visibility.reads_feedback(self.member, response.session)
            yield Moment(RESPONSE, response.created_at, response, readable=readable)

    def _load_replies(self, pks: list[int]) -> Iterable[Moment]:
        for reply in Reply.objects.filter(pk__in=pks):
            yield Moment(REPLY, reply.received_at, reply)


def _keyed(rows: QuerySet[Any], kind: str, moment: str) -> QuerySet[Any, Any]:
    keyed = rows.order_by().annotate(moment=F(moment), table=Value(kind, output_field=CharField()))
    keys: QuerySet[Any, Any] = keyed.values_list("pk", "moment", "table")
    return keys
