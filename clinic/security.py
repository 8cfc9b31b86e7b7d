"""The database's half of tenancy: policies, grants and composite keys, from the model list.

`secure` runs at the end of every `migrate`, under the owner's hat, and is idempotent: a new table
cannot be forgotten, whichever migration made it. `faults` reads the catalogue back and says what
does not hold; the entry points of web, worker and tests refuse to start on a fault.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from django.apps import apps
from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

from clinic.models import Clinic, Directory, Membership
from clinic.tenancy import Hat, TenantForeignKey, TenantModel, each_tenant_model

CLINIC = "(SELECT NULLIF(current_setting('app.clinic_id', true), '')::bigint)"
USER = "(SELECT NULLIF(current_setting('app.user_id', true), '')::bigint)"

#: Tables without a clinic, by design: people, web sessions, Django's own, the directory.
SHARED_APPS = frozenset(
    {"account", "admin", "auth", "contenttypes", "mfa", "sessions", "socialaccount", "usersessions"}
)
SHARED_TABLES = {
    # table: what app_worker may do there (web and operator may read and write)
    "clinic_user": (),
    "clinic_user_groups": (),
    "clinic_user_user_permissions": (),
    # The sender publishes the links that its texts carry.
    "clinic_directory": ("SELECT", "INSERT"),
}
#: Neither a clinic's nor a person's: the engine's own notes, which the web only reads.
WORKER_TABLES = {
    "followup_watermark": ("SELECT", "INSERT", "UPDATE"),
    "messaging_heartbeat": ("SELECT", "INSERT", "UPDATE"),
}

#: What the operator looks after; of all else in a clinic not even the number of rows.
OPERATOR_MODELS = (Clinic, Membership)

WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")

#: The web hat's policies: the clinic in scope, and on the tables of `_ways_in` one more.
TENANT, WAY_IN = f"tenant_{Hat.WEB}", f"way_in_{Hat.WEB}"


def tenant_tables() -> list[type[models.Model]]:
    return [Clinic, *each_tenant_model()]


def secure() -> None:
    """Bring policies, grants and composite keys in line with the models. Needs the owner's hat."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _statements():
            cursor.execute(statement)
        _start_message_ids_at_random(cursor)


def _statements() -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA public TO {_hats()}, app_backup"
    yield "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app_backup"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {_hats()}"
    for model in tenant_tables():
        yield from _policies(model)
        worker = model.worker_rights  # type: ignore[attr-defined]
        operator = WRITE if model in OPERATOR_MODELS else ()
        yield from _grants(model._meta.db_table, WRITE, worker, operator)
        yield from _composite_keys(model)
    for table in _shared_tables():
        yield from _grants(table, WRITE, SHARED_TABLES.get(table, ()), WRITE)
    for table, rights in WORKER_TABLES.items():
        yield from _grants(table, ("SELECT",), rights, ("SELECT",))


def _hats() -> str:
    return ", ".join(hat.value for hat in Hat if hat is not Hat.OWNER)


def _shared_tables() -> list[str]:
    found = [m._meta.db_table for m in apps.get_models(True) if m._meta.app_label in SHARED_APPS]
    return found + list(SHARED_TABLES)


def _grants(
    table: str, web: Sequence[str], worker: Sequence[str], operator: Sequence[str]
) -> Iterator[str]:
    yield f"REVOKE ALL ON {table} FROM PUBLIC, {_hats()}"
    for hat, rights in ((Hat.WEB, web), (Hat.WORKER, worker), (Hat.OPERATOR, operator)):
        if rights:
            yield f"GRANT {', '.join(rights)} ON {table} TO {hat}"


def _policies(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    mine = f"{'id' if model is Clinic else 'clinic_id'} = {CLINIC}"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield from _policy(table, Hat.WEB, "ALL", mine)
    # Without a policy of its own the owner, under FORCE, would change nothing and get no error.
    yield from _policy(table, Hat.OWNER, "ALL", "true")
    yield from _policy(table, Hat.OPERATOR, "ALL", "true")
    yield from _policy(table, Hat.WORKER, "ALL", "true")
    for way_in in _ways_in(model):
        yield from _policy(table, Hat.WEB, "SELECT", way_in, name="way_in")


def _ways_in(model: type[models.Model]) -> Iterator[str]:
    """Before a clinic is chosen, a person sees their own memberships and those clinics."""
    if model is Membership:
        yield f"user_id = {USER}"
    if model is Clinic:
        yield f"id IN (SELECT clinic_id FROM clinic_membership WHERE user_id = {USER})"


def _policy(table: str, hat: Hat, command: str, using: str, name: str = "") -> Iterator[str]:
    policy = f"{name or 'tenant'}_{hat}"
    check = f" WITH CHECK ({using})" if command == "ALL" else ""
    yield f"DROP POLICY IF EXISTS {policy} ON {table}"
    yield f"CREATE POLICY {policy} ON {table} FOR {command} TO {hat} USING ({using}){check}"


def _composite_keys(model: type[models.Model]) -> Iterator[str]:
    """(clinic_id, x_id) → (clinic_id, id): another clinic's row cannot be pointed at."""
    table = model._meta.db_table
    for field in model._meta.local_fields:
        if isinstance(field, TenantForeignKey):
            name = key_name(table, field.column)
            target = field.related_model._meta.db_table
            yield f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
            yield (
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (clinic_id, {field.column})"
                f" REFERENCES {target} (clinic_id, id) DEFERRABLE INITIALLY DEFERRED"
            )


def key_name(table: str, column: str) -> str:
    return f"{table}_{column}_of_clinic"


def _start_message_ids_at_random(cursor: CursorWrapper) -> None:
    """See `messaging.models.Message`. Below 2**53, so that no JSON reader rounds an id."""
    sequence = "messaging_message_id_seq"
    cursor.execute(f"SELECT is_called OR last_value > 1 FROM {sequence}")
    (started,) = cursor.fetchone()
    if not started:
        cursor.execute(f"ALTER SEQUENCE {sequence} RESTART WITH {_random_base()}")


def _random_base() -> int:
    return 10**12 + secrets.randbelow(8 * 10**15)


def faults() -> list[str]:
    """What the catalogue says against us, in words; empty when both guards can be trusted."""
    return [*_role_faults(), *_table_faults()]


def _role_faults() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls)"
            " AND rolname IN (session_user, current_user, %s, %s, %s, %s)",
            [hat.value for hat in Hat],
        )
        strong = [f"role {name} bypasses row-level security" for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT count(*) FILTER (WHERE pg_get_userbyid(relowner)"
            "                        IN (session_user, %s, %s, %s)),"
            " count(*) FILTER (WHERE has_table_privilege("
            "                        session_user, oid, 'SELECT, INSERT, UPDATE, DELETE'))"
            " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
            [Hat.WEB.value, Hat.WORKER.value, Hat.OPERATOR.value],
        )
        owned, open_ = cursor.fetchone()
    owns = [f"the login or a hat owns {owned} tables"] if owned else []
    # Granted to it, granted to everybody, or inherited from a hat.
    return strong + owns + ([f"the login may touch {open_} tables without a hat"] if open_ else [])


def _table_faults() -> list[str]:
    wanted = {m._meta.db_table for m in tenant_tables()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        forced = dict(cursor.fetchall())
        # Policies add up: one more that lets the web hat in opens the table, whatever ours say.
        cursor.execute(
            "SELECT tablename, policyname, qual, with_check FROM pg_policies"
            " WHERE schemaname = 'public' AND roles && ARRAY['public', session_user, %s]::name[]",
            [Hat.WEB.value],
        )
        policies = [row for row in cursor.fetchall() if row[0] in wanted]
    guarded = {t for t, name, *asks in policies if name == TENANT and all(map(_keeps_apart, asks))}
    return [
        *(f"table {t} is missing: run manage.py migrate" for t in sorted(wanted - set(forced))),
        *(
            f"table {t} is not guarded"
            for t in sorted(wanted & set(forced))
            if not forced[t] or t not in guarded
        ),
        *(
            f"table {t} has a policy that is not ours: {n}"
            for t, n, *q in policies
            if _is_odd(n, *q)
        ),
    ]


def _keeps_apart(condition: str | None) -> bool:
    return condition is not None and "app.clinic_id" in condition and " OR " not in condition


def _is_odd(policy: str, using: str, check: str | None) -> bool:
    way_in = policy == WAY_IN and check is None and "app.user_id" in using
    return not way_in and policy != TENANT


def unlisted_models() -> list[str]:
    """Models that are neither a clinic's nor on a list above: each is a leak waiting."""
    listed = {*_shared_tables(), *WORKER_TABLES}
    return [
        m._meta.label
        for m in apps.get_models(include_auto_created=True)
        if not issubclass(m, TenantModel)
        and m not in (Clinic, Directory)
        and m._meta.db_table not in listed
    ]
