"""What the Import page asks."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from exchange.actions import ListFile
from exchange.headers import Kind
from exchange.reading import MAX_BYTES, MAX_ROWS
from exchange.reasons import UnreadableError


def _list_field(label: Any, hint: Any) -> forms.FileField:
    accept = ".xlsx,.csv,.txt,.tsv"
    return forms.FileField(
        label=label,
        help_text=hint,
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": accept}),
    )


class ImportForm(forms.Form):
    clients = _list_field(
        _("list of clients"), _("File number, name, phone … one client in each row.")
    )
    sessions = _list_field(
        _("list of sessions"), _("File number, therapist, date and time … one session in each row.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(kind) for kind in Kind) and not self.errors:
            raise forms.ValidationError(_("Choose at least one file."), code="nothing")
        for kind in Kind:
            file = cleaned.get(kind)
            if file and (file.size or 0) > MAX_BYTES:
                self.refuse(
                    UnreadableError("too_large", megabytes=MAX_BYTES // 2**20, rows=MAX_ROWS), kind
                )
        return cleaned

    def lists(self) -> dict[str, ListFile]:
        """The files of a valid form by kind."""
        return {kind.value: _read(file) for kind in Kind if (file := self.cleaned_data.get(kind))}

    def refuse(self, error: UnreadableError, kind: str) -> None:
        self.add_error(kind, forms.ValidationError(str(error), code=error.code))


def _read(file: UploadedFile) -> ListFile:
    return ListFile((file.name or "")[:200], file.read())
