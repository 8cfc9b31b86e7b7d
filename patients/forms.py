"""A client's file as people type it."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic import jalali
from clinic.formfields import JalaliDateField, JalaliDateInput, PersianCharField
from clinic.models import Service, Therapist, User
from clinic.templatetags.peygir import persian_digits
from clinic.text import ascii_digits
from patients import phones
from patients.actions import set_consent
from patients.models import Client, ConsentRecord, Gender, Purpose
from patients.queries import next_file_no

PHONE_ERRORS = {
    "empty": _("Write the number, or leave the field empty."),
    "letters": _("A phone number has digits only, like 0912 123 4567."),
    "several": _("Write one number; a second one belongs in another place."),
    "rounded": _("The number has been rounded. Write all its digits, like 0912 123 4567."),
    "too_short": _("Some digits are missing. Write it like 0912 123 4567."),
    "too_long": _("There are too many digits. Write it like 0912 123 4567."),
    "no_area_code": _("Write the landline with its area code, like 021 8800 1122."),
    "not_in_use": _("No number begins like this; a digit is wrong or missing."),
}

#: Suggestions only: whoever is addressed otherwise is written otherwise.
HONORIFICS = ("خانم", "آقای", "دکتر", "خانم دکتر", "آقای دکتر", "مهندس", "استاد")


class PhoneField(forms.CharField):
    """A phone number in any form people write it; cleans to E.164."""

    widget = forms.TextInput(
        attrs={"dir": "ltr", "inputmode": "tel", "autocomplete": "off", "type": "tel"}
    )

    def to_python(self, value: Any) -> str:
        if value in self.empty_values or not str(value).strip():
            return ""
        try:
            return phones.normalise(value)
        except phones.PhoneError as error:
            raise ValidationError(PHONE_ERRORS[error.code], code=error.code) from None

    def prepare_value(self, value: Any) -> Any:
        """A stored number is shown as people read it; what was mistyped stays as it was typed."""
        return phones.display(value) if str(value or "").startswith("+") else value


class ClientForm(forms.ModelForm[Client]):
    file_no = PersianCharField(label=_("file number"), max_length=30)
    honorific = PersianCharField(
        label=_("honorific"),
        max_length=30,
        required=False,
        help_text=_("With it a text says “Ms. Karimi”; without it, the full name."),
    )
    first_name = PersianCharField(label=_("first name"), max_length=80, required=False)
    last_name = PersianCharField(label=_("last name"), max_length=80)
    phone = PhoneField(
        label=_("mobile phone"),
        required=False,
        help_text=_("Reminders go to this number. A relative may share it."),
    )
    birth_date = JalaliDateField(
        label=_("birth date"),
        required=False,
        widget=JalaliDateInput({"placeholder": "1368/02/17"}),
    )
    consents = forms.MultipleChoiceField(
        label=_("the client wants texts"),
        choices=Purpose.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    honorifics = HONORIFICS

    class Meta:
        model = Client
        fields = [
            "file_no",
            "honorific",
            "first_name",
            "last_name",
            "gender",
            "phone",
            "email",
            "birth_date",
            "therapist",
            "service",
            "discreet",
        ]
        help_texts: ClassVar = {
            "discreet": _("They say neither the therapist's title nor what the clinic does.")
        }

    def __init__(self, *args: Any, now: dt.datetime, tz: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.today = now, jalali.local_day(now, tz)
        if not self.instance.pk:
            self.initial.setdefault("file_no", next_file_no())
        self.initial["file_no"] = persian_digits(self.initial["file_no"])
        self.initial["consents"] = [p.value for p in Purpose if self.instance.consents_to(p)]
        self._offer("therapist", Therapist, self.instance.therapist_id)
        self._offer("service", Service, self.instance.service_id)
        gender: Any = self.fields["gender"]
        gender.choices = [("", _("not chosen")), *Gender.choices]
        self.fields["honorific"].widget.attrs["list"] = "honorifics"
        for name in ("file_no", "email"):
            self.fields[name].widget.attrs["dir"] = "ltr"

    def _offer(self, name: str, model: type[Therapist | Service], present: int | None) -> None:
        field: Any = self.fields[name]
        field.queryset = model.objects.filter(Q(active=True) | Q(pk=present))
        field.empty_label = _("not chosen")

    def clean_file_no(self) -> str:
        file_no = ascii_digits(self.cleaned_data["file_no"])
        holder = Client.objects.filter(file_no=file_no).exclude(pk=self.instance.pk).first()
        if holder is not None:
            raise ValidationError(
                _("This is the file number of %(client)s."),
                code="taken",
                params={"client": holder},
            )
        return file_no

    def clean_birth_date(self) -> dt.date | None:
        born: dt.date | None = self.cleaned_data["birth_date"]
        if born and born > self.today:
            raise ValidationError(_("The birth date lies in the future."), code="future")
        return born

    def keep(self, *, by: User) -> Client | None:
        """Save the file and the consents; None when somebody took the file number meanwhile."""
        new = not self.instance.pk
        try:
            with transaction.atomic():
                return self._create(by) if new else self._update(by)
        except IntegrityError as error:
            if "client_file_no_once" not in str(error):
                raise
            self.add_error("file_no", _("This file number has just been taken; choose another."))
            return None

    def _create(self, by: User) -> Client:
        client = self.instance
        client.created_at = self.now
        usual = [purpose for purpose in Purpose if client.consents_to(purpose)]
        for purpose in Purpose:
            setattr(client, f"consent_{purpose}", self._wants(purpose))
        client.save()
        ConsentRecord.objects.bulk_create(
            ConsentRecord(
                client=client,
                purpose=purpose,
                given=self._wants(purpose),
                source=ConsentRecord.Source.PANEL,
                recorded_at=self.now,
                recorded_by=by,
            )
            for purpose in Purpose
            if self._wants(purpose) or purpose in usual
        )
        return client

    def _update(self, by: User) -> Client:
        # Consents stand on the row: they are changed under its lock, never by this save.
        client = self.instance
        client.save(update_fields=[*self.Meta.fields, "search_text", "sort_key"])
        for purpose in Purpose:
            set_consent(
                client,
                purpose,
                self._wants(purpose),
                source=ConsentRecord.Source.PANEL,
                now=self.now,
                by=by,
            )
        return client

    def _wants(self, purpose: Purpose) -> bool:
        return purpose.value in self.cleaned_data["consents"]


class ConsentForm(forms.Form):
    purpose = forms.ChoiceField(choices=Purpose.choices)
    given = forms.BooleanField(required=False)
