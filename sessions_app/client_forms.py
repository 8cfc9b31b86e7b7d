"""The one form of a session's page: which other time would do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic import jalali
from clinic.text import clean
from sessions_app.client_actions import DAYS, PARTS_OF_DAY, Wish, weekday_names
from sessions_app.slots import Offer


class StartsField(forms.TypedMultipleChoiceField):
    """Starts as ISO 8601. What was offered a while ago counts as long as it is free."""

    offer: Offer

    def valid_value(self, value: str) -> bool:
        try:
            return self.offer.holds(dt.datetime.fromisoformat(value))
        except (ValueError, TypeError):  # no time at all, or one without its zone
            return False


class WishForm(forms.Form):
    """Nothing is required: «another time» alone is a wish."""

    slots = StartsField(
        coerce=dt.datetime.fromisoformat,
        required=False,
        label=_("Which of these free times suit you?"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("One of these times has just been taken.")},
    )

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

    def __init__(self, *args: Any, offer: Offer, tz: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tz, names = tz, weekday_names()
        offered = [(start.isoformat(), jalali.spoken(start, tz=tz)) for start in offer.starts]
        slots: Any = self.fields["slots"]
        slots.choices, slots.offer = offered, offer
        self.fields["days"].choices = [(day, names[day]) for day in DAYS]  # type: ignore[attr-defined]
        self.fields["parts"].choices = PARTS_OF_DAY.items()  # type: ignore[attr-defined]

    def clean_note(self) -> str:
        return clean(self.cleaned_data["note"], lines=True)

    def wish(self) -> Wish:
        said = self.cleaned_data
        parts = [part for part in PARTS_OF_DAY if part in said["parts"]]
        starts = sorted(set(said["slots"]))
        return Wish(sorted(set(said["days"])), parts, said["note"], starts, self.tz)
