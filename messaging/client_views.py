"""The page that stops letters, `/u/<token>/`."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from clinic.models import Clinic
from clinic.tenancy import Hat, wear
from messaging import stopping
from sessions_app.client_pages import open_page, tel_of, wrong_address


def _letters(request: HttpRequest, token: str) -> HttpResponse:
    """A visit asks; a press stops, and so does a mail program that posts without a visit (RFC 8058),
    which follows no redirect: hence the answer is a page. A reload changes nothing more."""
    clinic_id = stopping.clinic_behind(token)
    if clinic_id is None:
        return wrong_address(request)
    with wear(Hat.WEB, clinic_id=clinic_id):
        client = stopping.client_behind(token, clinic_id)
        if client is None:
            return render(request, "client/unknown.html", status=HTTPStatus.NOT_FOUND)
        clinic = Clinic.objects.get(pk=clinic_id)
        if request.method == "POST":
            stopping.stop(client, clinic, now=timezone.now())
        return render(request, "client/letters.html", _said(clinic, stopping.is_wanted(client)))


def _said(clinic: Clinic, wanted: bool) -> dict[str, object]:
    return {"clinic": clinic, "visit": {"tel": tel_of(clinic)}, "wanted": wanted}


letters = open_page(_letters)
