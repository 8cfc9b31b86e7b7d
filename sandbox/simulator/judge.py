"""After each step: what the outbox says against what the gateway has and what is so."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from django.db.models import Q

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging.life import TRANSITIONS
from messaging.models import FINAL_STATES, Channel, Message, ProviderAccount, State
from sandbox.codes import Status
from sandbox.records import Pace, account_name
from sandbox.simulator.facts import Facts, House
from sandbox.simulator.gateway import Taken
from sandbox.simulator.ledger import Ledger
from sandbox.simulator.objections import objections
from sandbox.simulator.opening import INSTALLATION_KEY
from sandbox.simulator.oracle import Key, purpose_of
from sandbox.simulator.whatsapp import account_of

DAY = dt.timedelta(days=1)
BUDGET, BUDGET_SPAN = 2, 7 * DAY
#: For so long a sender may rely on its last look at the world.
LEASE = dt.timedelta(minutes=2)
EVER = dt.datetime.min.replace(tzinfo=dt.UTC)
TAKEN = {State.SENT, State.DELIVERED, State.UNDELIVERED}
NOT_TAKEN = {State.QUEUED, State.CLAIMED, State.SKIPPED, State.CANCELLED, State.MISSED,
             State.FAILED, State.SHADOW}  # fmt: skip
FINAL = {state.value for state in FINAL_STATES}
ALLOWED = {(old.value, new.value) for old, new in TRANSITIONS}
ENDS = {
    State.DELIVERED: {Status.DELIVERED},
    State.UNDELIVERED: {Status.FAILED, Status.UNDELIVERED, Status.BLOCKED, Status.CANCELLED},
}
FIELDS = (
    "id", "clinic_id", "rule_number", "rule_key", "purpose", "client_id", "contact_id", "session_id", "revision",
    "recipient", "channel", "then", "instead_of", "state", "reason", "due_at", "useful_until", "planned_at", "attempt_at",
    "attempts", "lease_until", "ask_at", "attempted_at", "provider_id", "account_id", "life",
)  # fmt: skip

Row = dict[str, Any]


class Trouble(Protocol):
    """What held texts back, as the simulation knows it."""

    now: dt.datetime

    def explains(self, house: House, moment: dt.datetime) -> bool:
        """Whether nothing could leave then: an outage, a dead beat, a stop."""


class Judge:
    """Keeps a copy of every message and of what the gateway took, and compares."""

    def __init__(self, facts: Facts, ledger: Ledger, texts: Callable[[], Sequence[Taken]]) -> None:
        self.facts, self.ledger = facts, ledger
        self.rows: dict[int, Row] = {}
        self.open: set[int] = set()
        self.keys: set[Key] = set()
        self.taken: dict[int, Taken] = {}
        #: The names of the accounts of clinics that have their own, by clinic and channel.
        self.accounts: dict[tuple[int, str], str] = {}
        self._texts, self._read = texts, 0
        self._occasions: dict[tuple[object, ...], int] = {}
        self._spent: dict[tuple[int, int | None], list[tuple[int, dt.datetime]]] = defaultdict(list)
        #: Each message's last attempt: its number, and when the world was looked at for it.
        self._begun: dict[int, tuple[int, dt.datetime]] = {}
        self._newest = 0
        self.resting: set[tuple[int, str]] = set()
        self._sequels: dict[int, int] = {}

    def know_accounts(self) -> list[ProviderAccount]:
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            rows = list(ProviderAccount.objects.order_by("pk"))
        for row in rows:
            sms = row.channel == Channel.SMS
            name = account_name(row.api_key) if sms else account_of(row.sender)
            self.accounts[row.clinic_id, row.channel] = name
        return rows

    # -- Reading -------------------------------------------------------------------------------

    def look(self, trouble: Trouble) -> list[Row]:
        """Compare everything that may have changed; the messages that are new."""
        self._read_gateway()
        new = []
        for row in self._changed():
            before = self.rows.get(row["id"])
            if before is None:
                new.append(row)
                self.keys.add(_key(row))
                self._sequel(row, trouble.now)
            if before is None or before != row:
                self._compare(before, row, trouble)
            self.rows[row["id"]] = row
        return new

    def look_at_all(self) -> None:
        """Nothing that was final has moved since."""
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            rows = Message.objects.order_by("pk").values_list("pk", "state", "life")
            for pk, state, life in rows:
                known = self.rows.get(pk)
                if known and known["state"] in FINAL:
                    same = (state, len(life)) == (known["state"], len(known["life"]))
                    self.ledger.check("final", same, "a final state has changed", message=pk)

    def _changed(self) -> list[Row]:
        known = Q(pk__gt=self._newest) | Q(pk__in=sorted(self.open))
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            rows: list[Row] = list(Message.objects.filter(known).order_by("pk").values(*FIELDS))
        for row in rows:
            (self.open.discard if row["state"] in FINAL else self.open.add)(row["id"])
            self._newest = max(self._newest, row["id"])
        return rows

    def know_rests(self) -> None:
        """Which clinics' accounts rest at this moment."""
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            resting = ProviderAccount.objects.filter(paused_at__isnull=False)
            self.resting = set(resting.values_list("clinic", "channel"))

    # -- One message ---------------------------------------------------------------------------

    def _compare(self, before: Row | None, row: Row, trouble: Trouble) -> None:
        self._life(before, row)
        text = self.taken.get(row["id"])
        where = {"message": row["id"], "rule": row["rule_key"], "state": row["state"]}
        if row["state"] in TAKEN:
            # Who settles an unclear one by hand knows no number.
            by_hand = any(line["to"] == "sent" and line["by"] for line in row["life"])
            numbers = {str(text.id), "" if by_hand else str(text.id)} if text else set()
            same = row["provider_id"] in numbers
            self.ledger.check("taken_is_known", same, "the gateway does not know it", **where)
        if row["state"] in NOT_TAKEN:
            what = "the gateway has it"
            self.ledger.check("not_taken", text is None, what, reason=row["reason"], **where)
        if text is not None and row["state"] in ENDS:
            told = text.status_at(trouble.now, Pace())
            self.ledger.check(
                "status", told in ENDS[row["state"]], f"the gateway says {told}", **where
            )
        if before is not None and before["state"] == row["state"]:
            return
        if row["state"] == State.UNKNOWN:
            askable = row["channel"] == Channel.SMS and row["reason"] != "echo"
            asked = row["ask_at"] is not None or not askable
            self.ledger.check("unclear_is_honest", asked, "nobody asks about it", **where)
        if row["state"] == State.MISSED:
            self._missed(row, trouble)
        if row["state"] in (State.SKIPPED, State.CANCELLED):
            self._reason(row, trouble.now)

    def _life(self, before: Row | None, row: Row) -> None:
        life, where = row["life"], {"message": row["id"], "rule": row["rule_key"]}
        start = len(before["life"]) if before else 0
        state = before["state"] if before else (life[0]["from"] if life else row["state"])
        for line in life[start:]:
            self.ledger.check("life", line["from"] == state, "a life with a gap", **where)
            move = (line["from"], line["to"])
            self.ledger.check("life", move in ALLOWED, f"{move[0]} → {move[1]}", **where)
            state = line["to"]
        self.ledger.check("life", state == row["state"], "a change that its life lacks", **where)
        if before is not None:
            kept = life[:start] == before["life"]
            self.ledger.check("life", kept, "a life that was rewritten", **where)

    def _missed(self, row: Row, trouble: Trouble) -> None:
        house = self.facts.houses[row["clinic_id"]]
        step, moment = dt.timedelta(minutes=5), max(row["due_at"], row["planned_at"])
        free = 0
        while moment + step < row["useful_until"]:
            explained = trouble.explains(house, moment) or not self._hour_allows(row, moment)
            free += not explained
            moment += step
        # A try, its refusal and the rest after it can take a quarter of an hour.
        self.ledger.check(
            "missed_for_a_reason",
            free <= 6,
            "there was time",
            message=row["id"],
            rule=row["rule_key"],
            minutes=free * 5,
        )

    def _hour_allows(self, row: Row, moment: dt.datetime) -> bool:
        house = self.facts.houses[row["clinic_id"]]
        person = house.people[row["client_id"]]
        if house.almanac.is_quiet(moment, house.night_of(person)):
            return False
        waits = purpose_of(row["rule_key"]) != "transactional"
        return not (waits and house.almanac.holds_back(moment, row["due_at"]))

    # -- What makes up for another -------------------------------------------------------------

    def _sequel(self, row: Row, now: dt.datetime) -> None:
        """By the next channel, once, and only for what certainly did not arrive."""
        if row["instead_of"] is None:
            return
        where = {"message": row["id"], "rule": row["rule_key"]}
        again = self._sequels.setdefault(row["instead_of"], row["id"])
        self.ledger.check("sequels", again == row["id"], "a second one", **where)
        first = self._row(row["instead_of"])
        failed = first["state"] in (State.UNDELIVERED, State.FAILED, State.SKIPPED)
        self.ledger.check("sequels", failed, f"the first one is {first['state']}", **where)
        chain = [row["channel"], *row["then"]]
        self.ledger.check("sequels", first["then"] == chain, "another channel's turn", **where)
        text = self.taken.get(first["id"])
        told = text.status_at(now, Pace()) if text else None
        arrived = text is not None and told not in ENDS[State.UNDELIVERED]
        self.ledger.check("sequels", not arrived, f"the gateway says {told}", **where)

    # -- What left -----------------------------------------------------------------------------

    def _read_gateway(self) -> None:
        texts = self._texts()
        for text in texts[self._read :]:
            self._take(text)
        self._read = len(texts)

    def _take(self, text: Taken) -> None:
        number = text.local_id or 0
        self.ledger.check("once", number not in self.taken, "a message twice", message=number)
        self.taken[number] = text
        row = self.rows.get(number) or self._row(number)
        if not self.ledger.check("own_clinic", row, "a text of no message", message=number):
            return
        occasion = (row["clinic_id"], row["rule_number"], row["session_id"], row["revision"],
                    row["recipient"], row["instead_of"])  # fmt: skip
        where = {"message": number, "rule": row["rule_key"]}
        again = self._occasions.setdefault(occasion, number)
        self.ledger.check("once", again == number, "an occasion twice", **where)
        given_up = row["state"] in NOT_TAKEN and row["state"] in FINAL
        self.ledger.check("not_taken", not given_up, f"taken after it was {row['state']}", **where)
        self._belongs(row, text, where)
        self._budget(row, self._awake(row, text, where), where)

    def _row(self, number: int) -> Row:
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            return Message.objects.filter(pk=number).values(*FIELDS).first() or {}

    def _belongs(self, row: Row, text: Taken, where: dict[str, Any]) -> None:
        house = self.facts.houses[row["clinic_id"]]
        mine = row["client_id"] in house.people and text.receptor == _national(row["recipient"])
        self.ledger.check("own_clinic", mine, "another's telephone", **where)
        installation = account_name(INSTALLATION_KEY)
        account = self.accounts.get((house.id, row["channel"]), installation)
        self.ledger.check("own_clinic", text.account == account, "another's account", **where)
        self.ledger.check("own_clinic", house.name in text.body, "another's name", **where)

    def _awake(self, row: Row, text: Taken, where: dict[str, Any]) -> dt.datetime:
        """When the world was looked at for what has left: hardly before it did."""
        _, begun = self._begun.get(row["id"], (0, EVER))
        late = f"looked at {begun:%F %T}, left {text.accepted_at:%F %T}"
        self.ledger.check("awake", text.accepted_at - begun < LEASE, late, **where)
        return begun

    def _budget(self, row: Row, at: dt.datetime, where: dict[str, Any]) -> None:
        if purpose_of(row["rule_key"]) == "transactional":
            return
        spent = self._spent[row["client_id"], row["contact_id"]]
        # What certainly did not arrive was none that its successor could be too many after.
        mine = [moment for number, moment in spent if number != row["instead_of"]]
        lately = [moment for moment in mine if moment > at - BUDGET_SPAN]
        self.ledger.check("budget", len(lately) < BUDGET, "a third one in seven days", **where)
        spent.append((row["id"], at))

    # -- What is about to leave ----------------------------------------------------------------

    def begun(self, now: dt.datetime) -> None:
        """Look at what is about to be committed as *sending*: from there on it may be gone.

        Under the sender's own hat, in its transaction.
        """
        sending = Message.objects.filter(state=State.SENDING, lease_until__gt=now)
        for row in sending.order_by("pk").values(*FIELDS):
            known = self._begun.get(row["id"])
            if known and known[0] == row["attempts"]:
                continue
            self._begun[row["id"]] = (row["attempts"], now)
            house = self.facts.houses[row["clinic_id"]]
            against = ", ".join(objections(house, row, now))
            where = {"message": row["id"], "rule": row["rule_key"]}
            self.ledger.check("not_wrong", not against, against, **where)
            self.ledger.check("shadow", house.live_since, "not live", **where)
            self._hours(house, row, now)

    def _hours(self, house: House, row: Row, at: dt.datetime) -> None:
        where = {"message": row["id"], "rule": row["rule_key"]}
        person = house.people[row["client_id"]]
        quiet = house.almanac.is_quiet(at, house.night)
        own = house.almanac.is_quiet(at, house.night_of(person))
        self.ledger.check("night", not quiet, "in the clinic's quiet hours", **where)
        self.ledger.check("night", not own, "outside the client's hours", **where)
        self.ledger.check("in_time", at < row["useful_until"], "after its useful time", **where)
        if purpose_of(row["rule_key"]) != "transactional":
            held = house.almanac.holds_back(at, row["due_at"])
            self.ledger.check("closed_days", not held, "on a closed day", **where)

    def _reason(self, row: Row, now: dt.datetime) -> None:
        reasons = set(objections(self.facts.houses[row["clinic_id"]], row, now))
        true = row["reason"] in reasons or row["reason"] in self._also(row, now)
        self.ledger.check(
            "reason_is_true",
            true,
            f"{row['reason']} instead of {', '.join(sorted(reasons)) or 'nothing'}",
            message=row["id"],
            rule=row["rule_key"],
        )

    def _also(self, row: Row, now: dt.datetime) -> set[str]:
        """Reasons that are not of the world but of the outbox."""
        reader = (row["client_id"], row["contact_id"])
        mine = [r for r in self.rows.values() if (r["client_id"], r["contact_id"]) == reader]
        gone = [
            r
            for r in mine
            if r["id"] not in (row["id"], row["instead_of"])
            and r["state"] in (*TAKEN, State.SENDING, State.UNKNOWN, State.SHADOW)
            and purpose_of(r["rule_key"]) != "transactional"
            and (r["attempted_at"] or r["due_at"]) > now - BUDGET_SPAN
        ]
        return {"budget"} if len(gone) >= BUDGET else set()

    # -- What stayed ---------------------------------------------------------------------------

    def after_a_good_drain(self, now: dt.datetime) -> None:
        """Whatever could go has gone."""
        for pk in sorted(self.open):
            row = self.rows[pk]
            if row["state"] == State.QUEUED and self.could_go(row, now):
                self.ledger.check(
                    "nothing_lies", False, "it could have gone", message=pk, rule=row["rule_key"]
                )
            if row["state"] in (State.CLAIMED, State.SENDING):
                live = row["lease_until"] and row["lease_until"] > now
                self.ledger.check("nothing_lies", live, "held by nobody", message=pk)
        self.ledger.check("nothing_lies", True)

    def could_go(self, row: Row, now: dt.datetime) -> bool:
        """Whether a text that waits is due, and neither a stop nor the hour is in its way."""
        house = self.facts.houses[row["clinic_id"]]
        waits = (
            house.paused or (house.id, row["channel"]) in self.resting or row["attempt_at"] > now
        )
        return not waits and self._hour_allows(row, now)

    def after_good_questions(self, now: dt.datetime) -> None:
        """What is unclear was asked about when its time came."""
        for pk in sorted(self.open):
            row = self.rows[pk]
            if row["state"] == State.UNKNOWN and row["ask_at"]:
                soon = row["ask_at"] > now - dt.timedelta(minutes=25)
                self.ledger.check("unclear_is_honest", soon, "not asked about", message=pk)

    def repeated(self, local_ids: Iterable[int]) -> None:
        """A call brought these ids, all of them known to the gateway before."""
        for number in local_ids:
            row = self.rows.get(number) or self._row(number)
            denied = any(
                line["from"] == "unknown" and line["to"] == "queued" for line in row["life"]
            )
            self.ledger.check("not_repeated", denied, "handed over again", message=number)

    def counts(self) -> dict[str, int]:
        found = Counter(
            f"{row['state']}:{row['reason']}" if row["reason"] else row["state"]
            for row in self.rows.values()
        )
        return dict(sorted(found.items()))


def _key(row: Row) -> Key:
    return row["rule_number"], row["session_id"], row["revision"], row["recipient"]


def _national(phone: str) -> str:
    return "0" + phone.removeprefix("+98") if phone else ""
