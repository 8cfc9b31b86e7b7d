"""The numbers and limits of a rule, in the units that people think in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.translation import gettext, gettext_lazy as _
from django_stubs_ext import StrPromise

from clinic.formfields import DigitsInput, NumberField
from clinic.models import Service, Therapist
from clinic.templatetags.peygir import number
from clinic.text import ascii_digits
from followup.models import Audience, Kind, Rule
from panel.rule_chain import ChainForm
from panel.rule_words import name, number_like, spoken, times

HOUR, DAY = 60, 24 * 60
UNITS = [("1", _("minutes")), (str(HOUR), _("hours")), (str(DAY), _("days"))]


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a rule that this kind of rule has. `low` and `high` are in its own measure."""

    name: str
    label: StrPromise
    low: int
    high: int
    hint: StrPromise | str = ""
    #: What is counted; without it the number is a length of time, kept in minutes.
    unit: StrPromise | str = ""

    @property
    def is_span(self) -> bool:
        return not self.unit

    def say(self, value: int) -> str:
        return spoken(value) if self.is_span else f"{number(value)} {self.unit}"


_USEFUL_AFTER = _("Later than that the text has lost its use: it is shown as missed and not sent.")
_WAIT = _("A few minutes leave time to take a slip back.")
BEFORE_SESSION = (
    Number("offset_minutes", _("before the session"), 30, 60 * DAY),
    Number(
        "notice_minutes",
        _("only if booked at least so long before the session"),
        30,
        90 * DAY,
        _("Whoever booked later knows the time anyway."),
    ),
    Number(
        "useful_minutes", _("not later than so long before the session"), 0, 60 * DAY, _USEFUL_AFTER
    ),
    Number(
        "spread_minutes",
        _("spread over"),
        0,
        60,
        _("Many sessions begin on the hour; this keeps their texts from leaving all at once."),
        _("minutes"),
    ),
)
NUMBERS: Mapping[Kind, tuple[Number, ...]] = {
    Kind.BEFORE_SESSION: BEFORE_SESSION,
    Kind.BOOKED: (
        Number("offset_minutes", _("after the booking"), 0, DAY, _WAIT),
        Number("useful_minutes", _("of use for so long"), 10, 7 * DAY, _USEFUL_AFTER),
    ),
    Kind.MOVED: (Number("offset_minutes", _("after the change"), 0, DAY, _WAIT),),
    Kind.CANCELLED: (Number("offset_minutes", _("after the change"), 0, DAY, _WAIT),),
    Kind.THANKS: (
        Number("offset_minutes", _("after it is recorded that the client came"), 0, 7 * DAY),
        Number(
            "notice_minutes", _("only if recorded so soon after the session"), HOUR, 14 * DAY
        ),
        Number(
            "useful_minutes", _("not later than so long after the session"), HOUR, 30 * DAY,
            _USEFUL_AFTER,
        ),
    ),
    Kind.NO_SHOW: (
        Number("offset_minutes", _("after it is recorded"), 0, 7 * DAY),
        Number("useful_minutes", _("of use for so long"), HOUR, 14 * DAY, _USEFUL_AFTER),
    ),
    Kind.NO_NEXT_BOOKING: (
        Number("offset_minutes", _("after the session"), HOUR, 60 * DAY),
        Number(
            "useful_minutes", _("not later than so long after the session"), 2 * HOUR, 90 * DAY,
            _USEFUL_AFTER,
        ),
    ),
    Kind.LONG_GAP: (
        Number(
            "factor", _("if the wait is longer than"), 1, 10,
            _("A client who comes every week and waits two is at 2."), _("times the usual rhythm"),
        ),
        Number(
            "useful_minutes", _("not later than so long before the session"), 0, 30 * DAY,
            _USEFUL_AFTER,
        ),
    ),
    Kind.MID_TREATMENT: (
        Number("nth", _("after session number"), 1, 99, unit=_("of the treatment")),
        Number("offset_minutes", _("after that session"), 0, 60 * DAY),
        Number("useful_minutes", _("of use for so long"), HOUR, 30 * DAY, _USEFUL_AFTER),
    ),
    Kind.SILENT: (
        Number(
            "factor", _("after a silence of"), 1, 20,
            _(
                "The threshold is the service's days of silence, or else three times the client's"
                " own gap between sessions and at least 21 days."
            ),
            _("times the threshold"),
        ),
        Number("floor_days", _("and at least"), 0, 730, unit=_("days")),
        Number("useful_minutes", _("of use for so long"), DAY, 180 * DAY, _USEFUL_AFTER),
    ),
}  # fmt: skip


class FactorField(forms.Field):
    """«۱٫۵» in any digits, with a point, a comma or a slash, to two places."""

    widget = DigitsInput

    def to_python(self, value: Any) -> Decimal | None:
        typed = ascii_digits(str(value or "")).strip()
        for mark in ("٫", "/", ",", "،"):
            typed = typed.replace(mark, ".")
        if not typed:
            return None
        try:
            return round(Decimal(typed), 2)
        except InvalidOperation:
            raise ValidationError(_("This is no number. Write it like 1.5.")) from None

    def prepare_value(self, value: Any) -> Any:
        return times(value) if isinstance(value, Decimal) else value


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the form as the page shows it."""

    amount: BoundField
    #: Minutes, hours or days, where the number is a length of time.
    unit: BoundField | None
    measure: StrPromise | str


class RuleForm(ChainForm):
    """Needs the rule; `changes` is what differs from it, in the rule's own measures."""

    audience = forms.ChoiceField(
        label=_("clients"), choices=Audience.choices, widget=forms.RadioSelect
    )
    services = forms.TypedMultipleChoiceField(
        label=_("services"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    therapists = forms.TypedMultipleChoiceField(
        label=_("therapists"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, data: Any = None, *, rule: Rule, stages: list[Rule], carried: Collection[str]
    ) -> None:
        """`carried`: the channels that have an account; the others are marked."""
        super().__init__(data)
        self.rule, self.stages = rule, stages
        self.offer_channels(rule, carried)
        self.numbers = [n for n in NUMBERS[Kind(rule.kind)] if self._has(n)]
        for one in self.numbers:
            self._add(one)
        self._limit("services", _names(Service, rule.services), rule.services)
        self._limit("therapists", _names(Therapist, rule.therapists), rule.therapists)
        self.initial["audience"] = rule.audience

    def _has(self, one: Number) -> bool:
        """Only the last word of a silence has an end of its own: the others last until the next."""
        is_stage_end = self.rule.kind == Kind.SILENT and one.name == "useful_minutes"
        return not is_stage_end or all(stage.pk <= self.rule.pk for stage in self.stages)

    def _add(self, one: Number) -> None:
        value = getattr(self.rule, one.name)
        kind = FactorField if one.name == "factor" else NumberField
        self.fields[one.name] = kind(label=one.label, help_text=one.hint)
        if one.is_span:
            amount, unit = split(value)
            self.fields[f"{one.name}_unit"] = forms.ChoiceField(label=_("unit"), choices=UNITS)
            self.initial[f"{one.name}_unit"], value = str(unit), amount
        self.initial[one.name] = value

    def _limit(self, field: str, choices: list[tuple[int, str]], chosen: list[int]) -> None:
        self.fields[field].choices = choices  # type: ignore[attr-defined]
        self.initial[field] = chosen

    @property
    def rows(self) -> Iterator[Row]:
        for one in self.numbers:
            unit = self[f"{one.name}_unit"] if one.is_span else None
            yield Row(self[one.name], unit, one.unit)

    def clean(self) -> dict[str, Any]:
        for one in self.numbers:
            self._clean_number(one)
        self.clean_chain()
        if not self.errors:
            wanted = self.as_wanted()
            for field, problem in _faults(wanted, self.stages):
                self.add_error(field, problem)
        return self.cleaned_data

    def _clean_number(self, one: Number) -> None:
        value = self.cleaned_data.get(one.name)
        if value is None:
            return
        if one.is_span:
            value *= int(self.cleaned_data.pop(f"{one.name}_unit", 1))
            self.cleaned_data[one.name] = value
        if value < one.low:
            self.add_error(one.name, gettext("At least %(n)s.") % {"n": one.say(one.low)})
        elif value > one.high:
            self.add_error(one.name, gettext("At most %(n)s.") % {"n": one.say(one.high)})

    def as_wanted(self) -> Rule:
        """The rule as it would be; not saved."""
        values = {f.attname: getattr(self.rule, f.attname) for f in Rule._meta.concrete_fields}
        return Rule(**values | self.cleaned_data)

    @property
    def changes(self) -> dict[str, Any]:
        return {
            field: value
            for field, value in self.cleaned_data.items()
            if value != getattr(self.rule, field)
        }

    @property
    def digest(self) -> str:
        """What is asked for, in short: what is saved must be what was shown before."""
        plain = json.dumps(self.cleaned_data, default=str, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:16]


def split(minutes: int) -> tuple[int, int]:
    """A length of time as amount and minutes in its unit: the largest that leaves no rest."""
    if minutes and minutes % DAY == 0 and minutes > DAY:
        return minutes // DAY, DAY
    if minutes and minutes % HOUR == 0:
        return minutes // HOUR, HOUR
    return minutes, 1


def _names(model: type[Service | Therapist], chosen: list[int]) -> list[tuple[int, str]]:
    """Those at work, and those the rule already names."""
    rows = model.objects.values_list("pk", "name", "active")
    return [(pk, said) for pk, said, active in rows if active or pk in chosen]


Fault = tuple[str, str]


def _faults(wanted: Rule, stages: list[Rule]) -> Iterator[Fault]:
    """What does not fit together, with the field that it is best mended in."""
    kind = Kind(wanted.kind)
    if kind == Kind.BEFORE_SESSION:
        yield from _before_session_faults(wanted)
    if kind in (Kind.THANKS, Kind.NO_NEXT_BOOKING) and (
        wanted.useful_minutes <= wanted.offset_minutes
    ):
        yield (
            "useful_minutes",
            gettext(
                "The text would be too late before it is due: it leaves %(wait)s after. Write more."
            )
            % {"wait": spoken(wanted.offset_minutes)},
        )
    if kind == Kind.THANKS and wanted.notice_minutes > wanted.useful_minutes:
        yield (
            "notice_minutes",
            gettext(
                "What is recorded after %(useful)s could not be sent any more. Write at most that."
            )
            % {"useful": spoken(wanted.useful_minutes)},
        )
    if kind == Kind.SILENT:
        yield from _stage_faults(wanted, stages)


def _before_session_faults(wanted: Rule) -> Iterator[Fault]:
    lead = {"lead": spoken(wanted.offset_minutes)}
    if wanted.useful_minutes >= wanted.offset_minutes:
        yield (
            "useful_minutes",
            gettext(
                "The reminder leaves %(lead)s before the session; write less than that, or there is no"
                " time in which it could be sent."
            )
            % lead,
        )
    elif wanted.spread_minutes >= wanted.offset_minutes - wanted.useful_minutes:
        yield (
            "spread_minutes",
            gettext("Some texts would be too late before they are due. Write less."),
        )
    if wanted.notice_minutes < wanted.offset_minutes:
        yield (
            "notice_minutes",
            gettext(
                "The reminder leaves %(lead)s before the session; what is booked later than that would"
                " be due before it was booked. Write at least %(lead)s."
            )
            % lead,
        )


def _stage_faults(wanted: Rule, stages: list[Rule]) -> Iterator[Fault]:
    for other in stages:
        if other.pk < wanted.pk and not _follows(other, wanted):
            yield (
                "factor",
                gettext(
                    "This word comes after «%(other)s» (%(factor)s times, at least %(days)s days): write"
                    " a larger number of times, and more days where either has any."
                )
                % _stage(other),
            )
        if other.pk > wanted.pk and not _follows(wanted, other):
            yield (
                "factor",
                gettext(
                    "This word comes before «%(other)s» (%(factor)s times, at least %(days)s days):"
                    " write a smaller number of times, and fewer days."
                )
                % _stage(other),
            )


def _stage(rule: Rule) -> dict[str, str]:
    days = number_like(str(rule.floor_days))
    return {"other": name(rule), "factor": times(rule.factor), "days": days}


def _follows(first: Rule, second: Rule) -> bool:
    """Later for every client, however long their threshold."""
    days = first.floor_days < second.floor_days or first.floor_days == second.floor_days == 0
    return first.factor < second.factor and days
