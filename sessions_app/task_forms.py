"""The call list as people type it: what came of a call, and a call to be made."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic import jalali
from clinic.formfields import DATE_ERRORS, ClockField, JalaliDateField, PersianCharField
from clinic.models import User
from patients.models import Client
from sessions_app import care_tasks
from sessions_app.models import CareAttempt, CareTask

#: Where a moment begins that was given as a day only.
MORNING = care_tasks.MORNING
#: A death is recorded in the client's file, where it closes all tasks and stops the texts too.
OUTCOMES = [choice for choice in CareTask.Outcome.choices if choice[0] != CareTask.Outcome.DECEASED]


class MomentForm(forms.Form):
    """A day and a time of day on the clinic's clock; without the time, the morning."""

    def __init__(self, *args: Any, tz: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tz = tz

    def moment(self, day: str, clock: str) -> dt.datetime | None:
        """The instant of these two fields; None, with the error in place, when there is none."""
        given = self.cleaned_data.get(day)
        if given is None or clock in self.errors:
            return None
        try:
            return jalali.combine(given, self.cleaned_data.get(clock) or MORNING, self.tz)
        except jalali.DateError as error:
            self.add_error(clock, DATE_ERRORS[error.code])
            return None


class AttemptForm(MomentForm):
    """What came of a try; «later» needs to know when."""

    outcome = forms.ChoiceField(
        label=_("what came of it"), choices=OUTCOMES, widget=forms.RadioSelect
    )
    again_day = JalaliDateField(label=_("again on"), required=False)
    again_time = ClockField(label=_("at"), required=False)
    note = PersianCharField(
        label=_("note for colleagues"),
        max_length=500,
        required=False,
        lines=True,
        widget=forms.Textarea({"rows": 2}),
    )

    def record(self, task: CareTask, *, now: dt.datetime, by: User) -> CareAttempt | None:
        """The try, or None with the reason beside its field."""
        outcome = self.cleaned_data["outcome"]
        later = outcome == CareTask.Outcome.LATER
        again_at = self.moment("again_day", "again_time") if later else None
        if later and self.errors:
            return None
        try:
            return care_tasks.attempt(
                task,
                outcome,
                note=self.cleaned_data["note"],
                again_at=again_at,
                now=now,
                by=by,
            )
        except care_tasks.TaskError as error:
            self.add_error(error.field, str(error))
            return None


class CallForm(MomentForm):
    """A call to be made, as somebody at reception notes it."""

    text = PersianCharField(
        label=_("what it is about"),
        max_length=1000,
        lines=True,
        widget=forms.Textarea({"rows": 3}),
    )
    day = JalaliDateField(label=_("day"))
    time = ClockField(label=_("time"), required=False)

    def open(self, client: Client, *, now: dt.datetime, by: User) -> CareTask | None:
        due_at = self.moment("day", "time")
        if due_at is None:
            return None
        return care_tasks.open_task(
            CareTask.Kind.CALL,
            client,
            text=self.cleaned_data["text"],
            due_at=due_at,
            now=now,
            by=by,
        )
