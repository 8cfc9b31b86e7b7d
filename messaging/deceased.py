"""What becomes of a client's waiting texts when the client has died."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.dispatch import receiver

from messaging import outbox
from messaging.models import Message, Reason, State
from patients.care import client_died
from patients.models import Client, Purpose
from sessions_app.models import Participant


@receiver(client_died, dispatch_uid="messaging.silence")
def silence(client: Client, now: dt.datetime, **kwargs: Any) -> None:
    """Take them out of the queue; what also concerns a relative goes to that one.

    The sender would find out itself; the panel should not promise these meanwhile.
    """
    _hand_over(client)
    outbox.cancel_of_client(client.pk, Purpose.values, Reason.DECEASED, now=now)


def _hand_over(client: Client) -> None:
    """One phone gets one text about a session, in the name of one who shares it.

    The planner makes no second one, so that of the deceased is made the other's. Only what nobody
    has claimed: a sender holds the row of the client whom it has claimed a text for.
    """
    waiting = Message.objects.filter(client=client, state=State.QUEUED).exclude(recipient="")
    for message in waiting.exclude(session=None).order_by("pk"):
        others = Participant.objects.filter(
            session=message.session_id,
            client__phone=message.recipient,
            client__deceased_at=None,
        )
        other = others.order_by("client_id").first()
        if other is not None:
            Message.objects.filter(pk=message.pk, state=State.QUEUED).update(client=other.client_id)
