"""A clinic's own accounts at gateways: kept, checked, and explained when one does not answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from clinic import directory
from clinic.models import Directory
from messaging.accounts import REST
from messaging.models import Channel, ProviderAccount
from messaging.providers import get_provider, provider_class
from messaging.providers.base import AccountInfo, ProviderError
from messaging.views import callback_token, verify_token
from panel.account_words import explain, explain_code, is_wrong_key, wrong_key

#: Somebody waits before the page: less patience than the sender has.
CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Place:
    """One of the accounts that a clinic can have."""

    name: str
    channel: Channel
    kinds: tuple[str, ...]
    standby: bool = False

    @property
    def accounts(self) -> QuerySet[ProviderAccount]:
        mine: QuerySet[ProviderAccount] = ProviderAccount.objects.filter(
            channel=self.channel, standby=self.standby, active=True
        )
        return mine


SMS_KINDS = ("kavenegar", "kavenegar_lookup", "smsir")
PLACES = {
    place.name: place
    for place in (
        Place("sms", Channel.SMS, SMS_KINDS),
        Place("standby", Channel.SMS, SMS_KINDS, standby=True),
        Place("whatsapp", Channel.WHATSAPP, ("whatsapp",)),
    )
}


@dataclass(frozen=True, slots=True)
class Check:
    """What the gateway said about an account: `info`, or the words of what is wrong."""

    info: AccountInfo | None
    problem: str = ""
    wrong_key: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an account rests, and when it is tried again."""

    why: str
    since: dt.datetime
    tried_at: dt.datetime


def account_in(place: Place) -> ProviderAccount | None:
    return place.accounts.first()


def pause_of(account: ProviderAccount) -> Pause | None:
    if account.paused_at is None:
        return None
    why = explain_code(account.kind, account.pause_code)
    return Pause(why, account.paused_at, account.paused_at + REST)


def ask(account: ProviderAccount, *, now: dt.datetime) -> Check:
    """Ask the gateway what is left on the account. Talks over the network, a few seconds at most.

    A good answer is noted, and wakes an account that was put to rest.
    """
    try:
        info = _hurried(account).account()
    except ValueError:
        return Check(None, wrong_key(account.kind), wrong_key=True)
    except ProviderError as error:
        problem = explain(account.kind, error)
        return Check(None, problem, wrong_key=is_wrong_key(account.kind, error))
    if account.pk:
        note(account, info, now=now)
    return Check(info)


def note(account: ProviderAccount, info: AccountInfo, *, now: dt.datetime) -> None:
    """Keep a good answer; the account is open again."""
    ProviderAccount.objects.filter(pk=account.pk).update(
        paused_at=None, pause_code="", checked_at=now, credit_rial=info.credit_rial
    )


def _hurried(account: ProviderAccount) -> Any:
    """A gateway of its own, since the sender's has the sender's patience."""
    gateway = provider_class(account.kind)
    price = {"rial_per_credit": account.rial_per_credit} if gateway.counts_texts else {}
    return get_provider(
        account.kind,
        **price,
        api_key=account.api_key,
        sender=account.sender,
        base_url=getattr(settings, gateway.address_setting),
        connect_seconds=CONNECT_SECONDS,
        read_seconds=READ_SECONDS,
    )


def proposed(place: Place, wanted: dict[str, Any]) -> ProviderAccount:
    """The account that a form describes, not saved; empty secrets are those that are kept."""
    kept = account_in(place)
    same_kind = kept is not None and kept.kind == wanted["kind"]
    secrets = {
        name: wanted.get(name) or (getattr(kept, name) if same_kind else "")
        for name in ("api_key", "app_secret")
    }
    return ProviderAccount(
        kind=wanted["kind"],
        channel=place.channel,
        standby=place.standby,
        sender=wanted["sender"],
        texts_iran=wanted.get("texts_iran", False),
        rial_per_credit=wanted.get("rial_per_credit") or 0,
        **secrets,
    )


def keep(place: Place, wanted: ProviderAccount, *, now: dt.datetime) -> ProviderAccount:
    """Make or change the account in a place.

    Another key is another account: the old row stays, inactive, because texts it carried can only
    be asked about there; a new account would answer "never seen" and a text would leave twice.
    """
    account = account_in(place)
    if account and (account.kind, account.api_key) == (wanted.kind, wanted.api_key):
        account.sender, account.app_secret = wanted.sender, wanted.app_secret
        account.texts_iran, account.rial_per_credit = wanted.texts_iran, wanted.rial_per_credit
        account.save(update_fields=["sender", "app_secret", "texts_iran", "rial_per_credit"])
        return account
    with transaction.atomic():
        place.accounts.update(active=False)
        wanted.created_at = now
        wanted.save()
        token = callback_token(wanted.kind, wanted.pk)
        directory.publish(token, Directory.Purpose.RECEIPTS)
    return wanted


def remove(place: Place) -> None:
    place.accounts.update(active=False)


def callback_address(account: ProviderAccount) -> str:
    """What to paste into the gateway's panel, so that it tells what was delivered or came in."""
    token = callback_token(account.kind, account.pk)
    return f"{settings.PUBLIC_URL}{reverse('hooks:callback', args=[account.kind, token])}"


def greeting_of(account: ProviderAccount) -> str:
    """What a gateway is told to greet that address with; only WhatsApp does."""
    return verify_token(account.kind, account.pk) if account.channel == Channel.WHATSAPP else ""
