"""The one form of a session's page: which other time would do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.text import clean
from sessions_app.client_actions import DAYS, PARTS_OF_DAY, Wish, weekday_names


class WishForm(forms.Form):
    """Nothing is required: «another time» alone is a wish."""

    days = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        label=_("Which days suit you?"),
        widget=forms.CheckboxSelectMultiple,
    )
    parts = forms.MultipleChoiceField(
        required=False, label=_("What time of day?"), widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(required=False, max_length=300, label=_("Something to add?"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = weekday_names()
        self.fields["days"].choices = [(day, names[day]) for day in DAYS]  # type: ignore[attr-defined]
        self.fields["parts"].choices = PARTS_OF_DAY.items()  # type: ignore[attr-defined]

    def clean_note(self) -> str:
        return clean(self.cleaned_data["note"], lines=True)

    def wish(self) -> Wish:
        said = self.cleaned_data
        parts = [part for part in PARTS_OF_DAY if part in said["parts"]]
        return Wish(sorted(set(said["days"])), parts, said["note"])
