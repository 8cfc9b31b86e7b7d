"""The form of an account at a gateway. Secrets are only ever written, never shown."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.formfields import TomanField
from clinic.text import ascii_digits
from messaging.models import Channel, ProviderAccount
from panel.accounts import Place, account_in
from panel.channels import GATEWAYS

_KEPT = _("One is kept, encrypted. Leave this empty to keep it.")
_SECRET = {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}


class AccountForm(forms.Form):
    """For the account in `place`, whose present one is `account`."""

    kind = forms.ChoiceField(label=_("Gateway"), widget=forms.RadioSelect)
    api_key = forms.CharField(
        label=_("API key"), max_length=1000, required=False, widget=forms.PasswordInput
    )
    app_secret = forms.CharField(
        label=_("App secret"), max_length=200, required=False, widget=forms.PasswordInput
    )
    sender = forms.CharField(label=_("Sender line"), max_length=40, required=False)
    rial_per_credit = TomanField(
        label=_("Price of one text"), required=False, min_value=1, max_value=100_000
    )
    texts_iran = forms.BooleanField(
        label=_("Use it for numbers of Iran (+98) all the same"), required=False
    )

    def __init__(self, data: Any = None, *, place: Place, account: ProviderAccount | None) -> None:
        super().__init__(data)
        self.place, self.account = place, account
        kinds: Any = self.fields["kind"]
        kinds.choices = [(kind, GATEWAYS[kind]) for kind in place.kinds]
        self.fields["sender"].widget.attrs |= {"dir": "ltr", "inputmode": "numeric"}
        for name in ("api_key", "app_secret"):
            self.fields[name].widget.attrs |= _SECRET
            if account and getattr(account, name):
                self.fields[name].help_text = _KEPT
            else:
                self.fields[name].required = True
        self._say(place)
        self.initial = {
            "kind": account.kind if account else place.kinds[0],
            "sender": account.sender if account else "",
            "texts_iran": account.texts_iran if account else False,
            "rial_per_credit": account.rial_per_credit or None if account else None,
        }

    def _say(self, place: Place) -> None:
        """The words of the channel, and no field that it does not have."""
        if place.channel == Channel.WHATSAPP:
            self.fields["api_key"].label = _("Access token")
            secret = self.fields["app_secret"]
            secret.help_text = secret.help_text or _(
                "Of the app in Meta's panel. Without it nothing that WhatsApp reports could be believed."
            )
            self.fields["sender"].label = _("Phone number id")
            self.fields["sender"].help_text = _(
                "The id of the number in Meta's panel, not the number."
            )
            self.fields["texts_iran"].help_text = _(
                "Only if you know that messages reach your clients: Meta says that it serves no"
                " number of Iran, and what it does not deliver may be counted against the account."
            )
            self.fields["sender"].required = True
            del self.fields["kind"], self.fields["rial_per_credit"]
            return
        del self.fields["app_secret"], self.fields["texts_iran"]
        self.fields["sender"].help_text = _(
            "The number texts come from. When empty, the account's own first line; sms.ir wants it."
        )
        self.fields["rial_per_credit"].help_text = _(
            "In Toman, and only for sms.ir: it counts texts, not money. Without it the month's limit"
            " does not know what they cost."
        )
        key = self.fields["api_key"]
        key.help_text = key.help_text or _(
            "From your account at the gateway, under its settings. It is kept encrypted."
        )

    @property
    def kind_wanted(self) -> str:
        return str(self.cleaned_data.get("kind") or self.place.kinds[0])

    @property
    def is_another_kind(self) -> bool:
        return self.account is None or self.account.kind != self.kind_wanted

    def clean_sender(self) -> str:
        sender = re.sub(r"[\s()+-]", "", ascii_digits(str(self.cleaned_data["sender"])))
        if sender and not re.fullmatch(r"[0-9]{3,32}", sender):
            raise ValidationError(_("It has digits only, like 10004346."))
        return sender

    def clean_api_key(self) -> str:
        key = ascii_digits(str(self.cleaned_data["api_key"])).strip()
        if key and not re.fullmatch(r"[0-9A-Za-z._|-]{8,1000}", key):
            raise ValidationError(_("A key has letters and digits only. Copy it whole."))
        return key

    def clean(self) -> dict[str, Any]:
        wanted = self.cleaned_data
        if self.is_another_kind and wanted.get("api_key") == "":
            self.add_error("api_key", _("The key is missing. Copy it from your account."))
        if self.kind_wanted == "smsir" and wanted.get("sender") == "":
            self.add_error("sender", _("This gateway wants it. Copy it from your account."))
        self._refuse_the_other_accounts_key()
        return wanted

    def _refuse_the_other_accounts_key(self) -> None:
        """A standby with the first account's key falls with it."""
        key = self.cleaned_data.get("api_key")
        if not key or self.place.channel != Channel.SMS:
            return
        others = ProviderAccount.objects.filter(
            active=True, channel=Channel.SMS, standby=not self.place.standby
        )
        if any((other.kind, other.api_key) == (self.kind_wanted, key) for other in others):
            self.add_error(
                "api_key",
                _("The clinic's other account has this key: one would fall with the other."),
            )

    @property
    def wanted(self) -> dict[str, Any]:
        """What `panel.accounts.proposed` takes."""
        return {**self.cleaned_data, "kind": self.kind_wanted}


def form_for(place: Place, data: Any = None) -> AccountForm:
    return AccountForm(data, place=place, account=account_in(place))
