"""What clients answer when they are asked how it was."""

from __future__ import annotations

import datetime as dt

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.tenancy import TenantForeignKey, TenantModel, owned_by_clinic
from patients.models import Client
from sessions_app.models import Session

#: How long after the first answer the client may still change it.
EDITABLE = dt.timedelta(hours=1)


class Overall(models.IntegerChoices):
    """How the session was as a whole; five levels and an honest way out."""

    VERY_GOOD = 5, _("very good")
    GOOD = 4, _("good")
    NEITHER = 3, _("neither good nor bad")
    POOR = 2, _("poor")
    VERY_POOR = 1, _("very poor")
    DONT_KNOW = 0, _("I do not know")


class Agreement(models.IntegerChoices):
    """How far a sentence holds for the client; for the three about working together."""

    FULLY = 4, _("entirely")
    MOSTLY = 3, _("mostly")
    PARTLY = 2, _("partly")
    BARELY = 1, _("hardly")
    NOT = 0, _("not at all")


def _of_ten() -> models.PositiveSmallIntegerField[int | None, int | None]:
    return models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(10)]
    )


def _agreement() -> models.PositiveSmallIntegerField[int | None, int | None]:
    return models.PositiveSmallIntegerField(null=True, blank=True, choices=Agreement.choices)


class Response(TenantModel):
    """One client's answer about one session. The invitation is the `ClientLink` of the session."""

    client = TenantForeignKey(Client, on_delete=models.CASCADE, related_name="responses")
    session = TenantForeignKey(Session, on_delete=models.CASCADE, related_name="responses")
    overall = models.PositiveSmallIntegerField(choices=Overall.choices)
    heard = _agreement()
    goals = _agreement()
    approach = _agreement()
    #: 0–10: how likely the client is to send a friend here.
    recommend = _of_ten()
    comment = models.TextField(blank=True, max_length=2000)
    call_me = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            owned_by_clinic("response_of_clinic"),
            models.UniqueConstraint(
                fields=["clinic", "session", "client"], name="response_once_per_session"
            ),
            models.CheckConstraint(condition=Q(overall__lte=5), name="response_overall_in_range"),
            models.CheckConstraint(
                condition=Q(recommend=None) | Q(recommend__lte=10),
                name="response_recommend_in_range",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "-created_at"], name="response_by_time")]

    def __str__(self) -> str:
        return f"response {self.pk}"

    def is_editable(self, now: dt.datetime) -> bool:
        return now < self.created_at + EDITABLE
