"""Which gateway carries a clinic's texts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache

import structlog
from django.conf import settings
from django.db.models import Q

from clinic.commands import gateways_in_use
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import gates
from messaging.models import Channel, Message, ProviderAccount
from messaging.providers import get_provider, provider_class
from messaging.providers.base import Provider, ProviderError
from patients.phones import PhoneError, normalise

log = structlog.get_logger(__name__)

#: How long a refused account rests before it is asked, or one more text tries it.
REST = dt.timedelta(minutes=5)
#: The country that WhatsApp does not serve.
_IRAN = "+98"


@dataclass(frozen=True, slots=True)
class Gateway:
    """An account ready to be talked to. `account_id` is None for the installation's own."""

    provider: Provider = field(compare=False)
    kind: str
    account_id: int | None
    texts_iran: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """Its name among the gates that all senders share."""
        return f"{self.kind}:{self.account_id or 'installation'}"

    @property
    def calls_per_second(self) -> float:
        """0 for no limit: nothing on this machine needs sparing unless somebody says so."""
        limit: float | None = settings.GATEWAY_CALLS_PER_SECOND
        if limit is not None:
            return limit
        return 0 if self.provider.is_loopback else self.provider.calls_per_second

    def may_text(self, recipient: str) -> bool:
        """Outside production only listed numbers are texted, except through a loopback gateway."""
        return settings.PRODUCTION or self.provider.is_loopback or recipient in _allowed()

    def serves(self, recipient: str) -> bool:
        whatsapp = self.provider.channel == Channel.WHATSAPP
        return not whatsapp or self.texts_iran or not recipient.startswith(_IRAN)


class Carriers:
    """Who carries the texts of some clinics, as accounts and gates stand at one moment."""

    def __init__(self, clinic_ids: Collection[int], now: dt.datetime) -> None:
        self._now = now
        self._own: dict[tuple[int, str], list[ProviderAccount]] = defaultdict(list)
        accounts = ProviderAccount.objects.filter(clinic__in=clinic_ids, active=True)
        for account in accounts.order_by("standby", "pk"):
            self._own[account.clinic_id, account.channel].append(account)

    def of(self, message: Message) -> Gateway | None:
        """The gateway for a message; None where its clinic has none for this channel.

        What a gateway may have taken already goes through it again and through no other: only there
        a second copy would be recognised.
        """
        if message.negative_lookups:
            return gateway_of_message(message)
        return self.first(message.clinic_id, message.channel)

    def first(self, clinic_id: int, channel: str) -> Gateway | None:
        """The first account that is well, or the first of all where none is."""
        accounts = self._own.get((clinic_id, channel))
        if not accounts:
            return installation_gateway(channel)
        well = (account for account in accounts if self._is_well(account))
        return gateway_of_account(next(well, accounts[0]))

    def rests(self, gateway: Gateway) -> bool:
        """Whether its account refused us lately."""
        accounts = (account for found in self._own.values() for account in found)
        return any(a.pk == gateway.account_id and self._rests(a) for a in accounts)

    def _is_well(self, account: ProviderAccount) -> bool:
        gateway = None if self._rests(account) else gateway_of_account(account)
        return gateway is not None and gates.closed_until(gateway.key, self._now) is None

    def _rests(self, account: ProviderAccount) -> bool:
        return account.paused_at is not None and account.paused_at > self._now - REST


def gateways_of(
    clinic_ids: set[int], now: dt.datetime | None = None, channel: str = Channel.SMS
) -> dict[int, Gateway]:
    """Each clinic's gateway: its own account, or the installation's. Absent where there is none."""
    carriers = Carriers(clinic_ids, now or dt.datetime.min.replace(tzinfo=dt.UTC) + 2 * REST)
    found = {clinic_id: carriers.first(clinic_id, channel) for clinic_id in clinic_ids}
    return {clinic_id: gateway for clinic_id, gateway in found.items() if gateway is not None}


def gateway_of_account(account: ProviderAccount) -> Gateway | None:
    """None for an account that cannot work, as one whose key can no longer be read: its clinic's
    texts wait and say so, and nobody else's do."""
    try:
        provider = _provider(
            account.kind,
            account.api_key,
            account.sender,
            _base_url(account.kind),
            account.rial_per_credit,
        )
    except ValueError:
        return None
    return Gateway(provider, account.kind, account.pk, account.texts_iran)


def installation_gateway(channel: str = Channel.SMS) -> Gateway | None:
    """What carries the texts of clinics without an account of their own."""
    if channel == Channel.SMS and settings.KAVENEGAR_API_KEY:
        key = settings.KAVENEGAR_API_KEY
        provider = _provider("kavenegar", key, "", settings.KAVENEGAR_BASE_URL)
        return Gateway(provider, "kavenegar", None)
    if channel == Channel.EMAIL and mail_is_set_up():
        return Gateway(_provider("email", "", "", ""), "email", None)
    return None


def mail_is_set_up() -> bool:
    """Whether the installation's letters leave; a clinic's letters do not belong into a log."""
    return not settings.EMAIL_BACKEND.endswith(("console.EmailBackend", "dummy.EmailBackend"))


def gateway_of_message(message: Message) -> Gateway | None:
    """The gateway a text has gone through, for asking about it later."""
    if message.account is not None:
        return gateway_of_account(message.account)
    return installation_gateway(message.channel)


def rest_account(gateway: Gateway, code: str, now: dt.datetime) -> None:
    """Let a refused account rest, and let the clinic see why. Nothing queued is lost meanwhile."""
    if gateway.account_id is None:
        gates.close(gateway.key, now + REST)
        return
    ProviderAccount.objects.filter(pk=gateway.account_id).update(paused_at=now, pause_code=code)


def has_substitute(gateway: Gateway, now: dt.datetime) -> bool:
    """Whether another account of the same clinic and channel is not resting."""
    mine = ProviderAccount.objects.filter(pk=gateway.account_id or 0).values("clinic", "channel")
    others = ProviderAccount.objects.filter(
        active=True, clinic__in=mine.values("clinic"), channel__in=mine.values("channel")
    ).exclude(pk=gateway.account_id or 0)
    return others.filter(Q(paused_at=None) | Q(paused_at__lte=now - REST)).exists()


def wake_account(account_id: int | None) -> None:
    if account_id is None:
        return
    ProviderAccount.objects.filter(pk=account_id, paused_at__isnull=False).update(
        paused_at=None, pause_code=""
    )


def learn_links_are_refused(gateway: Gateway) -> bool:
    """Whether it is news: from now on this account's texts are written without links."""
    if gateway.account_id is None:
        return False  # the installation's own has no row to learn it in
    account = ProviderAccount.objects.filter(pk=gateway.account_id, refuses_links=False)
    return bool(account.update(refuses_links=True))


def check_resting(now: dt.datetime) -> int:
    """Ask the accounts that have rested whether they are well again; returns how many are.

    One that says yes is open at once. One that says no rests on, so that no text is spent on it;
    one that does not say lets a text try. What the question cannot see, a blocked line above all,
    shows in the next text, and the account rests again.
    """
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        rested = ProviderAccount.objects.filter(active=True, paused_at__lte=now - REST)
        accounts = list(rested.order_by("pk")[:50])
    return sum(_check(account, now) for account in accounts)


def _check(account: ProviderAccount, now: dt.datetime) -> bool:
    gateway = gateway_of_account(account)
    try:
        info = gateway.provider.account() if gateway else None
    except ProviderError as error:
        log.info("account_not_well", gateway=account.kind, account=account.pk, reason=error.reason)
        info = None
    well = info is not None and info.credit_rial != 0
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        row = ProviderAccount.objects.filter(pk=account.pk, paused_at=account.paused_at)
        if info is None or not well:
            row.update(paused_at=now)
        else:
            row.update(paused_at=None, pause_code="", checked_at=now, credit_rial=info.credit_rial)
    return well


def addresses_in_use() -> list[str]:
    """Base addresses that a text could leave through; none while no key is set anywhere."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        kinds = set(ProviderAccount.objects.filter(active=True).values_list("kind", flat=True))
    if settings.KAVENEGAR_API_KEY:
        kinds.add("kavenegar")
    if mail_is_set_up():
        kinds.add("email")
    return [_base_url(kind) for kind in kinds]


gateways_in_use.append(addresses_in_use)


def _base_url(kind: str) -> str:
    """Where a kind of gateway is talked to; for e-mail the server, or where its files lie."""
    if kind == "email":
        by_smtp = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
        return f"smtp://{settings.EMAIL_HOST if by_smtp else 'localhost'}"
    return str(getattr(settings, provider_class(kind).address_setting))


@lru_cache(maxsize=256)
def _provider(
    kind: str, key: str, sender: str, base_url: str, rial_per_credit: int = 0
) -> Provider:
    # Kept, because it holds the open connections.
    price = {"rial_per_credit": rial_per_credit} if provider_class(kind).counts_texts else {}
    return get_provider(kind, api_key=key, sender=sender, base_url=base_url, **price)


@lru_cache(maxsize=1)
def _allowed() -> frozenset[str]:
    numbers = set()
    for raw in settings.ALLOWED_RECIPIENTS:
        try:
            numbers.add(normalise(raw))
        except PhoneError:
            continue
    return frozenset(numbers)
