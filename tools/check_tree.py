"""Refuse what must not be in the tree: where this machine gets its packages from, and its paths.

A lock file with a mirror's address works on one machine; a path works for one person.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "a download address in a lock file": r'"resolved"\s*:',
    "a choice of package registry": r"--(?:extra-)?index-url|--find-links|--trusted-host",
    "a package registry": r"\b(?:pypi|pythonhosted|npmjs|yarnpkg)\.(?:org|com|python)\b",
    "somebody's own folder": r"(?<![\w.:/-])/(?:root|work|home/\w+|Users/\w+)/",
}
THIS = Path(__file__).relative_to(ROOT)
TOO_LARGE = 2_000_000  # bytes; no text of ours is


def main() -> None:
    hosts = configured_hosts()
    problems = [
        f"{path}:{number}: {fault}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), start=1)
        for fault in faults(line, hosts)
    ]
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    raise SystemExit(bool(problems))


def faults(line: str, hosts: set[str]) -> list[str]:
    """What is wrong with one line of text; ``hosts`` are forbidden besides the known ones."""
    found = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, line)]
    return found + [f"this machine's package registry {host}" for host in hosts if host in line]


def tracked() -> list[Path]:
    """What git knows, or would know after `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = _output(command)
    return [Path(name) for name in names.split("\0") if name and Path(name) != THIS]


def text(path: Path) -> str:
    """The file's text; nothing for pictures and fonts, and for what is deleted but not yet so."""
    file = ROOT / path
    if not file.is_file() or file.stat().st_size > TOO_LARGE:
        return ""
    content = file.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


def configured_hosts() -> set[str]:
    """The hosts pip and npm are told to use here: nobody else has them."""
    shown = [
        _output([sys.executable, "-m", "pip", "config", "list"]),
        _output(["npm", "config", "get", "registry"]),
    ]
    addresses = re.findall(r"https?://[^\s'\"]+", " ".join(shown))
    hosts = {urlsplit(address).hostname or "" for address in addresses}
    return {host for host in hosts if "." in host}


def _output(command: list[str]) -> str:
    try:
        ended = subprocess.run(  # noqa: S603  (the commands above)
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return ended.stdout


if __name__ == "__main__":
    main()
