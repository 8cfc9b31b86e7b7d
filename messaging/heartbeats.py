"""When each part of the engine last finished its round."""

from __future__ import annotations

from django.utils import timezone

from messaging.models import Heartbeat

#: The parts that beat; the planner's is its watermark.
PARTS = ("sender", "inquirer")


def beat(part: str) -> None:
    """Note that a part has finished a round. The wall clock: alarms watch real time."""
    mark = Heartbeat(part=part, at=timezone.now())
    Heartbeat.objects.bulk_create(
        [mark], update_conflicts=True, unique_fields=["part"], update_fields=["at"]
    )
