"""Trying a text on one's own phone: what is said about how it went."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.utils.translation import gettext as _

from clinic.access import ClinicRequest
from clinic.toasts import done
from messaging.providers.base import ProviderError
from messaging.trial import TrialError, gateway_for, send_trial
from panel.account_words import explain
from panel.settings_forms import TrialForm

#: Where the number is remembered until the person signs out.
_REMEMBERED = "trial_phone"


def trial_form(request: ClinicRequest) -> TrialForm:
    """As it was sent, or with the number that was tried last."""
    data = request.POST if "trial_phone" in request.POST else None
    return TrialForm(data, initial={"trial_phone": request.session.get(_REMEMBERED, "")})


def carry_out(request: ClinicRequest, form: TrialForm, text: str, *, now: dt.datetime) -> None:
    """Send the text and say what came of it; the form is valid."""
    phone = form.cleaned_data["trial_phone"]
    request.session[_REMEMBERED] = phone
    try:
        _send(request, phone, text, now)
    except TrialError as error:
        messages.error(request, str(error))


def _send(request: ClinicRequest, phone: str, text: str, now: dt.datetime) -> None:
    gateway = gateway_for(request.clinic, phone, now)
    try:
        send_trial(gateway, request.clinic, phone, text, now=now)
    except ProviderError as error:
        messages.error(request, explain(gateway.kind, error))
    else:
        done(request, _("The text has left. It should be on your phone in a moment."))
