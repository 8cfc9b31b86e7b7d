"""What waits for a person, number by number, and its closing."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from messaging import inbox
from messaging.inbox import InboxError
from messaging.models import Reply
from patients.models import Client
from tests.factories import NOW, ClientFactory
from tests.messaging.inbound import PHONE, hear, waiting

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
SECOND = "+989350000000"


@pytest.fixture
def at_work(clinic):
    ClientFactory(clinic=clinic, phone=PHONE)
    ClientFactory(clinic=clinic, phone=SECOND)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


def wrote(text, *, minute=0, sender=PHONE):
    hear(text, sender=sender, now=NOW + minute * MINUTE)
    return Reply.objects.get(text=text)


def close(reply, ending="settled", **fields):
    return inbox.close(reply, ending, now=NOW + DAY, by=None, **fields)


def words(replies):
    return [reply.text for reply in replies]


def test_of_each_number_the_longest_waiting_comes_first(at_work):
    wrote("دو", minute=2, sender=SECOND)
    wrote("یک", minute=1)
    wrote("سه", minute=3)
    assert words(inbox.longest_waiting(Reply.objects.all())) == ["یک", "دو"]


def test_of_all_conversations_the_newest_comes_first(at_work):
    wrote("یک")
    wrote("دو", minute=1, sender=SECOND)
    wrote("11", minute=2)
    assert words(inbox.latest(Reply.objects.all())) == ["11", "دو"]


def test_two_texts_of_one_moment_are_one_row(at_work):
    wrote("یک")
    wrote("دو")
    assert words(inbox.latest(Reply.objects.all())) == ["دو"]
    assert words(inbox.longest_waiting(Reply.objects.all())) == ["یک"]


def test_closing_closes_all_that_was_read_and_keeps_who_and_when(at_work, receptionist):
    wrote("یک")
    second = wrote("دو", minute=1)
    closed = inbox.close(second, "settled", note="گفتیم", now=NOW + DAY, by=receptionist)
    assert (closed, waiting()) == (2, [])
    second.refresh_from_db()
    assert (second.closed_at, second.closed_by) == (NOW + DAY, receptionist)
    assert (second.ending, second.note) == ("settled", "گفتیم")


def test_what_came_in_since_and_nobody_has_read_goes_on_waiting(at_work):
    first = wrote("یک")
    wrote("دو", minute=1)
    assert (close(first), waiting()) == (1, ["دو"])


def test_another_number_goes_on_waiting(at_work):
    wrote("یک", sender=SECOND)
    close(wrote("دو", minute=1))
    assert waiting() == ["یک"]


def test_what_a_colleague_has_closed_keeps_their_name(at_work, receptionist):
    reply = wrote("یک")
    inbox.close(reply, "settled", now=NOW + MINUTE, by=receptionist)
    with pytest.raises(InboxError):
        close(reply)
    reply.refresh_from_db()
    assert (reply.closed_by, reply.closed_at) == (receptionist, NOW + MINUTE)


def test_what_was_settled_by_itself_cannot_be_closed(at_work):
    with pytest.raises(InboxError):
        close(wrote("11"))


def test_taking_back_opens_what_that_closing_closed_and_no_more(at_work):
    early = wrote("یک")
    inbox.close(early, "settled", now=NOW + MINUTE, by=None)
    late = wrote("دو", minute=2)
    close(late)
    late.refresh_from_db()
    inbox.reopen(late)
    assert waiting() == ["دو"]


def test_what_is_open_cannot_be_opened(at_work):
    with pytest.raises(InboxError):
        inbox.reopen(wrote("یک"))
    assert waiting() == ["یک"]


@pytest.mark.parametrize("onto_file", [True, False])
def test_the_number_comes_onto_the_file_only_when_asked(at_work, clinic, onto_file):
    reply = wrote("یک")
    Client.objects.filter(phone=PHONE).update(phone="")
    person = ClientFactory(clinic=clinic, phone="+989190000000")
    inbox.attach(reply, person, onto_file=onto_file)
    person.refresh_from_db()
    reply.refresh_from_db()
    assert reply.client == person
    assert person.phone == (PHONE if onto_file else "+989190000000")
    assert ("09121234567" in person.search_text) is onto_file


def test_a_number_that_is_on_a_file_is_attached_to_nobody(at_work, clinic):
    reply = wrote("یک")
    with pytest.raises(InboxError):
        inbox.attach(reply, ClientFactory(clinic=clinic), onto_file=True)
    assert Reply.objects.get().client is None


def test_the_other_clinic_closes_nothing_of_ours(other_clinic, at_work):
    reply = wrote("یک")
    with wear(Hat.WEB, clinic_id=other_clinic.pk), pytest.raises(InboxError):
        close(reply)
    assert waiting() == ["یک"]
