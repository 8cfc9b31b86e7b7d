"""Feedback: the answers as they come, figures with their doubt, and who has not answered.

Who reads what is told in `panel.feedback`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext as _, pgettext_lazy
from django.views.decorators.http import require_safe

from clinic import jalali
from clinic.access import MANAGERS, ClinicRequest, clinic_view
from clinic.models import Role, Therapist
from clinic.templatetags.peygir import number
from clinic.text import persian_digits
from feedback.models import Agreement, Overall
from panel import feedback, visibility
from panel.feedback import Answer, Figures
from panel.feedback_figures import ENOUGH, Level, Share
from panel.feedback_filter import FeedbackFilter
from panel.pages import day_param, list_or_page, page_of
from sessions_app.models import CareTask

#: How the whole of a session was, as it looks: icon and tint. The word carries the meaning.
LOOKS = {
    Overall.VERY_GOOD: ("circle-check", "green"),
    Overall.GOOD: ("circle-check", "green"),
    Overall.NEITHER: ("circle-dot", "grey"),
    Overall.POOR: ("alert-triangle", "amber"),
    Overall.VERY_POOR: ("alert-triangle", "red"),
    Overall.DONT_KNOW: ("help-circle", "grey"),
}
#: The three sentences about working together, in a word or two.
SHORT = {
    "heard": pgettext_lazy("alliance", "listened to"),
    "goals": pgettext_lazy("alliance", "agreed on the work"),
    "approach": pgettext_lazy("alliance", "way of working"),
}


@require_safe
@clinic_view()
def feedback_answers(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    member = request.membership
    form = _filter(request, now)
    page = page_of(request, form.apply(feedback.answers(member)))
    reads = feedback.reads_answers(member)
    context = {
        "tab": "answers",
        "form": form,
        "page_obj": page,
        "rows": [_told(it) if reads else _kept(it) for it in feedback.with_tasks(page, member)],
        "any_at_all": bool(page.object_list) or feedback.answers(member).exists(),
        **_frame(request, form, now),
    }
    return list_or_page(
        request, "answers", "panel/feedback_list.html", "panel/feedback.html", context
    )


@require_safe
@clinic_view(*MANAGERS, Role.THERAPIST)
def feedback_therapists(request: ClinicRequest) -> HttpResponse:
    """The figures. Therapists stand in the order of their names: nobody is ranked."""
    now = timezone.now()
    form = _filter(request, now, figures=True)
    wanted = form.wanted.get("service")
    rows = feedback.figures(
        request.membership,
        _therapists(request, form),
        form.span,
        responses=form.of_people(visibility.responses(request.membership)),
        service_id=wanted.pk if wanted else None,
    )
    context = {
        "tab": "therapists",
        "form": form,
        "rows": [_shown(row) for row in rows],
        "enough": ENOUGH,
        "days": form.days,
        **_frame(request, form, now),
    }
    return list_or_page(
        request, "figures", "panel/feedback_figures.html", "panel/feedback_therapists.html", context
    )


@require_safe
@clinic_view()
def feedback_waiting(request: ClinicRequest) -> HttpResponse:
    now = timezone.now()
    page = page_of(request, feedback.unanswered(request.membership, now))
    context = {"tab": "waiting", "page_obj": page, **_frame(request, None, now)}
    return render(request, "panel/feedback_waiting.html", context)


def _filter(request: ClinicRequest, now: dt.datetime, *, figures: bool = False) -> FeedbackFilter:
    tz = request.clinic.timezone
    return FeedbackFilter(
        request.GET,
        member=request.membership,
        tz=tz,
        today=jalali.local_day(now, tz),
        figures=figures,
    )


def _frame(request: ClinicRequest, form: FeedbackFilter | None, now: dt.datetime) -> dict[str, Any]:
    today = jalali.local_day(now, request.clinic.timezone)
    this_month = _first_of_month(today)
    last_month = _first_of_month(this_month - dt.timedelta(days=1))
    return {
        "reads": feedback.reads_answers(request.membership),
        "reception": not visibility.is_therapist(request.membership),
        "spans": [
            (pgettext_lazy("period", "this month"), day_param(this_month), day_param(today)),
            (
                pgettext_lazy("period", "last month"),
                day_param(last_month),
                day_param(this_month - dt.timedelta(days=1)),
            ),
        ],
        "span_days": form.days if form else None,
    }


def _first_of_month(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=jalali.jalali(day).day - 1)


def _therapists(request: ClinicRequest, form: FeedbackFilter) -> list[Therapist]:
    """The one chosen; else all who work here or have been spoken of in this time."""
    if visibility.is_therapist(request.membership):
        return list(Therapist.objects.filter(pk=request.membership.therapist_id or 0))
    if chosen := form.wanted.get("therapist"):
        return [chosen]
    everybody = Therapist.objects.order_by("sort_key", "pk")
    spoken_of = set(
        visibility.responses(request.membership)
        .filter(created_at__gte=form.span.since, created_at__lt=form.span.until)
        .order_by()
        .values_list("session__therapist_id", flat=True)
        .distinct()
    )
    return [each for each in everybody if each.active or each.pk in spoken_of]


# -- How answers are shown -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence and how far it holds."""

    label: str | Promise
    answer: str | Promise
    is_low: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One answer as a line; for reception without what was said."""

    answer: Answer
    icon: str = ""
    tone: str = ""
    overall: str | Promise = ""
    parts: tuple[Part, ...] = ()
    recommend: str = ""

    @property
    def response(self) -> Any:
        return self.answer.response

    @property
    def task(self) -> CareTask | None:
        return self.answer.task


def _kept(answer: Answer) -> Row:
    return Row(answer)


def _told(answer: Answer) -> Row:
    response = answer.response
    icon, tone = LOOKS[Overall(response.overall)]
    said = [(label, getattr(response, name)) for name, label in SHORT.items()]
    return Row(
        answer,
        icon=icon,
        tone=tone,
        overall=Overall(response.overall).label,
        parts=tuple(
            Part(label, Agreement(value).label, is_low=value <= Agreement.BARELY)
            for label, value in said
            if value is not None
        ),
        recommend=_of_ten(response.recommend),
    )


def _of_ten(value: int | None) -> str:
    return "" if value is None else _("%(n)s of 10") % {"n": number(value)}


# -- How figures are shown -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """Figures in words, and the bar's ends in hundredths of its length."""

    figures: Figures
    n: str
    rate: str = ""
    rate_of: str = ""
    good: str = ""
    between: str = ""
    bar: tuple[float, float, float] | None = None
    before: str = ""
    sentences: tuple[tuple[str, str, str], ...] = ()


def _shown(row: Figures) -> Shown:
    if not row.is_enough:
        return Shown(row, number(row.n))
    good = _good_words(row.good) if row.good.is_enough else {}
    return Shown(
        row,
        number(row.n),
        rate=_percent(row.rate.value) if row.rate.n else "",
        rate_of=_("%(hits)s of %(n)s invitations")
        % {"hits": number(row.rate.hits), "n": number(row.rate.n)},
        before=_before(row),
        sentences=tuple((words, *_level_words(found)) for words, found in row.sentences),
        **good,
    )


def _good_words(good: Share) -> dict[str, Any]:
    low, high = good.interval
    return {
        "good": _percent(good.value),
        "between": _("between %(low)s and %(high)s")
        % {"low": _percent(low), "high": _percent(high)},
        "bar": (low * 100, (high - low) * 100, good.value * 100),
    }


def _before(row: Figures) -> str:
    if row.trend is None:
        return _("The period before says too little to compare.")
    words = {
        1: _("Clearly more than in the period before (%(share)s of %(n)s answers)."),
        0: _("No clear change from the period before (%(share)s of %(n)s answers)."),
        -1: _("Clearly less than in the period before (%(share)s of %(n)s answers)."),
    }
    share = row.good_before
    return words[row.trend] % {"share": _percent(share.value), "n": number(share.n)}


def _level_words(found: Level | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    mean = _("%(n)s of 4") % {"n": _decimal(found.mean)}
    return mean, _("median %(n)s") % {"n": _decimal(found.median)}


def _percent(share: float) -> str:
    return _("%(n)s%%") % {"n": number(round(share * 100))}


def _decimal(value: float) -> str:
    written = f"{value:.1f}".removesuffix(".0")
    persian = (get_language() or "fa").startswith("fa")
    return persian_digits(written.replace(".", "٫")) if persian else written
