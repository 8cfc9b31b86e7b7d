"""Of two files of one client: the people who read their texts."""

import pytest

from patients.merging import merge
from patients.models import Client, ContactPerson
from patients.queries import search
from tests import factories
from tests.factories import NOW


def parent(client, phone, **fields):
    who = {"relation": "mother", "name": "مادر", "created_at": NOW} | fields
    return ContactPerson.objects.create(client=client, phone=phone, **who)


def test_contact_persons_of_both_go_along_one_for_each_number(kept, lost):
    mine, hers = parent(kept, "+989121110001"), parent(lost, "+989121110001", stopped_at=NOW)
    other = parent(lost, "+989121110002", name="پدر")
    told = factories.MessageFactory(clinic=kept.clinic, client=lost, contact=hers)
    one = merge(kept, lost, taken=(), now=NOW, by=None)
    assert list(one.contacts.all()) == [mine, other]
    mine.refresh_from_db()
    told.refresh_from_db()
    assert (mine.stopped_at, told.contact) == (NOW, mine)
    assert list(search(Client.objects.all(), "09121110002")) == [one]


@pytest.mark.parametrize("of", ["kept", "lost"])
def test_who_reads_nothing_in_one_file_reads_nothing_in_the_other(kept, lost, of):
    Client.objects.filter(pk=(kept if of == "kept" else lost).pk).update(own_texts=False)
    assert not merge(kept, lost, taken=(), now=NOW, by=None).own_texts
