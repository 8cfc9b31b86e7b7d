"""What clients answered, for whoever may read it, and how much of it there is.

Three kinds of readers. Managers read everything. A therapist reads the answers about their own
sessions, and first: nobody stands between. Reception sees who has answered, who has not and when,
and neither scores nor words: whoever meets clients at the door need not know what they said of the
therapist, and clients answer more openly for it. What reception must act upon reaches it as a task
of the call list, with what it needs to know there.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from clinic.models import Membership, Therapist
from feedback.forms import SENTENCES
from feedback.models import Overall, Response
from messaging.models import Message, State
from panel import visibility
from panel.feedback_figures import ENOUGH, Level, Share, change, level
from sessions_app.links import Purpose
from sessions_app.models import CareTask, ClientLink

GOOD = (Overall.GOOD, Overall.VERY_GOOD)
#: After this an invitation is no longer waited for: its form closes then.
WAITED_FOR = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` up to but not including `until`; both UTC."""

    since: dt.datetime
    until: dt.datetime

    @property
    def before(self) -> Span:
        """The one of the same length that ends where this begins."""
        return Span(self.since - (self.until - self.since), self.since)


def reads_answers(member: Membership) -> bool:
    """Whether the member reads what was said, and not only that something was."""
    return member.manages or visibility.is_therapist(member)


# -- Answers -----------------------------------------------------------------------------------


class Answer(NamedTuple):
    """An answer, and the task that it gave rise to, if any."""

    response: Response
    task: CareTask | None


def answers(member: Membership) -> QuerySet[Response]:
    """The answers that the member may know of, the newest first, with their people."""
    found = visibility.responses(member).order_by("-created_at", "-id")
    return found.select_related("client", "session__therapist", "session__service")


def lowest_first(responses: QuerySet[Response]) -> QuerySet[Response]:
    """Whoever does not know comes last, like whoever is content."""
    unsure = Q(overall=Overall.DONT_KNOW)
    ranked = responses.alias(unsure=Exists(Response.objects.filter(unsure, pk=OuterRef("pk"))))
    return ranked.order_by("unsure", "overall", "-created_at", "-id")


def with_tasks(responses: Iterable[Response], member: Membership) -> list[Answer]:
    """One query more."""
    rows = list(responses)
    by_occasion = {
        task.occasion: task
        for task in visibility.tasks(member).filter(
            kind=CareTask.Kind.FEEDBACK, occasion__in=[occasion_of(row) for row in rows]
        )
    }
    return [Answer(row, by_occasion.get(occasion_of(row))) for row in rows]


def occasion_of(response: Response) -> str:
    """How the task of an answer names it; see `feedback.actions`."""
    return f"response:{response.pk}"


# -- Invitations -------------------------------------------------------------------------------


def invitations(member: Membership) -> QuerySet[Message]:
    """Texts that reached, or should have reached, a client with a link to the form.

    A text that was to invite and could not is none: without its page it carried no link.
    """
    link = ClientLink.objects.filter(
        purpose=Purpose.FEEDBACK, session=OuterRef("session"), client=OuterRef("client")
    )
    return visibility.messages(member).filter(
        Exists(link), invites=True, state__in=(State.SENT, State.DELIVERED)
    )


def unanswered(member: Membership, now: dt.datetime) -> QuerySet[Message]:
    """Whose answer may still come, the latest invitation first."""
    waiting = invitations(member).filter(~_answered(), sent_at__gt=now - WAITED_FOR)
    return waiting.select_related("client", "session__therapist", "session__service").order_by(
        "-sent_at", "-id"
    )


def _answered() -> Exists:
    """Of a message: whether its client has said something about its session."""
    return Exists(Response.objects.filter(session=OuterRef("session"), client=OuterRef("client")))


# -- Figures -----------------------------------------------------------------------------------


class Sentence(NamedTuple):
    """One of the three about working together; `level` is None while there are too few answers."""

    words: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Figures:
    """A therapist's, or the clinic's when `therapist` is None. All of it is made of counts.

    `good` is of those who could say; `trend` is 0 where chance would explain the difference.
    """

    therapist: Therapist | None
    n: int
    rate: Share
    good: Share
    good_before: Share
    sentences: tuple[Sentence, ...]

    @property
    def is_enough(self) -> bool:
        return self.n >= ENOUGH

    @property
    def trend(self) -> int | None:
        """None where one of the two periods says too little."""
        if not (self.good.is_enough and self.good_before.is_enough):
            return None
        return change(self.good_before, self.good)


class _Said(NamedTuple):
    therapist_id: int
    overall: int
    heard: int | None
    goals: int | None
    approach: int | None


def figures(
    member: Membership,
    therapists: Iterable[Therapist],
    span: Span,
    *,
    responses: QuerySet[Response],
    service_id: int | None = None,
) -> list[Figures]:
    """A row for each therapist in the order given, after one for all together when they are many.

    `responses` are the answers that count, of any time. The clinic's row is made of the answers,
    never of the therapists' figures. No row is ever better or worse than another by its place.
    """
    said, before = _said(responses, span), _said(responses, span.before)
    invited = _invited(member, span, service_id)
    people = list(therapists)
    groups: list[tuple[Therapist | None, set[int]]] = [(each, {each.pk}) for each in people]
    if len(people) > 1:
        groups.insert(0, (None, {each.pk for each in people}))
    return [_row(whose, ids, said, before, invited) for whose, ids in groups]


def _said(responses: QuerySet[Response], span: Span) -> list[_Said]:
    within = responses.filter(created_at__gte=span.since, created_at__lt=span.until)
    columns = ("session__therapist_id", "overall", "heard", "goals", "approach")
    return [_Said(*row) for row in within.order_by().values_list(*columns)]


def _invited(member: Membership, span: Span, service_id: int | None) -> dict[int, Share]:
    """By therapist, how many of those invited in the span have answered, whenever they did."""
    sent = invitations(member).filter(sent_at__gte=span.since, sent_at__lt=span.until)
    if service_id is not None:
        sent = sent.filter(session__service=service_id)
    grouped = (
        sent.order_by()
        .values(whose=F("session__therapist_id"))
        .annotate(n=Count("pk"), hits=Count("pk", filter=Q(_answered())))
    )
    return {row["whose"]: Share(row["hits"], row["n"]) for row in grouped}


def _row(
    whose: Therapist | None,
    ids: set[int],
    said: Sequence[_Said],
    before: Sequence[_Said],
    invited: dict[int, Share],
) -> Figures:
    mine = [row for row in said if row.therapist_id in ids]
    asked = [invited[pk] for pk in ids if pk in invited]
    return Figures(
        therapist=whose,
        n=len(mine),
        rate=Share(sum(it.hits for it in asked), sum(it.n for it in asked)),
        good=_good(mine),
        good_before=_good([row for row in before if row.therapist_id in ids]),
        sentences=tuple(
            Sentence(str(words), level(getattr(row, name) for row in mine))
            for name, words in SENTENCES.items()
        ),
    )


def _good(said: Iterable[_Said]) -> Share:
    """Of those who could say, how many found it good or very good."""
    levels = Counter(row.overall for row in said)
    could_say = sum(levels.values()) - levels[Overall.DONT_KNOW]
    return Share(sum(levels[each] for each in GOOD), could_say)
