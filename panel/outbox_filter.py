"""Which messages of the outbox a person wants to see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from clinic import jalali
from clinic.formfields import JalaliDateField
from followup.defaults import RULE_NAMES
from messaging.models import Channel, Message, Reason, State
from patients.models import Client
from patients.queries import search


class OutboxFilter(forms.Form):
    """What cannot be read filters nothing, and says so beside its field."""

    q = forms.CharField(label=_("client"), required=False)
    state = forms.ChoiceField(
        label=_("state"),
        required=False,
        choices=[("", pgettext_lazy("filter", "all")), *State.choices],
    )
    channel = forms.ChoiceField(
        label=_("channel"),
        required=False,
        choices=[("", pgettext_lazy("filter", "all")), *Channel.choices],
    )
    reason = forms.ChoiceField(
        label=_("reason"),
        required=False,
        choices=[("", pgettext_lazy("filter", "all")), *Reason.choices],
    )
    rule = forms.ChoiceField(
        label=_("rule"),
        required=False,
        choices=[("", pgettext_lazy("filter", "all")), *RULE_NAMES.items()],
    )
    since = JalaliDateField(label=_("from"), required=False)
    until = JalaliDateField(label=_("to"), required=False)

    def __init__(self, *args: Any, tz: str, clients: QuerySet[Client], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tz, self.clients = tz, clients

    @property
    def is_used(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())

    def apply(self, messages: QuerySet[Message]) -> QuerySet[Message]:
        self.is_valid()
        wanted = self.cleaned_data
        same = {"state": "state", "channel": "channel", "reason": "reason", "rule": "rule_key"}
        messages = messages.filter(
            **{column: wanted[name] for name, column in same.items() if wanted.get(name)}
        )
        if since := wanted.get("since"):
            messages = messages.filter(due_at__gte=jalali.start_of_day(since, self.tz))
        if until := wanted.get("until"):
            messages = messages.filter(due_at__lt=jalali.end_of_day(until, self.tz))
        if typed := wanted.get("q"):
            found = search(self.clients, typed).order_by().values("pk")
            messages = messages.filter(client__in=found)
        return messages
