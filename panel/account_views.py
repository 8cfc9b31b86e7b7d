"""Settings: the accounts that carry the clinic's texts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.templatetags.peygir import toman
from clinic.toasts import done
from messaging.accounts import installation_gateway, mail_is_set_up
from messaging.models import Channel, ProviderAccount
from panel import accounts
from panel.account_forms import AccountForm, form_for
from panel.accounts import PLACES, Place
from panel.settings_forms import TrialForm
from panel.trial import carry_out, trial_form

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_safe
@clinic_view(*MANAGERS)
def gateway(request: ClinicRequest) -> HttpResponse:
    """All accounts, how they stand, and what stands in where one is missing."""
    return _gateway_page(request, trial_form(request))


@require_POST
@clinic_view(*MANAGERS)
def trial(request: ClinicRequest) -> HttpResponse:
    """A fixed text to the phone of whoever asks, through the account that is in use."""
    form = trial_form(request)
    if not form.is_valid():
        return _gateway_page(request, form, status=422)
    text = _("A trial text of %(clinic)s. If you read this, the SMS account works.")
    carry_out(request, form, text % {"clinic": request.clinic.name}, now=timezone.now())
    return redirect(clinic_url(request.clinic, "texting:gateway"))


def _gateway_page(request: ClinicRequest, form: TrialForm, status: int = 200) -> HttpResponse:
    kept = {(a.channel, a.standby): a for a in ProviderAccount.objects.filter(active=True)}
    rows = [_row(place, kept.get((place.channel, place.standby))) for place in PLACES.values()]
    context = {
        "rows": rows,
        "shared": installation_gateway() is not None,
        "has_first": rows[0]["account"] is not None,
        "mail": mail_is_set_up(),
        "trial": form,
    }
    return render(request, "panel/gateway.html", context, status=status)


def _row(place: Place, account: ProviderAccount | None) -> dict[str, Any]:
    pause = accounts.pause_of(account) if account else None
    return {"place": place, "account": account, "pause": pause}


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def account(request: ClinicRequest, place: str) -> HttpResponse:
    """One account: its form, and what to tell the gateway about us."""
    here = _place(place)
    form = form_for(here, request.POST or None)
    if form.is_bound and form.is_valid() and _keep_if_known(request, here, form):
        return redirect(clinic_url(request.clinic, "texting:account", place))
    kept = form.account
    context = {
        "form": form,
        "callback": accounts.callback_address(kept) if kept else "",
        "greeting": accounts.greeting_of(kept) if kept else "",
        **_row(here, kept),
    }
    refused = form.is_bound and bool(form.errors)
    return render(request, "panel/account.html", context, status=422 if refused else 200)


def _place(name: str) -> Place:
    if name not in PLACES:
        raise Http404
    return PLACES[name]


def _keep_if_known(request: ClinicRequest, place: Place, form: AccountForm) -> bool:
    """Save what was typed, unless the gateway says the key is wrong. False when it does."""
    now = timezone.now()
    wanted = accounts.proposed(place, form.wanted)
    is_new = bool(form.cleaned_data["api_key"])
    check = accounts.ask(wanted, now=now) if is_new else None
    if check and check.wrong_key:
        form.add_error("api_key", check.problem)
        return False
    kept = accounts.keep(place, wanted, now=now)
    if check and check.info:
        accounts.note(kept, check.info, now=now)
    done(request, _("The account's settings are saved."))
    if check:
        _say(request, check)
    return True


@require_POST
@clinic_view(*MANAGERS)
def account_check(request: ClinicRequest, place: str) -> HttpResponse:
    kept = accounts.account_in(_place(place))
    if kept is None or not kept.api_key:
        messages.error(request, _("There is no key yet. Write it first."))
    else:
        _say(request, accounts.ask(kept, now=timezone.now()))
    return redirect(clinic_url(request.clinic, "texting:gateway"))


def _say(request: ClinicRequest, check: accounts.Check) -> None:
    if check.info is None:
        messages.warning(request, check.problem)
    elif check.info.credit_rial is None:
        messages.success(request, _("The key works."))
    else:
        credit = toman(check.info.credit_rial)
        messages.success(request, _("The key works. Credit left: %(credit)s.") % {"credit": credit})


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def account_remove(request: ClinicRequest, place: str) -> HttpResponse:
    here = _place(place)
    back = clinic_url(request.clinic, "texting:gateway")
    if request.method == "POST":
        accounts.remove(here)
        done(request, _("The account is switched off."))
        return redirect(back)
    question = {
        "question": _("Switch this account off?"),
        "text": _afterwards(here),
        "label": _("Switch off"),
        "back": back,
        "danger": True,
    }
    return render(request, "confirm.html", question)


def _afterwards(place: Place) -> str:
    if place.standby:
        return _("If the first account fails, texts wait until it works again.")
    if place.channel == Channel.SMS:
        return _("Texts then leave through the standby or the shared account, or not at all.")
    return _("Rules that use this channel go on with the next one in their chain, or fail.")
