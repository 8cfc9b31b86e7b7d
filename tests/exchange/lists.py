"""Rows of a sessions list, as tests write them."""

import datetime as dt

from tests.conftest import NOW

HEADER = [
    "session_no",
    "file_no",
    "therapist",
    "service",
    "starts_at",
    "duration_minutes",
    "status",
]
START = dt.datetime(2026, 11, 27, 14, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=5)


def row(number="1", file_no="101", start="1405/09/06 17:30", status="", **other):
    return [
        number,
        file_no,
        other.get("therapist", "ملکی"),
        other.get("service", "فردی"),
        start,
        other.get("minutes", "45"),
        status,
    ]
