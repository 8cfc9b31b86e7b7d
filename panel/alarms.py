"""What stands over every page: texts that do not leave, or that nobody knows about, and why.

One query for all of it, whatever the size of the clinic.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _, ngettext

from clinic import jalali
from clinic.access import MANAGERS, RECEPTION
from clinic.banners import Banner
from clinic.links import clinic_url
from clinic.models import Clinic, Membership
from clinic.templatetags.peygir import number, toman
from messaging.accounts import installation_gateway
from messaging.models import Channel
from messaging.spending import WARN_AT, month_of
from panel.account_words import explain_code, name_of

#: A text that could have left for so long, and has not.
TOO_LONG = dt.timedelta(minutes=15)

# The clinic is named although row-level security would hide every other: each guard holds alone.
# What waits: it could have left at `since`, and could now. Asked of the clinic's quiet hours first,
# so that a night's texts are not looked at one by one.
STANDING = """
SELECT (SELECT coalesce(nullif(u.full_name, ''), u.email)
          FROM clinic_user u WHERE u.id = c.paused_by_id),
       (SELECT count(*) FROM messaging_message m
         WHERE m.clinic_id = c.id AND m.state = 'unknown' AND m.ask_at IS NULL),
       (SELECT count(*) FROM messaging_message m JOIN patients_client cl ON cl.id = m.client_id
         WHERE m.clinic_id = c.id AND m.state = 'queued' AND m.attempt_at <= %(since)s
           AND m.useful_until > %(now)s
           AND (m.priority = 0 OR (
                NOT is_quiet(%(since)s, c.timezone, c.quiet_from, c.quiet_to)
                AND NOT is_quiet(%(now)s, c.timezone, c.quiet_from, c.quiet_to)
                AND (cl.texts_from IS NULL OR NOT (
                     is_quiet(%(since)s, c.timezone, cl.texts_until, cl.texts_from)
                     OR is_quiet(%(now)s, c.timezone, cl.texts_until, cl.texts_from)))
                AND (m.purpose = 'transactional' OR NOT (
                     is_held_back(%(since)s, c.timezone, m.due_at, c.id)
                     OR is_held_back(%(now)s, c.timezone, m.due_at, c.id)))))),
       (SELECT s.rial FROM messaging_spending s
         WHERE s.clinic_id = c.id AND s.starts_at <= %(now)s AND s.ends_at > %(now)s),
       (SELECT json_agg(json_build_object(
                   'kind', a.kind, 'channel', a.channel, 'code', a.pause_code,
                   'paused', a.paused_at IS NOT NULL) ORDER BY a.standby, a.id)
          FROM messaging_provideraccount a WHERE a.clinic_id = c.id AND a.active)
  FROM clinic_clinic c WHERE c.id = %(clinic)s
"""


@dataclass(frozen=True, slots=True)
class Account:
    kind: str
    channel: str
    code: str
    paused: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a clinic's texts at one moment."""

    paused_by: str
    unclear: int
    waiting: int
    spent_rial: int
    accounts: list[Account]

    @property
    def first_paused(self) -> Account | None:
        return next((account for account in self.accounts if account.paused), None)

    def carries(self, channel: str) -> bool:
        return any(a.channel == channel and not a.paused for a in self.accounts)


def standing_of(clinic: Clinic, now: dt.datetime) -> Standing:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"clinic": clinic.pk, "now": now, "since": now - TOO_LONG}
        cursor.execute(STANDING, values)
        paused_by, unclear, waiting, spent, accounts = cursor.fetchone()
    rows = json.loads(accounts) if isinstance(accounts, str) else accounts or []
    return Standing(paused_by or "", unclear, waiting, spent or 0, [Account(**a) for a in rows])


def standing(request: Any) -> Standing:
    """Of the request's clinic; asked once for a request, whoever shows it."""
    kept: dict[str, Any] = request.__dict__
    if "standing" not in kept:
        kept["standing"] = standing_of(request.clinic, timezone.now())
    known: Standing = kept["standing"]
    return known


def banners(request: Any) -> Iterator[Banner]:
    """What the member of the clinic should know; buttons and links only for who may act."""
    member: Membership = request.membership
    now = timezone.now()
    stands = standing(request)
    yield from _pause(member, stands, now)
    if member.role not in RECEPTION:
        return
    yield from _unclear(member.clinic, stands)
    if not request.clinic.is_live or request.clinic.paused_at:
        return
    stopped = [*_accounts(member, stands), *_spending(member, stands, now)]
    yield from stopped
    if not any(banner.tone == "red" for banner in stopped):
        yield from _waiting(stands)


def _pause(member: Membership, standing: Standing, now: dt.datetime) -> Iterator[Banner]:
    clinic = member.clinic
    if clinic.paused_at is None:
        return
    since = jalali.relative(clinic.paused_at, now, tz=clinic.timezone)
    said = _("All texts are stopped since %(since)s by %(by)s.") if standing.paused_by else _(
        "All texts are stopped since %(since)s."
    )  # fmt: skip
    text = said % {"since": since, "by": standing.paused_by}
    if member.role in MANAGERS:
        url, label = clinic_url(clinic, "texting:resume"), _("Go on sending")
        yield Banner("red", "player-pause", text, url, label, posts=True)
    else:
        yield Banner("red", "player-pause", text)


def _unclear(clinic: Clinic, standing: Standing) -> Iterator[Banner]:
    if not standing.unclear:
        return
    text = ngettext(
        "Nobody knows whether %(n)s message left. A person has to find out.",
        "Nobody knows whether %(n)s messages left. A person has to find out.",
        standing.unclear,
    ) % {"n": number(standing.unclear)}
    url = f"{clinic_url(clinic, 'panel:messages')}?state=unknown"
    yield Banner("amber", "help-circle", text, url, _("See them"))


def _accounts(member: Membership, standing: Standing) -> Iterator[Banner]:
    manages = member.role in MANAGERS
    url = clinic_url(member.clinic, "texting:gateway") if manages else ""
    label = _("See the accounts") if manages else ""
    broken = standing.first_paused
    if broken:
        said = {"name": name_of(broken.kind), "why": explain_code(broken.kind, broken.code)}
        if standing.carries(broken.channel):
            text = _("%(name)s does not take texts: %(why)s The other account carries them.") % said
            yield Banner("amber", "player-pause", text, url, label)
        else:
            text = _("%(name)s does not take texts, and they wait: %(why)s") % said
            yield Banner("red", "player-pause", text, url, label)
    has_sms = any(account.channel == Channel.SMS for account in standing.accounts)
    if not has_sms and installation_gateway() is None:
        text = _("No SMS account is set up, so no SMS can leave.")
        yield Banner("red", "message-off", text, url, label)


def _spending(member: Membership, standing: Standing, now: dt.datetime) -> Iterator[Banner]:
    cap = member.clinic.monthly_cap_rial
    if not cap or standing.spent_rial < cap * WARN_AT:
        return
    manages = member.role in MANAGERS
    url = clinic_url(member.clinic, "texting:live") if manages else ""
    label = _("See the limit") if manages else ""
    _start, ends_at = month_of(member.clinic, now)
    said = {
        "spent": toman(standing.spent_rial),
        "cap": toman(cap),
        "until": jalali.day_name_date(ends_at, now=now, tz=member.clinic.timezone),
    }
    if standing.spent_rial >= cap:
        text = _(
            "This month's limit of %(cap)s for texts is reached; they wait until %(until)s, or for a"
            " higher limit."
        )
        yield Banner("red", "credit-card", text % said, url, label)
    elif manages:
        text = _("%(spent)s of this month's %(cap)s for texts are spent.")
        yield Banner("amber", "credit-card", text % said, url, label)


def _waiting(standing: Standing) -> Iterator[Banner]:
    if not standing.waiting:
        return
    text = ngettext(
        "%(n)s text has been due for more than %(minutes)s minutes and has not left; tell whoever"
        " looks after the server.",
        "%(n)s texts have been due for more than %(minutes)s minutes and have not left; tell whoever"
        " looks after the server.",
        standing.waiting,
    )
    minutes = number(int(TOO_LONG.total_seconds() // 60))
    yield Banner("amber", "hourglass", text % {"n": number(standing.waiting), "minutes": minutes})
