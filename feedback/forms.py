"""The form behind a feedback link: twenty seconds, and only the first question is asked of all."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.text import clean
from feedback.actions import Answers
from feedback.models import Agreement, Overall

#: Three sentences about working together, in our own words.
SENTENCES = {
    "heard": _("I feel listened to and understood."),
    "goals": _("We agree on what we work on."),
    "approach": _("The way we work suits me."),
}


def _optional_number(choices: Any, label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=choices,
        coerce=int,
        empty_value=None,
        required=False,
        label=label,
        widget=forms.RadioSelect,
    )


class ResponseForm(forms.Form):
    overall = forms.TypedChoiceField(
        choices=Overall.choices,
        coerce=int,
        label=_("How was this session for you, as a whole?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose one; “I do not know” is an answer too.")},
    )
    heard = _optional_number(Agreement.choices, SENTENCES["heard"])
    goals = _optional_number(Agreement.choices, SENTENCES["goals"])
    approach = _optional_number(Agreement.choices, SENTENCES["approach"])
    recommend = _optional_number(
        [(n, n) for n in range(11)],
        _("How likely are you to send a friend or relative to us?"),
    )
    comment = forms.CharField(
        required=False, max_length=2000, label=_("Anything you would like to tell us?")
    )
    call_me = forms.BooleanField(required=False, label=_("Please call me"))

    def clean_comment(self) -> str:
        return clean(self.cleaned_data["comment"], lines=True)

    def sentences(self) -> list[forms.BoundField]:
        return [self[name] for name in SENTENCES]

    def answers(self) -> Answers:
        return Answers(**self.cleaned_data)
