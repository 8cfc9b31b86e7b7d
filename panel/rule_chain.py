"""By which channels a rule reaches the client, as fields of its form."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext, gettext_lazy as _

from followup.models import Rule
from messaging.models import Channel

#: What may follow on the first channel, one field each.
THEN = ("then_1", "then_2", "then_3")


class ChainForm(forms.Form):
    """The first channel and what is tried next; cleans to the rule's `channel` and `then`."""

    channel = forms.ChoiceField(label=_("first by"))
    then_1 = forms.ChoiceField(label=_("if it does not arrive, by"), required=False)
    then_2 = forms.ChoiceField(label=_("then by"), required=False)
    then_3 = forms.ChoiceField(label=_("and then by"), required=False)

    def offer_channels(self, rule: Rule, carried: Collection[str]) -> None:
        """All of them; those without an account, not in `carried`, are marked."""
        offered = [(value, _marked(label, value in carried)) for value, label in Channel.choices]
        fields: dict[str, Any] = self.fields
        fields["channel"].choices = offered
        self.initial["channel"] = rule.channel
        for place, field in enumerate(THEN):
            fields[field].choices = [("", gettext("nothing")), *offered]
            self.initial[field] = rule.then[place] if place < len(rule.then) else ""

    @property
    def chain(self) -> list[BoundField]:
        return [self["channel"], *(self[field] for field in THEN)]

    def clean_chain(self) -> None:
        """The fields become `then`; what makes no sense is said beside its field."""
        tried = [self.cleaned_data.get("channel")]
        for field in THEN:
            channel = self.cleaned_data.pop(field, "")
            if not channel:
                continue
            if Channel.CALL in tried:
                self.add_error(field, gettext("A call is the last: nothing comes after it."))
            elif channel in tried:
                self.add_error(field, gettext("This channel has been tried already."))
            tried.append(channel)
        self.cleaned_data["then"] = tried[1:]


def _marked(label: Any, has_account: bool) -> str:
    return (
        str(label) if has_account else gettext("%(channel)s (no account yet)") % {"channel": label}
    )
