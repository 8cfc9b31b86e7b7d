"""The points of a sender's work at which it can be made to die, or to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from urllib3.connection import HTTPConnection

from clinic.tenancy import Scope
from followup import planner
from messaging import claiming, delivery, outbox
from messaging.providers.kavenegar import Kavenegar
from messaging.providers.kavenegar_lookup import KavenegarLookup
from prove.gateway import texts_in
from prove.waiting import wait_for

#: What happens at a point; given the connection, where there is one.
Act = Callable[[Any], None]

PLANNED = "planned, not committed"
CLAIMING = "claim made, not committed"
CLAIMED = "claimed"
LEAVING = "before the look at the world"
SENDING = "sending committed, no byte out"
HANDING_OVER = "clock compared with its lease, no byte out"
ACCEPTED = "bytes out and accepted, no answer read"
ANSWERED = "answer got, not recorded"
RECORDING = "recording begun, not committed"
RECORDED = "recorded"
POINTS = (
    PLANNED,
    CLAIMING,
    CLAIMED,
    LEAVING,
    SENDING,
    HANDING_OVER,
    ACCEPTED,
    ANSWERED,
    RECORDING,
    RECORDED,
)
_GATEWAYS = (Kavenegar, KavenegarLookup)
_NOBODY = None


def at(point: str, act: Act, *, passes: range, journal: Path) -> None:
    """Let this process do `act` when it comes past the point for the first … time (from 1)."""
    act = _on_passes(passes, act)
    if point == ACCEPTED:
        _when_the_gateway_has_it(journal, act)
        return
    if point == SENDING:
        _when_it_is_committed(act)
        return
    owner, name, place = {
        PLANNED: (planner, "_remember", _before),
        CLAIMING: (claiming, "claim", _after),
        CLAIMED: (outbox, "drafts", _before),
        LEAVING: (outbox, "begin_sending", _before),
        HANDING_OVER: (_GATEWAYS, "send", _before),
        ANSWERED: (_GATEWAYS, "send", _after),
        RECORDING: (outbox, "accepted", _after),
        RECORDED: (delivery._Round, "_send", _after),  # noqa: SLF001  (the commit is at its end)
    }[point]
    for one in owner if isinstance(owner, tuple) else (owner,):
        place(one, name, lambda *_: act(_NOBODY))


def _on_passes(passes: range, act: Act) -> Act:
    passed = 0

    def counted(connection: Any) -> None:
        nonlocal passed
        passed += 1
        if passed in passes:
            act(connection)

    return counted


def _when_it_is_committed(act: Act) -> None:
    """At the end of the transaction in which texts became *sending*."""
    begun = False
    real = delivery._worker  # noqa: SLF001  (what opens each of its transactions)

    def begin(*_: object) -> None:
        nonlocal begun
        begun = True

    @contextmanager
    def worker() -> Iterator[Scope]:
        nonlocal begun
        with real() as scope:
            yield scope
        if begun:
            begun = False
            act(_NOBODY)

    _after(outbox, "begin_sending", begin)
    delivery._worker = worker  # noqa: SLF001


def _when_the_gateway_has_it(journal: Path, act: Act) -> None:
    """Between the request's last byte and the answer's first, and not before it was accepted."""
    known = 0

    def count(*_: object) -> None:
        nonlocal known
        known = len(list(texts_in(journal)))

    def wait(connection: Any, *_: object) -> None:
        wait_for(lambda: len(list(texts_in(journal))) > known, "the gateway accepts")
        act(connection)

    for gateway in _GATEWAYS:
        _before(gateway, "send", count)
    _before(HTTPConnection, "getresponse", wait)


def _before(owner: Any, name: str, act: Callable[..., None]) -> None:
    real = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        act(*args)
        return real(*args, **kwargs)

    setattr(owner, name, watched)


def _after(owner: Any, name: str, act: Callable[..., None]) -> None:
    real = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        act(*args)
        return result

    setattr(owner, name, watched)
