"""The passwords of the demonstration's people: made per installation, never a constant."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

# Without the letters and digits that are taken for one another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def read(path: Path) -> dict[str, str]:
    """The passwords kept at ``path``; empty when there are none or the file is spoilt."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): str(value) for key, value in kept["passwords"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def make(path: Path, keys: Iterable[str]) -> dict[str, str]:
    """New passwords, kept at ``path`` for its owner's eyes only."""
    passwords = {key: _password() for key in keys}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(
        path, "x", encoding="utf-8", opener=lambda name, how: os.open(name, how, 0o600)
    ) as to:
        json.dump({"passwords": passwords}, to, indent=1)
    return passwords


def _password() -> str:
    """Three groups of four: 59 bits, and easy to type."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
