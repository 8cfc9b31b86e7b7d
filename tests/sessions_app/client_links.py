"""Pages of clients for tests: published addresses, and visitors without an account."""

import datetime as dt
import re

from django.core.cache import cache
from django.test import Client as Browser

from clinic.tenancy import Hat, wear
from patients.models import Treatment
from sessions_app import links
from sessions_app.links import Page, Purpose
from sessions_app.models import ClientLink
from tests import factories

# Saturday 30 Aban 1405, 10:00 in Tehran.
NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def published(purpose, session, client, now=NOW):
    """The path of a page whose address was texted at that moment."""
    page = Page(purpose, session.clinic_id, session.pk, client.pk)
    with wear(Hat.WORKER, clinic_id=session.clinic_id):
        links.publish([page], now=now)
    return page.address.removeprefix(_origin(page))


def _origin(page):
    return page.address[: -len(f"/{links.PATHS[page.purpose]}/{page.token}")]


def link_of(purpose, session):
    return ClientLink.objects.get(purpose=purpose, session=session)


def visitor(**options):
    """A phone that keeps nothing and has CSRF checks, as a real one does."""
    cache.clear()
    return Browser(enforce_csrf_checks=True, **options)


def text_of(response):
    """What a reader sees, on one line."""
    body = re.sub(r"<(title|style).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def revision_in(response):
    return re.search(r'name="revision" value="(\d+)"', response.content.decode())[1]


def attended(clinic, client, *, days_ago=40, **fields):
    """A session held so long ago, with its open treatment."""
    session = factories.SessionFactory(
        clinic=clinic,
        clients=[client],
        starts_at=NOW - days_ago * DAY,
        state="attended",
        recorded_at=NOW - days_ago * DAY + HOUR,
        **fields,
    )
    Treatment.objects.create(
        clinic=clinic,
        client=client,
        therapist=session.therapist,
        service=session.service,
        started_at=NOW - 100 * DAY,
    )
    return session


__all__ = [
    "DAY",
    "HOUR",
    "NOW",
    "Purpose",
    "attended",
    "link_of",
    "published",
    "text_of",
    "visitor",
]
