"""What people type in the inbox: an answer, a note, and who an unknown number belongs to."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from clinic.formfields import PersianCharField
from clinic.models import User
from messaging import by_hand
from messaging.models import Message, Reply
from messaging.render import LONGEST
from patients.models import Client

_ONCE = RegexValidator(r"\A[0-9a-f]{32}\Z")
NOTE = 300


class PersonForm(forms.Form):
    """Which of the people who share a number is meant; with one of them nobody is asked."""

    client: forms.ModelChoiceField[Client] = forms.ModelChoiceField(
        label=_("for"), queryset=None, required=False
    )

    def __init__(self, *args: Any, people: Sequence[Client], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        field: Any = self.fields["client"]
        field.queryset = Client.objects.filter(pk__in=[person.pk for person in people])
        field.empty_label = None
        field.required = len(people) > 1

    @property
    def asks_whom(self) -> bool:
        return len(self.people) > 1

    def person(self) -> Client | None:
        chosen: Client | None = self.cleaned_data.get("client")
        return chosen or next(iter(self.people), None)


class AnswerForm(PersonForm):
    text = PersianCharField(
        label=_("Your answer"),
        lines=True,
        max_length=LONGEST,
        widget=forms.Textarea({"rows": 3}),
    )
    closes = forms.BooleanField(label=_("This settles the question"), required=False, initial=True)
    once = forms.CharField(validators=[_ONCE], widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("once", secrets.token_hex(16))

    def send(self, reply: Reply, *, now: dt.datetime, by: User) -> Message | None:
        """The queued text; None, with the reason in place, where it may not go."""
        person = self.person()
        if person is None:
            self.add_error(None, _("Say first who writes from this number."))
            return None
        try:
            return by_hand.write(
                person,
                reply,
                self.cleaned_data["text"],
                once=self.cleaned_data["once"],
                now=now,
                by=by,
            )
        except by_hand.HandError as error:
            self.add_error("text", str(error))
            return None


class CloseForm(forms.Form):
    note = PersianCharField(label=_("note for colleagues"), max_length=NOTE, required=False)


class AttachForm(forms.Form):
    """Whose number it is, and whether it takes the place of the one on file."""

    client: forms.ModelChoiceField[Client] = forms.ModelChoiceField(
        label=_("client"),
        queryset=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a client.")},
    )
    onto_file = forms.BooleanField(
        label=_("Texts go to this number from now on: put it on the file"),
        required=False,
    )

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["client"]
        field.queryset = people
