"""Therapists and services by name: the clinic's own, and those a list brings along."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from clinic.models import Service, Therapist
from clinic.text import fold

Named = TypeVar("Named", Therapist, Service)

_DOCTOR = re.compile(r"^(?:دکتر|dr\.?) +")


@lru_cache(maxsize=10_000)
def therapist_key(name: str) -> str:
    """Folded, without «دکتر»: lists write it or leave it out for the same person."""
    return _DOCTOR.sub("", fold(name)).replace(" ", "")


@lru_cache(maxsize=10_000)
def service_key(name: str) -> str:
    return fold(name).replace(" ", "")


@dataclass(slots=True)
class Catalogue(Generic[Named]):
    """The clinic's therapists or services; a name not yet known becomes a new, unsaved one."""

    model: type[Named]
    known: dict[str, Named] = field(default_factory=dict)
    _used: dict[str, Named] = field(default_factory=dict)
    _by_id: dict[int, Named] = field(default_factory=dict)

    @classmethod
    def of_therapists(cls) -> "Catalogue[Therapist]":
        rows = Therapist.objects.all()
        return Catalogue(Therapist, {therapist_key(row.name): row for row in _oldest_last(rows)})

    @classmethod
    def of_services(cls) -> "Catalogue[Service]":
        rows = Service.objects.all()
        return Catalogue(Service, {service_key(row.name): row for row in _oldest_last(rows)})

    def find(self, name: str) -> Named:
        """The one of that name; a new one is remembered, and made when something uses it."""
        key = self._key(name)
        if key not in self.known:
            new = self.model(name=name)
            new.prepare()
            self.known[key] = new
        return self.known[key]

    def by_id(self, pk: int | None) -> Named | None:
        """The saved one with that primary key."""
        if not self._by_id:
            self._by_id = {row.pk: row for row in self.known.values() if row.pk}
        return self._by_id.get(pk) if pk else None

    def use(self, row: Named) -> None:
        self._used[self._key(row.name)] = row

    def new(self) -> list[Named]:
        return [row for row in self._used.values() if row.pk is None]

    def count_known(self) -> int:
        return sum(row.pk is not None for row in self._used.values())

    def save(self) -> None:
        self.model.objects.bulk_create(self.new())

    def _key(self, name: str) -> str:
        return therapist_key(name) if self.model is Therapist else service_key(name)


def _oldest_last(rows: Iterable[Named]) -> list[Named]:
    """So that of two names that fold alike the older one is found."""
    return sorted(rows, key=lambda row: -(row.pk or 0))
