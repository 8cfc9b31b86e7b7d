"""Private servers for one test run: real, fast, and gone afterwards."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded import places
from config.embedded.account import Account, server_account
from config.embedded.postgres import PostgresServer
from config.embedded.valkey import ValkeyServer

# Waits for the end of its input, which comes when the test run is gone, however it went; then
# stops what that left behind. A server that is gone already has no pid file any more.
GUARD = """
read _
for file in "$1/postgres/data/postmaster.pid" "$1/redis/pid"; do
    if read pid _ < "$file"; then kill -QUIT "$pid"; kill -TERM "$pid"; fi
done 2>/dev/null
sleep 1
rm -rf -- "$1"
"""


@dataclass(frozen=True)
class Servers:
    """Addresses of servers that exist as long as the block that made them."""

    #: The role Django logs in as, in a provisioned and empty database.
    database_url: str = field(repr=False)
    #: The superuser: for provisioning test databases and looking behind row-level security.
    admin_url: str = field(repr=False)
    #: The login role's password, to provision more databases with.
    login_password: str = field(repr=False)
    redis_url: str = field(repr=False)
    folder: Path
    #: The servers themselves, for whoever wants to see what their death does.
    postgres: PostgresServer = field(repr=False)
    redis: ValkeyServer = field(repr=False)


@contextmanager
def throwaway_servers() -> Iterator[Servers]:
    """Start a PostgreSQL and a Redis of one's own in a temporary folder.

    Nothing is flushed to disk, and nothing remains: not after the block, and not a second after
    the death of this process either.
    """
    account = server_account(None)
    folder = _temporary_folder(account)
    with _guarded(folder):
        postgres, redis = _servers(account, folder)
        try:
            postgres.start()
            redis.start()
            yield Servers(
                postgres.url,
                postgres.admin_url,
                postgres.login_password,
                redis.url,
                folder,
                postgres,
                redis,
            )
        finally:
            redis.stop()
            postgres.stop()


def _servers(account: Account, folder: Path) -> tuple[PostgresServer, ValkeyServer]:
    for name in ("postgres", "redis"):
        account.own(folder / name)
    postgres = PostgresServer(
        programs=places.postgres_programs(account),
        account=account,
        folder=folder / "postgres",
        log=folder / "postgres.log",
        admin_password=secrets.token_urlsafe(24),
        login_password=secrets.token_urlsafe(24),
        careless=True,
    )
    redis = ValkeyServer(
        program=places.valkey_program(account),
        account=account,
        folder=folder / "redis",
        log=folder / "redis.log",
        password=secrets.token_urlsafe(24),
        careless=True,
    )
    return postgres, redis


def _temporary_folder(account: Account) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="peygir-")).resolve()
    account.own(folder)
    if account.can_enter(folder):
        return folder
    folder.rmdir()
    return places.cached_home(account, f"throwaway/{secrets.token_hex(8)}")


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    guard = subprocess.Popen(  # noqa: S603  (the script above; the folder is an argument)
        ["/bin/sh", "-c", GUARD, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    holder = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == holder:
            guard.kill()
            guard.communicate()
            shutil.rmtree(folder, ignore_errors=True)
