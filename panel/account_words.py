"""What gateways say about an account, in words of whoever can mend it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from messaging.providers.base import ProviderError, Reason
from panel.channels import GATEWAYS

_KEY = gettext_lazy("%(name)s does not know this key. Copy it again from your account there.")
_ADDRESS = gettext_lazy(
    "The account does not allow this server's address. Allow it in your account."
)
_LINE = gettext_lazy("The sender line does not belong to the account.")
_CREDIT = gettext_lazy("The account has run out of credit. Top it up.")
_LOCKED = gettext_lazy("%(name)s has locked the account. Ask its support why.")
_PLAN = gettext_lazy("The account's plan does not include this. Have it changed.")
_TEMPLATE = gettext_lazy("%(name)s has not approved one of the templates that the texts name.")
_TRIAL = gettext_lazy(
    "A trial account can only text its owner. Have the account verified."
)  # fmt: skip

_KAVENEGAR: Mapping[str, Promise] = {
    **dict.fromkeys(("401", "403"), _KEY),
    **dict.fromkeys(("407", "416"), _ADDRESS),
    "412": _LINE,
    "418": _CREDIT,
    **dict.fromkeys(("424", "432"), _TEMPLATE),
    **dict.fromkeys(("426", "427"), _PLAN),
    "501": _TRIAL,
}
_CODES: Mapping[str, Mapping[str, Promise]] = {
    "kavenegar": _KAVENEGAR,
    "kavenegar_lookup": _KAVENEGAR,
    "smsir": {
        **dict.fromkeys(("10", "11", "401"), _KEY),
        "12": _ADDRESS,
        **dict.fromkeys(("13", "14"), _LOCKED),
        **dict.fromkeys(("101", "123"), _LINE),
        "102": _CREDIT,
        "119": _PLAN,
    },
    "whatsapp": {
        **dict.fromkeys(("0", "190", "10"), _KEY),
        "33": gettext_lazy("There is no such phone number id in this WhatsApp account."),
        **dict.fromkeys(("368", "131031"), _LOCKED),
        "131042": gettext_lazy("WhatsApp could not charge the account. Look at its payment."),
        "131048": gettext_lazy(
            "WhatsApp holds the number back because too many of its texts were unwelcome."
        ),
        "133010": gettext_lazy("The number is not registered with WhatsApp's service yet."),
    },
}
#: Codes that say the key itself is not accepted; Kavenegar's documents tell them apart two ways.
_WRONG_KEY: Mapping[str, frozenset[str]] = {
    kind: frozenset(code for code, words in codes.items() if words is _KEY)
    for kind, codes in _CODES.items()
}
_NO_ANSWER = (Reason.NOT_CONNECTED, Reason.TIMED_OUT, Reason.CONNECTION_LOST)


def name_of(kind: str) -> str:
    return str(GATEWAYS.get(kind, kind))


def is_wrong_key(kind: str, error: ProviderError) -> bool:
    return str(error.code) in _WRONG_KEY.get(kind, frozenset())


def wrong_key(kind: str) -> str:
    return str(_KEY) % {"name": name_of(kind)}


def explain(kind: str, error: ProviderError) -> str:
    """What happened and what to do."""
    if error.reason in _NO_ANSWER:
        return _("%(name)s did not answer. Try again in a few minutes; nothing was changed.") % {
            "name": name_of(kind)
        }
    return explain_code(kind, "" if error.code is None else str(error.code))


def explain_code(kind: str, code: str) -> str:
    """The same for a code kept from an earlier answer."""
    said = {"name": name_of(kind), "code": code or "—"}
    known = _CODES.get(kind, {}).get(code)
    if known is not None:
        return str(known) % said
    return _("%(name)s refused, with the code %(code)s. Ask its support.") % said
