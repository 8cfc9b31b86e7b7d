"""What a member sees: a therapist their own, everybody else all of the clinic's.

The scope keeps clinics apart; this keeps therapists apart. A view begins with one of these, so
that what is not the member's to see is a 404, like what is not there.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic.models import Membership, Role
from feedback.models import Response
from messaging.models import Message, Reply
from patients.models import Client, ClientEvent, ContactPerson, FormerFile, Treatment
from patients.queries import phones_of
from sessions_app.models import CareTask, Participant, Session

# A therapist's login that no therapist stands behind yet sees nothing: no row has this id.
_NOBODY = 0
#: Tasks that hold what came from a phone.
_ASKED_BY_TEXT = (CareTask.Kind.REPLY, CareTask.Kind.STOPPED)


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
    # Not by a join: PostgreSQL would expect few of them, and read all the clinic's texts for a page.
    return everything.filter(Q(session__in=sessions(member)) | _about_no("session", member))


def events(member: Membership) -> QuerySet[ClientEvent]:
    """Of a therapist's clients, but no turn of a colleague's treatment."""
    everything: QuerySet[ClientEvent] = ClientEvent.objects.all()
    if not is_therapist(member):
        return everything
    return everything.filter(Q(treatment__therapist=_me(member)) | _about_no("treatment", member))


def tasks(member: Membership) -> QuerySet[CareTask]:
    """As with messages: a therapist's clients' tasks, but none about a colleague's session.

    As with replies, none that a text from a number asks for which a colleague's client shares.

    The call list itself is the work of reception; a therapist reads on the client's page what is
    being asked of their clients, and what came of it.
    """
    everything: QuerySet[CareTask] = CareTask.objects.all()
    if not is_therapist(member):
        return everything
    mine = everything.filter(Q(session__therapist=_me(member)) | _about_no("session", member))
    shared = Client.objects.filter(_is_theirs()).exclude(phone="").exclude(pk__in=clients(member))
    people = ContactPerson.objects.filter(_is_theirs()).exclude(phone="")
    hidden = Q(Exists(shared)) | Q(Exists(people.exclude(client__in=clients(member))))
    return mine.exclude(Q(kind__in=_ASKED_BY_TEXT) & hidden)


def _is_theirs() -> Q:
    """Whether a number is one that a task's client has or had, or one of their contact persons."""
    theirs = {"client": OuterRef(OuterRef("client")), "phone": OuterRef("phone")}
    had = Exists(FormerFile.objects.filter(**theirs)) | Exists(
        ContactPerson.objects.filter(**theirs)
    )
    return Q(phone=OuterRef("client__phone")) | Q(had)


def responses(member: Membership) -> QuerySet[Response]:
    """That there is feedback: everybody, a therapist of their own sessions. See `reads_feedback`."""
    everything: QuerySet[Response] = Response.objects.all()
    return everything.filter(session__therapist=_me(member)) if is_therapist(member) else everything


def reads_feedback(member: Membership, session: Session | None) -> bool:
    """Who reads what a client answered: managers, and the session's own therapist.

    Clients answer more openly when reception, whom they meet at the door, does not read it; so
    reception sees that an answer exists, and calls when a task says so.
    """
    if is_therapist(member):
        return session is not None and session.therapist_id == _me(member)
    return member.manages


def reads_task(member: Membership, task: CareTask) -> bool:
    """Whether the member reads what the client wrote; of a task about feedback, as of feedback."""
    return task.kind != CareTask.Kind.FEEDBACK or reads_feedback(member, task.session)


def replies(member: Membership, client: Client) -> QuerySet[Reply]:
    """What came from the client's number; not to a therapist who may not know all who share it."""
    phones = phones_of(client)
    everything: QuerySet[Reply] = Reply.objects.filter(phone__in=phones)
    if not is_therapist(member):
        return everything
    return everything.exclude(_has_hidden_owner(member))


def inbox(member: Membership) -> QuerySet[Reply]:
    """All that came in; to a therapist from numbers whose owners are all clients of theirs.

    What comes from a number on nobody's file is for reception to find out about.
    """
    everything: QuerySet[Reply] = Reply.objects.all()
    if not is_therapist(member):
        return everything
    owners = Client.objects.filter(phone=OuterRef("phone"))
    people = ContactPerson.objects.filter(phone=OuterRef("phone"))
    known = Q(Exists(owners)) | Q(Exists(people))
    return everything.filter(known & ~_has_hidden_owner(member))


def _has_hidden_owner(member: Membership) -> Q:
    """Whether a reply came from the number of somebody the member may not know, or of their people."""
    mine = clients(member)
    owners = Client.objects.filter(phone=OuterRef("phone")).exclude(pk__in=mine)
    people = ContactPerson.objects.filter(phone=OuterRef("phone")).exclude(client__in=mine)
    return Q(Exists(owners)) | Q(Exists(people))


def _about_no(thing: str, member: Membership) -> Q:
    """What is about none of these and about the member's client.

    In this order: whose client somebody is takes all of the clinic's places to answer, and is not
    asked while every row is about one.
    """
    return Q(**{thing: None}) & Q(client__in=clients(member))


def _me(member: Membership) -> int:
    return member.therapist_id or _NOBODY
