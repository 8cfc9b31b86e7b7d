"""Settings: the rules of follow-up, what each does, and what an edit would change."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.templatetags.peygir import number
from clinic.toasts import done
from followup.actions import switch
from followup.editing import edit, general_wordings
from followup.models import Kind, Rule
from followup.reading import read
from followup.what_if import Difference, what_if
from messaging.costs import cost_of_part
from messaging.models import Template
from messaging.parts import count_parts
from panel.channels import channels_with_account
from panel.choosing import OFFERED
from panel.rule_forms import RuleForm
from panel.rule_words import Names, grouped, limits, name, remark, sentence
from panel.samples import sample
from panel.wording_words import described
from patients.models import Client
from patients.queries import search

#: Rows of each list that are shown of a difference; the counts are of all.
SHOWN = 5
SAVE = "save"


@require_safe
@clinic_view(*MANAGERS)
def rules(request: ClinicRequest) -> HttpResponse:
    every = list(Rule.objects.all())
    names = Names.of(every)
    alternates = Template.objects.filter(plain=False).order_by()
    counts = Counter(alternates.values_list("key", flat=True))
    groups = [
        (group.title, [_row(rule, names, counts[rule.key]) for rule in group.rules])
        for group in grouped(every)
    ]
    return render(request, "panel/rules.html", {"groups": groups})


def _row(rule: Rule, names: Names, wordings: int) -> dict[str, Any]:
    return {
        "rule": rule,
        "name": name(rule),
        "sentence": sentence(rule),
        "limits": limits(rule, names),
        "wordings": wordings,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view(*MANAGERS)
def rule(request: ClinicRequest, pk: int) -> HttpResponse:
    """The rule's numbers. What is posted is shown as a difference first, and saved when seen."""
    now = timezone.now()
    found = get_object_or_404(Rule, pk=pk)
    form = _form(found, request.POST or None)
    difference = None
    if form.is_bound and form.is_valid():
        seen = request.POST.get("seen") == form.digest
        if request.POST.get("step") == SAVE and seen:
            return _saved(request, found, form, now)
        difference = what_if(found, form.changes, now) if form.changes else Difference()
    context = _about(request, found) | {"form": form, **_shown(form, difference)}
    return render(request, "panel/rule.html", context, status=422 if form.errors else 200)


@require_POST
@clinic_view(*MANAGERS)
def rule_sentence(request: ClinicRequest, pk: int) -> HttpResponse:
    """The rule as it would be, in its sentence, while somebody chooses: a fragment for HTMX."""
    form = _form(get_object_or_404(Rule, pk=pk), request.POST)
    wanted = sentence(form.as_wanted()) if form.is_valid() else ""
    return render(request, "panel/rule_sentence.html", {"wanted": wanted, "form": form})


def _form(rule: Rule, data: Any) -> RuleForm:
    return RuleForm(data, rule=rule, stages=_stages(rule), carried=channels_with_account())


def _stages(rule: Rule) -> list[Rule]:
    """The other words to a silent client, in their order."""
    if rule.kind != Kind.SILENT:
        return []
    return list(Rule.objects.filter(kind=Kind.SILENT).exclude(pk=rule.pk))


def _saved(request: ClinicRequest, rule: Rule, form: RuleForm, now: dt.datetime) -> HttpResponse:
    edit(rule, form.changes, now=now)
    done(request, _("«%(name)s» is saved: %(sentence)s.") % _said(rule))
    return redirect(clinic_url(request.clinic, "texting:rule", rule.pk))


def _said(rule: Rule) -> dict[str, str]:
    return {"name": name(rule), "sentence": sentence(rule)}


def _about(request: ClinicRequest, rule: Rule) -> dict[str, Any]:
    """What the page says about a rule beside the form."""
    wordings = Template.objects.filter(key=rule.key).select_related("service", "therapist")
    rows = [
        (wording, described(wording), sample(request.clinic, wording.body, rule, invites=wording.invites))
        for wording in wordings
    ]  # fmt: skip
    return {
        "rule": rule,
        "name": name(rule),
        "sentence": sentence(rule),
        "remark": remark(rule),
        "limits": limits(rule, Names.of([rule])),
        "wordings": sorted(rows, key=lambda row: row[1].order),
    }


def _shown(form: RuleForm, difference: Difference | None) -> dict[str, Any]:
    if difference is None:
        return {}
    wanted = form.as_wanted()
    return {
        "difference": difference,
        "wanted": sentence(wanted),
        "wanted_limits": limits(wanted, Names.of([wanted])),
        "changed": bool(form.changes),
        "shown": SHOWN,
    }


# -- With a real client ------------------------------------------------------------------------


@require_safe
@clinic_view(*MANAGERS)
def rule_try(request: ClinicRequest, pk: int) -> HttpResponse:
    """The text as one client would read it: `find` searches, `client` chooses."""
    now = timezone.now()
    found = get_object_or_404(Rule.objects.select_related("clinic"), pk=pk)
    context: dict[str, Any] = {"rule": found, "name": name(found), **_offered(request)}
    if chosen := request.GET.get("client", ""):
        client = get_object_or_404(Client, pk=chosen if chosen.isdecimal() else 0)
        context |= _as_read(request, found, client, now)
    page = "panel/rule_reading.html" if request.htmx else "panel/rule_try.html"
    return render(request, page, context)


def _offered(request: ClinicRequest) -> dict[str, Any]:
    typed = request.GET.get("find", "").strip()
    hits = list(search(Client.objects.all(), typed)[: OFFERED + 1]) if typed else []
    return {"typed": typed, "clients": hits[:OFFERED], "more": len(hits) > OFFERED}


def _as_read(
    request: ClinicRequest, rule: Rule, client: Client, now: dt.datetime
) -> dict[str, Any]:
    reading = read(rule, client, now)
    likely = None
    if not reading.text:
        body = general_wordings(rule.key).values_list("body", flat=True).first()
        likely = sample(request.clinic, body, rule, client=client) if body else None
    text = reading.text or (likely.text if likely else "")
    parts = count_parts(text)
    price = cost_of_part(now)
    return {
        "reading": reading,
        "text": text,
        "is_sample": not reading.text,
        "parts": parts,
        "cost": price * parts.parts if price else None,
    }


# -- On and off --------------------------------------------------------------------------------


@require_POST
@clinic_view(*MANAGERS)
def rule_on(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Rule, pk=pk)
    if not general_wordings(found.key).exists():
        messages.error(request, _("This rule has no text for everybody. Write one first."))
        return redirect(clinic_url(request.clinic, "texting:rule", pk))
    switch(found, True, now=timezone.now())
    said = _("«%(name)s» is on, from now on.") % {"name": name(found)}
    return _switched(request, said, "texting:rule_off", pk)


@require_POST
@clinic_view(*MANAGERS)
def rule_off(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Rule, pk=pk)
    cancelled = switch(found, False, now=timezone.now())
    said = _("«%(name)s» is off.") % {"name": name(found)}
    if cancelled:
        said += " " + _("%(n)s waiting texts were cancelled.") % {"n": number(cancelled)}
    return _switched(request, said, "texting:rule_on", pk)


def _switched(request: ClinicRequest, said: str, back: str, pk: int) -> HttpResponse:
    done(request, said, undo=clinic_url(request.clinic, back, pk))
    return redirect(f"{clinic_url(request.clinic, 'texting:rules')}#rule-{pk}")
