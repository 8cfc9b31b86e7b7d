"""A member's daily letter: choosing it in the panel, and stopping it from the letter itself."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_http_methods

from clinic.access import ClinicRequest, clinic_view
from clinic.formfields import ClockField
from clinic.links import clinic_url
from clinic.models import Clinic, Digest
from clinic.tenancy import Hat, wear
from clinic.toasts import done
from panel import digest as digests
from sessions_app.client_pages import open_page, tel_of, wrong_address

#: Where an hour is left out.
USUAL = {Digest.When.MORNING: dt.time(8), Digest.When.EVENING: dt.time(20)}
#: A letter begins inside its own day, with time left to try it again.
LATEST = dt.time(22)


class DigestForm(forms.Form):
    when = forms.ChoiceField(
        label=gettext_lazy("daily letter by e-mail"),
        choices=Digest.When.choices,
        required=False,
        widget=forms.RadioSelect,
    )
    at = ClockField(
        label=gettext_lazy("at what hour"),
        required=False,
        help_text=gettext_lazy(
            "On the clinic's clock. Left empty: 8:00 in the morning, 20:00 in the evening."
        ),
    )

    def clean_at(self) -> dt.time | None:
        at: dt.time | None = self.cleaned_data["at"]
        if at is not None and at > LATEST:
            raise forms.ValidationError(_("The latest hour is 22:00."))
        return at

    @property
    def hour(self) -> dt.time:
        chosen: dt.time | None = self.cleaned_data["at"]
        return chosen or USUAL.get(self.cleaned_data["when"], dt.time(8))


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_view()
def digest_choice(request: ClinicRequest) -> HttpResponse:
    kept = digests.choice_of(request.membership)
    initial: dict[str, Any] = {"when": kept.when, "at": kept.at if kept.when else None}
    form = DigestForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        _choose(request, form)
        return redirect(clinic_url(request.clinic, "panel:digest"))
    context = {"form": form, "kept": kept}
    return render(request, "panel/digest.html", context, status=422 if form.is_bound else 200)


def _choose(request: ClinicRequest, form: DigestForm) -> None:
    chosen = digests.choose(
        request.membership,
        form.cleaned_data["when"],
        form.hour,
        language=translation.get_language() or "fa",
        now=timezone.now(),
    )
    said = _("You will get no daily letter.")
    if chosen.when:
        said = _("The daily letter will come to %(address)s.") % {"address": request.user.email}
    done(request, said)


def _stop(request: HttpRequest, token: str) -> HttpResponse:
    """A visit asks; a press stops, and so does a mail program that posts by itself (RFC 8058)."""
    clinic_id = digests.clinic_behind(token)
    if clinic_id is None:
        return wrong_address(request)
    with wear(Hat.WEB, clinic_id=clinic_id):
        clinic = Clinic.objects.get(pk=clinic_id)
        digest = digests.digest_behind(token, clinic)
        if digest is None:
            return render(request, "client/unknown.html", status=HTTPStatus.NOT_FOUND)
        if request.method == "POST":
            digests.stop(digest)
        context = {"clinic": clinic, "visit": {"tel": tel_of(clinic)}, "wanted": bool(digest.when)}
        return render(request, "panel/digest_stop.html", context)


digest_stop = open_page(_stop)
