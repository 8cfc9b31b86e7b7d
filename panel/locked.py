"""What somebody reads on a client's phone without unlocking it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from clinic.models import Clinic
from followup.models import Kind, Rule
from followup.preview import Preview
from messaging.hints import TALL_LOCK_SCREEN, About, hints, on_lock_screen
from messaging.models import Channel, ProviderAccount, Template
from messaging.outbox import sender_name
from panel.samples import sample
from patients.models import Client
from sessions_app.links import without_keys

#: Channels that leave a text on the phone.
_WRITTEN = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)


@dataclass(frozen=True, slots=True)
class Locked:
    """One text on a locked phone. `sender` is empty where only the gateway knows its line."""

    sender: str
    text: str
    #: When it will be read; None for an example of what would be.
    at: dt.datetime | None = None

    @property
    def line(self) -> str:
        """What an Android shows."""
        return on_lock_screen(self.text)

    @property
    def lines(self) -> str:
        """What an iPhone shows."""
        return on_lock_screen(self.text, TALL_LOCK_SCREEN)

    @property
    def telling(self) -> tuple[str, ...]:
        """Words in sight that tell what the visits are about."""
        seen = hints(f"{self.sender} {self.lines}")
        return next((hint.words for hint in seen if hint.about is About.PRIVACY), ())


def next_text(clinic: Clinic, client: Client, previews: Iterable[Preview]) -> Locked | None:
    """The client's next text as their phone will show it, else an example of one."""
    own = [it for it in previews if it.contact is None or not client.own_texts]
    for preview in own:
        if preview.will_be_sent and preview.rule.channel in _WRITTEN:
            sender = _sender(clinic, client, preview.rule.channel)
            return Locked(sender, without_keys(preview.text), preview.due_at)
    return example(clinic, client)


def example(clinic: Clinic, client: Client) -> Locked | None:
    """A reminder as this client would get it; None in a clinic whose rules remind nobody."""
    rules = Rule.objects.filter(kind=Kind.BEFORE_SESSION, channel__in=_WRITTEN)
    rule = rules.order_by("-enabled", "id").first()
    wordings = Template.objects.filter(key=rule.key if rule else "", invites=False, plain=False)
    wording = wordings.filter(service=None, therapist=None).order_by("id").first()
    if rule is None or wording is None:
        return None
    shown = sample(clinic, wording.body, rule, client=client)
    return Locked(_sender(clinic, client, rule.channel), without_keys(shown.text))


def _sender(clinic: Clinic, client: Client, channel: str) -> str:
    if channel != Channel.SMS:
        return sender_name(clinic, client)
    lines = ProviderAccount.objects.filter(channel=channel, active=True).order_by("standby", "id")
    return lines.values_list("sender", flat=True).first() or ""
