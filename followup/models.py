"""The clinic's rules, and how far each kind has been scanned."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clinic.tenancy import TenantForeignKey, TenantModel, owned_by_clinic
from messaging.models import Channel, Template
from patients.models import Purpose


class Kind(models.TextChoices):
    """What a rule watches. Each kind is one statement of the planner."""

    BEFORE_SESSION = "before_session", _("before a session")


class Rule(TenantModel):
    """When, to whom, what, by which channel. Times are minutes relative to the session's start."""

    key = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.SMS)
    template = TenantForeignKey(Template, on_delete=models.PROTECT, related_name="rules")
    enabled = models.BooleanField(_("on"), default=True)
    #: Only occasions that fell due at or after this moment: no ghosts of the time before.
    active_since = models.DateTimeField()
    lead_minutes = models.PositiveIntegerField(_("minutes before the start"))
    #: Closer to the start than this the text has lost its use: MISSED, shown and not sent.
    useful_minutes = models.PositiveIntegerField()
    #: Only sessions booked or moved at least this long before their start.
    notice_minutes = models.PositiveIntegerField()
    #: Half of all sessions start on the hour; this spreads their texts.
    spread_minutes = models.PositiveIntegerField(default=0)

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["-lead_minutes", "id"]
        constraints = [
            owned_by_clinic("rule_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "key"], name="rule_key_once"),
            models.CheckConstraint(
                condition=Q(useful_minutes__lt=F("lead_minutes")), name="rule_is_useful_for_a_while"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def lead(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.lead_minutes)


def wanted_by_rule() -> Q:
    """For the sender's re-check: the rule that planned a message is still on, and was on then.

    What was on its way out or unclear when a rule was switched off must not leave later.
    """
    on = Rule.objects.filter(
        pk=OuterRef("rule_number"), enabled=True, active_since__lte=OuterRef("due_at")
    )
    return Q(rule_number=None) | Q(Exists(on))


class Watermark(models.Model):
    """How far a kind of rule has been scanned, for the whole installation: belongs to no clinic."""

    kind = models.CharField(max_length=20, choices=Kind.choices, primary_key=True)
    scanned_to = models.DateTimeField()
    #: The wall clock of the last scan, for the health page.
    finished_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.kind
