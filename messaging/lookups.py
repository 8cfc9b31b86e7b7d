"""Ask the gateways: what became of unclear messages, where the sent ones are, what came in."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import structlog

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import alarms, heartbeats, receipts, replies
from messaging.accounts import Gateway, check_resting, gateway_of_message
from messaging.models import Message, State
from messaging.outbox import ASK_AFTER, FIRST_POLL
from messaging.providers.base import Found, NotFound, ProviderError, Receipt

log = structlog.get_logger(__name__)

#: Two negative answers, `ASK_AFTER` apart, before a second copy may leave.
NEGATIVES_NEEDED = 2
#: One question's worth of messages per gateway and run.
LIMIT = 500


def look_after(now: dt.datetime) -> Counter[str]:
    """Ask about everything that is due to be asked about; returns counts by what came of it."""
    counts = resolve_unknown(now) + poll_sent(now) + replies.fetch(now)
    counts["accounts_well_again"] = check_resting(now)
    counts["managers_told"] = alarms.tell(now)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        heartbeats.beat("inquirer")
    return +counts


def resolve_unknown(now: dt.datetime) -> Counter[str]:
    """Ask what became of messages whose answer never arrived.

    Guarantee: a text leaves a second time only when the gateway said twice, a minute apart, that it
    has no such message, still remembers that far back, and would itself catch the duplicate. All
    else waits for a callback or a person. The price: such a message is a few minutes late. Its text
    is written anew, since "tomorrow" may have become "today"; had the first copy been taken after
    all, the gateway would answer with that one, and the echo check would call a person.
    """
    counts = Counter[str]()
    for gateway, messages in _to_ask(State.UNKNOWN, now):
        answers = _look_up(gateway, messages)
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            for message in messages:
                counts[_learn(message, answers.get(message.pk), gateway, now)] += 1
    return counts


def poll_sent(now: dt.datetime) -> Counter[str]:
    """Ask where sent texts are, for gateways whose callbacks do not always arrive."""
    counts = Counter[str]()
    for gateway, messages in _to_ask(State.SENT, now):
        window = gateway.provider.status_window
        young = [m for m in messages if m.sent_at and m.sent_at > now - window]
        try:
            news = gateway.provider.statuses([m.provider_id for m in young]) if young else {}
        except ProviderError as error:
            log.warning("statuses_not_told", gateway=gateway.kind, reason=error.reason)
            news = {}
        told = [Receipt(number, status) for number, status in news.items()]
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            counts["settled"] += receipts.apply(gateway.kind, gateway.account_id, told, now=now)
            _ask_later(messages, young, now)
    return counts


def _to_ask(state: State, now: dt.datetime) -> Iterator[tuple[Gateway, list[Message]]]:
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        due = Message.objects.filter(state=state, ask_at__lte=now).select_related("account")
        groups = _by_gateway(due.order_by("ask_at")[:LIMIT])
    yield from groups.items()


def _by_gateway(messages: Iterable[Message]) -> dict[Gateway, list[Message]]:
    groups: dict[Gateway, list[Message]] = defaultdict(list)
    orphans = []
    for message in messages:
        gateway = gateway_of_message(message)
        if gateway and gateway.kind == message.provider:
            groups[gateway].append(message)
        else:
            orphans.append(message.pk)
    # The account they went through is gone: nobody can be asked any more.
    Message.objects.filter(pk__in=orphans).update(ask_at=None)
    return groups


def _look_up(gateway: Gateway, messages: list[Message]) -> dict[int, Found | NotFound]:
    try:
        return gateway.provider.look_up([m.pk for m in messages])
    except ProviderError as error:
        log.warning("lookup_not_answered", gateway=gateway.kind, reason=error.reason)
        return {}


def _learn(
    message: Message, answer: Found | NotFound | None, gateway: Gateway, now: dt.datetime
) -> str:
    row = Message.objects.filter(pk=message.pk, state=State.UNKNOWN)
    if isinstance(answer, Found):
        row.update(
            state=State.SENT,
            reason="",
            state_at=now,
            sent_at=message.attempted_at,
            provider_id=answer.provider_id,
            ask_at=now + FIRST_POLL,
        )
        told = [Receipt(answer.provider_id, answer.status)]
        receipts.apply(gateway.kind, gateway.account_id, told, now=now)
        return "found"
    if not _may_still_ask(message, gateway, now):
        row.update(ask_at=None)
        return "left_to_a_person"
    if answer is None:
        row.update(ask_at=now + 2 * ASK_AFTER)
        return "not_answered"
    return _after_negative(message, gateway, now)


def _after_negative(message: Message, gateway: Gateway, now: dt.datetime) -> str:
    negatives = message.negative_lookups + 1
    row = Message.objects.filter(pk=message.pk, state=State.UNKNOWN)
    if negatives < NEGATIVES_NEEDED:
        row.update(negative_lookups=negatives, ask_at=now + ASK_AFTER)
        return "asked_once"
    if not gateway.provider.dedupes:
        row.update(negative_lookups=negatives, ask_at=None)
        return "left_to_a_person"
    # The two negatives stay on the row: whoever sends it next must go through the same gateway.
    row.update(
        state=State.QUEUED,
        reason="",
        state_at=now,
        attempt_at=now,
        ask_at=None,
        negative_lookups=negatives,
    )
    return "queued_again"


def _may_still_ask(message: Message, gateway: Gateway, now: dt.datetime) -> bool:
    window = gateway.provider.resend_window
    return message.sending_at is not None and now - message.sending_at < window


def _ask_later(asked: list[Message], young: list[Message], now: dt.datetime) -> None:
    """Next time later than this time: an old text's news comes slowly. Too old: never again."""
    still = {m.pk for m in young}
    for message in asked:
        age = now - message.sent_at if message.pk in still and message.sent_at else None
        Message.objects.filter(pk=message.pk, state=State.SENT).update(
            ask_at=None if age is None else now + max(FIRST_POLL, age / 2)
        )
