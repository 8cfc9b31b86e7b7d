"""Contact persons: who they are, what they get, and how the client is found by them."""

import datetime as dt

import pytest

from patients import contacts
from patients.care import CareError
from patients.models import Client, ClientEvent, ContactPerson
from patients.queries import has_usable_phone, owners_of, search, with_phone
from tests.factories import NOW, ClientFactory

MOTHER, FATHER = "+989121110001", "+989121110002"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def child(clinic):
    return ClientFactory(clinic=clinic, honorific="", first_name="آرش", last_name="نیکو", phone="")


def person(client, phone=MOTHER, *, own_texts=True, **fields):
    told = {"relation": "mother", "honorific": "خانم", "name": "زهرا نیکو"} | fields
    contact = ContactPerson(client=client, phone=phone, **told)
    contacts.save(contact, own_texts=own_texts, now=NOW)
    return contact


def readers(client, purpose):
    client = Client.objects.get(pk=client.pk)
    return [it.phone or "the client" for it in contacts.addressees(client, purpose)]


def notes(client):
    kind = ClientEvent.Kind.CONTACTS
    return [event.note for event in client.events.filter(kind=kind).order_by("pk")]


@pytest.mark.parametrize(
    ("fields", "sessions", "follow_up"),
    [
        ({}, ["the client", MOTHER], ["the client"]),
        ({"gets_follow_up": True}, ["the client", MOTHER], ["the client", MOTHER]),
        ({"gets_sessions": False}, ["the client"], ["the client"]),
        ({"own_texts": False}, [MOTHER], []),
        ({"own_texts": False, "gets_follow_up": True}, [MOTHER], [MOTHER]),
    ],
)
def test_who_reads_what(child, fields, sessions, follow_up):
    person(child, **fields)
    assert readers(child, "transactional") == sessions
    assert readers(child, "follow_up") == follow_up
    assert readers(child, "motivation") == follow_up


def test_the_text_addresses_the_contact_person(child):
    assert person(child).addressed == "خانم زهرا نیکو"
    assert person(child, FATHER, honorific="").addressed == "زهرا نیکو"


@pytest.mark.parametrize("typed", ["زهرا", "09121110001", "+989121110001", "نیکو", "آرش"])
def test_the_client_is_found_by_who_calls(child, typed):
    person(child)
    assert [found.pk for found in search(Client.objects.all(), typed)] == [child.pk]


def test_and_no_more_once_that_person_is_removed(child):
    contacts.remove(person(child), now=NOW)
    assert list(search(Client.objects.all(), "زهرا")) == []
    assert not ContactPerson.objects.exists()


def test_a_client_without_a_number_is_called_at_the_contact_persons(child):
    person(child, "", email="m@example.com")
    assert (child.call_phone, has_usable_phone(child)) == ("", False)
    person(child, FATHER)
    child.refresh_from_db()
    assert (child.call_phone, has_usable_phone(child)) == (FATHER, True)


def test_a_client_with_a_number_is_called_there(clinic):
    client = ClientFactory(clinic=clinic, phone="+989121119999")
    person(client)
    assert client.call_phone == "+989121119999"


def test_one_number_stands_in_a_file_once(child):
    person(child)
    with pytest.raises(CareError, match="همین شماره"):
        person(child, name="پدر")
    assert ContactPerson.objects.count() == 1


def test_so_many_people_and_no_more(child):
    for n in range(contacts.MOST):
        person(child, f"+98912111100{n}")
    with pytest.raises(CareError):
        person(child, "+989121112000")


def test_every_change_leaves_its_words(child):
    contact = person(child, own_texts=False)
    contact.gets_sessions = False
    contacts.save(contact, own_texts=True, now=NOW + MINUTE)
    contacts.remove(contact, now=NOW + 2 * MINUTE)
    contacts.set_own_texts(child, False, now=NOW + 3 * MINUTE)
    assert notes(child) == [
        "زهرا نیکو (مادر) این‌ها را می‌گیرد: پیام‌های جلسه‌های رزروشده. برای خود مراجع پیامی نمی‌رود.",
        "زهرا نیکو (مادر) پیامی نمی‌گیرد. برای خود مراجع پیام می‌رود.",
        "زهرا نیکو (مادر) حذف شد.",
        "دیگر هیچ‌کس پیام‌های جلسه‌ها را نمی‌گیرد. برای خود مراجع پیامی نمی‌رود.",
    ]


def test_whose_number_it_is(clinic, child):
    mother = ClientFactory(clinic=clinic, phone=MOTHER, last_name="آبی")
    person(child)
    assert set(with_phone(MOTHER)) == {mother, child}
    assert owners_of([MOTHER, "", FATHER]) == {MOTHER: [mother, child]}


def test_the_database_refuses_one_who_cannot_be_reached(child):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError, match="contact_can_be_reached"), transaction.atomic():
        person(child, "")
