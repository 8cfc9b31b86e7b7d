"""Which answers a person wants to see, and of which time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from clinic import jalali
from clinic.formfields import JalaliDateField
from clinic.models import Membership, Service, Therapist
from feedback.models import Response
from panel import feedback, visibility
from panel.feedback import Span

#: What is looked at unless somebody asks for another time.
USUAL_DAYS = 90


class FeedbackFilter(forms.Form):
    """What cannot be read filters nothing, and says so beside its field.

    Whoever may not read answers cannot sift by what they say, which would tell as much; a therapist
    has nobody else's to choose from.
    """

    therapist: forms.ModelChoiceField[Therapist] = forms.ModelChoiceField(
        queryset=None,
        label=_("therapist"),
        required=False,
        empty_label=pgettext_lazy("filter", "all"),
    )
    service: forms.ModelChoiceField[Service] = forms.ModelChoiceField(
        queryset=None,
        label=_("service"),
        required=False,
        empty_label=pgettext_lazy("filter", "all"),
    )
    since = JalaliDateField(label=_("from"), required=False)
    until = JalaliDateField(label=_("to"), required=False)
    order = forms.ChoiceField(
        label=_("order"),
        required=False,
        choices=[
            ("", pgettext_lazy("order", "newest first")),
            ("low", pgettext_lazy("order", "low scores first")),
        ],
    )
    words = forms.BooleanField(label=_("only with words"), required=False)

    def __init__(
        self,
        *args: Any,
        member: Membership,
        tz: str,
        today: dt.date,
        figures: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.tz, self.today = tz, today
        for name, model in (("therapist", Therapist), ("service", Service)):
            self.fields[name].queryset = model.objects.all()  # type: ignore[attr-defined]
        unfit = {"therapist"} if visibility.is_therapist(member) else set()
        if figures or not feedback.reads_answers(member):
            unfit |= {"order", "words"}
        for name in unfit:
            del self.fields[name]

    @property
    def is_used(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())

    @cached_property
    def wanted(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """The first and the last day, in their order."""
        last = self.wanted.get("until") or self.today
        first = self.wanted.get("since") or last - dt.timedelta(days=USUAL_DAYS - 1)
        return min(first, last), max(first, last)

    @property
    def span(self) -> Span:
        first, last = self.days
        return Span(jalali.start_of_day(first, self.tz), jalali.end_of_day(last, self.tz))

    def of_people(self, responses: QuerySet[Response]) -> QuerySet[Response]:
        """Those of the therapist and the service, of any time."""
        for name in ("therapist", "service"):
            if self.wanted.get(name):
                responses = responses.filter(**{f"session__{name}": self.wanted[name]})
        return responses

    def apply(self, responses: QuerySet[Response]) -> QuerySet[Response]:
        span, found = self.span, self.of_people(responses)
        found = found.filter(created_at__gte=span.since, created_at__lt=span.until)
        if self.wanted.get("words"):
            found = found.exclude(comment="")
        return feedback.lowest_first(found) if self.wanted.get("order") == "low" else found
