"""Decisions about a client's file as people type them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _, ngettext

from clinic.formfields import ClockField, JalaliDateField, NumberField, PersianCharField
from clinic.templatetags.peygir import persian_digits
from patients import care
from patients.models import Client, ClientEvent

#: As long as the file keeps them.
LONGEST_NOTE = 300


def note_field() -> PersianCharField:
    return PersianCharField(
        label=_("note for colleagues"),
        max_length=LONGEST_NOTE,
        required=False,
        lines=True,
        widget=forms.Textarea({"rows": 2}),
    )


class CareForm(forms.Form):
    """What the forms of the file share: an act that may be refused, with the reason in place."""

    #: Where a refusal is shown; over the form when nowhere.
    field_at_fault: str | None = None

    def attempt(self, act: Callable[[dict[str, Any]], ClientEvent]) -> ClientEvent | None:
        """The event that the act leaves, or None with the reason beside its field."""
        try:
            return act(self.cleaned_data)
        except care.CareError as error:
            self.add_error(self.field_at_fault, str(error))
            return None


class NoteForm(CareForm):
    note = note_field()


class CrisisForm(NoteForm):
    """`emergency`, only where the text can be sent: the caller takes the field away otherwise."""

    emergency = forms.BooleanField(
        label=_("send the emergency text now, too"), required=False, initial=False
    )


class UntilForm(CareForm):
    """A day, or none for «until further notice»."""

    until = JalaliDateField(
        label=_("until"),
        required=False,
        help_text=_("Empty: until somebody ends it."),
    )
    note = note_field()
    field_at_fault = "until"


class EndingForm(CareForm):
    """When a treatment is to end; both empty for an open end. `so_far`: the sessions it has had."""

    ends_after = NumberField(
        label=_("after how many sessions in all"), required=False, min_value=1, max_value=999
    )
    ends_on = JalaliDateField(
        label=_("or on which day"),
        required=False,
        help_text=_("Whichever comes first. Both empty: no ending is planned."),
    )
    field_at_fault = "ends_on"

    def __init__(self, *args: Any, so_far: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.so_far = so_far

    def clean_ends_after(self) -> int | None:
        after: int | None = self.cleaned_data["ends_after"]
        if after is not None and after <= self.so_far:
            raise forms.ValidationError(
                ngettext(
                    "There has been one session already; write a higher number.",
                    "There have been %(n)s sessions already; write a higher number.",
                    self.so_far,
                )
                % {"n": persian_digits(self.so_far)}
            )
        return after


class HoursForm(CareForm):
    """The client's own hours for texts; both empty for the clinic's."""

    texts_from = ClockField(label=_("texts from"), required=False)
    texts_until = ClockField(label=_("texts until"), required=False)
    field_at_fault = "texts_until"

    def __init__(self, *args: Any, client: Client, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client
        self.initial.setdefault("texts_from", client.texts_from)
        self.initial.setdefault("texts_until", client.texts_until)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        hours: tuple[dt.time | None, ...] = (values.get("texts_from"), values.get("texts_until"))
        if not self.errors:
            try:
                care.check_hours(self.client.clinic, *hours)
            except care.CareError as error:
                self.add_error(self.field_at_fault, str(error))
        return values
