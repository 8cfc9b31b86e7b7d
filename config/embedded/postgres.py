"""One real PostgreSQL server on 127.0.0.1, with everything Peygir needs inside it."""

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg2

from config.embedded import process
from config.embedded.account import Account
from config.embedded.errors import EmbeddedServerError
from config.embedded.roles import LOGIN, provision

ADMIN = "peygir_admin"
DATABASE = "peygir"
START_SECONDS = 60.0  # recovery after a crash reads the whole journal first

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket's path may have 107 bytes, and a Persian folder name soon has more.
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # A failed statement and its DETAIL line quote what people wrote and their phone numbers.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

# For servers that do not outlive a test run.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A test takes its rows back. Autovacuum, wherever it happens to come by, would call such a table
    # empty, and until it comes again everything is planned for one row: what takes a second takes
    # minutes. Without it every test is planned alike.
    "autovacuum": "off",
}


@dataclass
class PostgresServer:
    """A cluster in ``folder``, run by ``account``. Implements ``lease.Server``."""

    programs: Path
    account: Account
    folder: Path
    log: Path
    admin_password: str = field(repr=False)
    login_password: str = field(repr=False)
    careless: bool = False
    #: PostgreSQL's own settings that stand above ours.
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "postgres"
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pidfile(self) -> Path:
        return self.data / "postmaster.pid"

    @property
    def port(self) -> int:
        """The port of the running server."""
        return int(self.pidfile.read_text().splitlines()[3])

    @property
    def admin_url(self) -> str:
        """The superuser's address, for provisioning and tests only."""
        return self._url(ADMIN, self.admin_password, "postgres")

    @property
    def url(self) -> str:
        """The address Django uses: a login role that may nothing until it wears a hat."""
        return self._url(LOGIN, self.login_password, DATABASE)

    def start(self) -> None:
        if not self._is_running():
            self._make_cluster()
            self._start_somewhere()
        self._provision_once()

    def stop(self) -> None:
        # SIGINT: disconnect clients and shut down cleanly. SIGQUIT: the journal repairs it.
        process.stop(self.pidfile, str(self.data), (signal.SIGINT, signal.SIGQUIT))
        if self._child is not None:
            self._child.wait()
            self._child = None

    def erase(self) -> None:
        for part in self.folder.glob("data*"):
            shutil.rmtree(part)

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgres://{role}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def _is_running(self) -> bool:
        if self._child is not None:
            self._child.poll()  # reaps a child that died: a zombie still has its number
        if process.running_pid(self.pidfile, str(self.data)) is None:
            return False
        if not process.wait_until(self._is_ready, START_SECONDS):
            raise self._not_ready()
        return True

    def _not_ready(self) -> EmbeddedServerError:
        """Never a reason to start a second server on the same data: that would destroy them."""
        return EmbeddedServerError(
            f"PostgreSQL runs but is not ready after {START_SECONDS:.0f} seconds: "
            f"{process.last_lines(self.log)} (see {self.log})"
        )

    def _is_ready(self) -> bool:
        """PostgreSQL writes its state into line 8 of its pid file."""
        try:
            lines = self.pidfile.read_text().splitlines()
        except FileNotFoundError:
            return False
        return [line.strip() for line in lines[7:8]] == ["ready"]

    def _make_cluster(self) -> None:
        self._check_version()
        if self.data.is_dir():
            return
        for leftover in self.folder.glob("data.draft*"):
            shutil.rmtree(leftover)
        draft = self.folder / "data.draft"
        self._initdb(draft)
        draft.rename(self.data)

    def _check_version(self) -> None:
        kept = self.data / "PG_VERSION"
        if kept.is_file() and (version := kept.read_text().strip()) != self._major_version():
            raise EmbeddedServerError(
                f"{self.data} was written by PostgreSQL {version}, installed is "
                f"{self._major_version()}: dump it with the former and load it into the latter, "
                "or move the folder away to start empty"
            )

    def _major_version(self) -> str:
        shown = self.account.run([str(self.programs / "postgres"), "--version"]).stdout
        return shown.split()[-1].split(".")[0]

    def _initdb(self, draft: Path) -> None:
        password = self.folder / "password"
        password.write_text(self.admin_password)
        password.chmod(0o600)
        if self.account.lent:
            shutil.chown(password, self.account.uid, self.account.gid)
        try:
            made = self.account.run(self._initdb_command(draft, password), env=process.CLEAN)
        finally:
            password.unlink()
        if made.returncode != 0:
            said = made.stdout.strip().replace("\n", " / ")
            raise EmbeddedServerError(f"initdb could not make a PostgreSQL cluster: {said[-500:]}")

    def _initdb_command(self, draft: Path, password: Path) -> list[str]:
        options = {
            "--username": ADMIN,
            "--pwfile": str(password),
            "--auth": "scram-sha-256",
            "--encoding": "UTF8",
            # Under plain C no Persian letter is a letter, and every trigram search finds nothing.
            "--locale-provider": "builtin",
            "--locale": "C.UTF-8",
        }
        command = [str(self.programs / "initdb"), "--pgdata", str(draft)]
        command += [f"{option}={choice}" for option, choice in options.items()]
        return command + (["--no-sync"] if self.careless else [])

    def _start_somewhere(self) -> None:
        """Start on a free port, again on another when somebody was faster.

        Also waits out the children of a killed server, which hold its memory for a moment.
        """
        for _ in range(5):
            self._drop_stranger_pidfile()
            if self._start_on(process.free_port(self.folder / "port")):
                (self.folder / "port").write_text(str(self.port))
                return
            time.sleep(0.5)
        raise EmbeddedServerError(
            f"PostgreSQL does not start: {process.last_lines(self.log)} (see {self.log})"
        )

    def _drop_stranger_pidfile(self) -> None:
        # PostgreSQL itself drops the file of a dead process, but refuses to start when a
        # stranger got the number after a reboot. The dead one's file it needs, to find leftovers.
        pid = process.number_in(self.pidfile)
        if pid and process.is_alive(pid):
            self.pidfile.unlink()

    def _start_on(self, port: int) -> bool:
        settings = SETTINGS | {"port": str(port)} | (CARELESS if self.careless else {})
        settings |= self.settings
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        for setting, choice in settings.items():
            command += ["-c", f"{setting}={choice}"]
        child = self._child = process.launch(command, self.log, self.account)
        if not process.wait_until(
            lambda: child.poll() is not None or self._is_ready(), START_SECONDS
        ):
            raise self._not_ready()
        return child.poll() is None

    def _provision_once(self) -> None:
        """Provision once per start: a starter that was killed in between leaves it to the next."""
        done = self.folder / "provisioned"
        this_start = " ".join(self.pidfile.read_text().splitlines()[0:3:2])  # pid, start time
        if done.is_file() and done.read_text() == this_start:
            return
        try:
            provision(self.admin_url, DATABASE, self.login_password)
        except psycopg2.OperationalError as problem:
            raise EmbeddedServerError(
                f"PostgreSQL runs on {self.data} but does not let us in. If PEYGIR_VAR was emptied, "
                "the password went with it: `make demo RESET=1` starts over. "
                f"({' '.join(str(problem).split())})"
            ) from None
        done.write_text(this_start)
