"""A text to somebody of the clinic itself, to see that the account works and how a wording reads.

It goes to no client and through no outbox: one call, now, and its answer to whoever waits for it.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils.translation import gettext as _

from clinic.counting import count
from clinic.models import Clinic
from messaging import spending
from messaging.accounts import Gateway, gateways_of
from messaging.providers.base import OutgoingText

#: Of a clinic in a day: enough to try wordings, too few to text clients by.
MOST = 10
A_DAY = dt.timedelta(days=1)


class TrialError(ValueError):
    """It was not tried; `str()` says why in the reader's language."""


def gateway_for(clinic: Clinic, phone: str, now: dt.datetime) -> Gateway:
    """What carries the clinic's texts. Raises TrialError where none may leave to this phone."""
    gateway = gateways_of({clinic.pk}, now).get(clinic.pk)
    if gateway is None:
        raise TrialError(_("No SMS account is set up, so nothing could be sent."))
    if not gateway.may_text(phone):
        raise TrialError(
            _("This is not a production installation: it texts only the numbers it was allowed.")
        )
    return gateway


def send_trial(
    gateway: Gateway, clinic: Clinic, phone: str, text: str, *, now: dt.datetime
) -> None:
    """Send the text to this phone (E.164), once.

    Raises TrialError before anything leaves, and the gateway's ProviderError. Talks over the
    network; what a text cost counts towards the clinic's month.
    """
    _count(clinic)
    outgoing = OutgoingText(_number(), phone, text, sender_name=clinic.name)
    for taken in gateway.provider.send([outgoing]):
        spending.add({clinic.pk: taken.cost_rial or 0}, now)


def _count(clinic: Clinic) -> None:
    if count(f"trial/{clinic.pk}", A_DAY) > MOST:
        raise TrialError(_("That is enough for today; try again tomorrow."))


def _number() -> int:
    """From the messages' own sequence, so that the gateway never takes it for one of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('messaging_message_id_seq')")
        return int(cursor.fetchone()[0])
