"""Channels and gateways: what they are called and how they look."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from messaging.accounts import installation_gateway
from messaging.models import Channel, ProviderAccount

CHANNEL_ICONS: Mapping[str, str] = {
    Channel.SMS: "device-mobile",
    Channel.WHATSAPP: "messages",
    Channel.EMAIL: "mail",
    Channel.CALL: "phone",
}

#: By the name kept in an account's `kind` and in a message's `provider`.
GATEWAYS: Mapping[str, StrPromise] = {
    "kavenegar": _("Kavenegar"),
    "kavenegar_lookup": _("Kavenegar, approved texts only"),
    "smsir": _("sms.ir"),
    "whatsapp": _("WhatsApp"),
    "email": _("the mail server of this installation"),
    "call": _("reception"),
}


def channels_with_account() -> frozenset[str]:
    """The channels that texts of the clinic in scope can leave by; a call always can."""
    own = ProviderAccount.objects.filter(active=True).values_list("channel", flat=True)
    shared = [c for c in (Channel.SMS, Channel.EMAIL) if installation_gateway(c) is not None]
    return frozenset({*own, *shared, Channel.CALL})
