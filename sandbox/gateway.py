"""The gateway's world: accounts, texts, credit, blocked numbers, inbound texts.

Pure: `now` is always an argument, nothing is read or written but through `record`, the journal.
Every change is an event, applied and then recorded, so that replaying the journal rebuilds the
world. Not locked: the server lets one call in at a time.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.codes import OK, Refused, Status
from sandbox.faults import Faults
from sandbox.records import Account, Block, Call, Draft, Inbound, Options, Text, account_name

STATUS_WINDOW: Final = timedelta(hours=48)
LOCAL_ID_WINDOW: Final = timedelta(hours=12)
ANSWERED_11: Final = 2  # why a number is blocked; 0 is "by the web service"
_FIRST_ID: Final = 8_792_343
_CALLS_KEPT: Final = 100_000
_STOP_WORDS: Final = ("11", "لغو11")
_START_WORDS: Final = ("12",)
_PERSIAN_DIGITS: Final = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "0123456789" * 2)

Event = dict[str, Any]


class Gateway:
    """All accounts of one gateway, and what they have sent."""

    def __init__(self, options: Options, record: Callable[[Event], None] | None = None) -> None:
        self.options = options
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.texts: dict[int, Text] = {}
        self.inbound: dict[int, Inbound] = {}
        self.version = 0  # grows with every change, so that the page knows when to look again
        self._accounts: dict[str, Account] = {}
        self._told: dict[int, set[int]] = {}  # statuses already called back, of texts still moving
        self._record = record or (lambda _: None)
        self._next_id = _FIRST_ID

    def account(self, key: str) -> Account:
        """The account behind a key. Raises `Refused` for keys that open none."""
        if key in self.options.bad_keys or not key:
            raise Refused(403)
        if key in self.options.inactive_keys:
            raise Refused(401)
        return self._account(account_name(key))

    def credit(self, account: Account) -> int:
        """What is left, in Rial."""
        return self.options.credit_rial - account.spent

    def configure(self, account: Account, changes: dict[str, str]) -> None:
        self._do({"event": "config", "account": account.name, "changes": changes})

    def _account(self, name: str) -> Account:
        return self._accounts.setdefault(name, Account(name))

    def accept(self, account: Account, drafts: Sequence[Draft], now: datetime) -> list[Text]:
        """Take all drafts or none, in their order. Raises `Refused` when the credit is too small.

        A local id seen before, in whatever call, gives the first text under it, not a new one.
        """
        fresh = [draft for draft in drafts if draft.local_id not in account.by_local_id]
        if sum(self._cost(account, draft) for draft in fresh) > self.credit(account):
            raise Refused(418)
        return [self._accept_one(account, draft, now) for draft in drafts]

    def cancel(self, text: Text, now: datetime) -> None:
        """Take back a text that has not reached its time; any other stays as it is."""
        if text.status_at(now, self.options.pace) is Status.SCHEDULED:
            self._do({"event": "cancel", "id": text.id, "at": now.isoformat()})

    def status(self, text: Text, now: datetime) -> Status:
        return text.status_at(now, self.options.pace)

    def text(self, account: Account, text_id: int) -> Text | None:
        """The account's own text of that number."""
        found = self.texts.get(text_id)
        return found if found and found.account == account.name else None

    def _accept_one(self, account: Account, draft: Draft, now: datetime) -> Text:
        known = account.by_local_id.get(draft.local_id or 0)
        if known:
            return known
        text_id = self._next_id
        text = Text(
            id=text_id,
            account=account.name,
            receptor=draft.receptor,
            body=draft.body,
            sender=draft.sender,
            local_id=draft.local_id,
            accepted_at=now,
            send_at=draft.send_at,
            parts=draft.parts,
            cost=self._cost(account, draft),
            hidden=draft.hidden,
            instant=draft.instant,
            silent=draft.silent,
            blocked=(draft.sender, draft.receptor) in account.blocks,
            debug=_debug(account),
        )
        self._do({"event": "text", **_plain(asdict(text))})
        return self.texts[text_id]

    def _cost(self, account: Account, draft: Draft) -> int:
        return 0 if _debug(account) else draft.parts * self.options.tariff_rial

    def receive(self, sender: str, receptor: str, body: str, now: datetime) -> Inbound:
        """A phone writes to one of our lines, to the account that last wrote to it."""
        last = self._last_text_to(sender)
        account = self._account(last.account) if last else self.account(self.options.default_key)
        event: Event = {
            "account": account.name,
            "sender": sender,
            "receptor": receptor,
            "body": body,
        }
        event["silent"] = last is not None and last.silent
        inbound_id = self._next_id
        self._do({"event": "inbound", "id": inbound_id, "received_at": now.isoformat(), **event})
        self._answer_stop_word(account, sender, receptor, body, now)
        return self.inbound[inbound_id]

    def mark_read(self, messages: Iterable[Inbound]) -> None:
        for message in messages:
            self._do({"event": "read", "id": message.id})

    def mark_answered(self, message: Inbound, http_status: int) -> None:
        """The callback's answer; one that arrived counts as read."""
        self._do({"event": "answered", "id": message.id, "answer": http_status})

    def _last_text_to(self, number: str) -> Text | None:
        texts = reversed(self.texts.values())
        return next((text for text in texts if text.receptor == number), None)

    def _answer_stop_word(
        self, account: Account, number: str, line: str, body: str, now: datetime
    ) -> None:
        word = "".join(body.split()).translate(_PERSIAN_DIGITS)
        if word in _STOP_WORDS:
            self.block(account, Block(line, number, ANSWERED_11, now))
        elif word in _START_WORDS:
            self.unblock(account, line, number)

    def block(self, account: Account, block: Block) -> bool:
        """Whether the number was not blocked yet."""
        if (block.line, block.receptor) in account.blocks:
            return False
        self._do({"event": "block", "account": account.name, **_plain(asdict(block))})
        return True

    def unblock(self, account: Account, line: str, receptor: str) -> bool:
        """Whether the number was blocked."""
        if (line, receptor) not in account.blocks:
            return False
        event = {"account": account.name, "line": line, "receptor": receptor}
        self._do({"event": "unblock", **event})
        return True

    def untold(self, now: datetime) -> Iterator[tuple[Text, Status]]:
        """Changes up to `now` that no callback has told yet, in the order they happened."""
        pace = self.options.pace
        happened = (
            (moment, text, status)
            for text in map(self.texts.__getitem__, self._told)
            for moment, status in text.changes(pace)
            if moment <= now and status not in self._told[text.id]
        )
        for _, text, status in sorted(happened, key=lambda change: change[:1]):
            yield text, status

    def mark_told(self, text: Text, status: Status) -> None:
        self._do({"event": "told", "id": text.id, "status": int(status)})

    def replay(self, events: Iterable[Event]) -> None:
        """Rebuild the world from what was recorded; what is no event of ours is passed over."""
        for event in events:
            with suppress(KeyError, TypeError, ValueError):
                self._apply(event)

    def _do(self, event: Event) -> None:
        self._apply(event)
        self._record(event)

    def _apply(self, event: Event) -> None:
        happen = getattr(self, f"_on_{event['event']}", None)
        if happen:
            happen({name: value for name, value in event.items() if name != "event"})
            self.version += 1

    def _on_text(self, event: Event) -> None:
        text = Text(**_typed(event))
        account = self._account(text.account)
        self.texts[text.id] = text
        if not text.silent:
            self._told[text.id] = set()
        self._next_id = max(self._next_id, text.id + 1)
        account.spent += 0 if text.refunded else text.cost
        if text.local_id:
            account.by_local_id[text.local_id] = text

    def _on_cancel(self, event: Event) -> None:
        text = self.texts[event["id"]]
        if not text.refunded:
            self._account(text.account).spent -= text.cost
        text.cancelled_at = datetime.fromisoformat(event["at"])

    def _on_inbound(self, event: Event) -> None:
        message = Inbound(**_typed(event))
        self.inbound[message.id] = message
        self._next_id = max(self._next_id, message.id + 1)

    def _on_read(self, event: Event) -> None:
        self.inbound[event["id"]].read = True

    def _on_answered(self, event: Event) -> None:
        message = self.inbound[event["id"]]
        message.answer = event["answer"]
        message.read = message.read or message.answer == OK

    def _on_block(self, event: Event) -> None:
        block = Block(**_typed({k: v for k, v in event.items() if k != "account"}))
        self._account(event["account"]).blocks[block.line, block.receptor] = block

    def _on_unblock(self, event: Event) -> None:
        self._account(event["account"]).blocks.pop((event["line"], event["receptor"]), None)

    def _on_config(self, event: Event) -> None:
        self._account(event["account"]).config.update(event["changes"])

    def _on_told(self, event: Event) -> None:
        text = self.texts[event["id"]]
        told = self._told.get(text.id)
        if told is None:
            return
        told.add(event["status"])
        if told >= {status for _, status in text.changes(self.options.pace)}:
            del self._told[text.id]


def _debug(account: Account) -> bool:
    return account.config.get("debugmode") == "enabled"


def _plain(record: Event) -> Event:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in record.items()}


def _typed(event: Event) -> Event:
    """The event with its times as times; they are the fields named …_at."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value
        for name, value in event.items()
    }
