"""Which of a rule's wordings a text uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter

from messaging.models import Message, Template
from messaging.render import has_link

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


def choose(
    message: Message, wordings: Sequence[Template], *, invites: bool, plain: bool = False
) -> list[Template]:
    """The wordings that fit the session, the best first: therapist before service before all.

    A text that invites feedback prefers a wording made for it; no other text may use one. Among
    equals a client's texts take turns, by how many of the rule's the client has had. The others are
    for when the first cannot be written, as without the clinic's phone.

    `plain`: for an account whose gateway refuses links. Then no wording with a link is chosen, and
    among equals those made for such accounts come first; otherwise those are left out.
    """
    fitting = [
        wording
        for wording in wordings
        if _fits(wording, message)
        and (invites or not wording.invites)
        and (not has_link(wording.body) if plain else not wording.plain)
    ]
    turns = defaultdict(list)
    for wording in fitting:
        turns[_rank(wording)].append(wording)
    turn: int = message.turn  # type: ignore[attr-defined]
    return [
        equals[(turn + n) % len(equals)]
        for _, equals in sorted(turns.items(), key=itemgetter(0), reverse=True)
        for n in range(len(equals))
    ]


def _fits(wording: Template, message: Message) -> bool:
    session = message.session
    if session is None:
        return wording.service_id is None and wording.therapist_id is None
    return (
        wording.service_id in (None, session.service_id)
        and wording.therapist_id in (None, session.therapist_id)
    )  # fmt: skip


def _rank(wording: Template) -> tuple[bool, bool, bool, bool]:
    return (
        wording.invites,
        wording.therapist_id is not None,
        wording.service_id is not None,
        wording.plain,
    )
