"""From a list of clients to the clinic's files: what is new, what changes, what stays."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from clinic import jalali
from clinic.models import Service, Therapist
from clinic.text import fold
from exchange.bulk import BATCH, in_batches, update_many
from exchange.catalogue import Catalogue
from exchange.reading import Table
from exchange.reasons import ConflictError, why
from exchange.report import Problem, Report
from exchange.rows import ClientRow, problem_at
from patients.models import Client, ConsentRecord, Purpose
from patients.phones import display

#: An imported client is taken to agree to these until they refuse; the record names the source.
PRESUMED = (Purpose.TRANSACTIONAL, Purpose.FOLLOW_UP)
_PLAIN_FIELDS = (
    *("first_name", "last_name", "honorific", "gender", "phone", "email", "birth_date"),
)
_CHANGEABLE = (*_PLAIN_FIELDS, "therapist", "service", "search_text", "sort_key")


class Files:
    """The clinic's clients by file number, as typed or folded.

    A list may know a client by the number of a second file, joined to the first since (`former`,
    with the client's id): it means the same person, unless somebody has that number now.
    """

    def __init__(self, clients: Iterable[Client], former: Iterable[tuple[str, int]] = ()) -> None:
        self._exact: dict[str, Client] = {}
        self._folded: dict[str, Client] = {}
        for client in clients:
            self.add(client)
        known = {client.pk: client for client in self._exact.values()}
        self._former = {fold(file_no): known[pk] for file_no, pk in former if pk in known}

    def add(self, client: Client) -> None:
        self._exact[client.file_no] = client
        self._folded.setdefault(fold(client.file_no), client)

    def find(self, file_no: str) -> Client | None:
        return self.find_own(file_no) or self._former.get(fold(file_no))

    def find_own(self, file_no: str) -> Client | None:
        """The client who has this number today."""
        return self._exact.get(file_no) or self._folded.get(fold(file_no))


@dataclass(slots=True)
class ClientPlan:
    new: list[Client] = field(default_factory=list)
    changed: list[Client] = field(default_factory=list)
    unchanged: int = 0
    #: What a changed client was when the list was read, by id.
    before: dict[int, list[Any]] = field(default_factory=dict)

    def count(self, report: Report) -> None:
        report.created["clients"] = len(self.new)
        report.updated["clients"] = len(self.changed)
        report.unchanged["clients"] = self.unchanged

    def save(self, now: dt.datetime) -> None:
        Client.objects.bulk_create(self.new, batch_size=BATCH)
        ConsentRecord.objects.bulk_create(
            [
                ConsentRecord(
                    client=client,
                    purpose=purpose,
                    given=True,
                    source=ConsentRecord.Source.IMPORT,
                    recorded_at=now,
                )
                for client in self.new
                for purpose in PRESUMED
            ],
            batch_size=BATCH,
        )
        for batch in in_batches(sorted(self.changed, key=lambda client: client.pk)):
            # Held first, in the order of everybody who holds clients, so that none deadlocks.
            held = Client.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
            wanted = [client.pk for client in batch]
            self._refuse_changed_meanwhile(wanted, held.filter(pk__in=wanted))
            update_many(Client, batch, _CHANGEABLE)

    def _refuse_changed_meanwhile(self, wanted: list[int], held: Iterable[Client]) -> None:
        """A phone corrected since the list was read must not be put back: import once more."""
        found = {client.pk: _state(client) for client in held}
        # One that is gone was joined to another file: an upsert would bring it back.
        if found != {pk: self.before[pk] for pk in wanted}:
            raise ConflictError


@dataclass(slots=True)
class Names:
    """Whom and what a list may name."""

    therapists: Catalogue[Therapist]
    services: Catalogue[Service]


def plan_clients(
    table: Table, rows: Iterable[ClientRow], files: Files, names: Names, now: dt.datetime
) -> tuple[ClientPlan, list[Problem]]:
    """What the rows would change; new clients are added to `files` unsaved. Reads nothing."""
    plan, problems = ClientPlan(), []
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(fold(row.file_no), row.number)
        if first != row.number:
            reason = why("repeats", row=first)
            problems.append(problem_at(table, row.number, "file_no", row.file_no, reason))
            continue
        _plan_row(plan, row, files, names, now)
    return plan, problems


def _plan_row(
    plan: ClientPlan, row: ClientRow, files: Files, names: Names, now: dt.datetime
) -> None:
    client = files.find_own(row.file_no)
    if client is None and files.find(row.file_no):
        plan.unchanged += 1  # what both files said was settled when they were joined
        return
    if client is None:
        client = Client(file_no=row.file_no, created_at=now)
        _apply(client, row, names)
        files.add(client)
        plan.new.append(client)
        return
    before = _state(client)
    if _apply(client, row, names):
        plan.changed.append(client)
        plan.before[client.pk] = before
    else:
        plan.unchanged += 1


def _apply(client: Client, row: ClientRow, names: Names) -> bool:
    """Put what the row says on the client; whether that changes anything. Blanks say nothing."""
    before = _state(client)
    for name, value in _values(client, row).items():
        setattr(client, name, value)
    if row.therapist:
        client.therapist = names.therapists.find(row.therapist)
        names.therapists.use(client.therapist)
    if row.service:
        client.service = names.services.find(row.service)
        names.services.use(client.service)
    changed = _state(client) != before
    if changed:
        client.prepare()
    return changed


def _values(client: Client, row: ClientRow) -> dict[str, Any]:
    values = dict(row.values)
    whole = values.pop("whole_name", "")
    if whole and fold(whole) != fold(client.full_name):
        values |= {"first_name": "", "last_name": whole}
    return values


def _state(client: Client) -> list[Any]:
    """What counts as a change; an unsaved therapist or service differs from every saved one."""
    therapist = client.therapist_id or (client.therapist and id(client.therapist))
    service = client.service_id or (client.service and id(client.service))
    return [*(getattr(client, name) for name in _PLAIN_FIELDS), therapist, service]


def sample(client: Client) -> dict[str, str]:
    """A client as people read one, for the preview."""
    return {
        "file_no": client.file_no,
        "name": " ".join(filter(None, [client.honorific, client.full_name])),
        "phone": display(client.phone) if client.phone else "",
        "birth_date": jalali.numeric_date(client.birth_date) if client.birth_date else "",
        "therapist": client.therapist.name if client.therapist else "",
        "service": client.service.name if client.service else "",
    }
