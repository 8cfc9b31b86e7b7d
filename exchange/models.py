"""What somebody uploaded, between preview and confirmation, and what came of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.tenancy import TenantModel
from exchange.actions import ListFile
from exchange.headers import Kind

#: How long lists and the rows of them that were refused are kept.
KEPT = dt.timedelta(days=1)


class ImportFile(TenantModel):
    """The lists of one import, as they came.

    The bytes wait here so that what is confirmed is exactly what was previewed; they go as soon as
    they are imported, or after a day. What stays is who imported what, when, and the counts.
    """

    clients_name = models.CharField(_("list of clients"), max_length=200, blank=True)
    clients_data = models.BinaryField(null=True)
    sessions_name = models.CharField(_("list of sessions"), max_length=200, blank=True)
    sessions_data = models.BinaryField(null=True)
    uploaded_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    imported_at = models.DateTimeField(null=True, blank=True)
    #: `Report.for_page`: of the preview, and after confirmation of the import itself.
    report = models.JSONField(default=dict)

    # The hourly sweep runs across clinics.
    worker_rights = ("SELECT", "UPDATE", "DELETE")

    class Meta(TenantModel.Meta):
        ordering = ["-uploaded_at", "-id"]
        indexes = [
            # The clinic's past imports, the last first.
            models.Index(fields=["clinic", "-uploaded_at"], name="import_by_time"),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"

    @property
    def names(self) -> list[str]:
        return [name for name in (self.clients_name, self.sessions_name) if name]

    @property
    def expires_at(self) -> dt.datetime:
        return self.uploaded_at + KEPT

    def files(self) -> dict[str, ListFile]:
        """The lists by kind, as `import_files` takes them."""
        found: dict[str, ListFile] = {}
        for kind in Kind:
            data: Any = getattr(self, f"{kind}_data")
            if data is not None:
                found[kind.value] = ListFile(getattr(self, f"{kind}_name"), bytes(data))
        return found

    def keep(self, kind: str, file: ListFile) -> None:
        setattr(self, f"{kind}_name", file.name)
        setattr(self, f"{kind}_data", file.data)

    def forget_bytes(self) -> None:
        self.clients_data = self.sessions_data = None


def forget_old(now: dt.datetime) -> int:
    """Delete unconfirmed lists of the clinics in scope after a day, and of the others what names
    people. Returns how many imports that touched."""
    old = ImportFile.objects.filter(uploaded_at__lt=now - KEPT)
    deleted, _by_model = old.filter(imported_at=None).delete()
    named = old.filter(~Q(report__rejected=[]) | ~Q(report__samples={}))
    for upload in named.iterator(chunk_size=100):
        upload.report |= {"rejected": [], "samples": {}}
        upload.save(update_fields=["report"])
        deleted += 1
    return deleted
