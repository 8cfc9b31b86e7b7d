"""Sessions: who meets whom and when, and everything that ever changed about it."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import Service, Therapist, User
from clinic.tenancy import TenantForeignKey, TenantModel, owned_by_clinic
from patients.models import Client


class State(models.TextChoices):
    """What is known of a session. A past one that is still open is *unrecorded*, nothing more."""

    SCHEDULED = "scheduled", _("scheduled")
    CONFIRMED = "confirmed", _("confirmed by the client")
    ARRIVED = "arrived", _("arrived")
    ATTENDED = "attended", _("attended")
    NO_SHOW = "no_show", _("did not come")
    CANCELLED = "cancelled", _("cancelled")


#: States in which the therapist's time is taken and the client is expected.
OPEN_STATES = (State.SCHEDULED, State.CONFIRMED, State.ARRIVED)
#: States before the client came: what a reminder is for.
COMING_STATES = (State.SCHEDULED, State.CONFIRMED)


class CancelledBy(models.TextChoices):
    CLIENT = "client", _("by the client")
    CLINIC = "clinic", _("by the clinic")
    LATE = "late", _("late, by the client")


class TimeRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Session(TenantModel):
    """One appointment.

    `revision` rises at every move and every un-cancel, so that a message belongs to one promise of
    time: a moved session earns a new reminder and an unmoved one can never get a second.
    """

    class Source(models.TextChoices):
        PANEL = "panel", _("panel")
        IMPORT = "import", _("import")
        ONLINE = "online", _("online")

    session_no = models.CharField(_("session number"), max_length=40, null=True, blank=True)
    therapist = TenantForeignKey(
        Therapist, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("therapist")
    )
    service = TenantForeignKey(
        Service, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("service")
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default="scheduled")
    cancelled_by = models.CharField(max_length=10, choices=CancelledBy.choices, blank=True)
    revision = models.PositiveIntegerField(default=1)
    #: When the present start was agreed: the booking, the last move, or the last un-cancel.
    booked_at = models.DateTimeField()
    recorded_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.PANEL)
    online_url = models.URLField(_("link of the online session"), blank=True)
    price_rial = models.PositiveBigIntegerField(_("price in Rial"), null=True, blank=True)
    paid_rial = models.PositiveBigIntegerField(_("paid in Rial"), null=True, blank=True)
    clients = models.ManyToManyField(Client, through="Participant", related_name="sessions")

    # UPDATE for the sender's FOR SHARE; see Client.
    worker_rights = ("SELECT", "UPDATE")

    class Meta(TenantModel.Meta):
        ordering = ["starts_at", "id"]
        constraints = [
            owned_by_clinic("session_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "session_no"], name="session_no_once"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="session_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(state="cancelled") | Q(cancelled_by=""),
                name="session_cancelled_by_has_its_state",
            ),
            # A therapist is in one place at a time. Only for coming sessions: recorded history may
            # overlap, as real lists do. Deferrable, so that two sessions may swap in one go.
            ExclusionConstraint(
                name="therapist_is_in_one_place",
                expressions=[
                    ("clinic", RangeOperators.EQUAL),
                    ("therapist", RangeOperators.EQUAL),
                    (TimeRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=["scheduled", "confirmed"]),
                deferrable=Deferrable.IMMEDIATE,
            ),
        ]
        indexes = [
            # The planner's scan across clinics: what is about to need a reminder.
            models.Index(
                fields=["starts_at"],
                name="session_coming",
                condition=Q(state__in=["scheduled", "confirmed"]),
            ),
            # The clinic's day and week.
            models.Index(fields=["clinic", "starts_at"], name="session_by_day"),
            models.Index(fields=["clinic", "therapist", "starts_at"], name="session_by_therapist"),
        ]

    def __str__(self) -> str:
        return f"session {self.pk}"

    @property
    def duration(self) -> dt.timedelta:
        return self.ends_at - self.starts_at

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def is_unrecorded(self, now: dt.datetime) -> bool:
        return self.is_open and self.ends_at <= now


class Participant(TenantModel):
    """A client's place in a session; couples and families have several."""

    session = TenantForeignKey(Session, on_delete=models.CASCADE, related_name="participants")
    client = TenantForeignKey(Client, on_delete=models.PROTECT, related_name="participations")

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "session", "client"], name="participant_once_per_session"
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "client"], name="participant_of_client"),
            # The planner joins by session alone.
            models.Index(fields=["session"], name="participant_of_session"),
        ]

    def __str__(self) -> str:
        return f"participant {self.pk}"


class SessionChange(TenantModel):
    """One line of a session's history. Never edited, never deleted before its session."""

    class Kind(models.TextChoices):
        BOOKED = "booked", _("booked")
        MOVED = "moved", _("moved")
        CANCELLED = "cancelled", _("cancelled")
        RESTORED = "restored", _("restored")
        OUTCOME = "outcome", _("outcome recorded")
        UNDONE = "undone", _("undone")
        EDITED = "edited", _("edited")

    session = TenantForeignKey(Session, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    revision = models.PositiveIntegerField()
    #: The fields that changed, as they were before; `undo` puts them back.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["clinic", "session", "-at"], name="change_of_session")]

    def __str__(self) -> str:
        return f"{self.kind} {self.session_id}"
