"""Real servers for the whole run, started before Django reads its settings.

A pytest plugin (`-p tests.servers`). The controller starts one private PostgreSQL and one private
Redis; workers inherit their addresses, take a database of their own (see conftest) and a Redis
number of their own.
"""

import os
import sys
from contextlib import ExitStack

_stack = ExitStack()

# Some environments forbid Python to keep what it has compiled. A run starts dozens of processes and
# two workers, and each would compile the whole project anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def _start() -> None:
    from config.embedded import throwaway_servers

    servers = _stack.enter_context(throwaway_servers())
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["REDIS_URL"] = servers.redis_url
    os.environ["PEYGIR_TEST_ADMIN_URL"] = servers.admin_url
    os.environ["PEYGIR_TEST_LOGIN_PASSWORD"] = servers.login_password
    os.environ["PEYGIR_TEST_FOLDER"] = str(servers.folder)
    os.environ["PEYGIR_VAR"] = str(servers.folder / "var")
    for name in ("KAVENEGAR_BASE_URL", "KAVENEGAR_API_KEY", "ALLOWED_RECIPIENTS", "PUBLIC_URL"):
        os.environ.pop(name, None)
    os.environ["SECRET_KEY"] = "only-for-tests-" * 4


worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if worker:
    base = os.environ["REDIS_URL"].rsplit("/", 1)[0]
    os.environ["REDIS_URL"] = f"{base}/{int(worker.removeprefix('gw')) + 1}"
else:
    _start()


def pytest_unconfigure() -> None:
    _stack.close()
