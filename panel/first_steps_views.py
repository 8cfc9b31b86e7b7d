"""The page that leads a new clinic to its first text."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.access import MANAGERS, ClinicRequest, clinic_view
from panel.first_steps import first_text, progress


@require_safe
@clinic_view(*MANAGERS)
def first_steps(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    context = {
        "progress": progress(request.clinic, now),
        # Of a clinic that sends, a whole week of texts would be written for the first of them.
        "first_text": None if request.clinic.is_live else first_text(request.clinic, now),
    }
    return render(request, "panel/first_steps.html", context)
