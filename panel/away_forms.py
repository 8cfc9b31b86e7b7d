"""The form for the day on which a therapist is not there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.formfields import JalaliDateField, PersianCharField
from sessions_app.models import Session

CANCEL, MOVE = "cancel", "move"


class AwayForm(forms.Form):
    """Which of the day's sessions, and what becomes of them."""

    sessions = forms.TypedMultipleChoiceField(
        coerce=int,
        label=_("Sessions"),
        error_messages={
            "required": _("Tick at least one session."),
            "invalid_choice": _("One of the sessions has been changed meanwhile. Look again."),
        },
    )
    do = forms.ChoiceField(
        label=_("What becomes of them?"),
        choices=[
            (CANCEL, _("Cancel them")),
            (MOVE, _("Move them to the same hour of another day")),
        ],
        widget=forms.RadioSelect,
        initial=CANCEL,
    )
    to_day = JalaliDateField(label=_("Which day"), required=False)
    tell = forms.BooleanField(label=_("text the clients about it?"), required=False, initial=True)
    absent = forms.BooleanField(
        label=_("enter the whole day as an absence"),
        required=False,
        initial=True,
        help_text=_("Then nobody is offered a time on it."),
    )
    reason = PersianCharField(
        label=_("Reason"), max_length=120, required=False, help_text=_("Only staff read it.")
    )

    def __init__(
        self, data: Any = None, *, sessions: Sequence[Session], day: dt.date, today: dt.date
    ) -> None:
        super().__init__(data)
        self.day, self.today = day, today
        self.fields["sessions"].choices = [(s.pk, str(s.pk)) for s in sessions]  # type: ignore[attr-defined]
        self.initial["sessions"] = [session.pk for session in sessions]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("do") == MOVE and "to_day" not in self.errors:
            self._check_day(cleaned.get("to_day"))
        return cleaned

    def _check_day(self, to_day: dt.date | None) -> None:
        if to_day is None:
            self.add_error("to_day", _("Write the day to which they move."))
        elif to_day == self.day:
            self.add_error("to_day", _("That is the same day."))
        elif to_day < self.today:
            self.add_error("to_day", _("That day is over."))
