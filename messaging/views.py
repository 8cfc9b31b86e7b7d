"""Where gateways report."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
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


@csrf_exempt
@require_http_methods(["GET", "POST"])
def delivery_receipts(request: HttpRequest, kind: str, token: str) -> HttpResponse:
    """Kavenegar's callbacks carry no signature: the secret is in the path.

    An unknown receipt is answered 200 like a known one, or the gateway would repeat it for hours.
    """
    clinic_id, account_id = _whose(kind, token)
    news = provider_class(kind).hear(_callback(request)).receipts
    with wear(Hat.WORKER, clinic_id=clinic_id):
        receipts.apply(kind, account_id, news, now=timezone.now())
    return _thanks()


@csrf_exempt
@require_http_methods(["GET", "POST"])
def inbound_texts(request: HttpRequest, kind: str, token: str) -> HttpResponse:
    """What a phone wrote to one of our lines. A stranger's is answered like a client's."""
    clinic_id, account_id = _whose(kind, token)
    news = provider_class(kind).hear(_callback(request)).inbound
    replies.receive(kind, account_id, clinic_id, news, now=timezone.now())
    return _thanks()


def _callback(request: HttpRequest) -> Callback:
    return Callback({**request.GET.dict(), **request.POST.dict()})


def _thanks() -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def _whose(kind: str, token: str) -> tuple[int | Everywhere, int | None]:
    """The clinic and account behind a token; the installation's own account serves all clinics."""
    if kind not in PROVIDERS:
        raise Http404
    if constant_time_compare(token, callback_token(kind, None)):
        return EVERYWHERE, None
    clinic_id = directory.resolve(token, Directory.Purpose.RECEIPTS)
    if clinic_id is None:
        raise Http404
    with wear(Hat.WORKER, clinic_id=clinic_id):
        accounts = ProviderAccount.objects.filter(kind=kind).values_list("pk", flat=True)
        for account_id in accounts:
            if constant_time_compare(token, callback_token(kind, account_id)):
                return clinic_id, account_id
    raise Http404
