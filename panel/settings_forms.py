"""Forms of the texting settings."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from clinic.formfields import PersianCharField
from clinic.models import Service, Therapist
from clinic.text import ascii_digits
from followup.models import Kind, Rule
from messaging import render
from messaging.models import Template


class GatewayForm(forms.Form):
    """The sender line and the key. The key is only ever written, never shown."""

    sender = forms.CharField(
        label=_("Sender line"),
        max_length=20,
        required=False,
        help_text=_("The number texts come from. When empty, the account's own first line."),
    )
    api_key = forms.CharField(
        label=_("API key"), max_length=200, required=False, widget=forms.PasswordInput
    )

    def __init__(self, *args: Any, has_key: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sender"].widget.attrs |= {"dir": "ltr", "inputmode": "numeric"}
        key = self.fields["api_key"]
        key.widget.attrs |= {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}
        key.required = not has_key
        key.help_text = (
            _("A key is kept, encrypted. Leave this empty to keep it.")
            if has_key
            else _("From your account at Kavenegar, under its settings. It is kept encrypted.")
        )

    def clean_sender(self) -> str:
        sender = re.sub(r"[\s()+-]", "", ascii_digits(str(self.cleaned_data["sender"])))
        if sender and not re.fullmatch(r"[0-9]{3,20}", sender):
            raise ValidationError(_("A line has digits only, like 10004346."))
        return sender

    def clean_api_key(self) -> str:
        key = ascii_digits(str(self.cleaned_data["api_key"])).strip()
        if key and not re.fullmatch(r"[0-9A-Za-z]{8,200}", key):
            raise ValidationError(_("A key has letters and digits only. Copy it whole."))
        return key


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

    def __init__(self, data: Any = None, *, rule: Rule, wording: Template, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self._offer("service", Service.objects.all(), wording.service_id)
        self._offer("therapist", Therapist.objects.all(), wording.therapist_id)
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

    @property
    def wanted(self) -> dict[str, Any]:
        """What `followup.editing.save_wording` takes."""
        return {"invites": False, **self.cleaned_data}
