"""What is said after an act: a django message, with a way back when there is one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

_UNDO = "undo:"


def done(request: HttpRequest, text: str, *, undo: str = "") -> None:
    """Say that an act is done. `undo`: the address that takes it back when posted to."""
    messages.success(request, text, extra_tags=f"{_UNDO}{undo}" if undo else "")


def undo_url(message: Message) -> str:
    """The address behind a message's undo button, or an empty string."""
    tags = message.extra_tags or ""
    return tags.removeprefix(_UNDO) if tags.startswith(_UNDO) else ""
