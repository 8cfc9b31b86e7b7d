"""The sessions of a series one by one: which stay, when each begins, and what is in its way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from clinic import jalali
from clinic.closures import closed_days
from clinic.formfields import DATE_ERRORS, ClockField, JalaliDateField
from clinic.models import User
from sessions_app import series
from sessions_app.forms import explain
from sessions_app.models import Session


@dataclass(frozen=True, slots=True)
class Row:
    keep: BoundField
    day: BoundField
    time: BoundField
    #: What closes the clinic on that day; it is allowed all the same.
    closed: str

    @property
    def problems(self) -> list[BoundField]:
        """The fields that were refused."""
        return [field for field in (self.day, self.time) if field.errors]


class SeriesForm(forms.Form):
    """Not bound, it shows the days as asked for, with what is in the way unticked."""

    def __init__(
        self,
        data: Any = None,
        *,
        plan: series.Plan,
        days: Sequence[dt.date],
        clock: dt.time,
        tz: str,
    ) -> None:
        super().__init__(data)
        self.plan, self.days, self.tz = plan, days, tz
        for n, day in enumerate(days):
            self._add(n, day, clock)
        if not self.is_bound:
            self._untick_what_clashes(clock)

    def _add(self, n: int, day: dt.date, clock: dt.time) -> None:
        said = {"day": jalali.day_name_date(day)}
        self.fields[f"keep{n}"] = forms.BooleanField(required=False, initial=True)
        self.fields[f"day{n}"] = JalaliDateField(required=False, initial=day)
        self.fields[f"time{n}"] = ClockField(required=False, initial=clock)
        for name, words, look in (
            ("keep", _("Book the session of %(day)s"), "form-check-input"),
            ("day", _("Day of the session of %(day)s"), "form-control"),
            ("time", _("Time of the session of %(day)s"), "form-control"),
        ):
            attrs = {"aria-label": words % said, "class": look}
            self.fields[f"{name}{n}"].widget.attrs |= attrs

    def _untick_what_clashes(self, clock: dt.time) -> None:
        starts = {n: self._start(day, clock) for n, day in enumerate(self.days)}
        found = series.clashes(self.plan, filter(None, starts.values()))
        self.obstacles = {
            n: explain(found[start], self.tz) for n, start in starts.items() if start in found
        }
        for n in self.obstacles:
            self.initial[f"keep{n}"] = False

    def _start(self, day: dt.date, clock: dt.time) -> dt.datetime | None:
        try:
            return jalali.combine(day, clock, self.tz)
        except jalali.DateError:
            return None

    @property
    def rows(self) -> Iterator[tuple[Row, str]]:
        """Each row with what is in its way, empty for nothing."""
        closed = closed_days(self.days[0], self.days[-1])
        for n, day in enumerate(self.days):
            names = closed.get(day)
            said = "" if names is None else names or str(_("Friday"))
            row = Row(self[f"keep{n}"], self[f"day{n}"], self[f"time{n}"], said)
            yield row, "" if self.is_bound else self.obstacles.get(n, "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.starts: dict[int, dt.datetime] = {}
        for n in range(len(self.days)):
            if cleaned.get(f"keep{n}"):
                self._take(n, cleaned)
        if not self.errors:
            self._refuse_clashes()
        if not self.errors and not self.starts:
            raise forms.ValidationError(_("Tick at least one session."))
        return cleaned

    def _take(self, n: int, cleaned: dict[str, Any]) -> None:
        day, clock = cleaned.get(f"day{n}"), cleaned.get(f"time{n}")
        if f"day{n}" in self.errors or f"time{n}" in self.errors:
            return
        if day is None or clock is None:
            self.add_error(f"day{n}", _("Day and time are both needed."))
            return
        try:
            self.starts[n] = jalali.combine(day, clock, self.tz)
        except jalali.DateError as error:
            self.add_error(f"time{n}", DATE_ERRORS[error.code])

    def _refuse_clashes(self) -> None:
        found = series.clashes(self.plan, self.starts.values())
        taken: set[dt.datetime] = set()
        for n, start in self.starts.items():
            if start in found:
                self.add_error(f"time{n}", explain(found[start], self.tz))
            elif any(abs(start - other) < self.plan.length for other in taken):
                self.add_error(f"time{n}", _("Two sessions of this series would overlap."))
            taken.add(start)

    def book(self, *, tell: bool, now: dt.datetime, by: User) -> list[Session]:
        """All that are ticked; none where something has come in the way meanwhile, with an error."""
        try:
            return series.book_all(self.plan, self.starts.values(), tell=tell, now=now, by=by)
        except series.Refused as refused:
            n = next((n for n, start in self.starts.items() if start == refused.start), None)
            name = None if n is None or refused.error.field == "clients" else f"time{n}"
            self.add_error(name, explain(refused.error, self.tz))
            return []
