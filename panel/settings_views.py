"""Settings: the SMS gateway, and whether texts leave at all."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.templatetags.peygir import toman
from clinic.toasts import done
from followup.actions import go_live, return_to_shadow
from followup.models import Rule
from followup.preview import upcoming
from messaging.accounts import gateways_of
from messaging.models import Message, ProviderAccount, State, Template
from panel import gateway as accounts
from panel.rule_words import name
from panel.samples import sample
from panel.settings_forms import GatewayForm

FORM_METHODS = ["GET", "HEAD", "POST"]
#: How far the page that asks about going live looks back, and ahead.
LOOK_BACK = dt.timedelta(days=7)
LOOK_AHEAD = dt.timedelta(days=1)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def gateway(request: ClinicRequest) -> HttpResponse:
    account = accounts.active_account()
    has_key = bool(account and account.api_key)
    initial = {"sender": account.sender if account else ""}
    form = GatewayForm(request.POST or None, has_key=has_key, initial=initial)
    if form.is_bound and form.is_valid() and _keep_if_known(request, form):
        return redirect(clinic_url(request.clinic, "texting:gateway"))
    context = {
        "form": form,
        "account": account,
        "callback": accounts.callback_address(account) if account else "",
        "inbound": accounts.inbound_address(account) if account else "",
        "pause": accounts.explain_code(account.pause_code) if account and account.paused_at else "",
        "shared": bool(settings.KAVENEGAR_API_KEY),
    }
    return render(request, "panel/gateway.html", context)


def _keep_if_known(request: ClinicRequest, form: GatewayForm) -> bool:
    """Save what was typed, unless the gateway says the key is wrong. False when it does."""
    key, sender = form.cleaned_data["api_key"], form.cleaned_data["sender"]
    check = accounts.ask(ProviderAccount(sender=sender, api_key=key)) if key else None
    if check and check.wrong_key:
        form.add_error("api_key", check.problem)
        return False
    accounts.keep(sender, key, now=timezone.now())
    done(request, _("The gateway's settings are saved."))
    if check:
        _say(request, check)
    return True


@require_POST
@clinic_view(*MANAGERS)
def gateway_check(request: ClinicRequest) -> HttpResponse:
    account = accounts.active_account()
    if account is None or not account.api_key:
        messages.error(request, _("There is no key yet. Write it first."))
    else:
        _say(request, accounts.ask(account))
    return redirect(clinic_url(request.clinic, "texting:gateway"))


def _say(request: ClinicRequest, check: accounts.Check) -> None:
    if check.info is None:
        messages.warning(request, check.problem)
        return
    credit = toman(check.info.credit_rial)
    messages.success(request, _("The key works. Credit left: %(credit)s.") % {"credit": credit})


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def gateway_remove(request: ClinicRequest) -> HttpResponse:
    back = clinic_url(request.clinic, "texting:gateway")
    if request.method == "POST":
        accounts.remove()
        done(request, _("The clinic's own account is removed."))
        return redirect(back)
    question = {
        "question": _("Remove the clinic's own account?"),
        "text": _("Texts then leave through the shared account, if there is one, or not at all."),
        "label": _("Remove"),
        "back": back,
        "danger": True,
    }
    return render(request, "confirm.html", question)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def live(request: ClinicRequest) -> HttpResponse:
    """Shows what sending would mean, and starts it."""
    now = timezone.now()
    ready = bool(gateways_of({request.clinic.pk}))
    if request.method == "POST":
        if not ready:
            messages.error(request, _("No SMS account is set up, so nothing could be sent."))
            return redirect(clinic_url(request.clinic, "texting:gateway"))
        go_live(request.clinic, now=now)
        done(request, _("Sending has begun. The first texts leave when they fall due."))
        return redirect(clinic_url(request.clinic, "texting:live"))
    return render(request, "panel/live.html", {"ready": ready, **_outlook(request, now)})


def _outlook(request: ClinicRequest, now: dt.datetime) -> dict[str, object]:
    past = Message.objects.filter(due_at__gt=now - LOOK_BACK, due_at__lte=now).aggregate(
        shadow=Count("pk", filter=Q(state=State.SHADOW)),
        skipped=Count("pk", filter=Q(state=State.SKIPPED)),
    )
    coming = upcoming(request.clinic, now, now + LOOK_AHEAD)
    on = list(Rule.objects.filter(enabled=True))
    wordings = Template.objects.filter(key__in=[rule.key for rule in on])
    lacking = {p for w in wordings for p in sample(request.clinic, w.body).lacking}
    return {
        "past": past,
        # In trial mode a text that is due becomes *shadow* where it would have been sent.
        "coming": sum(1 for text in coming if text.state in (State.QUEUED, State.SHADOW)),
        "rules": [name(r) for r in on],
        "lacking": sorted(lacking, key=lambda p: p.name),
    }


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def live_stop(request: ClinicRequest) -> HttpResponse:
    back = clinic_url(request.clinic, "texting:live")
    if request.method == "POST":
        return_to_shadow(request.clinic)
        done(request, _("Sending is stopped; the clinic is back in trial mode."))
        return redirect(back)
    question = {
        "question": _("Stop all texts?"),
        "text": _(
            "The clinic goes back to trial mode: texts are planned and shown, and none leaves. What"
            " falls due meanwhile is not sent later."
        ),
        "label": _("Stop sending"),
        "back": back,
        "danger": True,
    }
    return render(request, "confirm.html", question)
