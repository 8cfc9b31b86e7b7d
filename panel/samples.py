"""A wording as a client would read it, and what a careful colleague would say about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import discreet
from clinic.models import Clinic
from clinic.text import clean
from followup.editing import misplaced_links
from followup.models import Rule
from messaging.hints import Hint, hints, on_lock_screen
from messaging.parts import Parts, count_parts
from messaging.placeholders import Occasion, Placeholder, all_placeholders, find
from messaging.render import placeholders_of
from messaging.stop_note import NOTE, with_stop_note
from patients.models import Client, Purpose

FEEDBACK_LINK, BOOKING_LINK = "feedback_link", "booking_link"
OWN = ("clinic", "phone", "address")


@dataclass(frozen=True, slots=True)
class Sample:
    """`text` ends with the words that stop it where the clinic's line asks for them."""

    text: str
    parts: Parts
    #: Placeholders that this clinic has no value for.
    lacking: list[Placeholder]
    warnings: list[str] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)

    @property
    def locked(self) -> str:
        return on_lock_screen(self.text)

    @property
    def has_note(self) -> bool:
        return self.text.endswith(NOTE)


def sample(
    clinic: Clinic,
    body: str,
    rule: Rule | None = None,
    *,
    invites: bool = False,
    client: Client | None = None,
) -> Sample:
    """Fill a sound body with this clinic's own values, and believable ones for the rest."""
    own = _own_values(clinic, client)
    known = own | (_values_of(client) if client else {})

    def fill(match: re.Match[str]) -> str:
        found = find(match[1])
        return (known.get(found.name) or found.sample) if found else match[0]

    text = clean(re.sub(r"\{([^{}]*)\}", fill, body), lines=True)
    lacking = [p for p in placeholders_of(body) if p.name in own and not own[p.name]]
    said = hints(text)
    text = with_stop_note(text, clinic, rule.purpose if rule else Purpose.TRANSACTIONAL)
    return Sample(
        text,
        count_parts(text),
        list(dict.fromkeys(lacking)),
        [*_unbookable(clinic, body), *_warnings(body, rule, invites=invites)] if rule else [],
        said,
    )


def _values_of(client: Client) -> dict[str, str]:
    """What is known of a client without a session; discreet where the client wants it so."""
    spoken = client.therapist.spoken if client.therapist else _sample_of("therapist")
    service = client.service.name if client.service else _sample_of("service")
    if client.discreet:
        spoken, service = discreet.therapist(spoken), discreet.SERVICE
    return {"client": client.addressed, "therapist": spoken, "service": service}


def _sample_of(name: str) -> str:
    found = find(name)
    return found.sample if found else ""


def _own_values(clinic: Clinic, client: Client | None) -> dict[str, str]:
    """The placeholders that say the same in every text of the clinic, as texts write them."""
    about = Occasion(clinic, client or Client(), None, timezone.now())
    return {p.name: p.value(about) for p in all_placeholders() if p.name in OWN}


def _unbookable(clinic: Clinic, body: str) -> list[str]:
    named = any(p.name == BOOKING_LINK for p in placeholders_of(body))
    if clinic.books_by_link or not named:
        return []
    return [_("Clients do not book by link in this clinic, so such a text would not be sent.")]


def _warnings(body: str, rule: Rule, *, invites: bool) -> list[str]:
    misplaced = misplaced_links(body, rule.kind)
    found = [
        _("«%(name)s» does not fit this rule: its page would have nothing to ask of this reader.")
        % {"name": link.persian}
        for link in dict.fromkeys(misplaced)
    ]
    asks = any(p.name == FEEDBACK_LINK for p in placeholders_of(body)) and not misplaced
    if asks and not invites:
        found.append(
            _("This text asks for feedback: mark it so, or it would be sent after every session.")
        )
    if invites and not asks:
        found.append(_("A text that asks for feedback needs the link to the form."))
    return found
