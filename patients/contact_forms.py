"""A contact person as people type one."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.formfields import PersianCharField
from clinic.models import User
from patients import contacts
from patients.care import CareError
from patients.forms import HONORIFICS, PhoneField
from patients.models import Client, ClientEvent, ContactPerson
from patients.phones import is_mobile


class ContactForm(forms.ModelForm[ContactPerson]):
    """`own_texts` is about the client: whether they go on getting what is theirs."""

    honorific = PersianCharField(label=_("honorific"), max_length=30, required=False)
    name = PersianCharField(label=_("name"), max_length=120)
    phone = PhoneField(label=_("mobile phone"), required=False)
    own_texts = forms.BooleanField(required=False)

    honorifics = HONORIFICS

    class Meta:
        model = ContactPerson
        fields = (
            "relation",
            "honorific",
            "name",
            "phone",
            "email",
            "gets_sessions",
            "gets_follow_up",
        )
        help_texts: ClassVar = {
            "gets_sessions": _("reminders, and what is booked, moved or cancelled"),
            "gets_follow_up": _("thanks, feedback, and questions when nobody comes any more"),
        }

    def __init__(self, *args: Any, client: Client, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.client = client
        self.fields["email"].widget.attrs["dir"] = "ltr"
        self.fields["honorific"].widget.attrs["list"] = "honorifics"
        relation: Any = self.fields["relation"]
        relation.choices = [("", _("not chosen")), *ContactPerson.Relation.choices]
        own = self.fields["own_texts"]
        own.label = _("%(client)s gets them, too") % {"client": client.addressed}
        self.initial.setdefault("own_texts", client.own_texts)

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and not is_mobile(phone):
            raise ValidationError(_("Texts reach mobile numbers only."), code="not_mobile")
        return phone

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        is_readable = not {"phone", "email"} & self.errors.keys()
        if is_readable and not values.get("phone") and not values.get("email"):
            self.add_error("phone", _("Write a mobile number or an e-mail address."))
        return values

    def validate_constraints(self) -> None:
        """What they refuse `clean` and `contacts.save` have said beside its field."""

    def keep(self, *, now: dt.datetime, by: User) -> ClientEvent | None:
        """Save it; None with the reason beside its field where that is not possible."""
        wanted: bool = self.cleaned_data["own_texts"]
        try:
            return contacts.save(self.instance, own_texts=wanted, now=now, by=by)
        except CareError as error:
            self.add_error("phone", str(error))
            return None
