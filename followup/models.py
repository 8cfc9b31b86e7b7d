"""The clinic's rules, and how far each kind has been scanned."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.tenancy import TenantModel, owned_by_clinic
from messaging.models import Channel
from patients.models import Purpose


class Kind(models.TextChoices):
    """What a rule watches. Each kind is one statement of the planner."""

    BEFORE_SESSION = "before_session", _("before a session")
    BOOKED = "booked", _("a session was booked")
    MOVED = "moved", _("a session was moved")
    CANCELLED = "cancelled", _("a session was cancelled")
    THANKS = "thanks", _("a session was attended")
    NO_SHOW = "no_show", _("a session was missed")
    NO_NEXT_BOOKING = "no_next", _("nothing is booked after a session")
    LONG_GAP = "long_gap", _("the next session is far away")
    MID_TREATMENT = "mid_treatment", _("in the middle of a treatment")
    SILENT = "silent", _("the client is silent")


class Audience(models.TextChoices):
    """New is who had attended nothing before the session in question."""

    ALL = "all", _("everybody")
    NEW = "new", _("new clients")
    RETURNING = "returning", _("returning clients")


class Rule(TenantModel):
    """When, to whom, what, by which channel. What each number means depends on the kind.

    =================  =======================  =======================  =========================
    kind               offset_minutes           useful_minutes           notice_minutes
    =================  =======================  =======================  =========================
    before_session     before the start         before the start         booked so long before it
    booked             after the booking        after it fell due
    moved, cancelled   after the change         0: until the start
    thanks             after it was recorded    after the end            recorded so long after it
    no_show            after it was recorded    after it fell due
    no_next            after the end            after the end
    long_gap           (the middle of the gap)  before the next session
    mid_treatment      after the end            after it fell due
    silent             (see `silent_days`)      after it fell due, where no later stage follows
    =================  =======================  =======================  =========================
    """

    key = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.SMS)
    #: What is tried next, in order, when a text of this rule certainly did not arrive.
    then = ArrayField(
        models.CharField(max_length=10, choices=Channel.choices), default=list, blank=True
    )
    enabled = models.BooleanField(_("on"), default=True)
    #: Only occasions that fell due at or after this moment: no ghosts of the time before.
    active_since = models.DateTimeField()
    #: Since an edit: what would have fallen due before it, under the new numbers, is a ghost too.
    numbers_since = models.DateTimeField(null=True, blank=True)
    offset_minutes = models.PositiveIntegerField(default=0)
    #: Later than this the text has lost its use: MISSED, shown and not sent.
    useful_minutes = models.PositiveIntegerField(default=0)
    notice_minutes = models.PositiveIntegerField(default=0)
    #: Half of all sessions start on the hour; this spreads their texts.
    spread_minutes = models.PositiveIntegerField(default=0)
    #: silent: days = max(floor_days, factor × the client's lapse). long_gap: the gap must be longer
    #: than factor × the client's rhythm.
    factor = models.DecimalField(max_digits=4, decimal_places=2, default=1)
    floor_days = models.PositiveSmallIntegerField(default=0)
    #: mid_treatment: after which session of the treatment.
    nth = models.PositiveSmallIntegerField(null=True, blank=True)
    #: Ids of services and therapists the rule is for; empty means all. A foreign id matches nothing.
    services = ArrayField(models.BigIntegerField(), default=list, blank=True)
    therapists = ArrayField(models.BigIntegerField(), default=list, blank=True)
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.ALL)

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        constraints = [
            owned_by_clinic("rule_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "key"], name="rule_key_once"),
            models.CheckConstraint(
                condition=~Q(kind="before_session") | Q(useful_minutes__lt=F("offset_minutes")),
                name="rule_is_useful_for_a_while",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Watermark(models.Model):
    """How far a kind of rule has been scanned, for the whole installation: belongs to no clinic."""

    kind = models.CharField(max_length=20, choices=Kind.choices, primary_key=True)
    scanned_to = models.DateTimeField()
    #: The wall clock of the last scan, for the health page.
    finished_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.kind
