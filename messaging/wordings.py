"""Which of a rule's wordings a text uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from messaging.models import Message, Template

Key = tuple[int, str]


def wordings_of(messages: Iterable[Message]) -> dict[Key, list[Template]]:
    """All wordings of the clinics and rules of these messages, in one query."""
    rows = list(messages)
    found = defaultdict(list)
    for template in Template.objects.filter(
        clinic__in={m.clinic_id for m in rows}, key__in={m.rule_key for m in rows}
    ):
        found[template.clinic_id, template.key].append(template)
    return found


def choose(message: Message, wordings: Sequence[Template], *, invites: bool) -> Template | None:
    """The most particular wording that fits the session: therapist before service before all.

    A text that invites feedback prefers a wording made for it; no other text may use one. Among
    equals a client's texts take turns, by how many of the rule's the client has had.
    """
    fitting = [w for w in wordings if _fits(w, message) and (invites or not w.invites)]
    if not fitting:
        return None
    best = max(map(_rank, fitting))
    equals = [w for w in fitting if _rank(w) == best]
    return equals[message.turn % len(equals)]  # type: ignore[attr-defined]


def _fits(wording: Template, message: Message) -> bool:
    session = message.session
    if session is None:
        return wording.service_id is None and wording.therapist_id is None
    return (
        wording.service_id in (None, session.service_id)
        and wording.therapist_id in (None, session.therapist_id)
    )  # fmt: skip


def _rank(wording: Template) -> tuple[bool, bool, bool]:
    return wording.invites, wording.therapist_id is not None, wording.service_id is not None
