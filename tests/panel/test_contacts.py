"""Who gets the texts, on the client's page."""

import pytest

from patients.models import Client, ContactPerson
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of

TYPED = {
    "relation": "mother",
    "honorific": "خانم",
    "name": "زهرا كريمي",
    "phone": "۰۹۱۲ ۱۱۱ ۰۰۰۱",
    "gets_sessions": "on",
}
MOTHER = "+989121110001"


@pytest.fixture
def new(page):
    return f"{page}contacts/new/"


@pytest.fixture
def mother(clinic, person):
    from patients import contacts

    contact = ContactPerson(client=person, relation="mother", name="زهرا", phone=MOTHER)
    contacts.save(contact, own_texts=True, now=factories.NOW)
    return contact


def kept(person):
    return list(
        ContactPerson.objects.filter(client=person).values_list(
            "relation", "name", "phone", "gets_sessions", "gets_follow_up"
        )
    )


def test_a_parent_is_added_and_the_child_reads_nothing_any_more(as_reception, page, new, person):
    response = as_reception.post(new, TYPED, follow=True)
    assert kept(person) == [("mother", "زهرا کریمی", MOTHER, True, False)]
    assert not Client.objects.get(pk=person.pk).own_texts
    assert notices_of(response) == ["ذخیره شد: زهرا کریمی."]
    assert "زهرا کریمی (مادر)" in text_of(response)


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"name": ""}, {"name": "این خانه را پر کنید."}),
        ({"relation": ""}, {"relation": "این خانه را پر کنید."}),
        (
            {"name": "", "phone": ""},
            {
                "name": "این خانه را پر کنید.",
                "phone": "شماره‌ی موبایل یا نشانی ایمیل را بنویسید.",
            },
        ),
        ({"phone": "02188001122"}, {"phone": "پیامک فقط به شماره‌ی موبایل می‌رسد."}),
        ({"phone": "0912"}, {"phone": "چند رقم کم است. شماره را مثل ۰۹۱۲ ۱۲۳ ۴۵۶۷ بنویسید."}),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_reception, new, person, typed, errors):
    response = as_reception.post(new, TYPED | typed)
    assert (response.status_code, errors_of(response)) == (422, errors)
    assert "contact_can_be_reached" not in text_of(response)
    assert kept(person) == []


def test_the_same_number_twice_is_refused(as_reception, new, mother, person):
    response = as_reception.post(new, TYPED)
    assert errors_of(response) == {"phone": "کس دیگری در این پرونده همین شماره را دارد."}
    assert len(kept(person)) == 1


def test_what_a_person_gets_is_changed(as_reception, mother, person):
    typed = TYPED | {"gets_follow_up": "on", "own_texts": "on"}
    as_reception.post(f"{CLINIC}contacts/{mother.pk}/", typed)
    assert kept(person) == [("mother", "زهرا کریمی", MOTHER, True, True)]
    assert Client.objects.get(pk=person.pk).own_texts


def test_a_person_is_removed(as_reception, mother, person):
    response = as_reception.post(f"{CLINIC}contacts/{mother.pk}/remove/", follow=True)
    assert kept(person) == []
    assert notices_of(response) == ["دیگر برای زهرا پیامی فرستاده نمی‌شود."]


def test_the_clients_own_texts_are_stopped_and_allowed(as_reception, page, mother, person):
    for data, wanted in (({}, False), ({"wanted": "on"}, True)):
        as_reception.post(f"{page}own-texts/", data)
        assert Client.objects.get(pk=person.pk).own_texts is wanted


def test_it_is_said_when_nobody_reads_of_sessions(as_reception, page, person):
    said = "هیچ‌کس پیام‌های جلسه‌ها را نمی‌گیرد"
    assert said not in text_of(as_reception.get(page))
    Client.objects.filter(pk=person.pk).update(own_texts=False)
    assert said in text_of(as_reception.get(page))


def test_who_has_refused_by_text_is_said_before_that_is_changed(as_reception, mother, person):
    ContactPerson.objects.filter(pk=mother.pk).update(gets_follow_up=True, stopped_at=factories.NOW)
    response = as_reception.get(f"{CLINIC}contacts/{mother.pk}/")
    assert "جز پیام‌های جلسه‌ها بقیه را لغو کرده است" in text_of(response)


def test_files_with_the_number_are_named_both_ways(as_reception, clinic, page, mother, person):
    own = factories.ClientFactory(clinic=clinic, phone=MOTHER)
    assert f'<a href="{CLINIC}clients/{own.pk}/"><bdi>{own}' in html_of(as_reception.get(page))
    hers = as_reception.get(f"{CLINIC}clients/{own.pk}/")
    assert f'<a href="{page}"><bdi>{person}' in html_of(hers)


def test_a_therapist_reads_who_and_changes_nothing(as_therapist, page, mother):
    shown = as_therapist.get(page)
    assert "زهرا (مادر)" in text_of(shown)
    assert f"contacts/{mother.pk}/" not in html_of(shown)
    assert as_therapist.get(f"{CLINIC}contacts/{mother.pk}/").status_code == 403


def test_an_outsider_finds_nothing(as_outsider, page, mother):
    for path in (f"{page}contacts/new/", f"{CLINIC}contacts/{mother.pk}/"):
        assert as_outsider.get(path).status_code == 404
    assert as_outsider.post(f"{CLINIC}contacts/{mother.pk}/remove/").status_code == 404
    assert ContactPerson.objects.count() == 1


def test_the_page_asks_as_much_for_one_person_as_for_eight(
    as_reception, page, mother, person, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from patients import contacts

    with CaptureQueriesContext(connection) as one:
        as_reception.get(page)
    for n in range(2, 9):
        more = ContactPerson(client=person, relation="other", name="کسی", phone=f"{MOTHER[:-1]}{n}")
        contacts.save(more, own_texts=True, now=factories.NOW)
    with django_assert_num_queries(len(one)):
        as_reception.get(page)
