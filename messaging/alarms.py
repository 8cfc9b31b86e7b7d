"""Letters to a clinic's managers when something stops its texts: an account, or the month's limit.

They come beside the panel's banners, for whoever is not looking at the panel. No letter names a
client. One that cannot be sent is noted in the log; the engine goes on.
"""

from __future__ import annotations

import datetime as dt
import smtplib
from collections.abc import Iterable

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic import jalali
from clinic.models import Clinic, Membership, Role
from clinic.tenancy import EVERYWHERE, Hat, wear
from clinic.text import persian_digits
from messaging import gates, spending
from messaging.accounts import REST
from messaging.models import ProviderAccount, Spending

log = structlog.get_logger(__name__)

#: An account that wakes and is refused again and again is told of this often.
AGAIN_AFTER = dt.timedelta(hours=12)
_MANAGERS = (Role.OWNER, Role.MANAGER)


def tell(now: dt.datetime) -> int:
    """Write to the managers of whom it concerns and who were not told yet; returns the letters."""
    return sum(_tell_of_pause(account) for account in _paused(now)) + sum(
        _tell_of_spending(month, now) for month in _nearly_spent(now)
    )


def _paused(now: dt.datetime) -> list[ProviderAccount]:
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        paused = ProviderAccount.objects.filter(active=True, paused_at__gt=now - 2 * REST)
        return list(paused.select_related("clinic"))


def _tell_of_pause(account: ProviderAccount) -> int:
    if not gates.first_time(f"paused:{account.pk}:{account.pause_code}", AGAIN_AFTER):
        return 0
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("%(clinic)s: texts are waiting") % {"clinic": account.clinic.name}
        body = _(
            "The gateway refuses the account of %(clinic)s (code %(code)s), so its texts wait. They"
            " go on by themselves as soon as the account is well again; what becomes too late"
            " meanwhile is listed in the panel."
        ) % {"clinic": account.clinic.name, "code": persian_digits(account.pause_code or "-")}
    return _write(account.clinic, subject, body)


def _nearly_spent(now: dt.datetime) -> list[Spending]:
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        months = Spending.objects.filter(
            starts_at__lte=now,
            ends_at__gt=now,
            warned_at=None,
            rial__gte=F("clinic__monthly_cap_rial") * spending.WARN_AT,
        )
        return [
            month
            for month in months.select_related("clinic")
            if Spending.objects.filter(pk=month.pk, warned_at=None).update(warned_at=now)
        ]


def _tell_of_spending(month: Spending, now: dt.datetime) -> int:
    clinic = month.clinic
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("%(clinic)s: most of this month's limit is spent") % {"clinic": clinic.name}
        body = _(
            "The texts of %(clinic)s have cost %(spent)s Rial this month, of a limit of %(cap)s."
            " When it is reached, texts wait until %(until)s or until the limit is raised."
        ) % {
            "clinic": clinic.name,
            "spent": _money(month.rial),
            "cap": _money(clinic.monthly_cap_rial or 0),
            "until": jalali.numeric_date(month.ends_at, tz=clinic.timezone),
        }
    return _write(clinic, subject, body)


def _money(rial: int) -> str:
    return persian_digits(f"{rial:,}".replace(",", "٬"))


def _write(clinic: Clinic, subject: str, body: str) -> int:
    """One letter to each manager, so that no address is seen by another."""
    page = settings.PUBLIC_URL + reverse("panel:today", args=[clinic.slug])
    sent = 0
    for address in _managers_of(clinic):
        try:
            sent += send_mail(subject, f"{body}\n\n{page}\n", None, [address])
        except (OSError, smtplib.SMTPException) as error:
            log.warning("managers_not_told", clinic=clinic.pk, error=type(error).__name__)
    return sent


def _managers_of(clinic: Clinic) -> Iterable[str]:
    # The worker's hat sees no people; a clinic's own does.
    with wear(Hat.WEB, clinic_id=clinic.pk):
        managers = Membership.objects.filter(role__in=_MANAGERS, user__is_active=True)
        return list(managers.order_by("pk").values_list("user__email", flat=True))
