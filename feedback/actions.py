"""Taking an answer: once per session and client, whatever the line or the thumb does.

Nobody is ever texted because of an answer. What asks for a person becomes a task.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal
from django.utils import translation
from django.utils.translation import gettext as _

from feedback.models import Agreement, Overall, Response
from feedback.worries import worrying
from sessions_app import links
from sessions_app.care_tasks import open_task
from sessions_app.client_pages import ask_again, when_somebody_works
from sessions_app.models import CareTask, ClientLink

#: Sent inside the transaction with `response`, `is_new` and `now`; rooms to the left listen.
response_recorded = Signal()

#: How long a form waits for its answer.
OPEN_FOR = dt.timedelta(days=30)
GIVEN = "given"


class Closed(ValueError):
    """The answer came too late, or it stands and can no longer be changed."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a client says; only the first is always said. Ranges as in `Response`."""

    overall: int
    heard: int | None = None
    goals: int | None = None
    approach: int | None = None
    recommend: int | None = None
    comment: str = ""
    call_me: bool = False

    @property
    def is_low(self) -> bool:
        return self.overall in (Overall.POOR, Overall.VERY_POOR)

    @property
    def alliance_is_low(self) -> bool:
        said = (self.heard, self.goals, self.approach)
        return any(each is not None and each <= Agreement.BARELY for each in said)


def answers_of(response: Response) -> Answers:
    return Answers(**{name: getattr(response, name) for name in Answers.__dataclass_fields__})


def response_to(link: ClientLink) -> Response | None:
    return Response.objects.filter(session=link.session_id, client=link.client_id).first()


def is_expired(link: ClientLink, now: dt.datetime) -> bool:
    return link.created_at + OPEN_FOR <= now


def needs_help_lines(answers: Answers) -> bool:
    """Whether the page answers with the numbers of those who help at once."""
    return answers.overall == Overall.VERY_POOR or worrying(answers.comment)


def respond(link: ClientLink, answers: Answers, *, now: dt.datetime) -> Response:
    """Keep the answer, or change it within its hour. Raises Closed.

    Guarantee: of however many submissions, side by side or one after another, there is one
    Response, and the same one twice is neither news nor a second task. The price is a lock on the
    link, which nobody else takes for long.
    """
    with transaction.atomic():
        link = ClientLink.objects.select_for_update(of=("self",), no_key=True).get(pk=link.pk)
        response = response_to(link)
        if response is not None and answers_of(response) == answers:
            return response
        if not (response.is_editable(now) if response else not is_expired(link, now)):
            raise Closed
        is_new = response is None
        if response is None:
            response = Response(session=link.session, client=link.client, created_at=now)
        for name, value in asdict(answers).items():
            setattr(response, name, value)
        response.changed_at = now
        response.save()
        links.answer(link, GIVEN, now=now)
        _ask_for_a_person(response, answers, now)
        response_recorded.send(Response, response=response, is_new=is_new, now=now)
    return response


def _ask_for_a_person(response: Response, answers: Answers, now: dt.datetime) -> None:
    """One task per answer. Worrying words do not wait for the morning."""
    with translation.override(settings.LANGUAGE_CODE):  # staff read it
        reasons = "\n".join(_reasons(answers))
    if not reasons:
        return
    due_at = now if worrying(answers.comment) else when_somebody_works(response.clinic, now)
    task = open_task(
        CareTask.Kind.FEEDBACK,
        response.client,
        session=response.session,
        text="\n".join(filter(None, [reasons, answers.comment])),
        occasion=f"response:{response.pk}",
        due_at=due_at,
        now=now,
    )
    ask_again(task, due_at)


def _reasons(answers: Answers) -> Iterator[str]:
    if worrying(answers.comment):
        yield _("There are words in it that should be read at once.")
    if answers.call_me:
        yield _("Asks to be called.")
    if answers.is_low:
        yield _("The session as a whole: %(level)s.") % {"level": Overall(answers.overall).label}
    if answers.alliance_is_low:
        yield _("Working together does not go well for them.")
