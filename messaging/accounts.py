"""Which gateway carries a clinic's texts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings

from clinic.commands import gateways_in_use
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging.models import Message, ProviderAccount
from messaging.providers import get_provider
from messaging.providers.base import Provider
from patients.phones import PhoneError, normalise

#: How long a refused account rests before one more text tries it.
REST = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Gateway:
    """An account ready to be talked to. `account_id` is None for the installation's own."""

    provider: Provider = field(compare=False)
    kind: str
    account_id: int | None

    def may_text(self, recipient: str) -> bool:
        """Outside production only listed numbers are texted, except through a loopback gateway."""
        return settings.PRODUCTION or self.provider.is_loopback or recipient in _allowed()


def gateways_of(clinic_ids: set[int]) -> dict[int, Gateway]:
    """Each clinic's gateway: its own account, or the installation's. Absent where there is none."""
    accounts = ProviderAccount.objects.filter(clinic__in=clinic_ids, active=True)
    own = {a.clinic_id: gateway_of_account(a) for a in accounts}
    shared = installation_gateway()
    found = {clinic_id: own.get(clinic_id, shared) for clinic_id in clinic_ids}
    return {clinic_id: gateway for clinic_id, gateway in found.items() if gateway is not None}


def gateway_of_account(account: ProviderAccount) -> Gateway | None:
    """None for an account that cannot work, as one whose key can no longer be read: its clinic's
    texts wait and say so, and nobody else's do."""
    try:
        provider = _provider(account.kind, account.api_key, account.sender, _base_url(account.kind))
    except ValueError:
        return None
    return Gateway(provider, account.kind, account.pk)


def installation_gateway() -> Gateway | None:
    if not settings.KAVENEGAR_API_KEY:
        return None
    key = settings.KAVENEGAR_API_KEY
    return Gateway(_provider("kavenegar", key, "", settings.KAVENEGAR_BASE_URL), "kavenegar", None)


def gateway_of_message(message: Message) -> Gateway | None:
    """The gateway a text has gone through, for asking about it later."""
    if message.account is not None:
        return gateway_of_account(message.account)
    return installation_gateway()


def rest_account(account_id: int | None, code: str, now: dt.datetime) -> None:
    """Let a refused account rest, and let the clinic see why. Nothing queued is lost meanwhile."""
    if account_id is None:
        return  # the installation's own: each text's back-off is its rest
    ProviderAccount.objects.filter(pk=account_id).update(paused_at=now, pause_code=code)


def wake_account(account_id: int | None) -> None:
    if account_id is None:
        return
    ProviderAccount.objects.filter(pk=account_id, paused_at__isnull=False).update(
        paused_at=None, pause_code=""
    )


def addresses_in_use() -> list[str]:
    """Base addresses that a text could leave through; none while no key is set anywhere."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        kinds = set(ProviderAccount.objects.filter(active=True).values_list("kind", flat=True))
    if settings.KAVENEGAR_API_KEY:
        kinds.add("kavenegar")
    return [_base_url(kind) for kind in kinds]


gateways_in_use.append(addresses_in_use)


def _base_url(kind: str) -> str:
    return {"kavenegar": settings.KAVENEGAR_BASE_URL}[kind]


@lru_cache(maxsize=256)
def _provider(kind: str, key: str, sender: str, base_url: str) -> Provider:
    # Kept, because it holds the open connections.
    return get_provider(kind, api_key=key, sender=sender, base_url=base_url)


@lru_cache(maxsize=1)
def _allowed() -> frozenset[str]:
    numbers = set()
    for raw in settings.ALLOWED_RECIPIENTS:
        try:
            numbers.add(normalise(raw))
        except PhoneError:
            continue
    return frozenset(numbers)
