"""Forms of the texting settings."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from clinic.formfields import PersianCharField, TomanField
from clinic.models import Service, Therapist
from clinic.text import ascii_digits
from followup.models import Kind, Rule
from messaging import render
from messaging.models import Template
from patients.forms import PhoneField
from patients.queries import is_usable


class LimitForm(forms.Form):
    """What may be spent on texts in a month; cleans to Rial, None for no limit."""

    monthly_cap_rial = TomanField(
        label=_("At most in a month"),
        required=False,
        min_value=1_000,
        max_value=10**10,
        help_text=_("Empty: no limit. When it is reached, texts wait; those about safety leave."),
    )


class TrialForm(forms.Form):
    """Whose phone a text is tried on: that of whoever asks."""

    trial_phone = PhoneField(label=_("Your own mobile number"), max_length=40)

    def clean_trial_phone(self) -> str:
        phone: str = self.cleaned_data["trial_phone"]
        if not is_usable(phone):
            raise ValidationError(_("This is no mobile number, so no text can reach it."))
        return phone


class WordingForm(forms.Form):
    """One wording of a rule: its words, and for whom they are."""

    body = PersianCharField(
        label=_("Text"),
        lines=True,
        max_length=render.LONGEST,
        required=False,  # `render.check` says it in its own words
        widget=forms.Textarea({"rows": 6}),
    )
    service: forms.ModelChoiceField[Service] = forms.ModelChoiceField(
        label=_("Service"), queryset=None, required=False, empty_label=_("every service")
    )
    therapist: forms.ModelChoiceField[Therapist] = forms.ModelChoiceField(
        label=_("Therapist"), queryset=None, required=False, empty_label=_("every therapist")
    )
    invites = forms.BooleanField(
        label=_("This text asks for feedback"),
        required=False,
        help_text=_("Used when it is time to ask: after sessions 1 and 3 and then every fourth."),
    )

    plain = forms.BooleanField(
        label=_("For an account that takes no links"),
        required=False,
        help_text=_(
            "Used instead of the others where the account turns links away; without a link."
        ),
    )
    approved_name = forms.CharField(
        label=_("Name of the approved template"),
        max_length=60,
        required=False,
        help_text=_(
            "WhatsApp, and Kavenegar for approved texts only, send nothing but templates that they"
            " have approved. Write the name under which they keep this one; the placeholders of the"
            " text are its values, in their order."
        ),
    )

    def __init__(self, data: Any = None, *, rule: Rule, wording: Template, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self._offer("service", Service.objects.all(), wording.service_id)
        self._offer("therapist", Therapist.objects.all(), wording.therapist_id)
        self.fields["approved_name"].widget.attrs |= {"dir": "ltr", "autocomplete": "off"}
        if rule.kind != Kind.THANKS:
            del self.fields["invites"]

    def _offer(self, name: str, rows: QuerySet[Any], chosen: int | None) -> None:
        """Those at work, and the one that the wording already names."""
        choice: Any = self.fields[name]
        choice.queryset = rows.filter(Q(active=True) | Q(pk=chosen))

    def clean_body(self) -> str:
        body = str(self.cleaned_data["body"])
        try:
            render.check(body)
        except ValidationError as error:
            raise ValidationError(error.message_dict["body"]) from None
        return body

    def clean_approved_name(self) -> str:
        name = ascii_digits(str(self.cleaned_data["approved_name"])).strip()
        if name and not re.fullmatch(r"[0-9A-Za-z_-]+", name):
            raise ValidationError(
                _("Latin letters, digits, - and _ only, as the gateway writes it.")
            )
        return name

    def clean(self) -> dict[str, Any]:
        wanted = self.cleaned_data
        if wanted.get("plain") and render.has_link(wanted.get("body", "")):
            self.add_error(
                "body", _("A text for accounts that take no links has one; leave it out.")
            )
        if wanted.get("plain") and wanted.get("invites"):
            self.add_error("plain", _("A text that asks for feedback needs its link."))
        return wanted

    @property
    def wanted(self) -> dict[str, Any]:
        """What `followup.editing.save_wording` takes."""
        return {"invites": False, **self.cleaned_data}
