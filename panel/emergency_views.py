"""Settings: the words of the emergency text, which belongs to no rule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_http_methods

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.formfields import PersianCharField
from clinic.links import clinic_url
from clinic.toasts import done
from messaging import emergency, render as rendering
from messaging.placeholders import Placeholder, all_placeholders
from panel.samples import sample

#: The step of the form that shows the text and saves nothing.
LOOK = "look"


class EmergencyForm(forms.Form):
    body = PersianCharField(
        label=gettext_lazy("Text"),
        lines=True,
        max_length=rendering.LONGEST,
        required=False,  # `render.check` says it in its own words
        widget=forms.Textarea({"rows": 7}),
    )

    def clean_body(self) -> str:
        body = str(self.cleaned_data["body"])
        for check in (rendering.check, emergency.check):
            try:
                check(body)
            except ValidationError as error:
                raise ValidationError(error.message_dict["body"]) from None
        return body


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view(*MANAGERS)
def emergency_text(request: ClinicRequest) -> HttpResponse:
    """The words, with what they look like; a step of the form alone shows them to HTMX."""
    now = timezone.now()
    initial = {"body": emergency.wording_of_clinic().body}
    form = EmergencyForm(request.POST or None, initial=initial)
    looking = request.POST.get("step") == LOOK
    if form.is_bound and form.is_valid() and not looking:
        emergency.reword(form.cleaned_data["body"], now=now, by=request.user)
        done(request, _("The text is saved. It is used from the next text on."))
        return redirect(clinic_url(request.clinic, "texting:rules"))
    context: dict[str, Any] = {"form": form, "chips": _chips(), **_looked_at(request, form)}
    if request.htmx and looking:
        return render(request, "panel/text_sample.html", context)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "panel/emergency_text.html", context, status=status)


def _chips() -> list[Placeholder]:
    return [p for p in all_placeholders() if not p.needs_session]


def _looked_at(request: ClinicRequest, form: EmergencyForm) -> dict[str, Any]:
    if form.is_bound and "body" in form.errors:
        return {"sample": None, "problems": form.errors["body"]}
    body = form.cleaned_data["body"] if form.is_bound else form.initial["body"]
    return {"sample": sample(request.clinic, body) if body else None}
