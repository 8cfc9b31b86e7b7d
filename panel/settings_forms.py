"""Forms of the texting settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from clinic.formfields import PersianCharField, TomanField
from clinic.models import Service, Therapist
from followup.models import Kind, Rule
from messaging import render
from messaging.models import Template


class LimitForm(forms.Form):
    """What may be spent on texts in a month; cleans to Rial, None for no limit."""

    monthly_cap_rial = TomanField(
        label=_("At most in a month"),
        required=False,
        min_value=1_000,
        max_value=10**10,
        help_text=_("Empty: no limit. When it is reached, texts wait; those about safety leave."),
    )


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
