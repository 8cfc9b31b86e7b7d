"""What a member sees: a therapist their own, everybody else all of the clinic's.

The scope keeps clinics apart; this keeps therapists apart. A view begins with one of these, so
that what is not the member's to see is a 404, like what is not there.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic.models import Membership, Role
from messaging.models import Message
from patients.models import Client, Treatment
from sessions_app.models import Participant, Session

# A therapist's login that no therapist stands behind yet sees nothing: no row has this id.
_NOBODY = 0


def is_therapist(member: Membership) -> bool:
    return member.role == Role.THERAPIST


def sessions(member: Membership) -> QuerySet[Session]:
    everything: QuerySet[Session] = Session.objects.all()
    return everything.filter(therapist=_me(member)) if is_therapist(member) else everything


def clients(member: Membership) -> QuerySet[Client]:
    """A therapist's own: on their list, in treatment with them, or ever booked with them."""
    everything: QuerySet[Client] = Client.objects.all()
    if not is_therapist(member):
        return everything
    me = _me(member)
    treated = Treatment.objects.filter(client=OuterRef("pk"), therapist=me)
    met = Participant.objects.filter(client=OuterRef("pk"), session__therapist=me)
    return everything.filter(Q(therapist=me) | Exists(treated) | Exists(met))


def treatments(member: Membership) -> QuerySet[Treatment]:
    everything: QuerySet[Treatment] = Treatment.objects.all()
    return everything.filter(therapist=_me(member)) if is_therapist(member) else everything


def messages(member: Membership) -> QuerySet[Message]:
    """A therapist's clients' messages, but none about another therapist's session."""
    everything: QuerySet[Message] = Message.objects.all()
    if not is_therapist(member):
        return everything
    about_no_session = Q(session=None, client__in=clients(member))
    return everything.filter(Q(session__therapist=_me(member)) | about_no_session)


def _me(member: Membership) -> int:
    return member.therapist_id or _NOBODY
