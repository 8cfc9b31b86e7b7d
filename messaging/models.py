"""Texts and their lives: templates, the outbox, and the accounts that carry it."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.utils.translation import gettext_lazy as _

from clinic.models import Service, Therapist, User
from clinic.tenancy import TenantForeignKey, TenantModel, owned_by_clinic
from messaging.secrets import SecretField
from patients.models import Client, ContactPerson, Purpose
from sessions_app.models import Session


class Channel(models.TextChoices):
    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    EMAIL = "email", _("e-mail")
    CALL = "call", _("a call by reception")


class Priority(models.IntegerChoices):
    """What goes first when much is due: the smaller number."""

    SAFETY = 0, _("safety")  # a person sends it on purpose: no quiet hour and no hold stops it
    SESSIONS = 1, _("about booked sessions")
    REST = 2, _("everything else")


class State(models.TextChoices):
    """A message's life. queued → claimed → sending → sent → delivered or undelivered."""

    QUEUED = "queued", _("queued")
    CLAIMED = "claimed", _("being prepared")  # a sender holds it under a lease
    SENDING = "sending", _("on its way out")  # committed before the first byte leaves
    SENT = "sent", _("sent")  # the gateway accepted it and gave its number
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("not delivered")
    SKIPPED = "skipped", _("not sent")  # the world changed, or a manner forbids it; see reason
    CANCELLED = "cancelled", _("cancelled")  # its session was cancelled or moved, or its rule off
    MISSED = "missed", _("too late")  # past its useful time
    FAILED = "failed", _("failed")  # the gateway refused it for good
    UNKNOWN = "unknown", _("unclear")  # it may or may not have left; never re-sent blindly
    SHADOW = "shadow", _("would have been sent")  # the clinic is not live


class Expects(models.TextChoices):
    """The state of its session that a text is about."""

    COMING = "coming", _("it is still to come")
    ATTENDED = "attended", _("the client came")
    NO_SHOW = "no_show", _("the client did not come")
    CANCELLED = "cancelled", _("it is cancelled")


#: States that never change again.
FINAL_STATES = (
    State.DELIVERED,
    State.UNDELIVERED,
    State.SKIPPED,
    State.CANCELLED,
    State.MISSED,
    State.FAILED,
    State.SHADOW,
)


class Reason(models.TextChoices):
    """Why a message is in its state, as a closed set with words a person understands."""

    NO_PHONE = "no_phone", _("the client has no mobile number on file")
    NO_EMAIL = "no_email", _("the client has no e-mail address on file")
    NOT_SERVED = "not_served", _("WhatsApp does not serve numbers of Iran")
    NO_APPROVED = "no_approved", _("the gateway has approved no template for this text")
    LINKS_REFUSED = "no_links", _("the account refuses links and the rule has no text without one")
    DECEASED = "deceased", _("the client has died")
    CLINIC_PAUSED = "clinic_paused", _("the clinic has stopped all texts")
    OVER_CAP = "over_cap", _("this month's spending limit is reached")
    BOUNCED = "bounced", _("the e-mail came back")
    PHONE_CHANGED = "phone_changed", _("the client's number changed")
    NOT_MOBILE = "not_mobile", _("the number on file is not a mobile")
    NOT_TOLD = "not_told", _("texts about this do not go to this person")
    NO_CONSENT = "no_consent", _("the client does not want such texts")
    NOT_ALLOWED = "not_allowed", _("outside production only listed numbers are texted")
    NO_TEXT = "no_text", _("the text or one of its values is empty")
    NO_TEMPLATE = "no_template", _("the rule has no text")
    TOO_LONG = "too_long", _("the text is longer than the gateway takes")
    BUDGET = "budget", _("the client has had enough texts this week")
    MUTED = "muted", _("automated texts to this client are stopped")
    CRISIS = "crisis", _("a crisis hold stands")
    NOT_MEANT = "not_meant", _("the rule is not for this service, therapist or client")
    TREATMENT_PAUSED = "paused", _("the treatment is paused")
    TREATMENT_OVER = "ended", _("the treatment is finished")
    PLAN_OVER = "plan_over", _("the treatment has come to its planned ending")
    BOOKED = "booked", _("another session is booked")
    SEEN_SINCE = "seen_since", _("the client has come since")
    BOOKED_LATE = "booked_late", _("booked or moved too shortly before it")
    RECORDED_LATE = "recorded_late", _("the outcome was recorded too late")
    SECOND_NO_SHOW = "second_no_show", _("missed twice in a row: a person calls instead")
    ANSWERED = "answered", _("the client has answered already")
    RECORD_CHANGED = "record_changed", _("what was recorded of the session has changed")
    SESSION_CANCELLED = "session_cancelled", _("the session was cancelled")
    SESSION_MOVED = "session_moved", _("the session was moved")
    SESSION_STARTED = "session_started", _("the client has already arrived, or the time has passed")
    NOT_PARTICIPANT = "not_participant", _("the client is no longer in this session")
    RULE_OFF = "rule_off", _("the rule was switched off")
    TOO_LATE = "too_late", _("its useful time had passed")
    NO_ACCOUNT = "no_account", _("no SMS account is set up")
    ACCOUNT = "account", _("the SMS account has a problem")
    REFUSED = "refused", _("the gateway refused it")
    BUSY = "busy", _("the gateway could not take it yet; it will be tried again")
    NO_ANSWER = "no_answer", _("the gateway's answer did not arrive")
    SENDER_STOPPED = "sender_stopped", _("the sender stopped while sending")
    ECHO = "echo", _("the gateway answered with another message")
    BLOCKED = "blocked", _("the recipient blocks such lines")
    CARRIER = "carrier", _("the carrier could not deliver it")
    TOLD = "told", _("another number of the client has this text, or gets it")


class Template(TenantModel):
    """One wording of a rule's text, with named placeholders; see `messaging.render`.

    A rule may have several: for a service, for a therapist, for the texts that invite feedback,
    and alternates among which each client's texts take turns. `messaging.wordings` chooses.
    """

    key = models.CharField(max_length=40)
    service = TenantForeignKey(
        Service, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    therapist = TenantForeignKey(
        Therapist, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    #: For the texts that carry a link to the feedback form, and only for those.
    invites = models.BooleanField(default=False)
    #: Without a link, for accounts whose gateway refuses texts with one, and only for those.
    plain = models.BooleanField(default=False)
    #: The name under which a gateway has approved this wording; its placeholders are the values, in
    #: their order. WhatsApp outside the 24 hours after a client's words, and Kavenegar's look-up
    #: texts, take nothing else.
    approved_name = models.CharField(max_length=60, blank=True)
    body = models.TextField(_("text"), max_length=900)
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    worker_rights = ("SELECT",)

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        constraints = [owned_by_clinic("template_of_clinic")]
        indexes = [models.Index(fields=["clinic", "key"], name="template_by_key")]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        from messaging.render import check

        check(self.body)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)


class ProviderAccount(TenantModel):
    """A clinic's own account at a gateway. Without one the installation's account is used.

    Of each channel a clinic has at most one first account and one standby, which takes over while
    the first is paused; whoever wants no automatic switch sets up no standby.
    """

    kind = models.CharField(max_length=20, default="kavenegar")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.SMS)
    standby = models.BooleanField(_("takes over while the first account is paused"), default=False)
    #: The line an SMS leaves from; WhatsApp's phone number id.
    sender = models.CharField(_("sender line"), max_length=40, blank=True)
    api_key = SecretField(_("API key"))
    #: What signs this account's callbacks, for gateways that sign.
    app_secret = SecretField(_("app secret"), blank=True)
    active = models.BooleanField(_("active"), default=True)
    #: Learnt from the gateway: it turns away texts with a link.
    refuses_links = models.BooleanField(_("the account refuses links"), default=False)
    #: WhatsApp does not serve Iran; only a clinic that knows better switches this on.
    texts_iran = models.BooleanField(_("also to numbers of Iran"), default=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_code = models.CharField(max_length=20, blank=True)
    #: The gateway's last good answer about the account: its heartbeat.
    checked_at = models.DateTimeField(null=True, blank=True)
    credit_rial = models.BigIntegerField(null=True, blank=True)
    #: What one text costs, for gateways that count texts instead of money; 0 when nobody has said.
    rial_per_credit = models.PositiveIntegerField(default=0)
    #: When the gateway was last asked for texts that came in.
    replies_asked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    worker_rights = ("SELECT", "UPDATE")

    class Meta(TenantModel.Meta):
        constraints = [
            owned_by_clinic("account_of_clinic"),
            models.UniqueConstraint(
                fields=["clinic", "channel", "standby"],
                condition=Q(active=True),
                name="account_active_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Spending(TenantModel):
    """What a clinic's texts have cost in one of its months, in Rial, as the gateways said."""

    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    rial = models.BigIntegerField(default=0)
    #: When the managers were told that most of the limit is spent.
    warned_at = models.DateTimeField(null=True)

    worker_rights = ("SELECT", "INSERT", "UPDATE")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["clinic", "starts_at"], name="spending_once_a_month")
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m}: {self.rial}"


class Message(TenantModel):
    """One text to one recipient: the row is the outbox entry and its whole life.

    The id is the gateway's idempotency key: made before the first attempt and never changed. Its
    sequence starts at a random large number per installation, because a restored backup or a second
    installation on the same account would meet old ids, and the gateway would answer with another
    client's message.
    """

    # messaging does not know rules; it keeps the rule's number and name.
    rule_number = models.BigIntegerField(null=True)
    rule_key = models.CharField(max_length=40)
    #: What must be true of the session when the text leaves.
    expects = models.CharField(max_length=10, choices=Expects.choices, default=Expects.COMING)
    #: Carries a link to the feedback form.
    invites = models.BooleanField(default=False)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.REST)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.SMS)
    #: The channels still to be tried should this one certainly fail, in order.
    then = ArrayField(models.CharField(max_length=10, choices=Channel.choices), default=list)
    #: The id of the message whose certain failure this one makes up for.
    instead_of = models.BigIntegerField(null=True, blank=True)
    #: What tells two texts of one rule, session and recipient apart; empty for the planner's.
    occasion = models.CharField(max_length=40, blank=True)
    #: Of a text by hand: who wrote it. Asked for one message at a time, so that it has no index.
    written_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="+"
    )
    #: The wording that was chosen when the text was written.
    template = TenantForeignKey(
        Template, on_delete=models.SET_NULL, null=True, related_name="messages"
    )
    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="messages")
    #: Who reads it in the client's place or beside them; empty for the client.
    contact = TenantForeignKey(
        ContactPerson, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    session = TenantForeignKey(
        Session, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    revision = models.PositiveIntegerField(null=True)
    #: E.164, or an e-mail address; empty when the client had none at planning, so that staff see why
    #: nothing went.
    recipient = models.CharField(max_length=254, blank=True)
    due_at = models.DateTimeField()
    useful_until = models.DateTimeField()
    planned_at = models.DateTimeField()

    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    state_at = models.DateTimeField()
    #: Every change of state since it was planned, kept by the database; see `messaging.life`.
    life = models.JSONField(default=list, db_default=Value([], models.JSONField()), editable=False)
    #: While queued: not before this. It starts as `due_at` and grows with back-off.
    attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    #: While claimed or sending: after this the holder is taken for dead.
    lease_until = models.DateTimeField(null=True)
    #: Who holds it; every settlement compares it, so that a late sender changes nothing.
    holder = models.CharField(max_length=40, blank=True)

    text = models.TextField(blank=True)
    parts = models.PositiveSmallIntegerField(null=True)
    account = TenantForeignKey(
        ProviderAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    provider = models.CharField(max_length=20, blank=True)
    provider_id = models.CharField(max_length=60, blank=True)
    provider_code = models.CharField(max_length=20, blank=True)
    cost_rial = models.PositiveIntegerField(null=True)
    #: The first attempt: the gateway's memory of an id is counted from there.
    sending_at = models.DateTimeField(null=True)
    #: The last one: where it left at all, it left then.
    attempted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    #: How often the gateway has said that it has no such message. Above 0 the message is bound to
    #: that gateway: nowhere else would a second copy be recognised.
    negative_lookups = models.PositiveSmallIntegerField(default=0)
    #: While sent or unknown: when to ask the gateway next; null when there is nothing to ask.
    ask_at = models.DateTimeField(null=True)

    worker_rights = ("SELECT", "INSERT", "UPDATE")

    class Meta(TenantModel.Meta):
        ordering = ["-due_at", "-id"]
        constraints = [
            # The duplicate is unrepresentable: one text per occasion and recipient, for ever.
            models.UniqueConstraint(
                fields=["clinic", "rule_number", "session", "revision", "recipient", "occasion"],
                nulls_distinct=False,
                name="message_once_per_occasion",
            ),
        ]
        indexes = [
            # The claim: what is due in each clinic, the most urgent and oldest first.
            models.Index(
                fields=["clinic", "priority", "attempt_at", "id"],
                name="message_due",
                condition=Q(state="queued"),
            ),
            # How long the oldest due message has waited, and what has become too late.
            models.Index(
                fields=["attempt_at"],
                name="message_waiting",
                condition=Q(state__in=["queued", "claimed"]),
            ),
            models.Index(
                fields=["useful_until"], name="message_expiring", condition=Q(state="queued")
            ),
            # The sweep: leases that ran out, and answers still owed.
            models.Index(
                fields=["lease_until"],
                name="message_held",
                condition=Q(state__in=["claimed", "sending"]),
            ),
            models.Index(
                fields=["ask_at"], name="message_to_ask", condition=Q(ask_at__isnull=False)
            ),
            # What waits for a person: asked on every page of the panel.
            models.Index(fields=["clinic"], name="message_unclear", condition=Q(state="unknown")),
            # Receipts arrive by the gateway's number.
            models.Index(
                fields=["provider", "provider_id"],
                name="message_by_provider_id",
                condition=~Q(provider_id=""),
            ),
            # The contact budget, and the last invitation to give feedback.
            models.Index(
                fields=["client"],
                name="message_in_budget",
                condition=~Q(purpose="transactional"),
            ),
            # The panel: the outbox by time, a client's and a session's messages.
            models.Index(fields=["clinic", "-due_at", "-id"], name="message_by_due"),
            models.Index(fields=["clinic", "client", "-due_at"], name="message_of_client"),
            models.Index(fields=["clinic", "session"], name="message_of_session"),
            # The outbox by a state or a reason that is rare: whoever looks for it would read all the
            # clinic's texts. What arrives, as most do, is found in the outbox by time.
            models.Index(
                fields=["clinic", "state", "-due_at", "-id"],
                name="message_not_arrived",
                condition=Q(state__in=["skipped", "cancelled", "missed", "failed", "undelivered"]),
            ),
            models.Index(
                fields=["clinic", "reason", "-due_at", "-id"],
                name="message_by_reason",
                condition=~Q(reason=""),
            ),
            # What makes up for a message that did not arrive.
            models.Index(
                fields=["clinic", "instead_of"],
                name="message_in_place",
                condition=Q(instead_of__isnull=False),
            ),
            # Who was asked for feedback, by the time at which the text left.
            models.Index(
                fields=["clinic", "-sent_at"], name="message_inviting", condition=Q(invites=True)
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES


class Heartbeat(models.Model):
    """When a part of the engine last finished its round, for the whole installation."""

    part = models.CharField(max_length=20, primary_key=True)
    #: The wall clock, even where time is moved: alarms compare it with their own.
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.part


class Reply(TenantModel):
    """A text that came in from a client's phone, with what was made of it.

    One per clinic that knows the number: a line may be shared by several. What nothing was done
    about waits for a person until one closes it; see `messaging.inbox`.
    """

    class Intent(models.TextChoices):
        STOP = "stop", _("stops texts")
        START = "start", _("wants texts again")
        CONFIRM = "confirm", _("comes to the session")
        CANCEL = "cancel", _("does not come to the session")
        OTHER = "other", _("something else")

    class Done(models.TextChoices):
        """What was done about it by itself; empty while, or because, a person decides."""

        CONFIRMED = "confirmed", _("the session was confirmed by itself")
        CANCELLED = "cancelled", _("the session was cancelled by itself")
        STOPPED = "stopped", _("follow-up texts were stopped by themselves")
        STARTED = "started", _("texts were allowed again by themselves")
        OVERTAKEN = "overtaken", _("a later word holds")
        OLD = "old", _("it came too late to act on")

    class Ending(models.TextChoices):
        """How a person closed it."""

        SETTLED = "settled", _("settled")
        ANSWERED = "answered", _("answered by text")
        CALL = "call", _("put on the call list")

    provider = models.CharField(max_length=20)
    provider_id = models.CharField(max_length=60)
    account = TenantForeignKey(
        ProviderAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    #: E.164.
    phone = models.CharField(max_length=20)
    line = models.CharField(max_length=20, blank=True)
    text = models.TextField(blank=True)
    intent = models.CharField(max_length=10, choices=Intent.choices)
    received_at = models.DateTimeField()
    done = models.CharField(max_length=10, choices=Done.choices, blank=True)
    #: Who wrote, where a person said so because the number is on nobody's file.
    client = TenantForeignKey(
        Client, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True)
    #: For colleagues.
    note = models.CharField(max_length=300, blank=True)

    worker_rights = ("SELECT", "INSERT", "UPDATE")

    class Meta(TenantModel.Meta):
        ordering = ["-received_at", "-id"]
        constraints = [
            # Gateways report twice; the second time changes nothing.
            models.UniqueConstraint(
                fields=["clinic", "provider", "provider_id"], name="reply_once"
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "phone", "-received_at", "-id"], name="reply_by_phone"),
            # What waits for a person: counted on every page of the panel.
            models.Index(
                fields=["clinic", "phone", "received_at", "id"],
                name="reply_open",
                condition=Q(done="", closed_at=None),
            ),
            # All that came in, page by page, the newest first.
            models.Index(fields=["clinic", "-received_at", "-id"], name="reply_by_time"),
        ]

    def __str__(self) -> str:
        return f"reply {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return not self.done and self.closed_at is None
