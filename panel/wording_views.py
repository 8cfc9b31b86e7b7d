"""Settings: the wordings of a rule."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.links import clinic_url
from clinic.models import Clinic
from clinic.toasts import done
from followup.editing import misplaced_links, remove_wording, save_wording
from followup.models import Rule
from messaging.models import Template
from messaging.placeholders import Placeholder, all_placeholders
from panel.rule_words import name, sentence
from panel.samples import BOOKING_LINK, Sample, sample
from panel.settings_forms import TrialForm, WordingForm
from panel.trial import carry_out, trial_form
from panel.wording_words import described

FORM_METHODS = ["GET", "HEAD", "POST"]
#: Steps of the form that save nothing: to see the text, and to get it on one's own phone.
LOOK, TRY = "look", "try"


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def wording_new(request: ClinicRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(Rule, pk=pk), Template())


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def wording(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Template, pk=pk)
    return _edit(request, _rule_of(found), found)


def _rule_of(wording: Template) -> Rule:
    return get_object_or_404(Rule, key=wording.key)


def _edit(request: ClinicRequest, rule: Rule, wording: Template) -> HttpResponse:
    initial = {
        "body": wording.body,
        "service": wording.service_id,
        "therapist": wording.therapist_id,
        "invites": wording.invites,
        "plain": wording.plain,
        "approved_name": wording.approved_name,
    }
    form = WordingForm(request.POST or None, rule=rule, wording=wording, initial=initial)
    trial = trial_form(request)
    step = request.POST.get("step")
    if step == TRY:
        _try(request, form, trial, rule)
    elif step != LOOK and _is_good(form) and _keep(request, form, rule, wording):
        done(request, _("The text is saved. It is used from the next text on."))
        return redirect(clinic_url(request.clinic, "texting:rule", rule.pk))
    context = {
        "rule": rule,
        "name": name(rule),
        "sentence": sentence(rule),
        "wording": wording if wording.pk else None,
        "form": form,
        "chips": _chips(request.clinic, rule),
        "trial": trial if step == TRY else TrialForm(initial=trial.initial),
        **_looked_at(request, form, rule),
    }
    refused = form.is_bound and bool(form.errors)
    return render(request, "panel/wording.html", context, status=422 if refused else 200)


def _is_good(form: WordingForm) -> bool:
    return form.is_bound and form.is_valid()


def _try(request: ClinicRequest, form: WordingForm, trial: TrialForm, rule: Rule) -> None:
    """Send the text as it stands in the form, with sample values, to whoever writes it."""
    if _is_good(form) and trial.is_valid():
        invites = form.cleaned_data.get("invites", False)
        text = sample(request.clinic, form.cleaned_data["body"], rule, invites=invites).text
        carry_out(request, trial, text, now=timezone.now())


def _keep(request: ClinicRequest, form: WordingForm, rule: Rule, wording: Template) -> bool:
    try:
        save_wording(wording, rule, **form.wanted, now=timezone.now(), by=request.user)
    except ValidationError as error:
        form.add_error(None, error.messages[0])
        return False
    return True


def _chips(clinic: Clinic, rule: Rule) -> list[Placeholder]:
    """The placeholders that a text of this rule may hold."""
    fitting = [p for p in all_placeholders() if not misplaced_links(f"{{{p.name}}}", rule.kind)]
    return [p for p in fitting if p.name != BOOKING_LINK or clinic.books_by_link]


def _looked_at(request: ClinicRequest, form: WordingForm, rule: Rule) -> dict[str, Any]:
    """The text under the editor, and what is wrong with it."""
    if not form.is_bound:
        body, invites = str(form.initial["body"]), bool(form.initial["invites"])
        return {"sample": sample(request.clinic, body, rule, invites=invites) if body else None}
    if "body" in form.errors:
        return {"sample": None, "problems": form.errors["body"]}
    wanted = form.cleaned_data
    made: Sample = sample(
        request.clinic, wanted["body"], rule, invites=wanted.get("invites", False)
    )
    return {"sample": made}


@require_POST
@clinic_view(*MANAGERS)
def rule_preview(request: ClinicRequest, pk: int) -> HttpResponse:
    """The text under the editor, while somebody types: a fragment for HTMX."""
    rule = get_object_or_404(Rule, pk=pk)
    form = WordingForm(request.POST, rule=rule, wording=Template())
    form.is_valid()
    context = {"rule": rule, **_looked_at(request, form, rule)}
    return render(request, "panel/text_sample.html", context)


@require_http_methods(FORM_METHODS)
@clinic_view(*MANAGERS)
def wording_remove(request: ClinicRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Template.objects.select_related("service", "therapist"), pk=pk)
    rule = _rule_of(found)
    back = clinic_url(request.clinic, "texting:rule", rule.pk)
    if request.method != "POST":
        return render(request, "confirm.html", _question(found, rule, back))
    try:
        remove_wording(found, rule)
        done(request, _("The text is removed."))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect(back)


def _question(wording: Template, rule: Rule, back: str) -> dict[str, object]:
    said = {"name": name(rule), "whom": described(wording).title}
    return {
        "question": _("Remove this text of «%(name)s», %(whom)s?") % said,
        "text": _("What was sent stays in the clients' files. «%(body)s»") % {"body": wording.body},
        "label": _("Remove"),
        "back": back,
        "danger": True,
    }
