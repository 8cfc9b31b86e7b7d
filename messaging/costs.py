"""What a text costs, told by what the last ones did."""

from __future__ import annotations

import datetime as dt

from messaging.models import Message

#: Prices change; what was paid longer ago says nothing.
RECENT = dt.timedelta(days=90)


def cost_of_part(now: dt.datetime) -> int | None:
    """Rial for one part, as the gateway charged the clinic's last text; None where none has left."""
    charged = Message.objects.filter(
        due_at__gt=now - RECENT, due_at__lte=now, cost_rial__gt=0, parts__gt=0
    )
    last = charged.order_by("-due_at", "-id").only("cost_rial", "parts").first()
    return round((last.cost_rial or 0) / (last.parts or 1)) if last else None
