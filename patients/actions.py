"""What changes a client's file."""

from __future__ import annotations

import datetime as dt

from clinic.models import Service, Therapist, User
from patients.models import Client, ConsentRecord, Purpose, Treatment


def ensure_treatment(
    client: Client, therapist: Therapist, service: Service, *, now: dt.datetime
) -> Treatment:
    """The client's open treatment with this therapist for this service; booking begins one."""
    open_states = (Treatment.State.ACTIVE, Treatment.State.PAUSED)
    found = Treatment.objects.filter(
        client=client, therapist=therapist, service=service, state__in=open_states
    ).first()
    return found or Treatment.objects.create(
        client=client, therapist=therapist, service=service, started_at=now
    )


def set_consent(
    client: Client,
    purpose: str,
    given: bool,
    *,
    source: str,
    now: dt.datetime,
    by: User | None = None,
) -> bool:
    """Record what the client wants; true when it is a change.

    The row is locked as for every change of a client, so that a text being sent at this moment
    either has seen the refusal or has already left.
    """
    held = Client.objects.select_for_update(of=("self",), no_key=True).get(pk=client.pk)
    field = f"consent_{Purpose(purpose).value}"
    if getattr(held, field) == given:
        return False
    setattr(held, field, given)
    setattr(client, field, given)
    held.save(update_fields=[field])
    ConsentRecord.objects.create(
        client=held, purpose=purpose, given=given, source=source, recorded_at=now, recorded_by=by
    )
    return True
