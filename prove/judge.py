"""What became of a scene's texts: the gateway's journal is believed, the database is checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging.life import TRANSITIONS
from messaging.models import Message, State
from prove.gateway import Gateway, Text

#: How a message may end after which its phone must have received the text.
_LEFT = (State.SENT, State.DELIVERED, State.UNDELIVERED)
#: How it may end for which its phone must have received nothing.
_STAYED = (State.CANCELLED, State.SKIPPED, State.MISSED, State.FAILED, State.SHADOW)
_UNSETTLED = (State.QUEUED, State.CLAIMED, State.SENDING)


@dataclass(frozen=True, slots=True)
class Ending:
    """How many texts phones received, and how the messages ended."""

    received: int
    arrived: int = 0  # sent, or already known to be delivered
    unknown: int = 0  # listed for a person
    cancelled: int = 0
    skipped: int = 0
    queued: int = 0

    def __str__(self) -> str:
        names = ("arrived", "unknown", "cancelled", "skipped", "queued")
        told = [f"{getattr(self, name)} {name}" for name in names if getattr(self, name)]
        return f"{self.received} received: {', '.join(told)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    ending: Ending
    #: Whatever must never be, in words with a count: duplicates, wrong texts, lies, broken lives.
    faults: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        told = "".join(f"; {count} {fault}" for fault, count in self.faults.items())
        return f"{self.ending}{told}"


def judge(gateway: Gateway) -> Verdict:
    """Look at the database that is worked on, and at the gateway."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        messages = list(Message.objects.select_related("client").order_by("id"))
    texts = gateway.texts()
    faults = Counter[str](
        {
            "too many": _repeated(texts),
            "sent though it must not": _of(texts, messages, _STAYED),
            "said to be sent and is not": _lies(texts, messages),
            "planned twice": _repeated_messages(messages),
            "to a client under a hold": _held_back(texts, messages),
            "delivered and then not": _moved_back(messages),
            "with a life that has a gap": sum(not _lived_well(m) for m in messages),
        }
    )
    return Verdict(_ending(texts, messages), dict(+faults))


def unsettled() -> int:
    """Messages that a sender still has something to do with."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return Message.objects.filter(state__in=_UNSETTLED).count()


def _ending(texts: list[Text], messages: list[Message]) -> Ending:
    states = Counter(message.state for message in messages)
    return Ending(
        received=len(texts),
        arrived=sum(states[state] for state in _LEFT),
        unknown=states[State.UNKNOWN],
        cancelled=states[State.CANCELLED],
        skipped=states[State.SKIPPED],
        queued=states[State.QUEUED],
    )


def _repeated(texts: list[Text]) -> int:
    """Each phone of a scene is to receive one text at most."""
    return sum(count - 1 for count in Counter(text.phone for text in texts).values())


def _repeated_messages(messages: list[Message]) -> int:
    occasions = Counter((m.rule_number, m.session_id, m.revision, m.recipient) for m in messages)
    return sum(count - 1 for count in occasions.values())


def _of(texts: list[Text], messages: list[Message], states: tuple[State, ...]) -> int:
    phones = {message.recipient for message in messages if message.state in states}
    return sum(text.phone in phones for text in texts)


def _lies(texts: list[Text], messages: list[Message]) -> int:
    """A message that is called sent has the number of a text that its phone did receive."""
    known = {(text.phone, text.provider_id) for text in texts}
    said = [(m.recipient, m.provider_id) for m in messages if m.state in _LEFT]
    return sum(one not in known for one in said) + len(said) - len(set(said))


def _held_back(texts: list[Text], messages: list[Message]) -> int:
    phones = {m.recipient for m in messages if m.client.crisis_since is not None}
    return sum(text.phone in phones for text in texts)


def _moved_back(messages: list[Message]) -> int:
    """No phone of a scene is out of reach: what is called undelivered was delivered before."""
    return sum(message.state == State.UNDELIVERED for message in messages)


def _lived_well(message: Message) -> bool:
    """From *queued*, step by step along the table, to where it is."""
    state = str(State.QUEUED)
    for step in message.life:
        if step["from"] != state or (State(state), State(step["to"])) not in TRANSITIONS:
            return False
        state = step["to"]
    return state == message.state
