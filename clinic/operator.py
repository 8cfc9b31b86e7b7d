"""The operator's admin site: another hat, and never without a second factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
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
        """Sign in through the same door as everybody."""
        index = reverse("admin:index", current_app=self.name)
        return redirect(index) if self.has_permission(request) else _led_away(request, index)

    def admin_view(  # type: ignore[override]
        self, view: Callable[..., Any], cacheable: bool = False
    ) -> Callable[..., Any]:
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def under_hat(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                return _led_away(request, request.get_full_path())
            with wear(Hat.OPERATOR, clinic_id=EVERYWHERE, user_id=request.user.pk):
                response = inner(request, *args, **kwargs)
                # Rendered here, or it would read under the web hat again.
                return response.render() if isinstance(response, TemplateResponse) else response

        return under_hat


def _led_away(request: HttpRequest, back: str) -> HttpResponseBase:
    """A stranger to the door, an operator to the second factor; a clinic's people find nothing."""
    if not request.user.is_authenticated:
        return redirect_to_login(back)
    if not request.user.is_staff:
        raise Http404  # the door would send them back here, and round again
    return redirect("mfa_index")
