"""The gateways, by the name kept in an account's `kind`; imported on first use."""

from importlib import import_module
from typing import Any, cast

from messaging.providers.base import Provider

PROVIDERS = {
    "email": "messaging.providers.email.Email",
    "kavenegar": "messaging.providers.kavenegar.Kavenegar",
    "kavenegar_lookup": "messaging.providers.kavenegar_lookup.KavenegarLookup",
    "smsir": "messaging.providers.smsir.SmsIr",
    "whatsapp": "messaging.providers.whatsapp.WhatsApp",
}


class UnknownProviderError(ValueError):
    """No gateway of that name."""


def provider_class(kind: str) -> type[Provider]:
    """The class behind `kind`: enough for reading callbacks. Raises `UnknownProviderError`."""
    try:
        module, _, name = PROVIDERS[kind].rpartition(".")
    except KeyError:
        raise UnknownProviderError(f"there is no provider named {kind!r}") from None
    return cast("type[Provider]", getattr(import_module(module), name))


def get_provider(kind: str, **settings: Any) -> Provider:
    """An account at a gateway. Keep it while sending: it holds the open connections.

    Raises `UnknownProviderError`, and `ValueError` for settings that cannot work.
    """
    return provider_class(kind)(**settings)
