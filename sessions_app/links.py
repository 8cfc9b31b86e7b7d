"""The pages that clients reach from a text: their addresses, and finding them again.

An address is derived from what the page is about, so that the reminder of three days and that of
one day carry the same one, and a text written twice says the same. It leads somewhere only once a
text that carries it is on its way.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from clinic import directory
from clinic.models import Directory
from sessions_app.models import ClientLink

Purpose = Directory.Purpose

#: The first letter of the path says the kind of page, and nothing more.
PATHS = {
    Purpose.SESSION: "s",
    Purpose.FEEDBACK: "f",
    Purpose.CHOICES: "p",
    Purpose.BOOKING: "b",
}

#: How long after it was last given out a page can be used, where not its session says so.
LASTS = {Purpose.BOOKING: dt.timedelta(days=30)}

#: Each of these tokens also opens the page of what its client wants to hear of, under `/u/`.
_KEY = re.compile(rf"(/[{''.join(PATHS.values())}u]/)[a-z2-7]{{16}}\b")


@dataclass(frozen=True, slots=True, order=True)
class Page:
    """What a link is about: one client, one session, one purpose."""

    purpose: Directory.Purpose
    clinic_id: int
    session_id: int
    client_id: int

    @property
    def token(self) -> str:
        return directory.short_token(self.purpose, self.clinic_id, self.session_id, self.client_id)

    @property
    def path(self) -> str:
        return f"/{PATHS[self.purpose]}/{self.token}"

    @property
    def address(self) -> str:
        return f"{settings.PUBLIC_URL}{self.path}"


def publish(pages: Iterable[Page], *, now: dt.datetime) -> None:
    """Let these addresses lead to their pages.

    Publishing one again changes nothing, but that a page which lasts for a while lasts anew.
    """
    # In one order, so that two senders of the same links wait for each other and no more.
    tokens = sorted((page.token, page) for page in set(pages))
    hashes = {page: directory.token_hash(token) for token, page in tokens}
    if not hashes:
        return
    Directory.objects.bulk_create(
        (
            Directory(token_hash=digest, clinic_id=page.clinic_id, purpose=page.purpose)
            for page, digest in hashes.items()
        ),
        ignore_conflicts=True,
    )
    rows = [_link(page, digest, now) for page, digest in hashes.items()]
    ClientLink.objects.bulk_create(
        (row for row in rows if row.expires_at is None), ignore_conflicts=True
    )
    ClientLink.objects.bulk_create(
        (row for row in rows if row.expires_at is not None),
        update_conflicts=True,
        update_fields=["expires_at"],
        unique_fields=["clinic", "token_hash"],
    )


def _link(page: Page, digest: str, now: dt.datetime) -> ClientLink:
    lasts = LASTS.get(page.purpose)
    return ClientLink(
        clinic_id=page.clinic_id,
        purpose=page.purpose,
        session_id=page.session_id,
        client_id=page.client_id,
        token_hash=digest,
        created_at=now,
        expires_at=now + lasts if lasts else None,
    )


def is_over(link: ClientLink, now: dt.datetime) -> bool:
    """Whether the time is over in which the page could be used."""
    return link.expires_at is not None and link.expires_at <= now


def clinic_behind(token: str, purpose: Directory.Purpose) -> int | None:
    """The clinic of a published page, or None; typed in capitals it is the same address."""
    return directory.resolve(token.lower(), purpose)


def find(token: str, purpose: Directory.Purpose) -> ClientLink | None:
    """The link behind a token, in the scope of its clinic, with client, session and clinic."""
    found = ClientLink.objects.filter(
        token_hash=directory.token_hash(token.lower()), purpose=purpose
    )
    return found.select_related(
        "clinic", "client", "session__therapist", "session__service"
    ).first()


def answer(link: ClientLink, said: str, *, now: dt.datetime) -> None:
    """Keep what the client chose; a later choice replaces it."""
    link.answer, link.answered_at = said, now
    link.save(update_fields=["answer", "answered_at"])


def without_keys(text: str) -> str:
    """A text as staff may read it: whoever has a page's address acts as the client there."""
    return _KEY.sub(r"\1…", text)
