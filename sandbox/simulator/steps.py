"""The places between two steps of the engine, where a process can die or another may come in.

Each of its transactions opens with `wear`; the modules' own name for it is replaced for the length
of a simulation. A kill before the commit takes the transaction back, as a crash does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any

from django.db import connection

from clinic import tenancy
from followup import planner
from messaging import delivery, lookups, replies

ENGINE: tuple[ModuleType, ...] = (planner, delivery, lookups, replies)


class Killed(BaseException):
    """The process is gone: nobody catches it but whoever started it."""


class Boundaries:
    """Counts the transactions of each module; `before` and `after` are called around each commit."""

    def __init__(
        self, before: Callable[[str, int], None], after: Callable[[str, int], None]
    ) -> None:
        self.before, self.after = before, after
        self.counts: dict[str, int] = {}

    def reset(self) -> None:
        self.counts.clear()

    @contextmanager
    def installed(self) -> Iterator[None]:
        kept = [(module, module.__dict__["wear"]) for module in ENGINE]
        for module in ENGINE:
            setattr(module, "wear", self._watched(module.__name__.rpartition(".")[2]))  # noqa: B010
        try:
            yield
        finally:
            for module, wear in kept:
                setattr(module, "wear", wear)  # noqa: B010

    def _watched(self, name: str) -> Callable[..., AbstractContextManager[tenancy.Scope]]:
        @contextmanager
        def wear(hat: tenancy.Hat, **where: Any) -> Iterator[tenancy.Scope]:
            outermost = not connection.in_atomic_block
            if outermost:
                self.counts[name] = self.counts.get(name, 0) + 1
            number = self.counts.get(name, 0)
            with tenancy.wear(hat, **where) as scope:
                yield scope
                if outermost:
                    self.before(name, number)
            if outermost:
                self.after(name, number)

        return wear
