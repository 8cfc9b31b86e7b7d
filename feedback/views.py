"""The client's page of feedback, `/f/<token>`."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from feedback import actions
from feedback.forms import ResponseForm
from sessions_app.client_pages import Visit, back, client_page, show
from sessions_app.links import Purpose


@client_page(Purpose.FEEDBACK)
def feedback(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method == "POST":
        return _take(request, visit)
    response = actions.response_to(visit.link)
    if response is None:
        if actions.is_expired(visit.link, visit.now):
            return show(request, visit, "feedback_closed", HTTPStatus.GONE)
        return _form(request, visit, ResponseForm(auto_id="%s"))
    editable = response.is_editable(visit.now)
    answers = actions.answers_of(response)
    if editable and "edit" in request.GET:
        return _form(request, visit, ResponseForm(initial=asdict(answers), auto_id="%s"))
    # After the hour the page says nothing any more of what was answered: phones are shared.
    help_lines = editable and actions.needs_help_lines(answers)
    thanks = {"editable": editable, "help_lines": help_lines, "call_me": response.call_me}
    return show(request, visit, "feedback_thanks", **thanks)


def _take(request: HttpRequest, visit: Visit) -> HttpResponse:
    form = ResponseForm(request.POST, auto_id="%s")
    if not form.is_valid():
        return _form(request, visit, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        actions.respond(visit.link, form.answers(), now=visit.now)
    except actions.Closed:
        if actions.response_to(visit.link) is None:
            return show(request, visit, "feedback_closed", HTTPStatus.GONE)
        return show(request, visit, "feedback_thanks", HTTPStatus.CONFLICT, too_late=True)
    return back(request)


def _form(
    request: HttpRequest, visit: Visit, form: ResponseForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    return show(request, visit, "feedback", status, form=form)
