"""The outbox: every change of a message's state, each a compare-and-swap.

The caller wears a hat that may see the rows: the worker's across clinics, or the web's for the
verbs that staff use. No function here talks to a gateway.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _

from clinic import discreet
from clinic.models import Clinic
from messaging import by_hand, chains, claiming, spending
from messaging.accounts import REST, Gateway
from messaging.judge import Verdict, look, with_world
from messaging.models import Channel, Expects, Message, Priority, Reason, State
from messaging.providers.base import Accepted, Approval, OutgoingText
from messaging.render import parts_of
from patients.models import Client
from sessions_app.links import publish

#: The first question about a text whose answer did not arrive, and the pause between two.
ASK_AFTER = dt.timedelta(seconds=60)
#: The gateway itself begins to ask the carrier about then.
FIRST_POLL = dt.timedelta(minutes=5)


class OutboxError(ValueError):
    """The message is no longer in a state that allows it; `str()` says so to the reader."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Back to the queue: not before `until`, and why."""

    until: dt.datetime
    reason: str = ""


def drafts(ids: Sequence[int], holder: str, now: dt.datetime) -> list[tuple[Message, Verdict]]:
    """A first look at claimed messages, without locks: only for grouping equal texts."""
    held = with_world(_held(ids, holder, State.CLAIMED), now).order_by("attempt_at", "id")
    return look(held, now)


def begin_sending(
    ids: Sequence[int],
    text: str | None,
    gateway: Gateway | None,
    *,
    holder: str,
    now: dt.datetime,
) -> tuple[list[OutgoingText], Counter[str]]:
    """Commit messages as *sending*, after a re-check that no cancellation can slip past.

    Guarantee: when this returns, the client and session rows had, and until the commit could not
    lose, the state the verdict saw. A plain re-check loses the race in which a cancellation, still
    uncommitted, has swept the outbox before the planner inserted; FOR SHARE waits for it. A client
    is held alone, or two senders would each find the contact budget unspent and spend it twice.
    Clients come before sessions and both by id, so that two senders cannot deadlock. The price:
    whoever cancels waits for this short transaction, and is told what had already left.

    The pages that a text links to are published in the same commit: no link leaves before it leads
    somewhere.

    The messages themselves are locked too: whoever stops one at this moment either has done so
    already or is told that it can no longer be stopped.

    A message whose text is no longer `text`, or whose hour or day does not allow it any more, goes
    back to the queue.
    """
    _share_locks(ids)
    ready, settled = dict[int, Verdict](), Counter[str]()
    held = with_world(_held(ids, holder, State.CLAIMED), now).order_by("id")
    looked = look(held.select_for_update(of=("self",)), now)
    for message, verdict in looked:
        hindrance = _hindrance(message, verdict, gateway)
        if wait := _must_wait(message, verdict, text, gateway, now):
            _requeue(message, wait, now)
        elif hindrance:
            _finish(message, hindrance, now, settled)
        else:
            ready[message.pk] = verdict
    if ready and gateway:
        _mark_sending(ready, gateway, holder, now)
        publish((page for verdict in ready.values() for page in verdict.pages), now=now)
    return [_outgoing(m, v) for m, v in looked if m.pk in ready], settled


def begin_handing_over(
    ids: Sequence[int], *, holder: str, now: dt.datetime
) -> tuple[list[tuple[Message, Verdict]], Counter[str]]:
    """Like `begin_sending`, for what no gateway carries: reception is told, in the same commit."""
    _share_locks(ids)
    ready, settled = [], Counter[str]()
    held = with_world(_held(ids, holder, State.CLAIMED), now).order_by("id")
    for message, verdict in look(held.select_for_update(of=("self",)), now):
        if wait := _must_wait_for_manners(message):
            _requeue(message, wait, now)
        elif verdict.may_leave:
            ready.append((message, verdict))
        else:
            _finish(message, verdict, now, settled)
    for message, verdict in ready:
        _mark_these([message.pk], verdict, None, holder, now)
    return ready, settled


def _must_wait(
    message: Message, verdict: Verdict, text: str | None, gateway: Gateway | None, now: dt.datetime
) -> Wait | None:
    """Until when a message has to go back to the queue, and why; None where it need not."""
    if wait := _must_wait_for_manners(message):
        return wait
    if not verdict.may_leave:
        return None
    if gateway is None:
        return None if message.then else Wait(now + REST, Reason.NO_ACCOUNT)
    return Wait(now) if verdict.text != text else None


def _must_wait_for_manners(message: Message) -> Wait | None:
    if message.priority == Priority.SAFETY:
        return None
    if message.out_of_hours:  # type: ignore[attr-defined]
        return Wait(message.attempt_at)
    if message.clinic.paused_at is not None:
        return Wait(message.attempt_at, Reason.CLINIC_PAUSED)
    return None


def _hindrance(message: Message, verdict: Verdict, gateway: Gateway | None) -> Verdict | None:
    """Why a message ends here; None when it may leave."""
    if not verdict.may_leave:
        return verdict
    if gateway is None:
        return Verdict(State.SKIPPED, Reason.NO_ACCOUNT)
    needs_approval = gateway.provider.approval == Approval.ALWAYS or (
        gateway.provider.approval == Approval.OUTSIDE_WINDOW and not message.window_is_open  # type: ignore[attr-defined]
    )
    against = {
        Reason.NOT_ALLOWED: not gateway.may_text(message.recipient),
        Reason.NOT_SERVED: not gateway.serves(message.recipient),
        Reason.NO_APPROVED: needs_approval and verdict.approved is None,
    }
    reason = next((reason for reason, holds in against.items() if holds), None)
    return Verdict(State.SKIPPED, reason) if reason else None


def _outgoing(message: Message, verdict: Verdict) -> OutgoingText:
    return OutgoingText(
        message.pk,
        message.recipient,
        verdict.text,
        approved=verdict.approved,
        sender_name=sender_name(message.clinic, message.client),
    )


def sender_name(clinic: Clinic, client: Client) -> str:
    """What stands over a letter to the client."""
    return discreet.clinic(clinic.name) if client.discreet else clinic.name


def _share_locks(ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        for table, column, strength in (
            ("patients_client", "client_id", "NO KEY UPDATE"),
            ("sessions_app_session", "session_id", "SHARE"),
        ):
            cursor.execute(
                f"SELECT 1 FROM {table} WHERE id IN"
                f" (SELECT {column} FROM messaging_message WHERE id = ANY(%s))"
                f" ORDER BY id FOR {strength}",
                [list(ids)],
            )


def _mark_sending(
    ready: Mapping[int, Verdict], gateway: Gateway, holder: str, now: dt.datetime
) -> None:
    """Equal texts, but perhaps of several wordings and clinics."""
    by_wording = defaultdict(list)
    for pk, verdict in ready.items():
        by_wording[verdict.wording, verdict.text].append(pk)
    for ids in by_wording.values():
        _mark_these(ids, ready[ids[0]], gateway, holder, now)


def _mark_these(
    ids: Sequence[int], verdict: Verdict, gateway: Gateway | None, holder: str, now: dt.datetime
) -> None:
    wording = verdict.wording
    _held(ids, holder, State.CLAIMED).update(
        template=wording,
        # What went without an invitation must not hold back the next one.
        invites=wording is not None and wording.invites,
        state=State.SENDING,
        state_at=now,
        reason="",
        text=verdict.text,
        parts=parts_of(verdict.text),
        sending_at=Coalesce("sending_at", Value(now)),
        attempted_at=now,
        lease_until=now + claiming.LEASE,
        attempts=F("attempts") + 1,
        account=gateway.account_id if gateway else None,
        provider=gateway.kind if gateway else Channel.CALL,
    )


def _finish(message: Message, verdict: Verdict, now: dt.datetime, settled: Counter[str]) -> None:
    # What a person wrote stands nowhere else.
    text = verdict.text or (message.text if message.rule_key == by_hand.KEY else "")
    changed = Message.objects.filter(pk=message.pk, state=State.CLAIMED).update(
        state=verdict.state,
        reason=verdict.reason,
        state_at=now,
        text=text,
        parts=parts_of(text) if text else None,
        invites=verdict.wording.invites if verdict.wording else message.invites,
        holder="",
        lease_until=None,
    )
    if changed:
        key = f"skipped:{verdict.reason}" if verdict.state == State.SKIPPED else verdict.state.value
        settled[key] += 1
        if verdict.reason in chains.OF_THE_CHANNEL:
            chains.go_on([message.pk], now)


def _requeue(message: Message, wait: Wait, now: dt.datetime) -> None:
    Message.objects.filter(pk=message.pk, state=State.CLAIMED).update(
        state=State.QUEUED,
        reason=wait.reason,
        state_at=now,
        attempt_at=wait.until,
        holder="",
        lease_until=None,
    )


ACCEPT = """
UPDATE messaging_message m
   SET state = 'sent', reason = '', state_at = %(now)s, sent_at = %(now)s, ask_at = %(ask)s,
       provider_id = v.provider_id, cost_rial = v.cost, provider_code = '',
       holder = '', lease_until = NULL
  FROM unnest(%(ids)s::bigint[], %(numbers)s::text[], %(costs)s::int[]) AS v(id, provider_id, cost)
 WHERE m.id = v.id AND m.state = 'sending' AND m.holder = %(holder)s
RETURNING m.clinic_id, m.cost_rial
"""


def accepted(taken: Iterable[Accepted], *, holder: str, now: dt.datetime, ask: bool = True) -> int:
    """Record what the gateway took. A sender whose lease ran out changes nothing here."""
    rows = list(taken)
    with connection.cursor() as cursor:
        cursor.execute(
            ACCEPT,
            {
                "now": now,
                "ask": now + FIRST_POLL if ask else None,
                "ids": [a.local_id for a in rows],
                "numbers": [a.provider_id for a in rows],
                "costs": [a.cost_rial for a in rows],
                "holder": holder,
            },
        )
        charged = cursor.fetchall()
    costs = Counter[int]()
    for clinic_id, rial in charged:
        costs[clinic_id] += rial or 0
    spending.add(+costs, now)
    return len(charged)


def refused_for_now(
    ids: Sequence[int],
    attempt_at: dt.datetime,
    reason: str,
    code: str,
    *,
    holder: str,
    now: dt.datetime,
) -> int:
    """Certainly not accepted: back to the queue, with the same id, and through whatever gateway.

    But what was unclear once goes through the same one for ever: an earlier copy may be there.
    """
    return _held(ids, holder, State.SENDING).update(
        state=State.QUEUED,
        reason=reason,
        provider_code=code,
        account=Case(When(negative_lookups=0, then=None), default=F("account")),
        provider=Case(When(negative_lookups=0, then=Value("")), default=F("provider")),
        attempt_at=attempt_at,
        state_at=now,
        holder="",
        lease_until=None,
    )


def failed(ids: Sequence[int], code: str, *, holder: str, now: dt.datetime) -> int:
    """Refused for good; where its chain goes on, the next channel's turn."""
    held = list(_held(ids, holder, State.SENDING).values_list("pk", flat=True))
    changed = _held(held, holder, State.SENDING).update(
        state=State.FAILED,
        reason=Reason.REFUSED,
        provider_code=code,
        state_at=now,
        holder="",
        lease_until=None,
    )
    chains.go_on(held if changed else (), now)
    return changed


def unclear(
    ids: Sequence[int],
    reason: str,
    code: str,
    *,
    holder: str,
    now: dt.datetime,
    ask_at: dt.datetime | None,
) -> int:
    """It may have left. Never re-sent from here: see `messaging.lookups`."""
    return _held(ids, holder, State.SENDING).update(
        state=State.UNKNOWN,
        reason=reason,
        provider_code=code,
        state_at=now,
        ask_at=ask_at,
        negative_lookups=0,
        holder="",
        lease_until=None,
    )


def release(ids: Sequence[int], *, holder: str, now: dt.datetime) -> int:
    """Put back what was claimed and not begun, when a drain runs out of time."""
    return _held(ids, holder, State.CLAIMED).update(
        state=State.QUEUED, state_at=now, holder="", lease_until=None
    )


def rest(
    ids: Sequence[int],
    *,
    holder: str,
    now: dt.datetime,
    until: dt.datetime,
    reason: str,
) -> int:
    """Let claimed messages wait with a gateway that has just refused others, or not answered.

    What was unclear once must wait for this very gateway; the rest may go by another one earlier.
    """
    bound = Greatest(Value(until), Value(now + REST))
    return _held(ids, holder, State.CLAIMED).update(
        state=State.QUEUED,
        reason=reason,
        state_at=now,
        attempt_at=Case(When(negative_lookups=0, then=Value(until)), default=bound),
        holder="",
        lease_until=None,
    )


def sweep(now: dt.datetime) -> Counter[str]:
    """Leases that ran out, and what is too late.

    A dead holder's *claimed* goes back to the queue: no byte left. Its *sending* becomes unknown:
    one may have. Making that queued again, the usual cure, texted people twice.
    """
    late = Message.objects.filter(lease_until__lte=now)
    late.filter(state=State.CLAIMED).update(
        state=State.QUEUED, state_at=now, holder="", lease_until=None
    )
    unknown = late.filter(state=State.SENDING).update(
        state=State.UNKNOWN,
        reason=Reason.SENDER_STOPPED,
        state_at=now,
        ask_at=now,
        negative_lookups=0,
        holder="",
        lease_until=None,
    )
    missed = Message.objects.filter(state=State.QUEUED, useful_until__lte=now).update(
        state=State.MISSED, reason=Reason.TOO_LATE, state_at=now
    )
    return Counter(unknown=unknown, missed=missed)


def cancel(message: Message, *, now: dt.datetime, reason: str = "") -> None:
    """Take a message out of the queue. Raises OutboxError when it may be leaving already."""
    if not _take_out(Message.objects.filter(pk=message.pk), reason, now):
        raise OutboxError(_("This message can no longer be stopped."))


def cancel_of_session(session_id: int, reason: str, *, now: dt.datetime) -> int:
    """Take a cancelled or moved session's waiting texts out of the queue."""
    return _take_out(Message.objects.filter(session=session_id), reason, now)


def cancel_outdated(session_id: int, revision: int, *, now: dt.datetime) -> int:
    """Take out what belongs to an earlier promise of this session's time."""
    earlier = Message.objects.filter(session=session_id, revision__lt=revision)
    return _take_out(earlier, Reason.SESSION_MOVED, now)


def cancel_recorded_otherwise(session_id: int, state: str, *, now: dt.datetime) -> int:
    """Take out what is about another outcome of this session than the one recorded."""
    about_outcome = Message.objects.filter(
        session=session_id, expects__in=(Expects.ATTENDED, Expects.NO_SHOW)
    )
    return _take_out(about_outcome.exclude(expects=state), Reason.RECORD_CHANGED, now)


def cancel_of_rule(rule_number: int, *, now: dt.datetime) -> int:
    """Take what a rule has queued out, when it is switched off."""
    return _take_out(Message.objects.filter(rule_number=rule_number), Reason.RULE_OFF, now)


def cancel_of_client(
    client_id: int, purposes: Iterable[str], reason: str, *, now: dt.datetime
) -> int:
    """Take a client's waiting texts of these purposes out of the queue."""
    theirs = Message.objects.filter(client=client_id, purpose__in=list(purposes))
    return _take_out(theirs, reason, now)


def _take_out(messages: QuerySet[Message], reason: str, now: dt.datetime) -> int:
    """Cancel those of these messages that still wait; returns how many.

    Held first and by id, as the sender holds its own: an update takes rows as they are stored, and
    the two would wait for each other.
    """
    waiting = messages.filter(state__in=(State.QUEUED, State.CLAIMED)).order_by("id")
    ids = list(waiting.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    if not ids:
        return 0
    return Message.objects.filter(pk__in=ids).update(
        state=State.CANCELLED, reason=reason, state_at=now, holder="", lease_until=None
    )


def settle_unknown(message: Message, was_sent: bool, *, now: dt.datetime) -> None:
    """A person has found out. Raises OutboxError when it was settled meanwhile."""
    state = State.SENT if was_sent else State.FAILED
    changed = Message.objects.filter(pk=message.pk, state=State.UNKNOWN).update(
        state=state,
        state_at=now,
        sent_at=message.attempted_at if was_sent else None,
        ask_at=None,
    )
    if not changed:
        raise OutboxError(_("This message has been settled already."))
    if not was_sent:
        chains.go_on([message.pk], now)


def _held(ids: Sequence[int], holder: str, state: State) -> QuerySet[Message]:
    return Message.objects.filter(pk__in=list(ids), state=state, holder=holder)
