"""Sessions: who meets whom and when, and everything that ever changed about it."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import Directory, Room, Service, Therapist, User
from clinic.tenancy import TenantForeignKey, TenantModel, owned_by_clinic
from patients.models import Client, Via


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
    room = TenantForeignKey(
        Room,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sessions",
        verbose_name=_("room"),
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
            # Nor does a room hold two.
            ExclusionConstraint(
                name="room_is_used_once",
                expressions=[
                    ("clinic", RangeOperators.EQUAL),
                    ("room", RangeOperators.EQUAL),
                    (TimeRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=["scheduled", "confirmed"], room__isnull=False),
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
            # What follows a session: by the moment its outcome was recorded, and by its end.
            models.Index(
                fields=["recorded_at"],
                name="session_recorded",
                condition=Q(state__in=["attended", "no_show"]),
            ),
            models.Index(fields=["ends_at"], name="session_over", condition=Q(state="attended")),
            # What nobody recorded, among all that is over: asked by Today.
            models.Index(
                fields=["clinic", "ends_at"],
                name="session_open",
                condition=Q(state__in=["scheduled", "confirmed", "arrived"]),
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
    """One line of a session's history. Never deleted before its session; edited only where a client
    whom it names goes on under the number of another file of theirs.
    """

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
    via = models.CharField(max_length=10, choices=Via.choices, default=Via.PANEL)
    #: Whether the client is to be told of it by a text of its own.
    tell = models.BooleanField(default=False)

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["clinic", "session", "-at"], name="change_of_session"),
            # The planner's scan across clinics: what somebody is still to be told of.
            models.Index(fields=["at"], name="change_to_tell", condition=Q(tell=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.session_id}"


class Rhythm(TenantModel):
    """How a client comes: kept beside the client, so that nobody has to ask the whole history.

    Derived from the sessions alone by `sessions_app.rhythm.refresh`, which every change of a
    session calls; a nightly check recomputes all of it and reports any difference. In a table of
    its own, because the client's row is what the sender locks. Gaps are in days.
    """

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="rhythms")
    #: The start of the last session attended, whose hour is the hour at which the client comes.
    last_attended_at = models.DateTimeField(null=True)
    last_attended = TenantForeignKey(Session, on_delete=models.CASCADE, null=True, related_name="+")
    #: The start of the earliest session still open; in the past while its outcome is unrecorded.
    next_session_at = models.DateTimeField(null=True)
    next_session = TenantForeignKey(Session, on_delete=models.CASCADE, null=True, related_name="+")
    #: The moment halfway between the two.
    gap_middle_at = models.DateTimeField(null=True)
    attended = models.PositiveIntegerField(default=0)
    median_gap_days = models.FloatField(null=True)
    #: Minutes after midnight, clinic time, at which the client usually comes.
    usual_minute = models.PositiveSmallIntegerField(null=True)
    #: Days of silence after which we ask: the service's, or max(21, 3 × the client's own gap).
    lapse_days = models.PositiveSmallIntegerField(default=21)

    worker_rights = ("SELECT", "INSERT", "UPDATE")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["clinic", "client"], name="rhythm_once_per_client"),
        ]
        indexes = [
            # The silent: each distinct lapse is one range. Somebody with a session booked, or one
            # whose outcome nobody recorded, is not silent.
            models.Index(
                fields=["lapse_days", "last_attended_at"],
                name="rhythm_silent",
                condition=Q(next_session_at__isnull=True, last_attended_at__isnull=False),
            ),
            models.Index(
                fields=["gap_middle_at"],
                name="rhythm_gap",
                condition=Q(gap_middle_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"rhythm of {self.client_id}"


class ClientLink(TenantModel):
    """A page that a client reaches from a text, without an account.

    One per purpose, session and client, whichever texts carry it; where two files were one client's
    and are joined, each keeps its own. The token itself is not kept; its hash finds the clinic
    through the Directory.
    """

    purpose = models.CharField(max_length=20, choices=Directory.Purpose.choices)
    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="links")
    session = TenantForeignKey(Session, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField()
    #: The last answer given on the page, in the words of its purpose, and when.
    answer = models.CharField(max_length=20, blank=True)
    answered_at = models.DateTimeField(null=True)
    #: From when on the page only says that it is over; None where its subject itself ends it.
    expires_at = models.DateTimeField(null=True)

    # UPDATE for the sender: a text that carries a link anew puts its end off.
    worker_rights = ("SELECT", "INSERT", "UPDATE")

    class Meta(TenantModel.Meta):
        constraints = [
            # The token is derived from purpose, session and client: each of these is there once.
            models.UniqueConstraint(fields=["clinic", "token_hash"], name="link_token_once"),
        ]
        indexes = [
            models.Index(fields=["clinic", "client"], name="link_of_client"),
            models.Index(fields=["clinic", "session", "purpose"], name="link_of_session"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} link {self.pk}"


class Wish(TenantModel):
    """A place on the waiting list: when a client would come if a time became free.

    It is open until somebody closes it, and while no session came of it; one that is cancelled puts
    the client back on the list by itself.
    """

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="wishes")
    therapist = TenantForeignKey(
        Therapist, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    #: Days that suit, 0 for Saturday; none given: every day does.
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    #: Hours that suit, on the clinic's clock; both or neither.
    begins = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    #: What came of it.
    session = TenantForeignKey(
        Session, on_delete=models.SET_NULL, null=True, blank=True, related_name="wishes"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta(TenantModel.Meta):
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(begins=None, ends=None) | Q(ends__gt=F("begins")),
                name="wish_ends_after_it_begins",
            )
        ]
        indexes = [
            models.Index(
                fields=["clinic", "created_at"], name="wish_open", condition=Q(closed_at=None)
            ),
            models.Index(fields=["clinic", "client"], name="wish_of_client"),
        ]

    def __str__(self) -> str:
        return f"wish {self.pk}"


class CareTask(TenantModel):
    """Something that a person must do about a client: above all a call.

    `occasion` names what gave rise to it, so that whoever finds the same twice makes one task.
    """

    class Kind(models.TextChoices):
        CALL = "call", _("call")
        CALL_ME = "call_me", _("asks to be called")
        RESCHEDULE = "reschedule", _("asks for another time")
        CANCELLED = "cancelled", _("cancelled by the client")
        CONTINUE = "continue", _("wants to go on")
        NO_SHOW = "no_show", _("missed two sessions in a row")
        NO_NEXT_BOOKING = "no_next", _("nothing booked after the last session")
        SILENT = "silent", _("silent for long")
        PAUSE_OVER = "pause_over", _("the pause is over")
        PLAN_OVER = "plan_over", _("the planned ending has come: finished well, or going on?")
        FEEDBACK = "feedback", _("feedback that asks for an answer")
        STOPPED = "stopped", _("stopped texts: are reminders still wanted?")
        REPLY = "reply", _("wrote back")
        INSTEAD = "instead", _("a text did not arrive: tell it by phone")

    class Outcome(models.TextChoices):
        BOOKED = "booked", _("a session is booked")
        DONE = "done", _("settled")
        LATER = "later", _("call again later")
        NO_ANSWER = "no_answer", _("no answer")
        WRONG_NUMBER = "wrong_number", _("wrong number")
        NOT_NOW = "not_now", _("does not want to go on now")
        FINISHED = "finished", _("has finished")
        ELSEWHERE = "elsewhere", _("goes elsewhere")
        DECEASED = "deceased", _("the client has died")

    kind = models.CharField(max_length=20, choices=Kind.choices)
    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="tasks")
    session = TenantForeignKey(
        Session, on_delete=models.CASCADE, null=True, blank=True, related_name="tasks"
    )
    occasion = models.CharField(max_length=80, blank=True)
    #: What the client asked or said, in their own words; never logged.
    text = models.TextField(blank=True)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    worker_rights = ("SELECT", "INSERT")

    class Meta(TenantModel.Meta):
        ordering = ["due_at", "id"]
        constraints = [
            owned_by_clinic("task_of_clinic"),
            models.UniqueConstraint(
                fields=["clinic", "kind", "client", "occasion"],
                condition=~Q(occasion=""),
                name="task_once_per_occasion",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | ~Q(outcome=""), name="task_closed_with_an_outcome"
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "due_at"], name="task_open", condition=Q(closed_at=None)
            ),
            models.Index(fields=["clinic", "client", "-created_at"], name="task_of_client"),
            # Those that are settled, page by page, the last one first.
            models.Index(
                fields=["clinic", "-closed_at", "-id"],
                name="task_closed",
                condition=Q(closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} task {self.pk}"


class CareAttempt(TenantModel):
    """One try at a task: who, when, what came of it. Never edited."""

    task = TenantForeignKey(CareTask, on_delete=models.CASCADE, related_name="attempts")
    outcome = models.CharField(max_length=20, choices=CareTask.Outcome.choices)
    #: The number on file at that moment: a wrong one stays known until another takes its place.
    phone = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["clinic", "task", "-at"], name="attempt_of_task")]

    def __str__(self) -> str:
        return f"attempt {self.pk}"
