"""What a PostgreSQL cluster and one database in it must hold before Peygir's migrations run.

Django connects as one login role that owns nothing and inherits nothing. What it may do, it may
only while wearing one of the hats below, and only inside the transaction that put it on:

- ``app_web``: the people of one clinic
- ``app_worker``: planner and sender, across clinics, on the tables they need
- ``app_operator``: the platform's operator in the admin site
- ``app_owner``: migrations; owns the database and its tables

``app_backup`` is worn by backups only (it bypasses row-level security) and not by the login role.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, cursor, encrypt_password

LOGIN = "peygir_login"
HATS = ("app_web", "app_worker", "app_operator", "app_owner")
BACKUP = "app_backup"
EXTENSIONS = ("pg_trgm", "btree_gist")

OLDEST = 150000  # security_invoker views and NULLS NOT DISTINCT came with PostgreSQL 15

OPTIONS_PER_MEMBERSHIP = 160000  # GRANT … WITH INHERIT FALSE, SET TRUE
BUILTIN_LOCALES = 170000

# Advisory locks belong to a database: this one orders all who provision from the same one.
PROVISION_LOCK = 5_732_904_411

NO_POWER = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"


class ProvisionError(RuntimeError):
    """The cluster cannot serve Peygir as it is. ``str()`` says what to change."""


def provision(admin_url: str, database: str, login_password: str, *, login: str = LOGIN) -> None:
    """Make the roles, the database and its extensions, or bring them into the right state.

    ``admin_url``: a superuser's address of a database that exists, usually ``postgres``.
    Repeating it changes nothing but the login's password; several processes may call it at once
    for one or several databases of a cluster. Raises ProvisionError, or psycopg2.Error when the
    server cannot be reached.
    """
    with _connected(admin_url) as admin, admin.cursor() as run:
        run.execute("SELECT pg_advisory_lock(%s)", [PROVISION_LOCK])
        _check_server(run, admin, login)
        _make_roles(run)
        _make_login(run, admin, login, login_password)
        _make_database(run, admin, database, login)
        with _connected(admin_url, dbname=database) as inside, inside.cursor() as run_inside:
            _prepare_database(run_inside)


@contextmanager
def _connected(url: str, **options: Any) -> Iterator[connection]:
    opened = psycopg2.connect(url, connect_timeout=10, **options)
    try:
        opened.autocommit = True  # CREATE DATABASE refuses to run in a transaction
        yield opened
    finally:
        opened.close()  # gives the advisory lock back


def _check_server(run: cursor, admin: connection, login: str) -> None:
    if admin.server_version < OLDEST:
        raise ProvisionError("PostgreSQL 15 or newer is needed")
    run.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
    name, is_superuser = run.fetchone() or ("", False)
    if not is_superuser:
        raise ProvisionError(f"{name} must be a superuser to make roles and extensions")
    if name == login:
        raise ProvisionError(f"{login} is the role Peygir logs in as: use another superuser")


def _make_roles(run: cursor) -> None:
    for hat in HATS:
        _make_role(run, hat, f"NOLOGIN NOBYPASSRLS {NO_POWER}")
    # Row-level security would hide every row from a backup, without an error.
    _make_role(run, BACKUP, f"NOLOGIN BYPASSRLS {NO_POWER}")


def _make_login(run: cursor, admin: connection, login: str, password: str) -> None:
    _make_role(run, login, f"LOGIN NOINHERIT NOBYPASSRLS {NO_POWER}")
    # Hashed here: the server's log may keep statements.
    hashed = encrypt_password(password, login, scope=admin, algorithm="scram-sha-256")
    run.execute(sql.SQL("ALTER ROLE {} PASSWORD %s").format(sql.Identifier(login)), [hashed])
    # Before 16 a role inherits or not as a whole, and every membership allows SET ROLE.
    how = (
        "WITH ADMIN FALSE, INHERIT FALSE, SET TRUE"
        if admin.server_version >= OPTIONS_PER_MEMBERSHIP
        else ""
    )
    for hat in HATS:
        names = {"hat": sql.Identifier(hat), "login": sql.Identifier(login), "how": sql.SQL(how)}
        run.execute(sql.SQL("GRANT {hat} TO {login} {how}").format(**names))


def _make_role(run: cursor, name: str, attributes: str) -> None:
    run.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
    verb = "ALTER" if run.rowcount else "CREATE"
    statement = sql.SQL(f"{verb} ROLE {{}} {attributes}")
    run.execute(statement.format(sql.Identifier(name)))


def _make_database(run: cursor, admin: connection, database: str, login: str) -> None:
    name = sql.Identifier(database)
    run.execute("SELECT FROM pg_database WHERE datname = %s", [database])
    if run.rowcount:
        run.execute(sql.SQL("ALTER DATABASE {} OWNER TO app_owner").format(name))
    else:
        # Never the server's default locale: under C, trigrams of Persian text are empty.
        provider = "LOCALE_PROVIDER builtin" if admin.server_version >= BUILTIN_LOCALES else ""
        create = (
            "CREATE DATABASE {} OWNER app_owner TEMPLATE template0 ENCODING 'UTF8' "
            f"{provider} LOCALE 'C.UTF-8'"
        )
        run.execute(sql.SQL(create).format(name))
    run.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, app_backup")
    run.execute(grant.format(name, sql.Identifier(login)))


def _prepare_database(run: cursor) -> None:
    for extension in EXTENSIONS:
        create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public")
        run.execute(create.format(sql.Identifier(extension)))
    run.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    run.execute(f"GRANT USAGE ON SCHEMA public TO {', '.join((*HATS, BACKUP))}")
    run.execute("GRANT CREATE ON SCHEMA public TO app_owner")
    for kind in ("TABLES", "SEQUENCES"):
        run.execute(f"GRANT SELECT ON ALL {kind} IN SCHEMA public TO app_backup")
        run.execute(
            "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public "
            f"GRANT SELECT ON {kind} TO app_backup"
        )
    _check_persian(run)


def _check_persian(run: cursor) -> None:
    run.execute("SELECT public.similarity('مریم احمدی', 'مریم')")
    (similarity,) = run.fetchone() or (0,)
    if not similarity:
        raise ProvisionError(
            "this database's locale knows no Persian letters, so searches would find nothing: "
            "create it with LOCALE 'C.UTF-8'"
        )
