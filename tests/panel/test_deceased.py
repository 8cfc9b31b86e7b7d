"""A client has died, on the screens: recorded calmly, seen everywhere, and taken back."""

import datetime as dt

import pytest

from messaging.models import Message
from patients import care
from patients.models import Client, ClientEvent
from sessions_app.models import CareTask, Session
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, text_of, undo_of

NOW = factories.NOW
DAY = dt.timedelta(days=1)


@pytest.fixture
def person(people):
    return people["my_client"]


@pytest.fixture
def page(person):
    return f"{CLINIC}clients/{person.pk}/"


@pytest.fixture
def booked(clinic, people, person):
    return factories.SessionFactory(
        clinic=clinic, clients=[person], therapist=people["mine"], service=people["service"]
    )


@pytest.fixture
def gone(person):
    person.deceased_at = NOW - DAY
    person.save()
    return person


def kept(person):
    return Client.objects.get(pk=person.pk)


def test_it_asks_once_and_says_what_follows(as_reception, person, page):
    asked = as_reception.get(page + "died/")
    assert 'id="confirm"' in html_of(asked)
    assert f"درگذشت {person.addressed} ثبت شود؟" in text_of(asked)
    assert kept(person).deceased_at is None


def test_recorded_it_stands_at_the_top_and_can_be_undone(
    as_reception, receptionist, person, page, booked
):
    data = {"note": "همسرش خبر داد"}
    response = as_reception.post(page + "died/", data, follow=True)
    assert response.redirect_chain == [(page, 302)]
    assert kept(person).deceased_at == NOW
    words = text_of(response)
    for said in (
        "این مراجع درگذشته است.",
        "۱ جلسه‌ی آینده هنوز ثبت است",
        "همسرش خبر داد",
        str(receptionist),
    ):
        assert said in words
    as_reception.post(undo_of(response))
    assert kept(person).deceased_at is None


def test_what_is_booked_stays_and_waiting_texts_do_not(as_reception, person, page, booked):
    waiting = factories.MessageFactory(clinic=person.clinic, client=person, session=booked)
    as_reception.post(page + "died/", {"note": ""})
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("cancelled", "deceased")
    assert Session.objects.get().state == "scheduled"


def test_the_page_offers_nothing_that_has_no_place_any_more(as_reception, gone, page):
    care_hrefs = html_of(as_reception.get(page))
    for name in ("mute/", "crisis/", "call/", "died/", "emergency/"):
        assert f'{page}{name}"' not in care_hrefs
    assert "sessions/new/" not in care_hrefs
    assert f'{page}died/mistake/"' in care_hrefs
    assert "آنچه فرستاده می‌شود" not in text_of(as_reception.get(page))


def test_a_mistake_asks_and_is_taken_back(as_reception, gone, page):
    assert "اشتباهی ثبت شده بود؟" in text_of(as_reception.get(page + "died/mistake/"))
    response = as_reception.post(page + "died/mistake/", {"note": "تشابه نام"}, follow=True)
    assert kept(gone).deceased_at is None
    assert "درگذشته است" not in text_of(response)
    assert ClientEvent.objects.get().note == "تشابه نام"


def test_twice_is_refused_in_words(as_reception, gone, page):
    response = as_reception.post(page + "died/", {"note": ""})
    assert response.status_code == 422
    assert "از پیش ثبت شده است" in text_of(response)


def test_lists_search_and_the_choice_of_clients_bear_a_mark(as_reception, gone, booked):
    for place in ("clients/", "clients/?q=کریمی", "sessions/clients/?find=کریمی"):
        shown = html_of(as_reception.get(CLINIC + place))
        assert shown.count("درگذشته") == 1, place


def test_nobody_else_bears_it(as_reception, people):
    assert "درگذشته" not in html_of(as_reception.get(CLINIC + "clients/"))


def test_a_session_cannot_be_booked(as_reception, people, gone):
    data = {
        "clients": [gone.pk],
        "therapist": people["mine"].pk,
        "service": people["service"].pk,
        "day": "1405/09/07",
        "time": "10:00",
    }
    response = as_reception.post(CLINIC + "sessions/new/", data)
    assert response.status_code == 422
    assert errors_of(response)["clients"].startswith("درگذشت این مراجع ثبت شده است")
    assert Session.objects.count() == 0


def test_a_crisis_of_the_past_alarms_nobody(as_reception, gone):
    assert "کریمی" not in text_of(as_reception.get(CLINIC))
    Client.objects.filter(pk=gone.pk).update(crisis_since=NOW - 9 * DAY, phone="")
    assert "کریمی" not in text_of(as_reception.get(CLINIC))


def test_a_closed_call_says_why(as_reception, person, page):
    CareTask.objects.create(
        clinic=person.clinic, client=person, kind="call", due_at=NOW, created_at=NOW - DAY
    )
    as_reception.post(page + "died/", {"note": ""})
    assert "مراجع درگذشته است" in text_of(as_reception.get(CLINIC + "calls/?state=closed"))


def test_a_therapist_records_it_of_their_own_client(as_therapist, person, page, people):
    as_therapist.post(page + "died/", {"note": ""})
    assert kept(person).deceased_at == NOW
    hers = f"{CLINIC}clients/{people['her_client'].pk}/died/"
    assert as_therapist.post(hers, {"note": ""}).status_code == 404
    assert kept(people["her_client"]).deceased_at is None


@pytest.mark.parametrize("name", ["died/", "died/mistake/", "emergency/"])
def test_an_outsider_finds_nothing(as_outsider, person, page, name):
    for ask in (as_outsider.get, as_outsider.post):
        assert ask(page + name).status_code == 404
    assert (kept(person).deceased_at, Message.objects.count()) == (None, 0)


def test_the_events_are_told_on_the_timeline(as_reception, looking, person, page):
    care.record_death(person, now=NOW - 2 * DAY)
    care.undo_death(person, now=NOW - DAY)
    words = text_of(as_reception.get(page))
    assert "مراجع درگذشته است" in words
    assert "ثبت درگذشت اشتباه بود" in words
