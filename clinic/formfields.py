"""Form fields that take what people type in Iran: Jalali dates, Persian digits, Toman.

The server does all the reading; the date picker is a comfort over an ordinary text field.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic import jalali, text
from clinic.templatetags.peygir import number, persian_digits

DATE_ERRORS = {
    "empty": _("Write a date, such as 1405/09/06."),
    "not_a_date": _("This is no date. Write it like 1405/09/06."),
    "not_a_time": _("This is no time of day. Write it like 17:30."),
    "no_time": _("The time of day is missing. Write it like 17:30."),
    "incomplete": _("Write day, month and year, like 1405/09/06."),
    "short_year": _("Write the year with four digits, like 1405/09/06."),
    "year_range": _("The year is neither a Jalali nor a Gregorian one of our time."),
    "day_or_month": _("Day and month cannot be told apart; write the year first, like 1405/09/06."),
    "no_such_day": _("There is no such day in the calendar."),
    "no_such_time": _("The clocks skip this time of day."),
    "weekday": _("The day of the week does not fit the date."),
}


def _refuse(error: jalali.DateError) -> ValidationError:
    return ValidationError(DATE_ERRORS[error.code], code=error.code)


class ExampleInput(forms.TextInput):
    """A field for digits that shows, in those of the page's language, how they are written."""

    example = ""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        defaults = {"dir": "ltr", "autocomplete": "off", "inputmode": "numeric"}
        super().__init__({**defaults, **(attrs or {})})

    def build_attrs(
        self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        attrs = super().build_attrs({"placeholder": self.example, **base_attrs}, extra_attrs)
        return {**attrs, "placeholder": persian_digits(attrs["placeholder"])}


class JalaliDateInput(ExampleInput):
    """A text field; with scripts a Jalali calendar opens under it."""

    example = "1405/09/06"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"data-jdp": "", **(attrs or {})})

    def format_value(self, value: Any) -> Any:
        if isinstance(value, dt.date):
            return jalali.numeric_date(value)
        return super().format_value(value)


class JalaliDateField(forms.Field):
    """A day, as `datetime.date`; every form of `clinic.jalali.parse_date` is understood."""

    widget = JalaliDateInput

    def to_python(self, value: Any) -> dt.date | None:
        if value in self.empty_values or not str(value).strip():
            return None
        try:
            return jalali.parse_date(value)
        except jalali.DateError as error:
            raise _refuse(error) from None


class ClockInput(ExampleInput):
    example = "17:30"

    def format_value(self, value: Any) -> Any:
        if isinstance(value, dt.time):
            return persian_digits(f"{value:%H:%M}")
        return super().format_value(value)


class ClockField(forms.Field):
    """A time of day, as naive `datetime.time` on the clinic's clock."""

    widget = ClockInput

    def to_python(self, value: Any) -> dt.time | None:
        if value in self.empty_values or not str(value).strip():
            return None
        try:
            return jalali.parse_time(value)
        except jalali.DateError as error:
            raise _refuse(error) from None


class DigitsInput(forms.TextInput):
    """Digits of any script; shows the stored number in the page's own."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        defaults = {"dir": "ltr", "autocomplete": "off", "inputmode": "numeric"}
        super().__init__({**defaults, **(attrs or {})})

    def format_value(self, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return number(value)
        return super().format_value(value)


class NumberField(forms.IntegerField):
    """A whole number in Persian, Arabic or ASCII digits, thousands marks allowed."""

    widget = DigitsInput

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = text.ascii_digits(value)
            for mark in (",", "٬", "،", " ", "\u202f"):
                value = value.replace(mark, "")
        return super().to_python(value)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}  # min and max belong to type=number, which refuses Persian digits


class TomanField(NumberField):
    """An amount people say in Toman and the database keeps in Rial; cleans to Rial."""

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else int(amount) * 10

    def prepare_value(self, value: Any) -> Any:
        return value // 10 if isinstance(value, int) else value


class PersianCharField(forms.CharField):
    """Text cleaned as `clinic.text.clean` does: one kind of ی and ک, mended half-spaces."""

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines = lines

    def to_python(self, value: Any) -> str:
        cleaned = text.clean(super().to_python(value) or "", lines=self.lines)
        return cleaned or str(self.empty_value or "")
