"""Settings: which reminders go, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Clinic
from clinic.templatetags.peygir import number
from clinic.text import clean
from clinic.toasts import done
from followup.actions import reword, switch
from followup.defaults import RULE_NAMES
from followup.models import Rule
from messaging.models import Template
from messaging.parts import Parts, count_parts
from messaging.placeholders import Placeholder, all_placeholders, find
from messaging.render import placeholders_of
from panel.settings_forms import TextForm


@dataclass(frozen=True, slots=True)
class Sample:
    """A text as a client would read it, and its size. `lacking`: values this clinic has not."""

    text: str
    parts: Parts
    lacking: list[Placeholder]


def sample(clinic: Clinic, body: str) -> Sample:
    """Fill a sound body with this clinic's own values, and believable ones for the rest."""
    own = {"clinic": clinic.name, "phone": clinic.phone, "address": clinic.address}

    def fill(match: re.Match[str]) -> str:
        found = find(match[1])
        return (own.get(found.name) or found.sample) if found else match[0]

    text = clean(re.sub(r"\{([^{}]*)\}", fill, body), lines=True)
    lacking = [p for p in placeholders_of(body) if p.name in own and not own[p.name]]
    return Sample(text, count_parts(text), list(dict.fromkeys(lacking)))


def _general(*keys: str) -> QuerySet[Template]:
    """The wordings for everybody, of all rules or of these."""
    wordings = Template.objects.filter(service=None, therapist=None, invites=False)
    return wordings.filter(key__in=keys) if keys else wordings


def rule_name(rule: Rule) -> str:
    return str(RULE_NAMES.get(rule.key, rule.key))


@require_safe
@clinic_view(*MANAGERS)
def rules(request: ClinicRequest) -> HttpResponse:
    bodies = {w.key: w.body for w in _general().order_by("-id")}
    rows = [
        {
            "rule": rule,
            "name": rule_name(rule),
            "sample": sample(request.clinic, bodies.get(rule.key, "")),
        }
        for rule in Rule.objects.all()
    ]
    return render(request, "panel/rules.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view(*MANAGERS)
def rule(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Rule, pk=pk)
    wording = get_object_or_404(_general(found.key)[:1])
    form = TextForm(request.POST or None, initial={"body": wording.body})
    if form.is_bound and form.is_valid():
        reword(wording, form.cleaned_data["body"], now=timezone.now(), by=request.user)
        done(request, _("The text is saved. It is used from the next text on."))
        return redirect(clinic_url(request.clinic, "texting:rules"))
    context: dict[str, object] = {
        "rule": found,
        "name": rule_name(found),
        "form": form,
        "placeholders": all_placeholders(),
        "sample": None if form.errors else sample(request.clinic, wording.body),
    }
    return render(request, "panel/rule.html", context)


@require_POST
@clinic_view(*MANAGERS)
def preview(request: ClinicRequest) -> HttpResponse:
    """The text under the editor, while somebody types: a fragment for HTMX."""
    form = TextForm(request.POST)
    made = sample(request.clinic, form.cleaned_data["body"]) if form.is_valid() else None
    context: dict[str, object] = {"sample": made, "problems": form.errors.get("body", [])}
    return render(request, "panel/text_sample.html", context)


@require_POST
@clinic_view(*MANAGERS)
def rule_on(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Rule, pk=pk)
    switch(found, True, now=timezone.now())
    said = _("«%(name)s» is on, from now on.") % {"name": rule_name(found)}
    return _switched(request, said, "texting:rule_off", pk)


@require_POST
@clinic_view(*MANAGERS)
def rule_off(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Rule, pk=pk)
    cancelled = switch(found, False, now=timezone.now())
    said = _("«%(name)s» is off.") % {"name": rule_name(found)}
    if cancelled:
        said += " " + _("%(n)s waiting texts were cancelled.") % {"n": number(cancelled)}
    return _switched(request, said, "texting:rule_on", pk)


def _switched(request: ClinicRequest, said: str, back: str, pk: int) -> HttpResponse:
    done(request, said, undo=clinic_url(request.clinic, back, pk))
    return redirect(clinic_url(request.clinic, "texting:rules"))
