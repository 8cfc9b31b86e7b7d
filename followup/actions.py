"""Opening a clinic, going live, and changing its rules."""

from __future__ import annotations

import datetime as dt

from clinic.holidays import ensure_holidays
from clinic.models import Clinic, User
from clinic.tenancy import Hat, wear
from followup.defaults import DEFAULT_RULES, EMERGENCY, DefaultRule
from followup.models import Rule
from messaging import emergency, outbox
from messaging.models import Reason, Template
from sessions_app.actions import session_changed
from sessions_app.models import Session, SessionChange, State


def open_clinic(
    slug: str, name: str, *, phone: str = "", timezone: str, live: bool, now: dt.datetime
) -> Clinic:
    """Make a clinic with its default rules and texts; in shadow mode unless `live`.

    Needs the owner's hat. Raises django.db.IntegrityError when the slug is taken.
    """
    clinic = Clinic(slug=slug, name=name, phone=phone, timezone=timezone, created_at=now)
    clinic.live_since = now if live else None
    clinic.full_clean()
    clinic.save()
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        ensure_holidays(clinic, now=now)
        _add_rules(now)
    return clinic


def _add_rules(now: dt.datetime) -> None:
    """In two statements: a clinic begins with sixty rules and wordings."""
    wordings = [
        Template(key=default.key, body=body, updated_at=now, **made_for)
        for default in DEFAULT_RULES
        for bodies, made_for in _bodies(default)
        for body in bodies
    ]
    wordings.append(Template(key=emergency.KEY, body=EMERGENCY, updated_at=now))
    for wording in wordings:
        wording.clean()
    Template.objects.bulk_create(wordings)
    Rule.objects.bulk_create([_rule(default, now) for default in DEFAULT_RULES])


def _bodies(default: DefaultRule) -> list[tuple[tuple[str, ...], dict[str, bool]]]:
    """The rule's words, with the fields of wordings that are for some texts only."""
    return [
        (default.bodies, {}),
        (default.inviting, {"invites": True}),
        (default.plain, {"plain": True}),
    ]


def _rule(default: DefaultRule, now: dt.datetime) -> Rule:
    return Rule(
        key=default.key,
        kind=default.kind,
        purpose=default.purpose,
        enabled=default.enabled,
        active_since=now,
        **default.numbers,
    )


def go_live(clinic: Clinic, *, now: dt.datetime) -> None:
    """Let texts leave from now on. What fell due before stays what it was: no ghosts."""
    Clinic.objects.filter(pk=clinic.pk, live_since=None).update(live_since=now)
    clinic.refresh_from_db(fields=["live_since"])


def return_to_shadow(clinic: Clinic) -> None:
    """Stop everything at once: texts are planned and shown, and none leaves."""
    Clinic.objects.filter(pk=clinic.pk).update(live_since=None)
    clinic.refresh_from_db(fields=["live_since"])


def switch(rule: Rule, on: bool, *, now: dt.datetime) -> int:
    """Switch a rule; off also cancels what it has queued. Returns how many that were."""
    if rule.enabled == on:
        return 0
    rule.enabled = on
    if on:
        rule.active_since = now
    rule.save(update_fields=["enabled", "active_since"])
    return 0 if on else outbox.cancel_of_rule(rule.pk, now=now)


def reword(wording: Template, body: str, *, now: dt.datetime, by: User | None = None) -> None:
    """Give a rule other words. Queued messages use them: a text is written when it leaves.

    Raises ValidationError for a text that could not be sent.
    """
    wording.body, wording.updated_at, wording.updated_by = body, now, by
    wording.full_clean(exclude=["clinic"])
    wording.save(update_fields=["body", "updated_at", "updated_by"])


def _sweep_outbox(
    sender: type[Session], session: Session, change: SessionChange, now: dt.datetime, **_: object
) -> None:
    """Take the old promise's texts out of the queue in the transaction that broke it.

    The sender's re-check would stop them too; this makes the panel right at once.
    """
    if session.state == State.CANCELLED:
        outbox.cancel_of_session(session.pk, Reason.SESSION_CANCELLED, now=now)
        return
    outbox.cancel_outdated(session.pk, session.revision, now=now)
    if session.state in (State.ATTENDED, State.NO_SHOW):
        outbox.cancel_recorded_otherwise(session.pk, session.state, now=now)


def connect() -> None:
    session_changed.connect(_sweep_outbox, dispatch_uid="followup.sweep_outbox")
