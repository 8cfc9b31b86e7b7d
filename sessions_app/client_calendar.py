"""A session as an iCalendar file (RFC 5545), for the calendar of the client's phone.

Written by hand: one event with eight properties is less than a dependency. A calendar is often
shared or shown on a lock screen, so the title is the clinic's name and nothing says what for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from clinic import discreet
from clinic.directory import short_token
from sessions_app.models import Session

CONTENT_TYPE = "text/calendar; charset=utf-8"
#: Bytes in a line, its end not counted.
_LONGEST = 75
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def event(session: Session, *, hushed: bool = False) -> bytes:
    """The file. The same session is the same event, and each new time of it a newer one.

    `hushed`, for a client who wants texts discreet: without the clinic's trade in its name.
    """
    clinic = session.clinic
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Peygir//FA",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        # Derived otherwise than the page's own address, which must not end up in a calendar.
        f"UID:{short_token('calendar', session.clinic_id, session.pk)}@peygir",
        f"DTSTAMP:{_utc(session.booked_at)}",
        f"DTSTART:{_utc(session.starts_at)}",
        f"DTEND:{_utc(session.ends_at)}",
        f"SEQUENCE:{session.revision}",
        f"SUMMARY:{_escaped(discreet.clinic(clinic.name) if hushed else clinic.name)}",
    ]
    if clinic.address and not session.online_url:
        lines.append(f"LOCATION:{_escaped(clinic.address)}")
    lines += ["END:VEVENT", "END:VCALENDAR", ""]
    return b"\r\n".join(b"\r\n ".join(_folded(line)) for line in lines)


def _utc(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)


def _folded(line: str) -> Iterator[bytes]:
    """Pieces of a line, each short enough with the space before it, no letter cut in two."""
    piece = b""
    room = _LONGEST
    for letter in line:
        encoded = letter.encode()
        if len(piece) + len(encoded) > room:
            yield piece
            piece, room = b"", _LONGEST - 1
        piece += encoded
    yield piece
