"""What two files of one client have answered, joined: see `patients.merging`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from feedback.models import Response
from patients.merging import Merge, Part
from patients.models import Client


def counts(client: Client) -> dict[StrPromise, int]:
    return {_("feedback answers"): client.responses.count()}


def hold(joined: Merge) -> None:
    rows = Response.objects.select_for_update(of=("self",), no_key=True)
    list(rows.filter(client__in=joined.both).order_by("pk").values_list("pk", flat=True))


def move(joined: Merge) -> None:
    """Where both files answered about one session, what was said last stands."""
    theirs = {r.session_id: r for r in Response.objects.filter(client=joined.lost)}
    for mine in Response.objects.filter(client=joined.kept, session__in=theirs):
        other = theirs[mine.session_id]
        earlier = min(mine, other, key=lambda response: response.changed_at)
        joined.leave_out(Response.objects.filter(pk=earlier.pk))
    Response.objects.filter(client=joined.lost).update(client=joined.kept)


PART = Part(counts, hold, move)
