"""Import: lists in, the clinic's own rows out. All good rows go in, or none."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction

from clinic import jalali
from clinic.models import Clinic
from exchange import client_import
from exchange.bulk import check_keys
from exchange.catalogue import Catalogue
from exchange.client_import import ClientPlan, Files, Names, plan_clients
from exchange.headers import Kind
from exchange.reading import Table, read_table
from exchange.reasons import ConflictError, UnreadableError
from exchange.report import Report
from exchange.rows import read_clients, read_sessions
from exchange.session_plan import Candidate, Planner, Progress, SessionPlan
from exchange.session_save import save_sessions
from patients.models import Client, FormerFile
from sessions_app import care_tasks, rhythm

SAMPLES = 5
_LOCK = 5_801_467


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file as it came: its name and its bytes."""

    name: str
    data: bytes


def no_progress(_stage: str, _done: int, _total: int) -> None:
    pass


def import_files(
    clinic: Clinic,
    *,
    clients: ListFile | None = None,
    sessions: ListFile | None = None,
    now: dt.datetime,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> Report:
    """Take a list of clients, of sessions or both into the clinic in scope.

    The same list twice changes nothing the second time. Bad rows are reported and do not stop
    good ones. Raises UnreadableError when a file is no list, ConflictError when somebody was in
    the way; then, and at any unexpected error, nothing is taken. With `dry_run` the report says
    what would be done. No text ever leaves because of an import.
    """
    tables = {
        kind: _read(kind, file)
        for kind, file in ((Kind.CLIENTS, clients), (Kind.SESSIONS, sessions))
        if file
    }
    if not dry_run:
        _queue_up(clinic)
    work = _Import(clinic, tables, now, progress)
    work.plan()
    if not dry_run:
        try:
            with transaction.atomic():
                work.save()
        except IntegrityError as error:
            raise ConflictError from error
    return work.report


def _read(kind: Kind, file: ListFile) -> Table:
    try:
        return read_table(file.data, file.name, kind)
    except UnreadableError as error:
        error.kind, error.file = kind.value, file.name
        raise


def _queue_up(clinic: Clinic) -> None:
    """One import of a clinic at a time: two would each make the other's new clients."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [(_LOCK << 32) + clinic.pk])


class _Import:
    def __init__(
        self, clinic: Clinic, tables: dict[Kind, Table], now: dt.datetime, progress: Progress
    ) -> None:
        self.clinic, self.tables, self.now, self.progress = clinic, tables, now, progress
        self.names = Names(Catalogue.of_therapists(), Catalogue.of_services())
        former = FormerFile.objects.values_list("file_no", "client_id")
        self.files = Files(Client.objects.all(), former)
        self.report = Report()
        for table in tables.values():
            # Both lists may be sheets of one file.
            self.report.ignored.setdefault(table.name, []).extend(table.layout.ignored)
        self.clients, self.sessions = ClientPlan(), SessionPlan()

    def plan(self) -> None:
        if table := self.tables.get(Kind.CLIENTS):
            self._plan_clients(table)
        if table := self.tables.get(Kind.SESSIONS):
            self._plan_sessions(table)
        self.clients.count(self.report)
        self.sessions.count(self.report)
        for what, names in (
            ("therapists", self.names.therapists),
            ("services", self.names.services),
        ):
            self.report.created[what] = len(names.new())
            self.report.unchanged[what] = names.count_known()

    def _plan_clients(self, table: Table) -> None:
        self.progress("clients", 0, len(table.rows))
        rows, problems = read_clients(table, now=self.now, tz=self.clinic.timezone)
        self.clients, more = plan_clients(table, rows, self.files, self.names, self.now)
        self.report.reject([*problems, *more])
        shown = [*self.clients.new, *self.clients.changed][:SAMPLES]
        self.report.samples[Kind.CLIENTS] = [client_import.sample(client) for client in shown]
        self.progress("clients", len(table.rows), len(table.rows))

    def _plan_sessions(self, table: Table) -> None:
        self.progress("sessions", 0, len(table.rows))
        rows, problems = read_sessions(table, now=self.now, tz=self.clinic.timezone)
        planner = Planner(
            table, self.files, self.names, self.now, self.clinic.timezone, self.progress
        )
        self.sessions = planner.plan(rows)
        self.report.reject([*problems, *planner.problems])
        self.report.samples[Kind.SESSIONS] = list(self._session_samples())
        self.progress("sessions", len(table.rows), len(table.rows))

    def _session_samples(self) -> Iterable[dict[str, str]]:
        for candidate in [*self.sessions.new, *self.sessions.changed][:SAMPLES]:
            yield _sample(candidate, self.clinic.timezone)

    def save(self) -> None:
        self.names.therapists.save()
        self.names.services.save()
        self.clients.save(self.now)
        save_sessions(self.sessions, now=self.now, progress=self.progress)
        check_keys()
        if self.sessions.new or self.sessions.changed:
            rhythm.refresh_clinic(self.clinic.pk)
            care_tasks.settle_imported(now=self.now)


def _sample(candidate: Candidate, tz: str) -> dict[str, str]:
    """A session as people read one, for the preview."""
    session = candidate.session
    return {
        "session_no": session.session_no or "",
        "start": jalali.spoken(session.starts_at, tz=tz),
        "date": jalali.numeric_date(session.starts_at, tz=tz),
        "minutes": str(int(session.duration.total_seconds() // 60)),
        "clients": "، ".join(client.full_name for client in candidate.clients),
        "therapist": candidate.therapist.name,
        "service": candidate.service.name,
        "state": session.state,
    }
