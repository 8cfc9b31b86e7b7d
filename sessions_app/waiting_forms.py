"""The form of a place on the waiting list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic import jalali
from clinic.formfields import ClockField, PersianCharField
from clinic.models import Therapist, User
from patients.models import Client
from sessions_app.forms import ClientsMixin
from sessions_app.models import Wish


class WishForm(ClientsMixin):
    """Who waits, for whom, and when they could come."""

    therapist: forms.ModelChoiceField[Therapist] = forms.ModelChoiceField(
        queryset=None, label=_("for whom"), required=False, empty_label=_("any therapist")
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("days that suit"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: every day suits."),
    )
    begins = ClockField(label=_("from the hour"), required=False)
    ends = ClockField(label=_("to the hour"), required=False)
    note = PersianCharField(label=_("note"), required=False, max_length=300)

    def __init__(self, *args: Any, wish: Wish | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wish = wish
        self._offer()
        if wish is not None:
            del self.fields["clients"]
            for name in ("therapist", "weekdays", "begins", "ends", "note"):
                self.initial.setdefault(name, getattr(wish, name))

    def _offer(self) -> None:
        fields: dict[str, Any] = self.fields
        present = self.wish.therapist_id if self.wish else None
        fields["clients"].queryset = Client.objects.filter(deceased_at=None)
        fields["clients"].label = _("who waits")
        fields["therapist"].queryset = Therapist.objects.filter(Q(active=True) | Q(pk=present))
        fields["weekdays"].choices = [(day, jalali.weekday_name(day)) for day in range(7)]

    def clean_clients(self) -> Client:
        chosen = list(self.cleaned_data["clients"])
        if len(chosen) > 1:
            raise forms.ValidationError(_("Choose one client; each waits in a place of their own."))
        found: Client = chosen[0]
        return found

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        begins, ends = values.get("begins"), values.get("ends")
        if {"begins", "ends"} & self.errors.keys():
            return values
        if (begins is None) != (ends is None):
            self.add_error("ends" if ends is None else "begins", _("Say from when and until when."))
        elif begins is not None and ends is not None and ends <= begins:
            self.add_error("ends", _("The end is not after the beginning."))
        return values

    def save(self, *, now: dt.datetime, by: User) -> Wish:
        values = dict(self.cleaned_data)
        client = values.pop("clients", None)
        wish = self.wish or Wish(client=client, created_at=now, created_by=by)
        for name, value in values.items():
            setattr(wish, name, value)
        wish.save()
        return wish
