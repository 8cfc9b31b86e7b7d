"""Pages of clients for tests: published addresses, and visitors without an account."""

import datetime as dt
import re

from django.core.cache import cache
from django.test import Client as Browser

from clinic.models import Room, WorkingHours
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


def receives(therapist, *weekdays, begins="09:00", ends="13:00", room=None):
    """Working hours on these weekdays, Saturday (0) where none are said."""
    for weekday in weekdays or (0,):
        WorkingHours.objects.create(
            clinic=therapist.clinic,
            therapist=therapist,
            weekday=weekday,
            begins=dt.time.fromisoformat(begins),
            ends=dt.time.fromisoformat(ends),
            room=room,
        )


def a_room(clinic, name="اتاق ۱"):
    return Room.objects.create(clinic=clinic, name=name)


def books_by_link(clinic):
    clinic.books_by_link = True
    clinic.save(update_fields=["books_by_link"])


__all__ = [
    "DAY",
    "HOUR",
    "NOW",
    "Purpose",
    "a_room",
    "attended",
    "books_by_link",
    "link_of",
    "published",
    "receives",
    "text_of",
    "visitor",
]
