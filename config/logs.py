"""Logs: one JSON line per event on stderr. Client text, phone numbers and keys never get here."""

from __future__ import annotations

import logging
from typing import Any

import structlog

SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class RouteForPath(logging.Filter):
    """Names the route in place of the address: invitations and callbacks carry secrets in theirs.

    Django's own lines about refused and failed requests end in the path.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            shown = f"/{match.route}" if match else "(no such address)"
            record.args = tuple(shown if arg == path else arg for arg in record.args)
        return True


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            "foreign_pre_chain": SHARED,
        }
    },
    "filters": {"routes": {"()": RouteForPath}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["routes"]}
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # A scanner's wrong Host header is not news.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # It writes whole requests at INFO, with the key in the address.
        "urllib3": {"level": "WARNING"},
    },
}


def configure() -> None:
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
