"""The tenant: a clinic, its people, its therapists and services, and the ways in."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from functools import cache
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.tenancy import (
    EVERYWHERE,
    NoScope,
    Scope,
    ScopedManager,
    TenantForeignKey,
    TenantModel,
    owned_by_clinic,
)
from clinic.text import clean, sort_key

DEFAULT_TIMEZONE = "Asia/Tehran"


@cache
def _known_timezones() -> set[str]:
    # Asked once: each time Python opens six hundred files. It also lists these two, which
    # PostgreSQL does not know: every plan would fail on them.
    return zoneinfo.available_timezones() - {"localtime", "Factory"}


def validate_timezone(name: str) -> None:
    if name not in _known_timezones():
        raise ValidationError(_("There is no such time zone: %(name)s"), params={"name": name})


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. Belongs to no clinic by itself; memberships say where."""

    email = models.EmailField(_("e-mail"), unique=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.full_name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class StopNote(models.TextChoices):
    """Which texts end with the words that tell how to stop them; the line decides."""

    NONE = "none", _("no text")
    FOLLOW_UP = "follow_up", _("all but what concerns a booked session")
    ALL = "all", _("every text")


class Clinic(models.Model):
    """The tenant. Starts in shadow mode: everything is planned and shown, nothing leaves."""

    slug = models.SlugField(
        _("address in the panel"),
        max_length=50,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z")],
    )
    name = models.CharField(_("name"), max_length=120)
    phone = models.CharField(_("phone said in texts"), max_length=30, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    timezone = models.CharField(
        _("time zone"), max_length=50, default=DEFAULT_TIMEZONE, validators=[validate_timezone]
    )
    quiet_from = models.TimeField(_("quiet hours from"), default=dt.time(21, 0))
    quiet_to = models.TimeField(_("quiet hours to"), default=dt.time(9, 0))
    names_on_shared_phones = models.BooleanField(
        _("say the client's name on a phone that several clients share"), default=False
    )
    stop_note = models.CharField(
        _("«لغو۱۱» at the end of texts"),
        max_length=20,
        choices=StopNote.choices,
        default=StopNote.FOLLOW_UP,
        help_text=_("Lines that carry more than reminders have to say how to stop."),
    )
    late_cancel_hours = models.PositiveSmallIntegerField(
        _("a cancellation is late within so many hours of the start"),
        default=24,
        validators=[MaxValueValidator(168)],
    )
    books_by_link = models.BooleanField(
        _("clients may book a free time by their own link"), default=False, db_default=False
    )
    #: The last day for which public holidays were entered; see `clinic.holidays`.
    holidays_until = models.DateField(null=True, blank=True, editable=False)
    live_since = models.DateTimeField(null=True, blank=True)
    #: Somebody stopped everything that is sent, but for safety, until they let it go on.
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    monthly_cap_rial = models.PositiveBigIntegerField(
        _("spending limit for a month, in Rial"),
        null=True,
        blank=True,
        help_text=_("When it is reached, texts wait until next month or a higher limit."),
    )
    created_at = models.DateTimeField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        base_manager_name = "objects"
        default_manager_name = "objects"

    worker_rights: ClassVar[tuple[str, ...]] = ("SELECT",)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def scope_filter(cls, scope: Scope) -> Q:
        if scope.clinic_id is EVERYWHERE:
            return Q()
        if scope.clinic_id is not None:
            return Q(pk=scope.clinic_id)
        if scope.user_id is not None:
            return Q(memberships__user=scope.user_id)
        raise NoScope("Clinic was read before a person or a clinic was known")

    @property
    def is_live(self) -> bool:
        return self.live_since is not None


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    MANAGER = "manager", _("manager")
    RECEPTIONIST = "receptionist", _("receptionist")
    THERAPIST = "therapist", _("therapist")


class Membership(TenantModel):
    """A user's role in one clinic."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    therapist = TenantForeignKey(
        "clinic.Therapist", on_delete=models.SET_NULL, null=True, blank=True, related_name="members"
    )
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            owned_by_clinic("membership_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "user"], name="membership_once_per_clinic"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"

    @classmethod
    def scope_filter(cls, scope: Scope) -> Q:
        if scope.clinic_id is None and scope.user_id is not None:
            return Q(user_id=scope.user_id)
        return super().scope_filter(scope)

    @property
    def manages(self) -> bool:
        return self.role in (Role.OWNER, Role.MANAGER)


class Digest(TenantModel):
    """The daily letter that a member has chosen: what a day brings, and what waits."""

    class When(models.TextChoices):
        NEVER = "", _("no letter")
        MORNING = "morning", _("in the morning, with today's sessions")
        EVENING = "evening", _("in the evening, with tomorrow's sessions")

    member = TenantForeignKey(Membership, on_delete=models.CASCADE, related_name="digests")
    when = models.CharField(_("letter"), max_length=10, choices=When.choices, blank=True)
    #: On the clinic's clock.
    at = models.TimeField(_("at"), default=dt.time(8, 0))
    #: The language of the page on which it was chosen: the panel's is a cookie's, and a letter has none.
    language = models.CharField(max_length=10)
    #: The last of the clinic's days on which one was begun. It is written before the letter leaves,
    #: so that no day has two; the price is a letter lost where the sender dies in between.
    last_day = models.DateField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    worker_rights = ("SELECT", "UPDATE")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["clinic", "member"], name="digest_once_per_member"),
        ]

    def __str__(self) -> str:
        return f"digest {self.pk}"


class Invitation(TenantModel):
    """A one-time way in for a person: staff by a manager, the owner by `create_clinic`.

    Only the token's hash is kept, in `Directory`; the link itself is shown once.
    """

    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    therapist = TenantForeignKey(
        "clinic.Therapist", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    token_hash = models.CharField(max_length=64, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["clinic", "token_hash"], name="invitation_token"),
            # One open invitation per person: inviting again replaces it.
            models.UniqueConstraint(
                fields=["clinic", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class Named(TenantModel):
    """What a clinic has several of and calls by name: sorted as Persian readers expect."""

    name = models.CharField(_("name"), max_length=120)
    active = models.BooleanField(_("active"), default=True)
    sort_key = models.CharField(max_length=400, editable=False, default="")

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        abstract = True
        ordering = ["sort_key", "id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.prepare()
        super().save(*args, **kwargs)

    def prepare(self) -> None:
        """Clean what was typed and derive the Persian sort key (bulk writers call it too)."""
        self.name = clean(self.name)
        self.sort_key = sort_key(self.name)


class Therapist(Named):
    title = models.CharField(
        _("as spoken to clients"),
        max_length=120,
        blank=True,
        help_text=_("How a text names the therapist. The plain name is used when this is empty."),
    )

    class Meta(Named.Meta):
        constraints = [
            owned_by_clinic("therapist_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "name"], name="therapist_name_once"),
        ]

    @property
    def spoken(self) -> str:
        return self.title or self.name

    def prepare(self) -> None:
        super().prepare()
        self.title = clean(self.title)


class Service(Named):
    """What a session is: individual, couple, child, assessment …"""

    duration_minutes = models.PositiveSmallIntegerField(
        _("duration in minutes"),
        default=50,
        validators=[MinValueValidator(5), MaxValueValidator(720)],
    )
    price_rial = models.PositiveBigIntegerField(_("price in Rial"), null=True, blank=True)
    rhythm_days = models.PositiveSmallIntegerField(_("usual days between sessions"), default=7)
    lapse_days = models.PositiveSmallIntegerField(
        _("days of silence after which we ask"), null=True, blank=True
    )

    class Meta(Named.Meta):
        constraints = [
            owned_by_clinic("service_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "name"], name="service_name_once"),
        ]


class Room(Named):
    """Where sessions take place. A clinic without rooms never chooses one."""

    name = models.CharField(_("name"), max_length=60)

    class Meta(Named.Meta):
        constraints = [
            owned_by_clinic("room_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "name"], name="room_name_once"),
        ]


class WorkingHours(TenantModel):
    """A stretch of one weekday in which a therapist receives clients, on the clinic's clock.

    A therapist without any has told no hours: reception books freely, clients are offered nothing.
    """

    therapist = TenantForeignKey(Therapist, on_delete=models.CASCADE, related_name="working_hours")
    #: 0 for Saturday to 6 for Friday, as `jalali.weekday` counts.
    weekday = models.PositiveSmallIntegerField()
    begins = models.TimeField()
    ends = models.TimeField()
    #: Where the therapist sits then, if always in the same place.
    room = TenantForeignKey(
        Room, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta(TenantModel.Meta):
        ordering = ["weekday", "begins", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "therapist", "weekday", "begins"], name="hours_once"
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="hours_on_a_weekday"),
            models.CheckConstraint(
                condition=Q(ends__gt=models.F("begins")), name="hours_end_after_they_begin"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.begins:%H:%M}-{self.ends:%H:%M}"


class TimeOff(TenantModel):
    """When a therapist is away in spite of the working hours: leave, illness, a course."""

    therapist = TenantForeignKey(Therapist, on_delete=models.CASCADE, related_name="time_off")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(_("reason"), max_length=120, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta(TenantModel.Meta):
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="time_off_ends_after_it_starts"
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "therapist", "ends_at"], name="time_off_of_therapist")
        ]

    def __str__(self) -> str:
        return f"time off {self.pk}"


class Closure(TenantModel):
    """Days on which the clinic does not work: public holidays, and its own, such as Nowruz.

    Follow-up and encouragement wait until the next working day; what concerns a booked session
    goes. Fridays need no row. Days are the clinic's local ones, both included.
    """

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", _("public holiday")
        OWN = "own", _("the clinic's own")

    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OWN)

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["first_day", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "kind", "first_day", "name"], name="closure_once"
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=models.F("first_day")),
                name="closure_ends_after_it_begins",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "last_day"], name="closure_by_day")]

    def __str__(self) -> str:
        return self.name


class Directory(models.Model):
    """Token hash → clinic: the only thing that can be asked before a clinic is known.

    Allow-listed from row-level security on purpose; it holds no personal data, and without the
    token itself a row says nothing.
    """

    class Purpose(models.TextChoices):
        INVITATION = "invitation", _("invitation")
        RECEIPTS = "receipts", _("delivery receipts")
        SESSION = "session", _("the client's page of a session")
        FEEDBACK = "feedback", _("feedback form")
        CHOICES = "choices", _("how to go on")
        BOOKING = "booking", _("the client's page for booking a time")
        STOP = "stop", _("letters that are not wanted")
        DIGEST = "digest", _("a member's daily letter")

    token_hash = models.CharField(max_length=64, unique=True)
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
