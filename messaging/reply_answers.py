"""«۱» and «۲»: a text that answers for exactly one session, as the client's page would.

Nobody can be asked back, so that wherever two readings are possible a person reads the words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from clinic.tenancy import Hat, wear
from messaging.models import Message, Reply
from patients.models import Client, Purpose
from sessions_app.client_actions import Overtaken, Said, answer_by_text
from sessions_app.models import COMING_STATES, Session

#: How long a text about a session may be answered for.
ANSWERABLE = dt.timedelta(days=4)
_SAID = {Reply.Intent.CONFIRM: Said.COME, Reply.Intent.CANCEL: Said.CANCEL}


def answer(reply: Reply, clients: Sequence[Client], *, now: dt.datetime) -> bool:
    """Confirm or cancel the session that a reply means; False when a person has to find out.

    The caller holds the rows of all clients with the phone. What is done wears the hat of the
    client's page, which may do the same.
    """
    told = _told(reply, clients, now)
    if told is None:
        return False
    try:
        with wear(Hat.WEB, clinic_id=reply.clinic_id):
            answer_by_text(
                told.client,
                told.session,
                _SAID[Reply.Intent(reply.intent)],
                revision=told.revision or 0,
                now=now,
            )
    except Overtaken:
        return False
    return True


def _told(reply: Reply, clients: Sequence[Client], now: dt.datetime) -> Message | None:
    """The text that is answered: the last to this phone, and about the only session it can mean.

    One coming session of these clients was told of within `ANSWERABLE` before the reply, and
    nothing has gone to the phone since that was about anything else.
    """
    heard = Message.objects.filter(
        client__in=clients,
        recipient=reply.phone,
        sent_at__lte=reply.received_at,
        sent_at__gt=reply.received_at - ANSWERABLE,
    )
    texts = list(heard.select_related("client", "session").order_by("-sent_at", "-id"))
    last = [text for text in texts if text.sent_at == texts[0].sent_at]
    meant = {text.session for text in texts if _can_be_meant(text, now)}
    if len(meant) != 1 or not all(_tells_of(text, *meant) for text in last):
        return None
    return last[0]


def _can_be_meant(text: Message, now: dt.datetime) -> bool:
    session: Session | None = text.session
    if session is None or text.purpose != Purpose.TRANSACTIONAL:
        return False
    return session.state in COMING_STATES and session.starts_at > now


def _tells_of(text: Message, session: Session) -> bool:
    return text.session_id == session.pk and text.purpose == Purpose.TRANSACTIONAL
