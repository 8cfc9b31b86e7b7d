"""Under which account of the system the embedded servers run.

PostgreSQL refuses to run as root, rightly. As root we therefore lend it an account that exists
already; the system gets no new user, and no folder that is not ours changes its mode.
"""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.errors import EmbeddedServerError

# Accounts made for having no rights; `postgres` first, since it exists for this very purpose.
UNPRIVILEGED = ("postgres", "_postgres", "nobody", "daemon", "www-data")


@dataclass(frozen=True)
class Account:
    """A user of the system. ``lent`` when it is not the one we run as."""

    uid: int
    gid: int
    lent: bool

    def popen_options(self) -> dict[str, Any]:
        """What makes ``subprocess`` run a program as this account, in a folder it can be in."""
        if not self.lent:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Whether every folder on the way, and ``folder`` itself, lets this account through.

        Tried rather than computed: ACLs and security modules have their say too.
        """
        if not self.lent:
            return True
        try:
            return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]).returncode == 0
        except PermissionError:
            raise EmbeddedServerError(
                "running as root here, but not allowed to change to another account: start as "
                "an ordinary user, or set DATABASE_URL and REDIS_URL"
            ) from None

    def run(
        self, command: list[str], env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as this account to its end; both of its outputs are in ``stdout``."""
        return subprocess.run(  # noqa: S603  (our own programs, no shell)
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            **self.popen_options(),
        )

    def own(self, folder: Path) -> None:
        """Make ``folder`` and give it to this account alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.lent:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)


def server_account(existing_data: Path | None) -> Account:
    """The account to run servers as: the owner of existing data, else an unprivileged one."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), lent=False)
    if existing_data is not None and (owner := existing_data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, lent=True)
    for entry in _unprivileged():
        return Account(entry.pw_uid, entry.pw_gid, lent=True)
    raise EmbeddedServerError(
        f"PostgreSQL cannot run as root, and none of the accounts {', '.join(UNPRIVILEGED)} "
        "exists: start as an ordinary user, or set DATABASE_URL"
    )


def _unprivileged() -> Iterator[pwd.struct_passwd]:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    yield from (known[name] for name in UNPRIVILEGED if name in known and known[name].pw_uid)
