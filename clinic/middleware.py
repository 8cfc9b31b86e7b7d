"""The request's transaction and its scope."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone

from clinic.jalali import zone
from clinic.models import Membership
from clinic.tenancy import Hat, enter_clinic, enter_user, wear

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class StreamingOutsideScope(RuntimeError):
    """A streaming body would run after the transaction and the hat are gone."""


class HatMiddleware:
    """Open the transaction around the whole response, under the web hat.

    ATOMIC_REQUESTS does not cover template rendering, and a transaction of this kind alone would
    keep the half of the work that a failing view had done; hence the rollback on 5xx.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with wear(Hat.WEB):
            response = self.get_response(request)
            refused = response.streaming and not getattr(response, "opens_own_scope", False)
            if refused or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)
        if refused:
            # Not earlier: closing also ends the request for Django, which drops the connection of
            # a transaction that is still open.
            response.close()
            raise StreamingOutsideScope(request.resolver_match and request.resolver_match.route)
        return response


class ClinicMiddleware:
    """Resolve `/c/<clinic_slug>/…` through the person's own memberships.

    Sets `request.clinic`, `request.membership` (None elsewhere) and `request.memberships`, all of
    the person's, from one query, and makes the clinic's time zone the active one. A clinic that is
    not theirs is a 404, like one that is not there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.clinic = request.membership = None  # type: ignore[attr-defined]
        request.memberships = []  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: Any, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if not request.user.is_authenticated:
            return
        enter_user(request.user.pk)
        slug = kwargs.get("clinic_slug")
        if slug is None:
            return
        request.memberships = list(
            Membership.objects.select_related("clinic").order_by("clinic__name")
        )
        mine = next((m for m in request.memberships if m.clinic.slug == slug), None)
        if mine is None:
            raise Http404
        request.membership, request.clinic = mine, mine.clinic
        timezone.activate(zone(mine.clinic.timezone))
        enter_clinic(mine.clinic_id, request.user.pk)
