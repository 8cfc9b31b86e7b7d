"""What changes a client's file."""

from __future__ import annotations

import datetime as dt

from clinic.models import Service, Therapist, User
from patients.models import (
    OPEN_TREATMENTS,
    Client,
    ClientEvent,
    ConsentRecord,
    Purpose,
    Treatment,
    Via,
)


def ensure_treatment(
    client: Client,
    therapist: Therapist,
    service: Service,
    *,
    now: dt.datetime,
    by: User | None = None,
    via: str = Via.PANEL,
    resume: bool = True,
) -> Treatment:
    """The client's open treatment with this therapist for this service; booking begins one.

    Two first bookings at once make one treatment: the second insert waits for the first, meets the
    unique constraint inside its savepoint, and takes what the first has made. A paused treatment
    goes on again, because who books is back (`resume=False` for what only fills in the past). The
    client's row is not locked here: whoever books holds the session's already, and a sender takes
    these two in the other order.
    """
    treatment, _ = Treatment.objects.get_or_create(
        clinic_id=client.clinic_id,
        client=client,
        therapist=therapist,
        service=service,
        state__in=OPEN_TREATMENTS,
        defaults={"started_at": now},
    )
    if resume and treatment.state == Treatment.State.PAUSED:
        _end_pause(treatment, now=now, by=by, via=via)
    return treatment


def _end_pause(treatment: Treatment, *, now: dt.datetime, by: User | None, via: str) -> None:
    # By compare-and-swap: a treatment that was finished at this moment stays finished.
    paused = Treatment.objects.filter(pk=treatment.pk, state=Treatment.State.PAUSED)
    if paused.update(state=Treatment.State.ACTIVE, paused_until=None):
        treatment.state, treatment.paused_until = Treatment.State.ACTIVE, None
        ClientEvent.objects.create(
            clinic_id=treatment.clinic_id,
            client_id=treatment.client_id,
            treatment=treatment,
            kind=ClientEvent.Kind.RESUMED,
            via=via,
            at=now,
            by=by,
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
