"""Requests and responses, as plain as the sandbox needs them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` without its query, percent-encoding untouched."""

    verb: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        """Query and form together. A name given twice is joined by a comma, as ASP.NET does."""
        form = self.body.decode("utf-8", "replace") if self._has_form() else ""
        joined: dict[str, str] = {}
        for source in (self.query, form):
            for name, value in parse_qsl(source, keep_blank_values=True):
                joined[name] = f"{joined[name]},{value}" if name in joined else value
        return joined

    def header(self, name: str) -> str:
        wanted = name.lower()
        return next((value for name, value in self.headers.items() if name.lower() == wanted), "")

    def _has_form(self) -> bool:
        kind = self.header("Content-Type").partition(";")[0].strip().lower()
        return kind in ("", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back, or does not.

    `wait` seconds pass before anything is written; `keep` is the share of the body that is, before
    the connection is cut; with `drop` nothing is.
    """

    status: int = HTTPStatus.OK
    body: bytes = b""
    kind: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    keep: float = 1.0
    drop: bool = False


def json_response(value: object, status: int = HTTPStatus.OK) -> Response:
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return Response(status, body, JSON)


def not_found() -> Response:
    return Response(HTTPStatus.NOT_FOUND, b"Not found", "text/plain; charset=utf-8")
