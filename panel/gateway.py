"""A clinic's own account at a gateway: kept, checked, and explained when it does not answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic import directory
from clinic.models import Directory
from messaging.accounts import gateway_of_account, wake_account
from messaging.models import ProviderAccount
from messaging.providers.base import AccountInfo, ProviderError, Reason
from messaging.views import callback_token

#: Codes that say the key itself is not accepted; Kavenegar's documents tell them apart two ways.
WRONG_KEY = (401, 403)


@dataclass(frozen=True, slots=True)
class Check:
    """What the gateway said about an account: `info`, or the words of what is wrong."""

    info: AccountInfo | None
    problem: str = ""
    wrong_key: bool = False


def active_account() -> ProviderAccount | None:
    return ProviderAccount.objects.filter(active=True).first()


def ask(account: ProviderAccount) -> Check:
    """Ask the gateway what is left on the account. Talks over the network, a few seconds at most."""
    gateway = gateway_of_account(account)
    if gateway is None:
        return Check(None, explain_code(str(WRONG_KEY[0])), wrong_key=True)
    try:
        info = gateway.provider.account()
    except ProviderError as error:
        return Check(None, explain(error), wrong_key=error.code in WRONG_KEY)
    if account.pk:
        wake_account(account.pk)
    return Check(info)


def explain(error: ProviderError) -> str:
    """What happened and what to do, for the person who can mend it."""
    if error.reason in (Reason.NOT_CONNECTED, Reason.TIMED_OUT, Reason.CONNECTION_LOST):
        return _("Kavenegar did not answer. Try again in a few minutes; nothing was changed.")
    return explain_code(str(error.code or ""))


def explain_code(code: str) -> str:
    """The same for a code kept from an earlier answer."""
    if code in {str(number) for number in WRONG_KEY}:
        return _("Kavenegar does not know this key. Copy it again from your account there.")
    return {
        "407": _("The account does not allow this server's address. Allow it in your account."),
        "412": _("The sender line does not belong to the account."),
        "416": _("The account does not allow this server's address. Allow it in your account."),
        "418": _("The account has run out of credit. Top it up."),
        "501": _("A trial account can only text its owner. Have the account verified."),
    }.get(code) or _("Kavenegar refused, with the code %(code)s. Ask its support.") % {
        "code": code or "—"
    }


def keep(sender: str, api_key: str, *, now: dt.datetime) -> ProviderAccount:
    """Make or change the clinic's account; an empty key keeps the one that is there.

    Another key is another account: the old row stays, inactive, because texts it carried can only
    be asked about there; a new account would answer "never seen" and a text would leave twice.
    """
    account = active_account()
    if account and api_key in ("", account.api_key):
        account.sender = sender
        account.save(update_fields=["sender"])
        return account
    with transaction.atomic():
        ProviderAccount.objects.filter(active=True).update(active=False)
        account = ProviderAccount.objects.create(sender=sender, api_key=api_key, created_at=now)
        token = callback_token(account.kind, account.pk)
        directory.publish(token, Directory.Purpose.RECEIPTS)
    return account


def remove() -> None:
    ProviderAccount.objects.filter(active=True).update(active=False)


def callback_address(account: ProviderAccount) -> str:
    """What to paste into Kavenegar's panel, so that it tells us what was delivered."""
    return _hook("receipts", account)


def inbound_address(account: ProviderAccount) -> str:
    """The same for what clients write back. Both have the account's one secret in them."""
    return _hook("inbound", account)


def _hook(name: str, account: ProviderAccount) -> str:
    token = callback_token(account.kind, account.pk)
    return f"{settings.PUBLIC_URL}{reverse(f'hooks:{name}', args=[account.kind, token])}"
