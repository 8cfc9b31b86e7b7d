"""Where gateways report."""

from __future__ import annotations

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from clinic import directory
from clinic.models import Directory
from clinic.tenancy import EVERYWHERE, Everywhere, Hat, wear
from messaging import receipts, replies
from messaging.models import ProviderAccount
from messaging.providers import PROVIDERS, provider_class
from messaging.providers.base import Callback


def callback_token(kind: str, account_id: int | None) -> str:
    """The secret part of an account's callback address: shown in settings, derived, not stored."""
    return directory.derived_token("receipts", kind, account_id or "installation")


def verify_token(kind: str, account_id: int | None) -> str:
    """What an account's gateway is told to greet the address with: derived, too."""
    return directory.derived_token("verify", kind, account_id or "installation")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, kind: str, token: str) -> HttpResponse:
    """Whatever a gateway has to tell: states of our texts, and what phones wrote to our lines.

    The secret is in the path; what a gateway signs must be signed besides. An unknown receipt and a
    stranger's text are answered 200 like known ones, or the gateway would repeat them for hours.
    """
    clinic_id, account_id, app_secret = _whose(kind, token)
    called, provider = _callback(request), provider_class(kind)
    greeting = provider.greeting(called, verify_token(kind, account_id))
    if greeting is not None:
        return _said(greeting)
    if not provider.is_genuine(called, app_secret):
        return HttpResponseForbidden("not signed", content_type="text/plain")
    news, now = provider.hear(called), timezone.now()
    if news.receipts:
        with wear(Hat.WORKER, clinic_id=clinic_id):
            receipts.apply(kind, account_id, news.receipts, now=now)
    replies.receive(kind, account_id, clinic_id, news.inbound, now=now)
    return _said("ok")


def _callback(request: HttpRequest) -> Callback:
    # First, because fields are read by it: "charset=hex" names a codec that makes no text.
    request.encoding = "utf-8"
    body = request.body  # bounded by DATA_UPLOAD_MAX_MEMORY_SIZE: more is a 400
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Callback({**request.GET.dict(), **_form(request)}, body, headers)


def _form(request: HttpRequest) -> dict[str, object]:
    """The form's fields; none of what only calls itself a form, as a bounce posted by curl does."""
    try:
        return dict(request.POST.dict())
    except (SuspiciousOperation, BadRequest, MultiPartParserError):
        return {}


def _said(words: str) -> HttpResponse:
    return HttpResponse(words, content_type="text/plain")


def _whose(kind: str, token: str) -> tuple[int | Everywhere, int | None, str]:
    """The clinic and account behind a token, and what signs its callbacks.

    The installation's own account serves all clinics; no gateway that signs can be one.
    """
    if kind not in PROVIDERS:
        raise Http404
    if constant_time_compare(token, callback_token(kind, None)):
        return EVERYWHERE, None, ""
    clinic_id = directory.resolve(token, Directory.Purpose.RECEIPTS)
    if clinic_id is None:
        raise Http404
    with wear(Hat.WORKER, clinic_id=clinic_id):
        for account in ProviderAccount.objects.filter(kind=kind):
            if constant_time_compare(token, callback_token(kind, account.pk)):
                return clinic_id, account.pk, account.app_secret
    raise Http404
