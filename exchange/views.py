"""The Import page: choose the lists, see what they would do, take them in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic.access import RECEPTION, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.toasts import done
from exchange import sheets, uploads
from exchange.forms import ImportForm
from exchange.headers import Kind
from exchange.models import ImportFile, forget_old
from exchange.reasons import ConflictError, UnreadableError
from exchange.report import COUNTED

#: Refused rows shown on the page; all of them are in the file to download.
SHOWN = 50
PAST = 10
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "POST"])
@clinic_view(*RECEPTION)
def start(request: ClinicRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if form.is_valid():
        try:
            found = uploads.preview(
                request.clinic, form.lists(), now=timezone.now(), by=request.user
            )
        except UnreadableError as error:
            form.refuse(error, error.kind)
        else:
            return redirect(clinic_url(request.clinic, "exchange:upload", found.pk))
    forget_old(timezone.now())
    past = ImportFile.objects.filter(imported_at__isnull=False).select_related("uploaded_by")
    context = {"form": form, "past": past.defer("clients_data", "sessions_data")[:PAST]}
    return render(request, "exchange/start.html", context)


@require_http_methods(["GET", "POST"])
@clinic_view(*RECEPTION)
def upload(request: ClinicRequest, pk: int) -> HttpResponse:
    """The preview of an upload and, once it is confirmed, what came of it."""
    found = _found(pk)
    here = clinic_url(request.clinic, "exchange:upload", pk)
    if request.method == "POST":
        try:
            if uploads.confirm(request.clinic, found, now=timezone.now()):
                done(request, _("The lists have been imported."))
        except ConflictError as error:
            messages.error(request, str(error))
        return redirect(here)
    report = found.report
    context = {
        "upload": found,
        "counts": [(name, *(report[what][name] for what in _COLUMNS)) for name in COUNTED],
        "nothing": not any(sum(report[what].values()) for what in ("created", "updated")),
        "rejected": report["rejected"][:SHOWN],
        "rejected_count": len(report["rejected"]),
        "ignored": [(name, headings) for name, headings in report["ignored"].items() if headings],
        "clients": report["samples"].get(Kind.CLIENTS, []),
        "sessions": report["samples"].get(Kind.SESSIONS, []),
    }
    return render(request, "exchange/upload.html", context)


_COLUMNS = ("created", "updated", "unchanged")


@require_POST
@clinic_view(*RECEPTION)
def discard(request: ClinicRequest, pk: int) -> HttpResponse:
    """Throw an unconfirmed upload away; one that was imported stays on record."""
    found = get_object_or_404(ImportFile.objects.filter(imported_at=None), pk=pk)
    found.delete()
    done(request, _("The uploaded lists were thrown away; nothing was imported."))
    return redirect(clinic_url(request.clinic, "exchange:start"))


@require_GET
@clinic_view(*RECEPTION)
def rejected(request: ClinicRequest, pk: int) -> HttpResponse:
    return _file(sheets.rejected_csv(_found(pk).report["rejected"]), "text/csv", "rejected.csv")


@require_GET
@clinic_view(*RECEPTION)
def template_xlsx(request: ClinicRequest, kind: Kind) -> HttpResponse:
    return _file(sheets.template_xlsx(kind), XLSX, f"peygir-{kind}.xlsx")


@require_GET
@clinic_view(*RECEPTION)
def template_csv(request: ClinicRequest, kind: Kind) -> HttpResponse:
    return _file(sheets.template_csv(kind), "text/csv", f"peygir-{kind}.csv")


def _found(pk: int) -> ImportFile:
    found: ImportFile = get_object_or_404(
        ImportFile.objects.defer("clients_data", "sessions_data"), pk=pk
    )
    return found


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    if content_type == "text/csv":
        content_type = "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=content_type, headers=headers)
