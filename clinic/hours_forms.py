"""Forms of working hours and time off, as people type them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from clinic import jalali
from clinic.formfields import DATE_ERRORS, ClockField, JalaliDateField, PersianCharField
from clinic.models import Room, Therapist, TimeOff, WorkingHours

#: Of one day: before and after the break at noon.
STRETCHES = 2
#: Nobody is away for longer in one entry; a wrong year is typed easily.
LONGEST_LEAVE = dt.timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Stretch:
    begins: BoundField
    ends: BoundField
    room: BoundField | None


@dataclass(frozen=True, slots=True)
class Weekday:
    name: str
    stretches: list[Stretch]

    @property
    def problems(self) -> list[BoundField]:
        """The fields that were refused."""
        return [field for it in self.stretches for field in (it.begins, it.ends) if field.errors]


class HoursForm(forms.Form):
    """The whole week of one therapist; an empty row is a day without clients."""

    def __init__(self, data: Any = None, *, therapist: Therapist) -> None:
        super().__init__(data)
        self.therapist = therapist
        hours = WorkingHours.objects.filter(therapist=therapist)
        self.present = list(hours.select_related("room"))
        in_use = {it.room for it in self.present if it.room}
        self.rooms = [it for it in Room.objects.all() if it.active or it in in_use]
        for weekday in range(7):
            for part in range(STRETCHES):
                self._add_stretch(weekday, part)
        self._show_present()

    def _add_stretch(self, weekday: int, part: int) -> None:
        name, day = _name(weekday, part), jalali.weekday_name(weekday)
        for edge, words in (("begins", _("%(day)s, from")), ("ends", _("%(day)s, until"))):
            field = self.fields[f"{name}_{edge}"] = ClockField(required=False)
            says = {"aria-label": words % {"day": day}, "class": "form-control", "placeholder": ""}
            field.widget.attrs |= says
        if self.rooms:
            choices = [("", _("no fixed room")), *((str(r.pk), r.name) for r in self.rooms)]
            room = self.fields[f"{name}_room"] = forms.ChoiceField(choices=choices, required=False)
            says = {"aria-label": _("%(day)s, room") % {"day": day}, "class": "form-select"}
            room.widget.attrs |= says

    def _show_present(self) -> None:
        parts = dict.fromkeys(range(7), 0)
        for hours in self.present:
            name = _name(hours.weekday, parts[hours.weekday])
            parts[hours.weekday] += 1
            values = {"begins": hours.begins, "ends": hours.ends, "room": hours.room_id or ""}
            self.initial.update({f"{name}_{key}": value for key, value in values.items()})

    @property
    def weekdays(self) -> Iterator[Weekday]:
        """The rows as the page shows them."""
        for weekday in range(7):
            names = [_name(weekday, part) for part in range(STRETCHES)]
            stretches = [
                Stretch(
                    self[f"{name}_begins"],
                    self[f"{name}_ends"],
                    self[f"{name}_room"] if self.rooms else None,
                )
                for name in names
            ]
            yield Weekday(jalali.weekday_name(weekday), stretches)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for weekday in range(7):
            self._check_day(weekday, cleaned)
        return cleaned

    def _check_day(self, weekday: int, cleaned: dict[str, Any]) -> None:
        last: dt.time | None = None
        for part in range(STRETCHES):
            name = _name(weekday, part)
            begins, ends = cleaned.get(f"{name}_begins"), cleaned.get(f"{name}_ends")
            if (begins is None) != (ends is None):
                missing = "ends" if ends is None else "begins"
                if f"{name}_{missing}" not in self.errors:
                    self.add_error(f"{name}_{missing}", _("Say from when and until when."))
            elif begins is not None and ends is not None:
                if ends <= begins:
                    self.add_error(f"{name}_ends", _("The end is not after the beginning."))
                elif last is not None and begins < last:
                    self.add_error(f"{name}_begins", _("This begins before the one above ends."))
                last = ends

    def save(self) -> None:
        """Put these hours in the place of those before."""
        rows = [row for weekday in range(7) for row in self._rows(weekday)]
        with transaction.atomic():
            # Two people who save at once would otherwise leave both weeks behind.
            Therapist.objects.select_for_update(no_key=True).get(pk=self.therapist.pk)
            WorkingHours.objects.filter(therapist=self.therapist).delete()
            for row in rows:
                row.save()

    def _rows(self, weekday: int) -> Iterator[WorkingHours]:
        for part in range(STRETCHES):
            name = _name(weekday, part)
            if begins := self.cleaned_data.get(f"{name}_begins"):
                room = self.cleaned_data.get(f"{name}_room") or None
                yield WorkingHours(
                    therapist=self.therapist,
                    weekday=weekday,
                    begins=begins,
                    ends=self.cleaned_data[f"{name}_ends"],
                    room_id=int(room) if room else None,
                )


def _name(weekday: int, part: int) -> str:
    return f"day{weekday}_{part}"


class TimeOffForm(forms.Form):
    """Days, or hours of a day, on which a therapist is away."""

    first_day = JalaliDateField(label=_("First day"))
    last_day = JalaliDateField(
        label=_("Last day"), required=False, help_text=_("Empty for one day.")
    )
    begins = ClockField(
        label=_("From"), required=False, help_text=_("Leave both empty for whole days.")
    )
    ends = ClockField(label=_("Until"), required=False)
    reason = PersianCharField(
        label=_("Reason"),
        max_length=120,
        required=False,
        help_text=_("For instance «leave» or «illness»; only staff read it."),
    )

    def __init__(self, data: Any = None, *, therapist: Therapist, tz: str) -> None:
        super().__init__(data)
        self.therapist, self.tz = therapist, tz

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first = cleaned.get("first_day")
        if first is None or self.errors:
            return cleaned
        last = cleaned["last_day"] = cleaned.get("last_day") or first
        begins, ends = cleaned.get("begins"), cleaned.get("ends")
        if last < first:
            self.add_error("last_day", _("The last day is before the first one."))
        elif last - first > LONGEST_LEAVE:
            self.add_error("last_day", _("That is more than a year. Is the year right?"))
        elif (begins is None) != (ends is None):
            self.add_error("ends" if ends is None else "begins", _("Say from when and until when."))
        else:
            self._combine(first, last, begins, ends)
        return cleaned

    def _combine(
        self, first: dt.date, last: dt.date, begins: dt.time | None, ends: dt.time | None
    ) -> None:
        try:
            start = jalali.combine(first, begins, self.tz) if begins else None
            end = jalali.combine(last, ends, self.tz) if ends else None
        except jalali.DateError as error:
            self.add_error("begins", DATE_ERRORS[error.code])
            return
        self.starts_at = start or jalali.start_of_day(first, self.tz)
        self.ends_at = end or jalali.end_of_day(last, self.tz)
        if self.ends_at <= self.starts_at:
            self.add_error("ends", _("The end is not after the beginning."))

    def save(self, *, now: dt.datetime, by: Any) -> TimeOff:
        return TimeOff.objects.create(
            therapist=self.therapist,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            reason=self.cleaned_data["reason"],
            created_at=now,
            created_by=by,
        )


__all__ = ["HoursForm", "TimeOffForm"]
