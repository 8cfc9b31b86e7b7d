"""The operator's admin site: another hat, and never without a second factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.tenancy import EVERYWHERE, Hat, wear


class OperatorSite(AdminSite):
    site_header = site_title = _("Peygir: operator")

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return super().has_permission(request) and isinstance(user, User) and is_mfa_enabled(user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]
        """Sign in through the same door as everybody; set up the second factor if it lacks."""
        if request.user.is_authenticated and getattr(request.user, "is_staff", False):
            return redirect("mfa_index")
        return redirect_to_login(reverse("admin:index"))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def under_hat(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with wear(Hat.OPERATOR, clinic_id=EVERYWHERE, user_id=request.user.pk):
                response = inner(request, *args, **kwargs)
                # Rendered here, or it would read under the web hat again.
                return response.render() if isinstance(response, TemplateResponse) else response

        return under_hat
