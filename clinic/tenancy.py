"""Who may see which clinic: the hats, the scope, and the models that obey them.

Two independent guards keep clinics apart. The database's own is row-level security, which
reads the role and the settings that `wear` puts on the transaction (see `clinic.security`).
The application's is the scope below: managers of tenant models filter by it and refuse to
answer without one. Either alone must hold; the tests run the walk with each switched off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, ClassVar, Self, TypeVar, cast

from django.db import connection, models, transaction
from django.forms import ModelChoiceField


class Hat(StrEnum):
    """The database roles that the one login can put on; each value is the role's name."""

    WEB = "app_web"  # a clinic's people, one clinic at a time
    WORKER = "app_worker"  # planner and sender, across clinics, on the tables they need
    OPERATOR = "app_operator"  # Django admin
    OWNER = "app_owner"  # migrations, creating a clinic


class Everywhere(Enum):
    """The explicit wish to work across clinics; never a default."""

    EVERYWHERE = "everywhere"


EVERYWHERE = Everywhere.EVERYWHERE


class NoScope(RuntimeError):
    """Tenant data was asked for without saying whose."""


class ForeignClinic(RuntimeError):
    """A row of one clinic was about to be written inside another's scope."""


@dataclass(frozen=True, slots=True)
class Scope:
    hat: Hat
    clinic_id: int | Everywhere | None = None
    user_id: int | None = None


_scope: ContextVar[Scope | None] = ContextVar("peygir_scope", default=None)


def current_scope() -> Scope | None:
    return _scope.get()


def current_clinic_id() -> int:
    """The one clinic in scope. Raises NoScope when there is none, or more than one."""
    scope = _scope.get()
    if scope is None or not isinstance(scope.clinic_id, int):
        raise NoScope("no single clinic is in scope")
    return scope.clinic_id


@contextmanager
def wear(
    hat: Hat, *, clinic_id: int | Everywhere | None = None, user_id: int | None = None
) -> Iterator[Scope]:
    """Open a transaction (or a savepoint) under a hat, and put the outer one back after it.

    A forgotten hat fails closed: the login role has no rights of its own. A released savepoint
    keeps the settings made inside it, so a nested scope restores the outer one by hand; when the
    block raises, the rollback to the savepoint has already done so.
    """
    scope = Scope(hat, clinic_id, user_id)
    outer = _scope.get()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _put_on(scope)
        token = _scope.set(scope)
        try:
            yield scope
        finally:
            _scope.reset(token)
        if nested and not connection.needs_rollback:
            _put_on(outer)


def enter_clinic(clinic_id: int, user_id: int) -> None:
    """Narrow the request's scope to one clinic once it is known; the outer `wear` ends it."""
    scope = Scope(Hat.WEB, clinic_id, user_id)
    _put_on(scope)
    _scope.set(scope)


def enter_user(user_id: int) -> None:
    """Let a signed-in person see their own memberships, before a clinic is chosen."""
    scope = Scope(Hat.WEB, None, user_id)
    _put_on(scope)
    _scope.set(scope)


def _put_on(scope: Scope | None) -> None:
    role = scope.hat.value if scope else "none"
    clinic = str(scope.clinic_id) if scope and isinstance(scope.clinic_id, int) else ""
    user = str(scope.user_id) if scope and scope.user_id else ""
    # One round trip, local to the transaction. The settings go first: after the role is on, its
    # rights apply. The worker's plans must not go parallel: the estimate is wrong by far there.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.clinic_id', %s, true), set_config('app.user_id', %s, true),"
            " set_config('max_parallel_workers_per_gather',"
            " coalesce(%s, current_setting('max_parallel_workers_per_gather')), true),"
            " set_config('role', %s, true)",
            [clinic, user, "0" if role == Hat.WORKER.value else None, role],
        )


M = TypeVar("M", bound=models.Model)


class ScopedQuerySet(models.QuerySet[M]):
    """A queryset that writes only into the clinic in scope."""

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        rows = list(objs)
        for row in rows:
            cast("TenantModel", row).claim_for_scope()
        return super().bulk_create(rows, *args, **kwargs)


class ScopedManager(models.Manager[M]):
    """Default and base manager of every tenant model: filtered, or refusing."""

    def get_queryset(self) -> ScopedQuerySet[M]:
        scope = _scope.get()
        if scope is None:
            raise NoScope(f"{self.model.__name__} was read without a hat")
        mine = cast("type[TenantModel]", self.model).scope_filter(scope)
        return ScopedQuerySet(self.model, using=self._db).filter(mine)


class TenantModel(models.Model):
    """A row that belongs to exactly one clinic."""

    clinic = models.ForeignKey("clinic.Clinic", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_manager_name = "objects"

    #: What `app_worker` may do with the table, as SQL privileges; nothing unless said.
    worker_rights: ClassVar[Sequence[str]] = ()

    @classmethod
    def scope_filter(cls, scope: Scope) -> models.Q:
        if scope.clinic_id is EVERYWHERE:
            return models.Q()
        if scope.clinic_id is None:
            raise NoScope(f"{cls.__name__} was read before a clinic was chosen")
        return models.Q(clinic_id=scope.clinic_id)

    def claim_for_scope(self) -> None:
        """Give a new row the clinic in scope; refuse a row of another. Raises ForeignClinic."""
        scope = _scope.get()
        if scope is None:
            raise NoScope(f"{type(self).__name__} was written without a hat")
        if scope.clinic_id is EVERYWHERE:
            return
        if not self.clinic_id and isinstance(scope.clinic_id, int):
            self.clinic_id = scope.clinic_id
        if self.clinic_id != scope.clinic_id:
            raise ForeignClinic(f"{type(self).__name__} belongs to another clinic")

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.claim_for_scope()
        super().save(*args, **kwargs)


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """A key between tenant tables.

    PostgreSQL's check of a plain foreign key bypasses row-level security and would accept another
    clinic's row, so the constraint is composite, (clinic_id, x_id), and made by `clinic.security`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(*args, **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        """A choice whose form must set its queryset: forms are made at import, before any scope."""
        given = {"form_class": ModelChoiceField, "queryset": None, "blank": self.blank, **kwargs}
        return models.Field.formfield(self, **given)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs


def owned_by_clinic(name: str) -> models.UniqueConstraint:
    """The target of composite keys: (clinic, id) of a parent table."""
    return models.UniqueConstraint(fields=["clinic", "id"], name=name)


def each_tenant_model() -> list[type[TenantModel]]:
    from django.apps import apps

    return [m for m in apps.get_models() if issubclass(m, TenantModel)]


__all__ = [
    "EVERYWHERE",
    "Everywhere",
    "ForeignClinic",
    "Hat",
    "NoScope",
    "Scope",
    "ScopedManager",
    "TenantForeignKey",
    "TenantModel",
    "current_clinic_id",
    "current_scope",
    "each_tenant_model",
    "enter_clinic",
    "enter_user",
    "owned_by_clinic",
    "wear",
]
