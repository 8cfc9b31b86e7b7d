"""The texts of two files of one client, joined: see `patients.merging`.

Two files may have had two phones. What has reached the client by one must not go out again by the
other, and what still waits goes to the phone that was chosen.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from messaging import outbox
from messaging.models import Channel, Message, Reason, Reply, State
from patients.merging import Merge, Part
from patients.models import Client, Purpose

#: The planner looks for what fell due a day ago and less; what was of use till then concerns it.
LOOKED_BACK = dt.timedelta(days=2)
WAITING = (State.QUEUED, State.CLAIMED)
#: The client has the text, or may have it, or would have it.
TOLD = (State.SENDING, State.SENT, State.DELIVERED, State.UNKNOWN, State.SHADOW)


def counts(client: Client) -> dict[StrPromise, int]:
    return {
        _("texts"): client.messages.count(),
        _("replies by text"): Reply.objects.filter(phone=client.phone or None).count(),
    }


def hold(joined: Merge) -> None:
    """All texts of both, at once or not at all: to wait here could be to wait in a circle.

    Who settles texts that have just left holds several of them and no client.
    """
    rows = Message.objects.select_for_update(of=("self",), no_key=True, nowait=True)
    list(rows.filter(client__in=joined.both).order_by("pk").values_list("pk", flat=True))


def move(joined: Merge) -> None:
    theirs = Message.objects.filter(client__in=joined.both)
    # A sender that has claimed one waits for a client who will be gone. It finds the text no longer
    # its own, and the sweep puts it back, to be claimed as a text to the client who is kept.
    theirs.filter(state=State.CLAIMED).update(holder="", lease_until=joined.now)
    theirs.update(client=joined.kept)
    Reply.objects.filter(client=joined.lost).update(client=joined.kept)
    for texts in _by_occasion(joined):
        _one_text(texts, joined)
    refused = [purpose for purpose in Purpose if not joined.kept.consents_to(purpose)]
    outbox.cancel_of_client(joined.kept.pk, refused, Reason.NO_CONSENT, now=joined.now)


def _by_occasion(joined: Merge) -> Iterable[Sequence[Message]]:
    """The texts of each occasion that still matters; what no rule planned is one by itself."""
    groups: dict[Hashable, list[Message]] = defaultdict(list)
    # What a contact person reads is theirs still, at the same number.
    own = Message.objects.filter(client=joined.kept, contact=None)
    for text in own.defer("life", "text").order_by("pk"):
        told = (text.rule_number, text.session_id, text.revision, text.occasion)
        groups[told if text.rule_number else text.pk].append(text)
    for texts in groups.values():
        if any(_matters(text, joined.now) for text in texts):
            yield texts


def _matters(text: Message, now: dt.datetime) -> bool:
    return text.state in WAITING or text.useful_until > now - LOOKED_BACK


def _one_text(texts: Sequence[Message], joined: Merge) -> None:
    """Let at most one of the texts of an occasion leave, to the address that was chosen.

    Where the client has been told at the other one, the occasion is taken for this one, too, or the
    planner, which knows occasions by their recipient, would find it open. What was unclear once and
    is tried again goes where it went: only there would an earlier copy be recognised.
    """
    first, address = texts[0], _address(texts[0], joined.kept)
    if not address:
        return
    again = [text for text in texts if text.state in WAITING and text.negative_lookups]
    waiting = [text for text in texts if text.state in WAITING and not text.negative_lookups]
    right = [text for text in texts if text.recipient == address]
    told = again + [t for t in texts if t.state in TOLD and t.recipient in joined.addresses]
    if not right and not _is_taken(first, address):
        if waiting:
            Message.objects.filter(pk=waiting[0].pk).update(recipient=address)
            right = waiting[:1]
        elif told:
            _take_occasion(told[0], address, joined)
    stays = [] if told else right
    _cancel([text for text in waiting if text not in stays], joined.now)


def _is_taken(text: Message, address: str) -> bool:
    """Whether somebody who shares the address has been planned a text of this occasion."""
    same = ("rule_number", "session_id", "revision", "occasion")
    told = {name: getattr(text, name) for name in same}
    return Message.objects.filter(recipient=address, **told).exists()


def _address(text: Message, client: Client) -> str:
    return client.email if text.channel == Channel.EMAIL else client.phone


def _take_occasion(told: Message, address: str, joined: Merge) -> None:
    if not told.rule_number:
        return
    copied = ("rule_key", "expects", "purpose", "priority", "channel", "due_at", "useful_until")
    Message.objects.create(
        client=joined.kept,
        rule_number=told.rule_number,
        session_id=told.session_id,
        revision=told.revision,
        occasion=told.occasion,
        recipient=address,
        planned_at=joined.now,
        attempt_at=joined.now,
        state=State.CANCELLED,
        state_at=joined.now,
        reason=Reason.TOLD,
        **{name: getattr(told, name) for name in copied},
    )


def _cancel(texts: Sequence[Message], now: dt.datetime) -> None:
    Message.objects.filter(pk__in=[text.pk for text in texts], state__in=WAITING).update(
        state=State.CANCELLED, reason=Reason.TOLD, state_at=now, holder="", lease_until=None
    )


PART = Part(counts, hold, move)
