"""The inbox: what clients wrote and what waits for a person, number by number.

All replies from one number are one conversation; several clients may share it, and it may be on
nobody's file. What waits is closed for the whole number at once, as far as somebody has read it.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from clinic.models import User
from messaging.models import Reply
from patients.models import Client
from patients.queries import with_phone

_OPEN = Q(done="", closed_at=None)


class InboxError(ValueError):
    """It cannot be done any more; `str()` says why in the reader's language, naming nobody."""


def waiting(replies: QuerySet[Reply]) -> QuerySet[Reply]:
    """Those that wait for a person."""
    return replies.filter(_OPEN)


def longest_waiting(replies: QuerySet[Reply]) -> QuerySet[Reply]:
    """Of each number the reply that has waited longest, the longest first."""
    first = waiting(replies).order_by("phone", "received_at", "id").distinct("phone")
    return Reply.objects.filter(pk__in=first.values("pk")).order_by("received_at", "id")


def latest(replies: QuerySet[Reply]) -> QuerySet[Reply]:
    """Of each number the last reply, the newest first."""
    later = Reply.objects.filter(phone=OuterRef("phone")).filter(
        Q(received_at__gt=OuterRef("received_at"))
        | Q(received_at=OuterRef("received_at"), pk__gt=OuterRef("pk"))
    )
    # By `EXISTS`, which stops as soon as a page is full; DISTINCT would read all there ever was.
    return replies.filter(~Exists(later)).order_by("-received_at", "-id")


def close(
    reply: Reply,
    ending: str,
    *,
    note: str = "",
    now: dt.datetime,
    by: User | None,
) -> int:
    """Close what waits from the reply's number, up to this reply; returns how many were closed.

    By compare-and-swap: what somebody has closed before keeps their name. A reply that came in
    since, and that nobody has read here, goes on waiting. Raises InboxError when nothing waited.
    """
    read = Q(received_at__lt=reply.received_at) | Q(received_at=reply.received_at, pk__lte=reply.pk)
    open_ones = waiting(Reply.objects.filter(read, phone=reply.phone))
    closed = open_ones.update(ending=ending, note=note, closed_at=now, closed_by=by)
    if not closed:
        raise InboxError(_("A colleague has closed this meanwhile."))
    return closed


def reopen(reply: Reply) -> None:
    """Take a closing back, for all that was closed with this reply. Raises InboxError when it is open.

    What was closed in one act bears the very same moment.
    """
    closed = Reply.objects.filter(phone=reply.phone, closed_at=reply.closed_at)
    if reply.closed_at is None or not closed.update(
        ending="", note="", closed_at=None, closed_by=None
    ):
        raise InboxError(_("This is open already."))


def attach(reply: Reply, client: Client, *, onto_file: bool) -> None:
    """Say who writes from a number that is on nobody's file.

    `onto_file`: the number takes the place of the one on the client's file, because that is where
    texts are to go from now on. Else the file stays, and the conversation only bears the name.
    Raises InboxError when the number has come onto a file meanwhile.
    """
    with transaction.atomic():
        held = Client.objects.select_for_update(of=("self",), no_key=True).get(pk=client.pk)
        if with_phone(reply.phone).exists():
            raise InboxError(_("This number is on a file already."))
        Reply.objects.filter(phone=reply.phone).update(client=held)
        if onto_file:
            held.phone = reply.phone
            held.save(update_fields=["phone", "search_text", "sort_key"])
