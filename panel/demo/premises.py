"""The rooms of the demonstration clinic, and who sits where."""

from __future__ import annotations

from collections import defaultdict

from clinic.hours import Span, usual_rooms
from clinic.models import DEFAULT_TIMEZONE, Room, Therapist
from panel.demo.people import ROOMS
from sessions_app.models import Session


def furnish() -> dict[str, Room]:
    """The rooms by their names."""
    return {name: Room.objects.create(name=name) for name in ROOMS}


def seat_imported() -> None:
    """Give every session the room of its hour: a list of sessions names none."""
    of_therapist: dict[Therapist, list[Session]] = defaultdict(list)
    for session in Session.objects.select_related("therapist"):
        of_therapist[session.therapist].append(session)
    for therapist, sessions in of_therapist.items():
        spans = [Span(session.starts_at, session.ends_at) for session in sessions]
        for session, room in zip(
            sessions, usual_rooms(therapist, spans, DEFAULT_TIMEZONE), strict=True
        ):
            session.room_id = room
        Session.objects.bulk_update(sessions, ["room"])
