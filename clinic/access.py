"""Who may open a view of the panel."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from clinic.models import Clinic, Membership, Role, User

View = Callable[..., HttpResponseBase]

MANAGERS = (Role.OWNER, Role.MANAGER)
RECEPTION = (*MANAGERS, Role.RECEPTIONIST)
EVERYBODY = (*RECEPTION, Role.THERAPIST)


class ClinicRequest(HttpRequest):
    """A request inside a clinic, as `clinic_view` hands it on; for type checkers."""

    user: User
    clinic: Clinic
    membership: Membership
    memberships: list[Membership]
    htmx: Any


def clinic_view(*roles: str) -> Callable[[View], View]:
    """Guard a view of `/c/<clinic_slug>/…`: sign-in, then membership (404), then role (403)."""
    allowed = roles or EVERYBODY

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: Any, clinic_slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.membership.role not in allowed:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.clinic_roles = allowed  # type: ignore[attr-defined]
        return guarded

    return decorate
