"""Texts that come in, for tests."""

import itertools

from clinic.tenancy import EVERYWHERE
from messaging import replies
from messaging.models import Reply
from messaging.providers.base import InboundText
from tests.factories import NOW

PHONE = "+989121234567"
NUMBERS = itertools.count(9_000_001)


def written(text, *, sender="09121234567", number=None, at=None):
    return InboundText(str(number or next(NUMBERS)), sender, "10004346", text, at)


def hear(*texts, account=None, scope=EVERYWHERE, now=NOW, **fields):
    """Receive texts, plain strings or `written` ones; returns how many replies are new."""
    inbound = [written(text, **fields) if isinstance(text, str) else text for text in texts]
    return replies.receive("kavenegar", account and account.pk, scope, inbound, now=now)


def waiting(**wanted):
    """The words that wait for a person, in the order in which they came."""
    replies = Reply.objects.filter(done="", closed_at=None, **wanted)
    return list(replies.order_by("received_at", "pk").values_list("text", flat=True))


def consents(client):
    """The purposes of which the client gets texts."""
    client.refresh_from_db()
    purposes = ("transactional", "follow_up", "motivation", "campaign")
    return [purpose for purpose in purposes if client.consents_to(purpose)]
