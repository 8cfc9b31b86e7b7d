"""The two steps of the page: look at what was uploaded, then take it in."""

import datetime as dt
from collections.abc import Mapping

from clinic.models import Clinic, User
from exchange.actions import ListFile, import_files
from exchange.models import ImportFile


def preview(
    clinic: Clinic, files: Mapping[str, ListFile], *, now: dt.datetime, by: User
) -> ImportFile:
    """Keep the lists with what importing them would do. Raises UnreadableError."""
    report = import_files(
        clinic,
        clients=files.get("clients"),
        sessions=files.get("sessions"),
        now=now,
        dry_run=True,
    )
    upload = ImportFile(uploaded_by=by, uploaded_at=now, report=report.for_page())
    for kind, file in files.items():
        upload.keep(kind, file)
    upload.save()
    return upload


def confirm(clinic: Clinic, upload: ImportFile, *, now: dt.datetime) -> bool:
    """Import the kept lists; false when somebody has done so already. Raises ConflictError."""
    held = ImportFile.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if held.imported_at is not None:
        return False
    files = held.files()
    report = import_files(
        clinic, clients=files.get("clients"), sessions=files.get("sessions"), now=now
    )
    held.report, held.imported_at = report.for_page(), now
    held.forget_bytes()
    held.save()
    return True
