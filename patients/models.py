"""Clients, what they consented to, and their courses of treatment."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import Service, Therapist, User
from clinic.tenancy import TenantForeignKey, TenantModel, owned_by_clinic
from clinic.text import ascii_digits, clean, fold, sort_key


class Purpose(models.TextChoices):
    """Why a text is sent; consent is kept for each."""

    TRANSACTIONAL = "transactional", _("about booked sessions")
    FOLLOW_UP = "follow_up", _("follow-up and feedback")
    MOTIVATION = "motivation", _("encouragement")
    CAMPAIGN = "campaign", _("news and campaigns")


class Gender(models.TextChoices):
    FEMALE = "female", _("female")
    MALE = "male", _("male")
    OTHER = "other", _("other")


class Language(models.TextChoices):
    PERSIAN = "fa", _("Persian")
    ENGLISH = "en", _("English")


class Client(TenantModel):
    """A person in therapy, or asking for it.

    Consents stand on the row itself, so that the sender's row lock also guards against a refusal
    that arrives while a text is on its way out; `ConsentRecord` keeps how each came about.
    """

    file_no = models.CharField(_("file number"), max_length=30)
    honorific = models.CharField(_("honorific"), max_length=30, blank=True)
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("last name"), max_length=80)
    gender = models.CharField(_("gender"), max_length=10, choices=Gender.choices, blank=True)
    #: E.164, or empty.
    phone = models.CharField(_("mobile phone"), max_length=20, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    therapist = TenantForeignKey(
        Therapist,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="clients",
        verbose_name=_("therapist"),
    )
    service = TenantForeignKey(
        Service,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("service"),
    )
    consent_transactional = models.BooleanField(Purpose.TRANSACTIONAL.label, default=True)
    consent_follow_up = models.BooleanField(Purpose.FOLLOW_UP.label, default=True)
    consent_motivation = models.BooleanField(Purpose.MOTIVATION.label, default=False)
    consent_campaign = models.BooleanField(Purpose.CAMPAIGN.label, default=False)
    #: No automated text at all, until a day or until somebody ends it.
    muted_at = models.DateTimeField(null=True, blank=True)
    muted_until = models.DateField(_("silent until"), null=True, blank=True)
    #: A risk flag stands: no automated text but the clinic's own emergency wording.
    crisis_since = models.DateTimeField(null=True, blank=True)
    #: The client has died: nothing is sent and nobody calls, for whatever reason.
    deceased_at = models.DateTimeField(null=True, blank=True)
    #: Texts say neither a therapist's title nor what the clinic does; see `clinic.discreet`.
    discreet = models.BooleanField(_("discreet texts"), default=False, db_default=False)
    #: The client's own hours for texts, inside the clinic's; both or neither.
    texts_from = models.TimeField(_("texts from"), null=True, blank=True)
    texts_until = models.TimeField(_("texts until"), null=True, blank=True)
    #: In which the client's own pages open, when the client has chosen; texts are the clinic's.
    language = models.CharField(
        _("language of the client's pages"),
        max_length=2,
        choices=Language.choices,
        blank=True,
        default="",
        db_default="",
    )
    #: Whether texts go to the client's own number and address, beside those of contact persons.
    own_texts = models.BooleanField(_("texts go to the client"), default=True, db_default=True)
    #: A contact person's number, for a client who has none: shown wherever somebody is called.
    contact_phone = models.CharField(max_length=20, editable=False, default="", db_default="")
    created_at = models.DateTimeField()
    #: Folded words of the files that were joined to this one, so that it is found by them too.
    former_words = models.TextField(editable=False, default="", db_default="")
    #: And of the contact persons: whoever calls is found by their own name and number.
    contact_words = models.TextField(editable=False, default="", db_default="")
    #: Folded words of everything search looks at; kept by `prepare`.
    search_text = models.TextField(editable=False, default="")
    sort_key = models.CharField(max_length=700, editable=False, default="")

    # FOR SHARE needs the UPDATE privilege and an UPDATE policy, or it returns no rows in silence.
    worker_rights = ("SELECT", "UPDATE")

    class Meta(TenantModel.Meta):
        ordering = ["sort_key", "id"]
        constraints = [
            owned_by_clinic("client_of_clinic"),
            models.UniqueConstraint(fields=["clinic", "file_no"], name="client_file_no_once"),
            models.CheckConstraint(
                condition=Q(texts_from=None, texts_until=None)
                | Q(texts_from__isnull=False, texts_until__isnull=False),
                name="client_own_hours_whole",
            ),
            models.CheckConstraint(
                condition=Q(muted_until=None) | Q(muted_at__isnull=False),
                name="client_mute_has_its_beginning",
            ),
        ]
        indexes = [
            # The list in alphabetical order, page by page.
            models.Index(fields=["clinic", "sort_key", "id"], name="client_by_name"),
            # Who else shares this phone: asked for every text, and by replies.
            models.Index(fields=["clinic", "phone"], name="client_by_phone"),
            # The few under a crisis hold: every screen of Today names them.
            models.Index(
                fields=["clinic", "sort_key", "id"],
                name="client_in_crisis",
                condition=Q(crisis_since__isnull=False, deceased_at=None),
            ),
            # The few whom perhaps no text can reach: everybody without an Iranian mobile.
            models.Index(
                fields=["clinic", "id"],
                name="client_out_of_reach",
                condition=~Q(phone__startswith="+989"),
            ),
            # Search that forgives a typo. Similarity is not leakproof, so row-level security keeps
            # it from using an index alone; the clinic's own rows are few.
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="client_search"),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def addressed(self) -> str:
        """As a text addresses the client: honorific and family name, or the full name."""
        return f"{self.honorific} {self.last_name}" if self.honorific else self.full_name

    @property
    def call_phone(self) -> str:
        """The number to call (E.164, or empty): the client's own, or a contact person's."""
        return self.phone or self.contact_phone

    def consents_to(self, purpose: str) -> bool:
        return bool(getattr(self, f"consent_{purpose}"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.prepare()
        super().save(*args, **kwargs)

    def prepare(self) -> None:
        """Clean what was typed, derive search words and sort key (bulk writers call it too)."""
        for field in ("file_no", "honorific", "first_name", "last_name"):
            setattr(self, field, clean(getattr(self, field)))
        self.file_no = ascii_digits(self.file_no)
        words = (self.own_words(), self.former_words, self.contact_words)
        self.search_text = " ".join(filter(None, words))
        self.sort_key = sort_key(f"{self.last_name} {self.first_name}")

    def own_words(self) -> str:
        """What search finds this file by, folded."""
        names = f"{self.first_name} {self.last_name}"
        return " ".join([*words_of_name(names), fold(self.file_no), *words_of_phone(self.phone)])


def words_of_name(names: str) -> list[str]:
    """Both spellings of a compound name are found: with its half-space as a space, and joined."""
    return [fold(names), fold(names).replace(" ", "")]


def words_of_phone(phone: str) -> list[str]:
    return [phone, "0" + phone.removeprefix("+98")] if phone else []


class ContactPerson(TenantModel):
    """Somebody who gets a client's texts, with the client or in their place: a parent, a spouse.

    Not a client for that. What may be sent at all is the client's file to say: consents, holds and
    hours are there; here only who of the people around the client reads it. Every change holds the
    client's row, as the sender does.
    """

    class Relation(models.TextChoices):
        MOTHER = "mother", _("mother")
        FATHER = "father", _("father")
        GUARDIAN = "guardian", _("guardian")
        SPOUSE = "spouse", _("spouse")
        CHILD = "child", _("son or daughter")
        OTHER = "other", _("another close person")

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="contacts")
    relation = models.CharField(_("relation"), max_length=10, choices=Relation.choices)
    honorific = models.CharField(_("honorific"), max_length=30, blank=True)
    name = models.CharField(_("name"), max_length=120)
    #: E.164, or empty.
    phone = models.CharField(_("mobile phone"), max_length=20, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    gets_sessions = models.BooleanField(_("texts about booked sessions"), default=True)
    gets_follow_up = models.BooleanField(_("follow-up and feedback"), default=False)
    #: Since when this person has refused, by «۱۱», whatever is not about a booked session.
    stopped_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    # The sender reads whom to write to; a text that says «11» is written down by the worker.
    worker_rights = ("SELECT", "UPDATE")

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        constraints = [
            owned_by_clinic("contact_of_clinic"),
            models.UniqueConstraint(
                fields=["clinic", "client", "phone"],
                condition=~Q(phone=""),
                name="contact_phone_once",
            ),
            models.CheckConstraint(
                condition=~Q(phone="") | ~Q(email=""), name="contact_can_be_reached"
            ),
        ]
        indexes = [
            # Asked for every text that is planned: by client alone, across clinics.
            models.Index(fields=["client"], name="contact_of_client"),
            # Whose phone it is: asked for every text that comes in.
            models.Index(fields=["phone"], name="contact_by_phone", condition=~Q(phone="")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def addressed(self) -> str:
        """As a text addresses this person."""
        return f"{self.honorific} {self.name}".strip()

    def gets(self, purpose: str) -> bool:
        """Whether texts of this purpose come here; the planner's statements ask the same."""
        if purpose == Purpose.TRANSACTIONAL:
            return self.gets_sessions
        return self.gets_follow_up and self.stopped_at is None

    def words(self) -> str:
        """What search finds the client by, folded."""
        return " ".join([*words_of_name(self.name), *words_of_phone(self.phone)])


class FormerFile(TenantModel):
    """A file that was joined to another because both were one person's: everything it said.

    Its row is gone, so that nothing can point at it; what is in people's hands still names it. A
    letter's stop address holds its number, a list its file number, and a phone may write back.
    """

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="former_files")
    #: The id that the row had.
    number = models.BigIntegerField()
    #: Of the two file numbers the one that was let go; as with the phone (E.164, or empty).
    file_no = models.CharField(max_length=30)
    phone = models.CharField(max_length=20, blank=True)
    #: Both rows as they were, and those that had to go because the other file had the same.
    held = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    joined_at = models.DateTimeField()
    joined_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    # A text from its phone is read by the worker.
    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "number"], name="former_file_once")
        ]
        indexes = [
            models.Index(fields=["clinic", "client"], name="former_file_of_client"),
            # Whose phone it was: asked for every text that comes in.
            models.Index(fields=["phone"], name="former_file_by_phone", condition=~Q(phone="")),
        ]

    def __str__(self) -> str:
        return f"former file {self.number}"


class ConsentRecord(TenantModel):
    """How a consent came to be what it is: who said so, where, and when."""

    class Source(models.TextChoices):
        BOOKING = "booking", _("at booking")
        IMPORT = "import", _("imported list")
        PANEL = "panel", _("recorded by staff")
        REPLY = "reply", _("reply by text")
        LINK = "link", _("the client's own page")
        MERGE = "merge", _("as in the other file, when two were joined")

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="consent_records")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    given = models.BooleanField()
    source = models.CharField(max_length=20, choices=Source.choices)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    # A text that says «11» is written down by the worker.
    worker_rights = ("SELECT", "INSERT")

    class Meta(TenantModel.Meta):
        ordering = ["-recorded_at", "-id"]
        indexes = [
            models.Index(fields=["clinic", "client", "-recorded_at"], name="consent_of_client")
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.given}"


class Treatment(TenantModel):
    """One client with one therapist for one service."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        COMPLETED = "completed", _("completed as planned")
        DROPPED = "dropped", _("dropped")

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="treatments")
    therapist = TenantForeignKey(Therapist, on_delete=models.PROTECT, related_name="treatments")
    service = TenantForeignKey(Service, on_delete=models.PROTECT, related_name="treatments")
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    paused_until = models.DateField(null=True, blank=True)
    #: Where an ending is planned: by that day, or after so many sessions with this therapist for
    #: this service, whichever comes first. From then on nobody asks why the client does not come.
    ends_on = models.DateField(null=True, blank=True)
    ends_after = models.PositiveSmallIntegerField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["-started_at", "-id"]
        constraints = [
            owned_by_clinic("treatment_of_clinic"),
            # A finished treatment may be taken up again as a new row; two open ones may not be.
            models.UniqueConstraint(
                fields=["clinic", "client", "therapist", "service"],
                condition=Q(state__in=["active", "paused"]),
                name="treatment_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state="paused") | Q(paused_until=None),
                name="treatment_pause_has_its_state",
            ),
        ]
        indexes = [
            # Pauses that end, across clinics.
            models.Index(
                fields=["paused_until"], name="treatment_paused", condition=Q(state="paused")
            ),
            # Planned endings that come.
            models.Index(
                fields=["ends_on"],
                name="treatment_ending",
                condition=Q(state__in=["active", "paused"], ends_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"treatment {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_TREATMENTS

    def is_active(self, today: dt.date) -> bool:
        """Going on, a pause that is over included; `today` is the clinic's local day."""
        if self.state == self.State.PAUSED:
            return self.paused_until is not None and self.paused_until <= today
        return self.state == self.State.ACTIVE


#: States of a treatment that has not ended.
OPEN_TREATMENTS = (Treatment.State.ACTIVE, Treatment.State.PAUSED)


class Via(models.TextChoices):
    """By which way something came about."""

    PANEL = "panel", _("staff, in the panel")
    LINK = "link", _("the client, by link")
    REPLY = "reply", _("the client, by text")
    IMPORT = "import", _("imported list")


class ClientEvent(TenantModel):
    """One line of a client's file: holds, mutes, own hours, turns of a treatment, a second file.

    Never edited. What a session or a text did stands in their own tables.
    """

    class Kind(models.TextChoices):
        MUTED = "muted", _("automated texts stopped")
        UNMUTED = "unmuted", _("automated texts allowed again")
        CRISIS = "crisis", _("crisis hold set")
        CRISIS_OVER = "crisis_over", _("crisis hold lifted")
        EMERGENCY = "emergency", _("emergency text sent")
        DIED = "died", _("the client has died")
        NOT_DIED = "not_died", _("the death was recorded by mistake")
        HOURS = "hours", _("own hours for texts changed")
        PAUSED = "paused", _("treatment paused")
        RESUMED = "resumed", _("treatment taken up again")
        COMPLETED = "completed", _("treatment finished as planned")
        DROPPED = "dropped", _("treatment given up")
        PLANNED = "planned", _("ending of the treatment planned")
        CONTACTS = "contacts", _("who gets the texts changed")
        HANDED_OUT = "handed_out", _("booking link handed out")
        MERGED = "merged", _("joined with a second file of the same client")

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="events")
    treatment = TenantForeignKey(
        Treatment, on_delete=models.CASCADE, null=True, blank=True, related_name="events"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    via = models.CharField(max_length=10, choices=Via.choices, default=Via.PANEL)
    until = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    # The planner asks since when a client is planned for again; a text from a contact person's phone
    # is written down by the worker.
    worker_rights = ("SELECT", "INSERT")

    class Meta(TenantModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["clinic", "client", "-at"], name="event_of_client")]

    def __str__(self) -> str:
        return f"{self.kind} {self.client_id}"
