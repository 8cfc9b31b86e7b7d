"""Secrets that are made once and kept in a file only its owner can read."""

import os
import secrets
import tempfile
from pathlib import Path


def read_or_create_secret(path: Path) -> str:
    """The secret kept at ``path``; an unguessable one is made there when there is none.

    Safe when several processes ask at once: the file appears whole or not at all, and the
    first one to link it wins.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        _create(path, secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _create(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secret + "\n")
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its secret is the one
    finally:
        Path(draft).unlink()
