"""Reception and booking by link: handing the link out, and seeing what clients booked alone."""

import re

import pytest

from clinic.tenancy import Hat, wear
from patients import care
from patients.models import ClientEvent, Treatment
from sessions_app.models import ClientLink, Session
from tests import factories
from tests.panel.screens import CLINIC, line_of, text_of
from tests.sessions_app.client_links import (
    NOW,
    Purpose,
    attended,
    books_by_link,
    published,
    receives,
    visitor,
)

KEY = re.compile(r"/b/[a-z2-7]{16}")


@pytest.fixture
def session(clinic, people):
    books_by_link(clinic)
    receives(people["mine"])
    return attended(clinic, people["my_client"], days_ago=10, therapist=people["mine"])


@pytest.fixture
def treatment(session):
    return Treatment.objects.get()


@pytest.fixture
def booked(session, people, at_ten):
    """A time that the client took alone."""
    path = published(Purpose.BOOKING, session, people["my_client"])
    chosen = {"do": "book", "start": "2026-11-28T05:30Z", "revision": "1"}
    assert visitor().post(path, chosen).status_code == 303
    return Session.objects.get(source="online")


def address(treatment):
    return f"{CLINIC}treatments/{treatment.pk}/link/"


def page(client):
    return f"{CLINIC}clients/{client.pk}/"


# -- Handing it out ----------------------------------------------------------------------------


def test_the_link_is_shown_after_a_press_and_leads_to_the_free_times(
    as_reception, treatment, receptionist, people
):
    assert not KEY.search(as_reception.get(address(treatment)).content.decode())
    assert not ClientLink.objects.exists()
    shown = as_reception.post(address(treatment))
    assert shown.status_code == 200
    path = KEY.search(shown.content.decode())[0]
    assert visitor().get(path).status_code == 200
    event = ClientEvent.objects.get()
    assert (event.kind, event.by, event.client) == ("handed_out", receptionist, people["my_client"])
    assert "پیوند رزرو داده شد" in text_of(as_reception.get(page(people["my_client"])))


def test_no_other_page_of_staff_shows_the_link(as_reception, treatment, people):
    as_reception.post(address(treatment))
    assert not KEY.search(as_reception.get(page(people["my_client"])).content.decode())


def test_the_clients_page_offers_it_where_the_clinic_books_by_link(
    as_reception, treatment, clinic, people
):
    assert address(treatment) in as_reception.get(page(people["my_client"])).content.decode()
    clinic.books_by_link = False
    clinic.save()
    assert address(treatment) not in as_reception.get(page(people["my_client"])).content.decode()


def test_a_therapist_hands_out_no_link(as_therapist, treatment, people):
    assert as_therapist.get(address(treatment)).status_code == 403
    assert as_therapist.post(address(treatment)).status_code == 403
    assert address(treatment) not in as_therapist.get(page(people["my_client"])).content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_clinics_treatment_is_not_there(as_outsider, treatment, method):
    assert getattr(as_outsider, method)(address(treatment)).status_code == 404
    elsewhere = address(treatment).replace("/aramesh/", "/omid/")
    assert getattr(as_outsider, method)(elsewhere).status_code == 404
    assert not ClientLink.objects.exists()


def switched_off(clinic, **_):
    clinic.books_by_link = False
    clinic.save()
    return "در تنظیمات کلینیک خاموش است"


def in_crisis(clinic, client, **_):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.hold_for_crisis(client, now=NOW)
    return "وضعیت بحران"


def no_hours(session, **_):
    session.therapist.working_hours.all().delete()
    return "ساعت کارش وارد نشده است"


def booked_already(clinic, client, session, **_):
    factories.SessionFactory(
        clinic=clinic, clients=[client], therapist=session.therapist, service=session.service
    )
    return "جلسه‌ی بعدی ثبت شده است"


def nothing_yet(session, **_):
    session.delete()
    return "هنوز جلسه‌ای ثبت نشده است"


@pytest.mark.parametrize("hinder", [switched_off, in_crisis, no_hours, booked_already, nothing_yet])
def test_where_it_would_be_of_no_use_reception_reads_why(
    as_reception, treatment, clinic, people, session, hinder
):
    words = hinder(clinic=clinic, client=people["my_client"], session=session)
    assert words in text_of(as_reception.get(address(treatment)))
    refused = as_reception.post(address(treatment))
    assert refused.status_code == 409
    assert not KEY.search(refused.content.decode())
    assert not ClientLink.objects.exists()


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_session_and_for_thirty(
    as_reception, treatment, clinic, people, rows, django_assert_num_queries
):
    for n in range(rows):
        start = NOW + (n + 1) * (NOW - NOW.replace(hour=4))
        factories.SessionFactory(clinic=clinic, therapist=people["mine"], starts_at=start)
    with django_assert_num_queries(23):
        assert as_reception.get(address(treatment)).status_code == 200


# -- Seeing what was booked --------------------------------------------------------------------


def test_the_clients_page_tells_who_booked(as_reception, booked, people):
    assert "خودش با پیوند وقت گرفت" in text_of(as_reception.get(page(people["my_client"])))


def test_the_sessions_page_tells_who_booked(as_reception, booked):
    shown = as_reception.get(f"{CLINIC}sessions/{booked.pk}/")
    assert "خودش با پیوند وقت گرفت" in text_of(shown)


def test_the_day_marks_it(as_reception, booked):
    day = as_reception.get(f"{CLINIC}?day=1405-09-07")
    assert "خودش گرفت" in line_of(day, booked)


@pytest.mark.parametrize("who", ["as_reception", "as_therapist"])
def test_today_tells_the_news_of_it_for_a_day(request, booked, who):
    browser = request.getfixturevalue(who)
    words = text_of(browser.get(CLINIC))
    assert "خودشان وقت گرفتند ۱" in words
    Session.objects.filter(pk=booked.pk).update(booked_at=NOW.replace(day=20))
    assert "خودشان وقت گرفتند" not in text_of(browser.get(CLINIC))


def test_a_colleague_reads_no_news_of_anothers_clients(client, clinic, people, booked):
    hers = factories.MembershipFactory(
        clinic=clinic, role="therapist", therapist=people["hers"]
    ).user
    client.force_login(hers)
    assert "خودشان وقت گرفتند" not in text_of(client.get(CLINIC))


def test_another_clinic_reads_no_news_of_ours(as_outsider, booked):
    assert "خودشان وقت گرفتند" not in text_of(as_outsider.get("/c/omid/"))


# -- The setting and the words -----------------------------------------------------------------


def test_a_new_clinic_books_by_telephone(clinic):
    clinic.refresh_from_db()
    assert clinic.books_by_link is False


def test_a_manager_lets_clients_book_by_link(client, clinic, manager, at_ten):
    client.force_login(manager)
    settings = f"{CLINIC}settings/"
    form = client.get(settings).context["form"]
    known = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in known.items() if value not in (None, False)}
    assert client.post(settings, typed | {"books_by_link": "on"}).status_code == 302
    clinic.refresh_from_db()
    assert clinic.books_by_link is True
    assert client.post(settings, typed).status_code == 302
    clinic.refresh_from_db()
    assert clinic.books_by_link is False
