"""Settings: whether texts leave at all, a stop for a while, and what they may cost."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import jalali
from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.actions import pause_texts, resume_texts
from clinic.links import clinic_url
from clinic.models import Clinic
from clinic.templatetags.peygir import number
from clinic.toasts import done
from followup.actions import go_live, return_to_shadow
from followup.models import Rule
from followup.preview import upcoming
from messaging.accounts import gateways_of
from messaging.models import Message, State, Template
from messaging.spending import WARN_AT, month_of, spent
from panel.pages import way_back
from panel.rule_words import name
from panel.samples import sample
from panel.settings_forms import LimitForm

FORM_METHODS = ["GET", "HEAD", "POST"]
#: How far the page that asks about going live looks back, and ahead.
LOOK_BACK = dt.timedelta(days=7)
LOOK_AHEAD = dt.timedelta(days=1)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def live(request: ClinicRequest) -> HttpResponse:
    """Shows what sending would mean, and starts it; once it has begun, how it stands."""
    now = timezone.now()
    ready = bool(gateways_of({request.clinic.pk}))
    if request.method == "POST":
        if not ready:
            messages.error(request, _("No SMS account is set up, so nothing could be sent."))
            return redirect(clinic_url(request.clinic, "texting:gateway"))
        go_live(request.clinic, now=now)
        done(request, _("Sending has begun. The first texts leave when they fall due."))
        return redirect(clinic_url(request.clinic, "texting:live"))
    return _page(request, LimitForm(initial=_limit_of(request.clinic)), now, ready=ready)


def _page(
    request: ClinicRequest, form: LimitForm, now: dt.datetime, *, ready: bool, status: int = 200
) -> HttpResponse:
    outlook = {} if request.clinic.is_live else _outlook(request, now)
    context = {"ready": ready, "form": form, "month": _month(request.clinic, now), **outlook}
    return render(request, "panel/live.html", context, status=status)


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
        "question": _("Go back to trial mode?"),
        "text": _(
            "Texts are planned and shown, and none leaves. What falls due meanwhile is not sent"
            " later."
        ),
        "label": _("Back to trial mode"),
        "back": back,
        "danger": True,
    }
    return render(request, "confirm.html", question)


# -- A stop for a while ------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def pause(request: ClinicRequest) -> HttpResponse:
    """Asks once, with what would wait and what would come too late; then stops all texts."""
    now = timezone.now()
    back = way_back(request, clinic_url(request.clinic, "texting:live"))
    if request.method == "POST":
        if pause_texts(request.clinic, by=request.user, now=now):
            done(
                request,
                _("All texts are stopped."),
                undo=clinic_url(request.clinic, "texting:resume"),
            )
        return redirect(back)
    waiting, late = _held_back(request.clinic, now)
    question = {
        "question": _("Stop all texts for a while?"),
        "text": _(
            "From now on nothing leaves but what safety needs. In the next 24 hours that holds back"
            " %(waiting)s texts; for %(late)s of them it would then be too late, and they are not"
            " sent any more. The others leave when you let them go on."
        )
        % {"waiting": number(waiting), "late": number(late)},
        "label": _("Stop all texts"),
        "back": back,
        "danger": True,
    }
    return render(request, "confirm.html", question)


def _held_back(clinic: Clinic, now: dt.datetime) -> tuple[int, int]:
    """How many texts a stop of `LOOK_AHEAD` would hold back, and how many would be too late."""
    until = now + LOOK_AHEAD
    queued = Message.objects.filter(
        state__in=(State.QUEUED, State.CLAIMED), attempt_at__lte=until, useful_until__gt=now
    )
    foreseen = (t for t in upcoming(clinic, now, until) if t.will_be_sent)
    ends = [*queued.values_list("useful_until", flat=True), *(t.useful_until for t in foreseen)]
    return len(ends), sum(end <= until for end in ends)


@require_POST
@clinic_view(*MANAGERS)
def resume(request: ClinicRequest) -> HttpResponse:
    back = way_back(request, clinic_url(request.clinic, "texting:live"))
    if resume_texts(request.clinic, by=request.user, now=timezone.now()):
        done(request, _("Texts leave again; what is still of use goes now."))
    return redirect(back)


# -- What texts may cost -----------------------------------------------------------------------


@require_POST
@clinic_view(*MANAGERS)
def limit(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    form = LimitForm(request.POST)
    if not form.is_valid():
        ready = bool(gateways_of({request.clinic.pk}))
        return _page(request, form, now, ready=ready, status=422)
    Clinic.objects.filter(pk=request.clinic.pk).update(**form.cleaned_data)
    done(request, _("The limit is saved."))
    return redirect(clinic_url(request.clinic, "texting:live"))


def _limit_of(clinic: Clinic) -> dict[str, int | None]:
    return {"monthly_cap_rial": clinic.monthly_cap_rial}


def _month(clinic: Clinic, now: dt.datetime) -> dict[str, Any]:
    """What this month's texts have cost, as the gateways said."""
    _starts_at, ends_at = month_of(clinic, now)
    cap, rial = clinic.monthly_cap_rial, spent(clinic, now)
    return {
        "title": jalali.month_title(now, tz=clinic.timezone),
        "spent": rial,
        "cap": cap,
        "ends_at": ends_at,
        "is_over": cap is not None and rial >= cap,
        "is_near": cap is not None and rial >= cap * WARN_AT,
    }
