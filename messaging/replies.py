"""Texts that come in from clients' phones, and what is made of them.

«۱۱» stops, «۱۲» starts again; «۱» confirms and «۲» cancels the one session that a text has just told
of (see `messaging.reply_answers`). Anything else waits in the inbox until a person closes it. They
come by callback, and what a callback missed is fetched.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Exists, OuterRef, Q

from clinic.tenancy import EVERYWHERE, Everywhere, Hat, wear
from clinic.text import clean, fold
from messaging import outbox
from messaging.accounts import Gateway, gateway_of_account
from messaging.models import Message, ProviderAccount, Reason, Reply
from messaging.providers import provider_class
from messaging.providers.base import InboundText, ProviderError
from messaging.reply_answers import answer
from patients import contacts
from patients.actions import set_consent
from patients.models import Client, ConsentRecord, Purpose
from patients.phones import PhoneError, is_mobile, normalise
from patients.queries import with_phone
from sessions_app.care_tasks import open_task
from sessions_app.models import CareTask

log = structlog.get_logger(__name__)

Intent, Done = Reply.Intent, Reply.Done

_WORD = re.compile(r"\w+")


def _words(folded: str) -> str:
    return " ".join(_WORD.findall(folded))


def _spelt(*words: str) -> frozenset[str]:
    """As `intent_of` reads them; a space may be a half-space, which folding takes away."""
    folded = {_words(fold(word)) for word in words}
    return frozenset(folded | {word.replace(" ", "") for word in folded})


# «لغو» alone cancels and does not stop: our own texts say it of sessions, and whoever answers so has
# most likely asked to cancel one.
_AGREED: dict[Reply.Intent, frozenset[str]] = {
    Intent.STOP: _spelt("۱۱", "لغو ۱۱", "stop", "stop 11"),
    Intent.START: _spelt("۱۲", "شروع", "شروع ۱۲", "start", "start 12"),
    Intent.CONFIRM: _spelt("۱", "بله", "تأیید", "می آیم", "می آم", "ok", "yes", "confirm"),
    Intent.CANCEL: _spelt("۲", "نه", "لغو", "کنسل", "نمی آیم", "نمی آم", "cancel"),
}
#: About texts as such, and about a session.
DECISIONS = (Intent.STOP, Intent.START)
ANSWERS = (Intent.CONFIRM, Intent.CANCEL)
_ANSWERED = {Intent.CONFIRM: Done.CONFIRMED, Intent.CANCEL: Done.CANCELLED}
#: What «۱۱» stops. Texts about booked sessions go on until a person has asked.
STOPPED = (Purpose.FOLLOW_UP, Purpose.MOTIVATION, Purpose.CAMPAIGN)
#: What «۱۲» brings back only to those who had it.
RETURNING = (Purpose.MOTIVATION, Purpose.CAMPAIGN)
#: How clients themselves say so.
_OWN_WORDS = (ConsentRecord.Source.REPLY, ConsentRecord.Source.LINK)
#: A gateway's inbox may hold years. What is older than this still stops, and else is only kept.
FRESH = dt.timedelta(days=3)
#: How often each gateway is asked for what its callbacks did not bring, and for how many pages.
FETCH_EVERY = dt.timedelta(minutes=5)
PAGES = 20
_LONGEST = 4000
_LONGEST_LINE = 20


def intent_of(text: str) -> Reply.Intent:
    """What a text wants, however its digits, spaces and marks are written.

    Only the agreed words alone count: «ساعت ۱۱» and «۱۱؟» are for a person.
    """
    folded = fold(text)
    if "?" in folded or "؟" in folded:
        return Intent.OTHER
    words = _words(folded)
    return next((intent for intent, agreed in _AGREED.items() if words in agreed), Intent.OTHER)


def receive(
    kind: str,
    account_id: int | None,
    clinic_id: int | Everywhere,
    inbound: Iterable[InboundText],
    *,
    now: dt.datetime,
) -> int:
    """Keep texts and do what they ask; returns how many replies are new.

    Each clinic in scope that knows the number gets a reply of its own. A stranger's is kept by the
    clinic to whose own line it was written, for a person there to read; of those on the line that
    all share nothing is kept but their count. Guarantee: a reply and all that follows from it are one commit per clinic, and
    the gateway's number makes it happen once, however often and by whichever road it is told. The
    price: a clinic's failure lets the gateway tell it again, to the others in vain.
    """
    taken = strangers = 0
    for text in _oldest_first(inbound, now):
        phone = _phone(text.sender)
        clinics = _clinics_that_know(phone, kind, account_id, clinic_id) if phone else []
        clinics = clinics or _whose_line(phone, account_id, clinic_id)
        strangers += not clinics
        if len(clinics) > 1 and intent_of(text.text[:_LONGEST]) not in DECISIONS:
            clinics = _clinic_answered(phone, kind, clinics)
        for clinic in clinics:
            taken += _receive_in(clinic, kind, account_id, phone, text, now)
    if strangers:
        log.info("replies_of_strangers", gateway=kind, count=strangers)
    return taken


def fetch(now: dt.datetime) -> Counter[str]:
    """Ask the clinics' own gateways for texts that no callback has brought.

    Only accounts with a line can be asked. A gateway gives a text once: one that is lost between
    its answer and our commit is read there and unknown here, and only who looks into the gateway's
    own panel finds it. Hence each is kept by itself, and a failure does not take the rest along.
    """
    counts = Counter[str]()
    for account, gateway in _to_ask(now):
        for _ in range(PAGES):
            page = _page(gateway, account.sender)
            for text in _oldest_first(page, now):
                counts[_keep(account, text, now)] += 1
            if not page:
                break
        for text in _blocked(account, gateway, now):
            counts[_keep(account, text, now)] += 1
    return counts


def _blocked(account: ProviderAccount, gateway: Gateway, now: dt.datetime) -> list[InboundText]:
    """Numbers that the gateway itself has blocked since it was last asked, as the «۱۱» they sent.

    The text itself may never come: some gateways act on it and tell nobody.
    """
    since = account.replies_asked_at or now - FETCH_EVERY
    try:
        numbers = gateway.provider.opted_out(account.sender, since)
    except ProviderError as error:
        log.warning("blocked_numbers_not_told", gateway=gateway.kind, reason=error.reason)
        return []
    with wear(Hat.WORKER, clinic_id=account.clinic_id):
        stops = Reply.objects.filter(intent=Intent.STOP, received_at__gt=now - FRESH)
        heard = set(stops.filter(phone__in=numbers).values_list("phone", flat=True))
    return [
        InboundText(f"blocked {number} {now:%Y-%m-%d}", number, account.sender, "11")
        for number in numbers
        if number not in heard
    ]


def _oldest_first(inbound: Iterable[InboundText], now: dt.datetime) -> list[InboundText]:
    return sorted(inbound, key=lambda text: text.at or now)


def _keep(account: ProviderAccount, text: InboundText, now: dt.datetime) -> str:
    try:
        new = receive(account.kind, account.pk, account.clinic_id, [text], now=now)
    except DatabaseError as error:
        # Its words could hold the text and the number.
        log.warning("reply_lost", gateway=account.kind, error=type(error).__name__)
        return "lost"
    return "replies" if new else "known"


def _phone(sender: str) -> str:
    try:
        return normalise(sender)
    except PhoneError:
        return ""


def _clinics_that_know(
    phone: str, kind: str, account_id: int | None, clinic_id: int | Everywhere
) -> list[int]:
    with wear(Hat.WORKER, clinic_id=clinic_id):
        clients = with_phone(phone)
        if account_id is None:
            clients = clients.filter(_texted_by_the_installation(kind, phone))
        return sorted(set(clients.values_list("clinic_id", flat=True)))


def _whose_line(phone: str, account_id: int | None, clinic_id: int | Everywhere) -> list[int]:
    """The clinic whose own line a stranger wrote to: a client with another phone, or a relative.

    Only from a mobile: what shops, banks and gateways send comes from short numbers.
    """
    is_own = account_id is not None and isinstance(clinic_id, int)
    return [clinic_id] if is_own and is_mobile(phone) else []  # type: ignore[list-item]


def _clinic_answered(phone: str, kind: str, clinics: list[int]) -> list[int]:
    """Of several clinics on one line, the one whose text the words most likely answer: the last.

    A stop is for all of them; what somebody wrote to one clinic is not for another to read. Where
    none has texted the number yet, all are told, so that the words are not lost.
    """
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        sent = Message.objects.filter(
            clinic__in=clinics, recipient=phone, provider=kind, account=None, sent_at__isnull=False
        )
        last = sent.order_by("-sent_at").values_list("clinic_id", flat=True).first()
    return clinics if last is None else [last]


def _texted_by_the_installation(kind: str, phone: str) -> Q:
    """Clinics without an account of their own, and what a clinic sent before it had one."""
    accounts = ProviderAccount.objects.filter(
        clinic=OuterRef("clinic"), channel=provider_class(kind).channel, active=True
    )
    sent = Message.objects.filter(
        client=OuterRef("pk"), recipient=phone, provider=kind, account=None
    )
    return ~Q(Exists(accounts)) | Q(Exists(sent))


def _receive_in(
    clinic_id: int,
    kind: str,
    account_id: int | None,
    phone: str,
    text: InboundText,
    now: dt.datetime,
) -> bool:
    """Whether the reply is new to this clinic."""
    with wear(Hat.WORKER, clinic_id=clinic_id):
        # The people first and in one order, as the sender holds them: a text on its way out at this
        # moment has either seen the refusal or has already left, and «۱۲» finds what «۱۱» did.
        sharing = with_phone(phone).order_by("pk")
        clients = list(sharing.select_for_update(of=("self",), no_key=True))
        reply, is_new = Reply.objects.get_or_create(
            clinic_id=clinic_id,
            provider=kind,
            provider_id=text.provider_id,
            defaults={
                "account_id": account_id,
                "phone": phone,
                "line": re.sub(r"[^0-9+]", "", text.line)[:_LONGEST_LINE],
                "text": clean(text.text[:_LONGEST], lines=True),
                "intent": intent_of(text.text[:_LONGEST]),
                "received_at": min(text.at or now, now),
                "client_id": _said_to_be(phone),
            },
        )
        if is_new and (what := _follow(reply, clients, now)):
            Reply.objects.filter(pk=reply.pk).update(done=what)
        return is_new


def _said_to_be(phone: str) -> int | None:
    """Whom a person has said to be behind an earlier reply from this number."""
    known = Reply.objects.filter(phone=phone, client__isnull=False)
    return known.values_list("client_id", flat=True).first()


def _follow(reply: Reply, clients: Sequence[Client], now: dt.datetime) -> str:
    """Do what a reply asks, for every living client who has the phone it came from.

    Returns what was done, of `Reply.Done`; empty where the reply waits for a person.
    """
    is_fresh = reply.received_at > now - FRESH
    living = [client for client in clients if client.deceased_at is None]
    if reply.intent in DECISIONS and _has_thought_again(reply, DECISIONS):
        return Done.OVERTAKEN
    if reply.intent in ANSWERS and is_fresh and _is_answered(reply, living, now):
        return _ANSWERED[Intent(reply.intent)]
    if reply.intent == Intent.STOP:
        return _stop_all(living, reply, now) if clients else ""
    if not is_fresh:
        return Done.OLD
    if reply.intent == Intent.START and living:
        for client in living:
            _start(client, reply, now)
        return Done.STARTED
    return ""


def _is_answered(reply: Reply, clients: Sequence[Client], now: dt.datetime) -> bool:
    """Whether the reply has confirmed or cancelled its session; a person reads it otherwise."""
    return not _has_thought_again(reply, ANSWERS) and answer(reply, clients, now=now)


def _has_thought_again(reply: Reply, intents: Sequence[str]) -> bool:
    """Fetched texts come late: the last word said holds, not the last one heard."""
    words = Reply.objects.filter(phone=reply.phone, intent__in=intents)
    return words.filter(received_at__gt=reply.received_at).exists()


def stop(client: Client, *, source: str, now: dt.datetime) -> bool:
    """Refuse for the client what «۱۱» stops, by whichever road they say so; whether any was wanted.

    Texts about booked sessions go on.
    """
    changes = [set_consent(client, p, False, source=source, now=now) for p in STOPPED]
    # The sender would find the refusal itself; the panel should not promise these meanwhile.
    outbox.cancel_of_client(client.pk, STOPPED, Reason.NO_CONSENT, now=now)
    return any(changes)


def is_asked(client: Client) -> bool:
    """Whether a person is already to ask if reminders are still wanted."""
    asked = CareTask.objects.filter(client=client, kind=CareTask.Kind.STOPPED, closed_at=None)
    return asked.exists()


def _stop_all(clients: Iterable[Client], reply: Reply, now: dt.datetime) -> str:
    for client in clients:
        _stop(client, reply, now)
    return Done.STOPPED


def _stop(client: Client, reply: Reply, now: dt.datetime) -> None:
    """For the one who wrote: of two parents the other goes on getting what they get."""
    if contact := contacts.contact_at(client, reply.phone):
        contacts.stop(contact, client, now=now)
    else:
        stop(client, source=ConsentRecord.Source.REPLY, now=now)
    if not is_asked(client):
        _ask_about_reminders(client, reply, now)


def start(client: Client, *, source: str, now: dt.datetime) -> None:
    """Take back what `stop` has refused, by whichever road either is said."""
    back = [purpose for purpose in RETURNING if _was_stopped_alone(client, purpose)]
    for purpose in (Purpose.FOLLOW_UP, *back):
        set_consent(client, purpose, True, source=source, now=now)


def _start(client: Client, reply: Reply, now: dt.datetime) -> None:
    if contact := contacts.contact_at(client, reply.phone):
        contacts.start(contact, client, now=now)
    else:
        start(client, source=ConsentRecord.Source.REPLY, now=now)


def _was_stopped_alone(client: Client, purpose: Purpose) -> bool:
    """Whether the client's own word refused it, not what staff recorded.

    A record is made by a change only: a refusal means that it had been given.
    """
    last = ConsentRecord.objects.filter(client=client, purpose=purpose).first()
    return last is not None and not last.given and last.source in _OWN_WORDS


def _ask_about_reminders(client: Client, reply: Reply, now: dt.datetime) -> None:
    kind, occasion = CareTask.Kind.STOPPED, f"reply:{reply.pk}"
    open_task(kind, client, text=reply.text, occasion=occasion, due_at=now, now=now)


def _to_ask(now: dt.datetime) -> Iterator[tuple[ProviderAccount, Gateway]]:
    """Accounts whose turn it is; beat and `tick` side by side ask each of them once."""
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        waited = Q(replies_asked_at=None) | Q(replies_asked_at__lte=now - FETCH_EVERY)
        due = ProviderAccount.objects.filter(waited, active=True).exclude(sender="")
        mine = [
            account
            for account in due.order_by("pk")
            if ProviderAccount.objects.filter(waited, pk=account.pk).update(replies_asked_at=now)
        ]
    for account in mine:
        gateway = gateway_of_account(account)
        # A text is given once: a copy of the database must not take it from the installation.
        if gateway and (settings.PRODUCTION or gateway.provider.is_loopback):
            yield account, gateway


def _page(gateway: Gateway, line: str) -> list[InboundText]:
    try:
        return gateway.provider.receive(line)
    except ProviderError as error:
        log.warning("replies_not_fetched", gateway=gateway.kind, reason=error.reason)
        return []
