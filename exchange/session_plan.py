"""From a list of sessions to the diary: what is new, what changes, what stays.

Planning reads and never writes, so a preview is the import itself without its last step. The
number of queries grows with thousands of rows, not with rows.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinic import jalali
from clinic.models import Service, Therapist
from exchange.bulk import BATCH, in_batches
from exchange.client_import import Files, Names
from exchange.diary import Slot, Wish, settle
from exchange.reading import Table
from exchange.reasons import why
from exchange.report import Problem, Report
from exchange.rows import SessionRow, problem_at
from patients.models import Client
from sessions_app.actions import snapshot
from sessions_app.models import (
    COMING_STATES,
    OPEN_STATES,
    Participant,
    Session,
    SessionChange,
    State,
)

#: Told how many of how many rows a stage has passed.
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Known:
    """A session of the clinic, with the ids of the clients in it."""

    session: Session
    clients: set[int]


@dataclass(slots=True, eq=False)
class Candidate:
    """One session of the list: from one row, or from several that share a session number."""

    rows: list[SessionRow]
    clients: list[Client]
    therapist: Therapist
    service: Service
    known: Known | None = None
    session: Session = field(default_factory=Session)
    #: The known session as it was, for its history.
    before: dict[str, Any] = field(default_factory=dict)
    before_no: str | None = None
    before_revision: int = 0

    @property
    def first(self) -> SessionRow:
        return self.rows[0]

    @property
    def numbered(self) -> bool:
        return bool(self.first.session_no)

    @property
    def is_new(self) -> bool:
        return self.known is None

    @property
    def joining(self) -> list[Client]:
        """The clients who are not in the session yet."""
        there = self.known.clients if self.known else set()
        return [client for client in self.clients if client.pk not in there]

    @property
    def changes(self) -> bool:
        session = self.session
        return (
            bool(self.joining)
            or session.session_no != self.before_no
            or snapshot(session) != self.before
        )


@dataclass(slots=True)
class SessionPlan:
    new: list[Candidate] = field(default_factory=list)
    changed: list[Candidate] = field(default_factory=list)
    unchanged: int = 0

    def count(self, report: Report) -> None:
        report.created["sessions"] = len(self.new)
        report.updated["sessions"] = len(self.changed)
        report.unchanged["sessions"] = self.unchanged


@dataclass(slots=True)
class Planner:
    """The planning of one list; `plan` is all there is to call."""

    table: Table
    files: Files
    names: Names
    now: dt.datetime
    tz: str
    progress: Progress
    problems: list[Problem] = field(default_factory=list)

    def plan(self, rows: Sequence[SessionRow]) -> SessionPlan:
        numbered = self._numbered(rows)
        candidates = self._candidates(rows, numbered)
        candidates = self._met(candidates, numbered)
        recorded = self._recorded_by_people(candidates)
        for candidate in candidates:
            known = candidate.known
            self._apply(candidate, keep_state=known is not None and known.session.pk in recorded)
        kept = self._without_clashes(self._of_the_living(candidates))
        self._leave_taken_rooms(kept)
        return self._sorted(kept)

    # Rows → candidates

    def _candidates(
        self, rows: Sequence[SessionRow], numbered: dict[str, Known]
    ) -> list[Candidate]:
        groups: dict[Hashable, Candidate] = {}
        for done, row in enumerate(rows, start=1):
            if done % BATCH == 0:
                self.progress("sessions", done, len(rows))
            group = groups.get(row.session_no)
            found = self._resolved(row, group, numbered.get(row.session_no))
            if found is None:
                continue
            # Without a number a session is known by its client, therapist and start.
            by = row.session_no or (id(found.clients[0]), id(found.therapist), row.starts_at)
            if by not in groups:
                groups[by] = found
            else:
                self._join(groups[by], found)
        return list(groups.values())

    def _resolved(
        self, row: SessionRow, group: Candidate | None, known: Known | None
    ) -> Candidate | None:
        """The row with its client, therapist and service.

        What it leaves out it has from the other rows of its session, from the session as it is
        known here, or from its client, in this order.
        """
        client = self.files.find(row.file_no)
        if client is None:
            self._refuse(row, "file_no", row.file_no, "unknown_file")
            return None
        therapists, services = self.names.therapists, self.names.services
        session = known.session if known else None
        therapist = (
            (therapists.find(row.therapist) if row.therapist else None)
            or (group.therapist if group else None)
            or (therapists.by_id(session.therapist_id) if session else None)
            or therapists.by_id(client.therapist_id)
            or client.therapist
        )
        service = (
            (services.find(row.service) if row.service else None)
            or (group.service if group else None)
            or (services.by_id(session.service_id) if session else None)
            or services.by_id(client.service_id)
            or client.service
        )
        if therapist is None:
            self._refuse(row, "therapist", "", "no_therapist")
        elif service is None:
            self._refuse(row, "service", "", "no_service")
        else:
            return Candidate([row], [client], therapist, service)
        return None

    def _join(self, group: Candidate, other: Candidate) -> None:
        """Another client in the same session; or the same row twice, or a number used twice."""
        row, first = other.first, group.first
        if not row.session_no:
            self._refuse(row, "starts_at", "", "same_session", row=first.number)
        elif other.clients[0] in group.clients:
            self._refuse(row, "session_no", row.session_no, "repeats", row=first.number)
        elif differing := _difference(group, other):
            self._refuse(row, *differing, "differs", row=first.number)
        else:
            _merge(group, other)

    # Candidates → the sessions they are already

    def _numbered(self, rows: Iterable[SessionRow]) -> dict[str, Known]:
        numbers = dict.fromkeys(row.session_no for row in rows if row.session_no)
        found = {}
        for batch in in_batches(numbers):
            for known in _with_clients(Session.objects.filter(session_no__in=batch)):
                found[str(known.session.session_no)] = known
        return found

    def _met(self, candidates: Sequence[Candidate], numbered: dict[str, Known]) -> list[Candidate]:
        """The candidates, each with the session it is; without those whose number is another's."""
        kept = []
        for candidate in candidates:
            known = numbered.get(candidate.first.session_no)
            if known and known.clients and not known.clients & _ids(candidate):
                for row in candidate.rows:
                    self._refuse(row, "session_no", row.session_no, "other_session")
                continue
            candidate.known = known
            kept.append(candidate)
        self._meet_unnumbered(kept)
        met: dict[int, Candidate] = {c.known.session.pk: c for c in kept if c.known and c.numbered}
        return [candidate for candidate in kept if self._is_once(candidate, met)]

    def _meet_unnumbered(self, candidates: Iterable[Candidate]) -> None:
        """Find the rest by client, therapist and start: booked here, or listed without number."""
        unmet = [c for c in candidates if c.known is None and c.therapist.pk and _ids(c)]
        for batch in in_batches(unmet):
            at = defaultdict(list)
            starts = {candidate.first.starts_at for candidate in batch}
            for known in _with_clients(Session.objects.filter(starts_at__in=starts)):
                at[known.session.therapist_id, known.session.starts_at].append(known)
            for candidate in batch:
                places = at[candidate.therapist.pk, candidate.first.starts_at]
                candidate.known = next((k for k in places if _is_same(k, candidate)), None)

    def _is_once(self, candidate: Candidate, met: dict[int, Candidate]) -> bool:
        """Whether no other row means the same session; the rows of a couple are put together."""
        if candidate.known is None:
            return True
        other = met.setdefault(candidate.known.session.pk, candidate)
        if other is candidate:
            return True
        row, both = candidate.first, set(other.clients) & set(candidate.clients)
        if both or _difference(other, candidate):
            self._refuse(row, "starts_at", "", "same_session", row=other.first.number)
        else:
            _merge(other, candidate)
        return False

    def _recorded_by_people(self, candidates: Iterable[Candidate]) -> set[int]:
        """Sessions whose state somebody set here, against which a list's «scheduled» says nothing.

        «Scheduled» is what lists write when they know nothing more: it must not undo the work of
        reception. Every other word of a list is news, and so is «scheduled» against a state
        that came from a list.
        """
        ids = [
            c.known.session.pk
            for c in candidates
            if c.known and c.first.state == State.SCHEDULED != c.known.session.state
        ]
        kinds = (SessionChange.Kind.OUTCOME, SessionChange.Kind.CANCELLED)
        recorded: set[int] = set()
        for batch in in_batches(ids):
            recorded |= set(
                SessionChange.objects.filter(
                    session__in=batch, kind__in=kinds, by__isnull=False
                ).values_list("session_id", flat=True)
            )
        return recorded

    # Candidates → sessions as they will be

    def _apply(self, candidate: Candidate, *, keep_state: bool) -> None:
        row, known = candidate.first, candidate.known
        if known:
            candidate.session = known.session
            candidate.before = snapshot(known.session)
            candidate.before_revision = known.session.revision
            candidate.before_no = known.session.session_no
            _change(candidate, self.now, keep_state=keep_state)
        else:
            _begin(candidate, self.now)
        session = candidate.session
        session.session_no = row.session_no or session.session_no
        session.therapist, session.service = candidate.therapist, candidate.service

    def _of_the_living(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Without bookings for clients who have died; what is booked already stays as it is."""
        kept = []
        for candidate in candidates:
            session = candidate.session
            is_coming = session.state in COMING_STATES and session.starts_at > self.now
            if is_coming and any(client.deceased_at for client in candidate.joining):
                for row in candidate.rows:
                    self._refuse(row, "file_no", row.file_no, "deceased")
            else:
                kept.append(candidate)
        return kept

    def _without_clashes(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        wishes = [Wish(_wanted(c, _therapist_of(c)), _held(c, "therapist_id")) for c in candidates]
        refused = settle(wishes, self._others(candidates, "therapist_id"))
        for n, slot in refused.items():
            for row in candidates[n].rows:
                self._refuse_clash(row, slot)
        return [c for n, c in enumerate(candidates) if n not in refused]

    def _leave_taken_rooms(self, candidates: Sequence[Candidate]) -> None:
        """Who is moved to a time at which their room is taken waits for reception to give another.

        A list knows no rooms, so none of its rows is refused for one.
        """
        roomed = [c for c in candidates if c.session.room_id]
        wishes = [Wish(_wanted(c, c.session.room_id), _held(c, "room_id")) for c in roomed]
        for n in settle(wishes, self._others(roomed, "room_id")):
            roomed[n].session.room = None

    def _others(self, candidates: Sequence[Candidate], place: str) -> Iterator[Slot]:
        """The coming sessions of the same therapists, or rooms, that the list does not speak of."""
        wanted = [c.session for c in candidates if c.session.state in COMING_STATES]
        places = {getattr(session, place) for session in wanted} - {None}
        if not places:
            return
        own = {c.known.session.pk for c in candidates if c.known}
        rows = Session.objects.filter(
            **{f"{place}__in": places},
            state__in=COMING_STATES,
            ends_at__gt=min(session.starts_at for session in wanted),
            starts_at__lt=max(session.ends_at for session in wanted),
        ).values_list("pk", place, "starts_at", "ends_at")
        for pk, whose, starts_at, ends_at in rows:
            if pk not in own:
                yield Slot(whose, starts_at, ends_at, None)

    def _sorted(self, candidates: Iterable[Candidate]) -> SessionPlan:
        plan = SessionPlan()
        for candidate in candidates:
            self.names.therapists.use(candidate.therapist)
            self.names.services.use(candidate.service)
            if candidate.is_new:
                plan.new.append(candidate)
            elif candidate.changes:
                plan.changed.append(candidate)
            else:
                plan.unchanged += 1
        return plan

    # What is wrong

    def _refuse_clash(self, row: SessionRow, slot: Slot) -> None:
        when = jalali.spoken(slot.starts_at, now=self.now, tz=self.tz)
        if isinstance(slot.taker, Candidate):
            self._refuse(row, "starts_at", "", "clash_row", row=slot.taker.first.number, when=when)
        else:
            self._refuse(row, "starts_at", "", "clash", when=when)

    def _refuse(self, at: SessionRow, name: str, value: str, code: str, **params: object) -> None:
        columns = self.table.layout.columns
        if name == "starts_at":
            value = value or jalali.short(at.starts_at, tz=self.tz, language="en")
            name = name if name in columns else "date"
        reason = why(code, **params)
        self.problems.append(problem_at(self.table, at.number, name, value, reason))


def _with_clients(sessions: Any) -> list[Known]:
    """The sessions of a query with their clients: two queries."""
    found = {session.pk: Known(session, set()) for session in sessions}
    places = Participant.objects.filter(session__in=list(found))
    for session, client in places.values_list("session_id", "client_id"):
        found[session].clients.add(client)
    return list(found.values())


def _ids(candidate: Candidate) -> set[int]:
    return {client.pk for client in candidate.clients if client.pk}


def _is_same(known: Known, candidate: Candidate) -> bool:
    """The same client; and not two sessions that each have a number of their own."""
    numbered = candidate.first.session_no and known.session.session_no
    return bool(known.clients & _ids(candidate)) and not numbered


def _difference(group: Candidate, other: Candidate) -> tuple[str, str] | None:
    """The first field in which two rows with one session number disagree, and its value."""
    first, row = group.first, other.first
    if row.starts_at != first.starts_at:
        return "starts_at", ""
    if other.therapist is not group.therapist:
        return "therapist", other.therapist.name
    if other.service is not group.service:
        return "service", other.service.name
    if row.duration and first.duration and row.duration != first.duration:
        return "duration_minutes", str(row.duration)
    if row.state and first.state and row.state != first.state:
        return "status", row.state
    return None


def _merge(group: Candidate, other: Candidate) -> None:
    """The rows of one session: what the first leaves open another may say."""
    group.rows += other.rows
    group.clients += other.clients
    group.first.duration = group.first.duration or other.first.duration
    if group.first.state is None:
        group.first.state, group.first.cancelled_by = other.first.state, other.first.cancelled_by


def _begin(candidate: Candidate, now: dt.datetime) -> None:
    """A new session. What a list records happened when the session did, not today."""
    row = candidate.first
    length = row.duration or dt.timedelta(minutes=candidate.service.duration_minutes)
    state = row.state or State.SCHEDULED
    ends_at = row.starts_at + length
    candidate.session = Session(
        starts_at=row.starts_at,
        ends_at=ends_at,
        state=state,
        cancelled_by=row.cancelled_by,
        booked_at=min(now, row.starts_at),
        recorded_at=None if state in OPEN_STATES else min(now, ends_at),
        source=Session.Source.IMPORT,
    )


def _change(candidate: Candidate, now: dt.datetime, *, keep_state: bool) -> None:
    """A known session as the list has it.

    A new start is a new promise and an un-cancel another: either raises the revision, as moving
    and restoring in the panel do, and a confirmation of the old start is void.
    """
    row, session = candidate.first, candidate.session
    was = session.state
    moved = row.starts_at != session.starts_at
    length = row.duration or session.duration
    state = _state(row, was, moved=moved, keep=keep_state)
    if moved or (was == State.CANCELLED != state):
        session.revision += 1
        session.booked_at = min(now, row.starts_at)
    session.starts_at, session.ends_at = row.starts_at, row.starts_at + length
    if state != was:
        session.recorded_at = None if state in OPEN_STATES else now
    kept = session.cancelled_by if state == was else ""
    session.cancelled_by = (row.cancelled_by or kept) if state == State.CANCELLED else ""
    session.state = state


def _state(row: SessionRow, was: str, *, moved: bool, keep: bool) -> str:
    if row.state is None:
        return State.SCHEDULED if moved and was in OPEN_STATES else was
    if row.state == State.SCHEDULED and not moved and (keep or was in OPEN_STATES):
        return was
    return row.state


def _therapist_of(candidate: Candidate) -> Hashable:
    return candidate.therapist.pk or ("new", id(candidate.therapist))


def _wanted(candidate: Candidate, whose: Hashable) -> Slot | None:
    session = candidate.session
    if session.state not in COMING_STATES:
        return None
    return Slot(whose, session.starts_at, session.ends_at, candidate)


def _held(candidate: Candidate, place: str) -> Slot | None:
    before = candidate.before
    if before.get("state") not in COMING_STATES:
        return None
    starts_at, ends_at = map(dt.datetime.fromisoformat, (before["starts_at"], before["ends_at"]))
    return Slot(before[place], starts_at, ends_at, candidate)
