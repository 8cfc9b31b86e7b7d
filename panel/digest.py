"""The daily letter to a member: the sessions of a day and what waits, at the hour they chose.

It crosses strangers' mail servers, so it says no more than the day needs: of a client the first
name and one letter, of a session its time, its therapist and how it stands; never the service, a
number or a word that a client wrote. The rest is behind the link.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare

from clinic import directory, jalali, states
from clinic.models import Clinic, Digest, Directory, Membership
from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging.providers.base import ErrorKind
from messaging.providers.email import Email
from panel import visibility
from panel.alarms import standing_of
from panel.bell import things
from panel.lines import look_of
from panel.pages import day_link
from panel.waits import counted
from patients.models import Client
from sessions_app.models import Session, State
from sessions_app.queries import between, with_people

log = structlog.get_logger(__name__)

#: Later than this after its hour it is news no more, and is left out for the day.
STILL_NEWS = dt.timedelta(hours=2)
#: So many sessions stand in a letter; a clinic's whole day may be longer.
MOST = 40
#: Certainly not taken, and perhaps a little later.
_AGAIN = (ErrorKind.NOT_ACCEPTED, ErrorKind.ACCOUNT)
_TOKEN = re.compile(r"([a-z2-7]{16})-([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Line:
    """A session as a letter names it."""

    at: dt.datetime
    who: str
    therapist: str
    state: str


def send_due(now: dt.datetime) -> Counter[str]:
    """Send the letters whose hour has come; counts by what became of them.

    Guarantee: a member has at most one a day, however many processes ask and wherever one dies: the
    day is taken by compare-and-swap and committed before the letter leaves. Only a letter that the
    mail server has certainly not taken gives its day back.
    """
    counts = Counter[str]()
    post = Email()  # before any day is taken: settings that name no safe server stop here
    for digest in _due(now):
        day = jalali.local_day(now, digest.clinic.timezone)
        if _take(digest, day):
            counts[_deliver(digest, post, now)] += 1
    return counts


def _due(now: dt.datetime) -> list[Digest]:
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        chosen = Digest.objects.exclude(when=Digest.When.NEVER).select_related("clinic")
        return [digest for digest in chosen.order_by("pk") if _is_due(digest, now)]


def _is_due(digest: Digest, now: dt.datetime) -> bool:
    tz = digest.clinic.timezone
    day = jalali.local_day(now, tz)
    if digest.last_day is not None and digest.last_day >= day:
        return False
    return dt.timedelta(0) <= now - _hour(day, digest.at, tz) < STILL_NEWS


def _hour(day: dt.date, at: dt.time, tz: str) -> dt.datetime:
    """Also on the night of the year in which the clocks skip it: one hour must stop no letters."""
    return dt.datetime.combine(day, at, jalali.zone(tz))


def _take(digest: Digest, day: dt.date) -> bool:
    untaken = Q(last_day=None) | Q(last_day__lt=day)
    with wear(Hat.WORKER, clinic_id=digest.clinic_id):
        # The choice too: who has just stopped it gets none.
        row = Digest.objects.filter(untaken, pk=digest.pk, when=digest.when)
        return bool(row.update(last_day=day))


def _deliver(digest: Digest, post: Email, now: dt.datetime) -> str:
    letter = _written(digest, now)
    if letter is None:
        return "nothing"
    failure = post.hand_over(letter)
    if failure is None:
        _keep(digest, sent_at=now)
        return "sent"
    # Neither the address nor what the server said of it.
    log.warning("digest_not_taken", digest=digest.pk, kind=failure.kind, reason=failure.reason)
    if failure.kind in _AGAIN:
        _keep(digest, last_day=digest.last_day)
        return "later"
    return "lost"


def _keep(digest: Digest, **values: Any) -> None:
    with wear(Hat.WORKER, clinic_id=digest.clinic_id):
        Digest.objects.filter(pk=digest.pk).update(**values)


# -- What it says ------------------------------------------------------------------------------


def _written(digest: Digest, now: dt.datetime) -> EmailMultiAlternatives | None:
    """The letter; None where the day brings nothing, nothing waits, or the member is gone."""
    tz = jalali.zone(digest.clinic.timezone)
    with (
        wear(Hat.WEB, clinic_id=digest.clinic_id),
        translation.override(digest.language),
        timezone.override(tz),
    ):
        people = Membership.objects.select_related("user", "clinic", "therapist")
        member = people.filter(pk=digest.member_id, user__is_active=True).first()
        if member is None:
            return None
        context = _says(digest, member, now)
        return _letter(member, context) if context["lines"] or context["waits"] else None


def _says(digest: Digest, member: Membership, now: dt.datetime) -> dict[str, Any]:
    tz = member.clinic.timezone
    is_evening = digest.when == Digest.When.EVENING
    day = jalali.local_day(now, tz) + dt.timedelta(days=int(is_evening))
    start, end = jalali.start_of_day(day, tz), jalali.end_of_day(day, tz)
    mine = between(visibility.sessions(member), start, end).exclude(state=State.CANCELLED)
    sessions = list(with_people(mine))
    waits = things(member, counted(member, now), standing_of(member.clinic, now))
    return {
        "member": member,
        "clinic": member.clinic,
        "is_evening": is_evening,
        "day": day,
        "own": visibility.is_therapist(member),
        "lines": [_line(session, now) for session in sessions[:MOST]],
        "more": max(0, len(sessions) - MOST),
        "waits": [(thing, settings.PUBLIC_URL + thing.url) for thing in waits if thing.count],
        "link": settings.PUBLIC_URL + day_link(member.clinic, "panel:today", day),
        "stop_url": stop_url(digest),
    }


def _line(session: Session, now: dt.datetime) -> Line:
    people = [place.client for place in session.participants.all()]
    return Line(
        at=session.starts_at,
        who="، ".join(short_name(client) for client in people),
        therapist=str(session.therapist),
        state=str(states.look("session", look_of(session, now)).label),
    )


def short_name(client: Client) -> str:
    """«مریم ک.»: enough for who knows the day, and little for who reads over a shoulder."""
    first = client.first_name or client.honorific
    return f"{first} {client.last_name[:1]}.".strip()


def _letter(member: Membership, context: dict[str, Any]) -> EmailMultiAlternatives:
    subject = " ".join(render_to_string("panel/email/digest_subject.txt", context).split())
    stop = context["stop_url"]
    letter = EmailMultiAlternatives(
        subject,
        render_to_string("panel/email/digest_message.txt", context),
        to=[member.user.email],
        headers={
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(
        render_to_string("panel/email/digest_message.html", context), "text/html"
    )
    return letter


# -- Choosing and stopping it ------------------------------------------------------------------


def choice_of(member: Membership) -> Digest:
    """The member's choice; a new one, not kept, where none was made."""
    kept = Digest.objects.filter(member=member).first()
    return kept or Digest(clinic_id=member.clinic_id, member=member)


def choose(
    member: Membership, when: str, at: dt.time, *, language: str, now: dt.datetime
) -> Digest:
    """Keep the choice. An hour that has passed today begins tomorrow: nobody asked for it before."""
    today = jalali.local_day(now, member.clinic.timezone)
    has_passed = _hour(today, at, member.clinic.timezone) <= now
    values: dict[str, Any] = {"when": when, "at": at, "language": language}
    if has_passed:
        values["last_day"] = today
    digest, _new = Digest.objects.update_or_create(
        clinic_id=member.clinic_id, member=member, defaults=values
    )
    return digest


def stop_url(digest: Digest) -> str:
    """The address that stops this member's letter, which leads to its page from now on."""
    token = _token(digest.clinic_id, digest.pk)
    directory.publish(token, Directory.Purpose.DIGEST)
    return f"{settings.PUBLIC_URL}/d/{token}/"


def clinic_behind(token: str) -> int | None:
    return directory.resolve(token.lower(), Directory.Purpose.DIGEST)


def digest_behind(token: str, clinic: Clinic) -> Digest | None:
    """The choice of a token, in the scope of its clinic; None for a member who has left."""
    found = _TOKEN.fullmatch(token.lower())
    if not found or not constant_time_compare(token.lower(), _token(clinic.pk, int(found[2]))):
        return None
    return Digest.objects.filter(pk=int(found[2])).first()


def stop(digest: Digest) -> None:
    Digest.objects.filter(pk=digest.pk).update(when=Digest.When.NEVER)
    digest.when = Digest.When.NEVER


def _token(clinic_id: int, digest_id: int) -> str:
    signature = directory.short_token(Directory.Purpose.DIGEST, clinic_id, digest_id)
    return f"{signature}-{digest_id}"
