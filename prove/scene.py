"""A live clinic with texts that are due, made by what clinics themselves use."""

from __future__ import annotations

import csv
import datetime as dt
import io

from clinic import jalali
from clinic.models import Clinic
from clinic.tenancy import EVERYWHERE, Hat, wear
from exchange.actions import ListFile, import_files
from followup.actions import open_clinic
from messaging.models import ProviderAccount, Template
from patients.models import Client
from sessions_app.models import Session

#: The clients of a scene, each with one session and so with one text.
TEXTS = 8
#: Three days before, to the minute, a session's first reminder falls due.
AHEAD = dt.timedelta(hours=72)
RULE = "reminder_72h"
#: Wednesday 4 Azar 1405, 17:30 in Tehran: no quiet hour is near.
DUE = jalali.parse_datetime("2026-11-25 17:30")
_BEFORE = dt.timedelta(days=5)


def make_clinic(slug: str, due: dt.datetime, count: int = TEXTS) -> Clinic:
    """A clinic that has been live for some days, whose clients' reminders fall due at `due`."""
    opened = due - _BEFORE
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = open_clinic(
            slug, slug, phone="021-88001122", timezone="Asia/Tehran", live=True, now=opened
        )
        clinic.quiet_from, clinic.quiet_to = _far_from(due)
        clinic.save(update_fields=["quiet_from", "quiet_to"])
    with wear(Hat.WEB, clinic_id=clinic.pk):
        report = import_files(
            clinic,
            clients=ListFile("clients.csv", _clients(clinic.pk, count)),
            sessions=ListFile("sessions.csv", _sessions(due + AHEAD, count)),
            now=opened,
        )
    if report.rejected:
        raise AssertionError(f"the proof's own lists: {report.rejected[0].reason}")
    return clinic


def word_equally(clinic: Clinic) -> None:
    """Let all texts read the same, so that they leave in one call."""
    with wear(Hat.WEB, clinic_id=clinic.pk):
        for wording in Template.objects.filter(key=RULE):
            wording.body = "قرار {ساعت}."
            wording.save(update_fields=["body"])


def use_gateway_without_look_up(clinic: Clinic, now: dt.datetime) -> None:
    """An account that neither knows our ids nor tells what became of them."""
    word_equally(clinic)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        # A template that every sandbox account has.
        Template.objects.filter(key=RULE).update(approved_name="code")
        ProviderAccount.objects.create(
            kind="kavenegar_lookup",
            api_key="its-own-key",
            created_at=now,
            replies_asked_at=now,
        )


def some_clients(count: int) -> list[Client]:
    """The last ones of the only clinic. Needs a hat that sees them."""
    return list(Client.objects.order_by("-id")[:count])


def some_sessions(count: int) -> list[Session]:
    """Those of `some_clients`."""
    return list(Session.objects.filter(participants__client__in=some_clients(count)).order_by("id"))


def _far_from(due: dt.datetime) -> tuple[dt.time, dt.time]:
    """Quiet hours that do not begin before the proof is over, whatever the hour it runs at."""
    begins = jalali.local(due + dt.timedelta(hours=10))
    return begins.time(), (begins + dt.timedelta(hours=1)).time()


def _clients(number: int, count: int) -> bytes:
    rows = [[n, "سارا", f"احمدی {n}", f"0912{number % 100:02}{n + 22000}"] for n in range(count)]
    return _as_csv(["file_no", "first_name", "last_name", "phone"], rows)


def _sessions(start: dt.datetime, count: int) -> bytes:
    """One after another in the list, all at once in the clinic: each with a therapist."""
    at = jalali.local(start).isoformat()
    rows = [[n, n, f"دکتر {n}", "فردی", at, 50, "scheduled"] for n in range(count)]
    header = ["session_no", "file_no", "therapist", "service", "starts_at", "duration_minutes"]
    return _as_csv([*header, "status"], rows)


def _as_csv(header: list[str], rows: list[list[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()
