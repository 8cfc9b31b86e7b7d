"""The embedded servers of one installation, shared by all its processes."""

import atexit
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from config import env
from config.embedded import places
from config.embedded.account import server_account
from config.embedded.errors import EmbeddedServerError
from config.embedded.lease import Lease
from config.embedded.postgres import PostgresServer
from config.embedded.roles import ProvisionError
from config.embedded.valkey import ValkeyServer
from config.secretfile import read_or_create_secret

_leases: dict[str, Lease] = {}


def ensure(postgres: bool = True, redis: bool = False) -> None:
    """Give this process a DATABASE_URL and, if asked, a REDIS_URL.

    A variable that is set is left alone: the server it names is used. Otherwise the embedded
    server under PEYGIR_VAR is started, or joined when another process started it, and the
    variable is set. Child processes that inherit such a variable join too when they call this.
    The last process that leaves stops the server. In production nothing is embedded.

    What cannot be done ends the process with one line on stderr and exit code 2.
    """
    env.load_dotenv()
    try:
        if postgres:
            _provide("DATABASE_URL")
        if redis:
            _provide("REDIS_URL")
    except (env.BadVariable, EmbeddedServerError, ProvisionError) as problem:
        env.fail(problem)


def reset(postgres: bool = True, redis: bool = True) -> None:
    """Delete the data of the embedded servers; those in use by this process start empty.

    Raises EmbeddedServerError while another process uses them.
    """
    env.load_dotenv()
    for variable, wanted in (("DATABASE_URL", postgres), ("REDIS_URL", redis)):
        if wanted:
            lease = _leases.get(variable) or _new_lease(variable)
            lease.erase()
            if variable in _leases:
                _publish(variable, lease)


def _provide(variable: str) -> None:
    if variable in _leases or _is_set_by_hand(variable):
        return
    if env.is_production(os.environ):
        raise env.BadVariable(variable, missing=True)
    lease = _new_lease(variable)
    lease.take()
    _leases[variable] = lease
    _leave_at_exit(lease)
    _publish(variable, lease)


def _is_set_by_hand(variable: str) -> bool:
    given = os.environ.get(variable, "").strip()
    return bool(given) and given != os.environ.get(f"PEYGIR_EMBEDDED_{variable}")


def _publish(variable: str, lease: Lease) -> None:
    # The second one tells our children that the address is ours: they have to join as well.
    os.environ[variable] = os.environ[f"PEYGIR_EMBEDDED_{variable}"] = lease.server.url


def _new_lease(variable: str) -> Lease:
    var = env.var_folder(os.environ).resolve()
    server = _postgres(var) if variable == "DATABASE_URL" else _redis(var)
    return Lease(server, var)


def _postgres(var: Path) -> PostgresServer:
    account = server_account(places.existing_home(var, "postgres"))
    return PostgresServer(
        programs=places.postgres_programs(account),
        account=account,
        folder=places.home(var, "postgres", account),
        log=var / "postgres.log",
        admin_password=read_or_create_secret(var / "postgres_admin_password"),
        login_password=read_or_create_secret(var / "postgres_login_password"),
    )


def _redis(var: Path) -> ValkeyServer:
    account = server_account(places.existing_home(var, "redis"))
    return ValkeyServer(
        program=places.valkey_program(account),
        account=account,
        folder=places.home(var, "redis", account),
        log=var / "redis.log",
        password=read_or_create_secret(var / "redis_password"),
    )


def _leave_at_exit(lease: Lease) -> None:
    atexit.register(lease.give_back)
    if threading.current_thread() is not threading.main_thread():
        return
    # By default these two end a process without its exit functions. Whoever has a handler of
    # his own (Celery, gunicorn) keeps it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
