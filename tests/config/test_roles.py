"""Provisioning, on a cluster of its own: roles belong to a whole cluster."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest

from config import embedded
from config.embedded import roles
from tests.postgres import ask, is_up


@pytest.fixture(scope="module")
def servers() -> Iterator[embedded.Servers]:
    with embedded.throwaway_servers() as running:
        yield running


def test_persian_words_have_trigrams(servers: embedded.Servers) -> None:
    statement = "SET ROLE app_web; SELECT similarity('مریم احمدی', 'مریم احمدى')"
    assert ask(servers.database_url, statement) > 0.5


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE intruder (x int)",
        "SELECT similarity('a', 'a')",
        "SET ROLE app_backup",
        "SET ROLE peygir_admin",
        "CREATE DATABASE intruder",
        "CREATE TEMPORARY TABLE intruder (x int)",
        "SET ROLE app_web; CREATE TABLE intruder (x int)",
    ],
)
def test_the_login_role_may_do_nothing_by_itself(servers: embedded.Servers, statement: str) -> None:
    with pytest.raises(psycopg2.ProgrammingError):
        ask(servers.database_url, statement)


def test_the_login_role_inherits_no_hat(servers: embedded.Servers) -> None:
    statement = """
        SELECT array_agg(roleid::regrole::text || inherit_option || set_option || admin_option
                         ORDER BY roleid::regrole::text)
        FROM pg_auth_members WHERE member = 'peygir_login'::regrole"""
    assert ask(servers.admin_url, statement) == [
        f"{hat}falsetruefalse" for hat in sorted(roles.HATS)
    ]


def test_provisioning_again_changes_nothing(servers: embedded.Servers) -> None:
    before = _privileges(servers)
    embedded.provision(servers.admin_url, "peygir", servers.login_password)
    assert _privileges(servers) == before
    assert is_up(servers.database_url)


def test_provisioning_several_databases_at_once(servers: embedded.Servers) -> None:
    names = ["one", "one", "two", "دو", "one", "two"]
    with ThreadPoolExecutor(len(names)) as pool:
        list(
            pool.map(
                lambda name: embedded.provision(servers.admin_url, name, servers.login_password),
                names,
            )
        )
    statement = "SELECT count(*) FROM pg_database WHERE datname = ANY(%s) AND datdba = %s::regrole"
    assert ask(servers.admin_url, statement, names, "app_owner") == 3


def test_provisioning_mends_what_was_loosened(servers: embedded.Servers) -> None:
    ask(servers.admin_url, "ALTER ROLE peygir_login CREATEDB INHERIT")
    ask(servers.admin_url, "GRANT app_web TO peygir_login WITH INHERIT TRUE")
    embedded.provision(servers.admin_url, "peygir", servers.login_password)
    statement = "SELECT rolcreatedb OR rolinherit FROM pg_roles WHERE rolname = 'peygir_login'"
    assert ask(servers.admin_url, statement) is False
    test_the_login_role_inherits_no_hat(servers)


def test_provisioning_needs_a_superuser_that_is_not_the_login(servers: embedded.Servers) -> None:
    with pytest.raises(embedded.ProvisionError, match="must be a superuser"):
        embedded.provision(servers.database_url, "peygir", servers.login_password)
    with pytest.raises(embedded.ProvisionError, match="use another superuser"):
        embedded.provision(servers.admin_url, "peygir", "x", login="peygir_admin")


def test_provisioning_refuses_a_database_without_persian_letters(
    servers: embedded.Servers,
) -> None:
    ask(
        servers.admin_url,
        "CREATE DATABASE plain TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8' LOCALE_PROVIDER libc",
    )
    with pytest.raises(embedded.ProvisionError, match="no Persian letters"):
        embedded.provision(servers.admin_url, "plain", servers.login_password)


def test_a_backup_reads_every_table_the_owner_makes(servers: embedded.Servers) -> None:
    url = servers.admin_url.removesuffix("/postgres") + "/peygir"
    ask(url, "SET ROLE app_owner; CREATE TABLE guarded AS SELECT 1 AS x")
    ask(url, "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert ask(url, "SET ROLE app_backup; SELECT count(*) FROM guarded") == 1
    assert ask(url, "SET ROLE app_owner; SELECT count(*) FROM guarded") == 0
    ask(url, "DROP TABLE guarded")


def _privileges(servers: embedded.Servers) -> Any:
    statement = """
        SELECT json_build_array(
            (SELECT json_agg(row_to_json(r)) FROM pg_roles r),
            (SELECT json_agg(row_to_json(d)) FROM pg_database d),
            (SELECT json_agg(row_to_json(m) ORDER BY roleid) FROM pg_auth_members m))"""
    return ask(servers.admin_url, statement)
