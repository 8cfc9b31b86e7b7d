"""The waiting list on the screen, and beside every time that becomes free."""

import datetime as dt
import re

import pytest

from clinic.tenancy import Hat, wear
from sessions_app import actions
from sessions_app.models import Session, Wish
from tests import factories
from tests.followup.clinics import tehran
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of

NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
PAGE, NEW = CLINIC + "waiting/", CLINIC + "waiting/new/"
#: Sunday at five.
START = tehran("2026-11-22 17:00")
MONDAY = 2


def wish(clinic, client=None, **fields):
    client = client or factories.ClientFactory(clinic=clinic)
    return Wish.objects.create(**{"clinic": clinic, "client": client, "created_at": NOW} | fields)


def waiting_of(response):
    return [int(pk) for pk in re.findall(r'<li id="wish-(\d+)">', html_of(response))]


def typed(people, **fields):
    return {
        "clients": [people["my_client"].pk], "therapist": "", "begins": "", "ends": "",
        "note": "", **fields,
    }  # fmt: skip


# -- The list ----------------------------------------------------------------------------------


def test_somebody_is_put_on_the_list_as_people_type(as_reception, receptionist, people):
    data = typed(people, weekdays=["0", "2"], begins="۱۶:۰۰", ends="۲۰:۳۰", note=" پس از  کار ")
    response = as_reception.post(NEW, data, follow=True)
    place = Wish.objects.get()
    assert response.redirect_chain == [(PAGE, 302)]
    assert (place.client, place.weekdays) == (people["my_client"], [0, 2])
    assert (place.begins, place.ends) == (dt.time(16), dt.time(20, 30))
    assert (place.note, place.created_by, place.created_at) == ("پس از کار", receptionist, NOW)
    assert "شنبه و دوشنبه، ۱۶:۰۰ تا ۲۰:۳۰" in text_of(response)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        pytest.param({"clients": []}, "clients", "مراجع را با نام", id="nobody"),
        pytest.param({"begins": "16:00"}, "ends", "هم ساعت شروع", id="no end"),
        pytest.param({"ends": "16:00"}, "begins", "هم ساعت شروع", id="no beginning"),
        pytest.param({"begins": "16:00", "ends": "15:00"}, "ends", "پایان", id="backwards"),
    ],
)
def test_what_is_missing_is_said_beside_the_field(as_reception, people, fields, field, said):
    response = as_reception.post(NEW, typed(people, **fields))
    assert response.status_code == 422
    assert said in errors_of(response)[field]
    assert not Wish.objects.exists()


def test_each_waits_in_a_place_of_their_own(as_reception, people):
    both = [people["my_client"].pk, people["her_client"].pk]
    response = as_reception.post(NEW, typed(people, clients=both))
    assert "clients" in errors_of(response)


def test_looking_for_a_client_keeps_what_was_typed(as_reception, people):
    data = typed(people, clients=[], weekdays=["2"], note="عصرها", find="کریمی", step="find")
    html = html_of(as_reception.post(NEW, data))
    assert 'value="عصرها"' in html
    assert re.search(r'name="weekdays" value="2"[^>]*checked', html)
    assert f'name="clients" value="{people["my_client"].pk}"' in html


def test_a_wish_can_be_changed(as_reception, clinic, people):
    place = wish(clinic, people["my_client"], weekdays=[1])
    as_reception.post(f"{PAGE}{place.pk}/", typed(people, weekdays=["3"], note="تلفنی"))
    place.refresh_from_db()
    assert (place.weekdays, place.note, place.client) == ([3], "تلفنی", people["my_client"])


def test_taking_off_the_list_can_be_undone(as_reception, clinic):
    place = wish(clinic)
    response = as_reception.post(f"{PAGE}{place.pk}/close/", follow=True)
    assert waiting_of(response) == []
    assert waiting_of(as_reception.get(PAGE, {"which": "settled"})) == [place.pk]
    assert f"{PAGE}{place.pk}/reopen/" in html_of(response)
    back = as_reception.post(f"{PAGE}{place.pk}/reopen/", follow=True)
    assert waiting_of(back) == [place.pk]


# -- Beside a free time ------------------------------------------------------------------------


def test_a_booking_into_a_gap_names_whom_it_fits(as_reception, clinic, people):
    fits, _other = wish(clinic), wish(clinic, weekdays=[MONDAY])
    asked = {"day": "1405-09-01", "time": "17:00", "therapist": people["mine"].pk}
    html = html_of(as_reception.get(CLINIC + "sessions/new/", asked))
    assert re.findall(r'href="\?[^"]*clients=(\d+)"', html) == [str(fits.client_id)]


def test_choosing_one_keeps_the_gap(as_reception, clinic, people):
    place = wish(clinic)
    asked = {"day": "1405-09-01", "time": "17:00", "therapist": people["mine"].pk}
    html = html_of(as_reception.get(CLINIC + "sessions/new/", asked))
    link = re.search(r'href="(\?[^"]*clients=\d+)"', html)[1].replace("&amp;", "&")
    chosen = html_of(as_reception.get(CLINIC + "sessions/new/" + link))
    assert re.search(rf'name="clients" value="{place.client_id}"[^>]*checked', chosen)
    assert 'value="۱۷:۰۰"' in chosen
    assert "fits-title" not in chosen


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"day": "1405-09-01"},
        {"day": "x", "time": "17:00"},
        {"day": "1405-08-29", "time": "9:00"},
    ],
    ids=["nothing", "no time", "no day", "past"],
)
def test_without_a_time_to_come_nobody_is_named(as_reception, clinic, people, asked):
    wish(clinic)
    asked = {**asked, "therapist": people["mine"].pk}
    assert "fits-title" not in html_of(as_reception.get(CLINIC + "sessions/new/", asked))


@pytest.fixture
def session(clinic, people):
    return factories.SessionFactory(
        clinic=clinic, therapist=people["mine"], service=people["service"],
        clients=[people["my_client"]], starts_at=START,
    )  # fmt: skip


def cancel(browser, session):
    return browser.post(
        f"{CLINIC}sessions/{session.pk}/cancel/", {"by_whom": "client"}, follow=True
    )


def test_a_cancellation_says_how_many_the_time_fits(as_reception, clinic, session):
    wish(clinic)
    said = notices_of(cancel(as_reception, session))[1]
    assert said == "این وقت خالی شد؛ به ۱ نفر از فهرست انتظار می‌خورد. ببینید به چه کسی"


def test_a_cancellation_that_fits_nobody_says_nothing_of_it(as_reception, clinic, session):
    wish(clinic, weekdays=[MONDAY])
    assert len(notices_of(cancel(as_reception, session))) == 1


def test_the_page_of_a_cancelled_session_leads_to_whom_it_fits(as_reception, clinic, session):
    place = wish(clinic)
    cancel(as_reception, session)
    html = html_of(as_reception.get(f"{CLINIC}sessions/{session.pk}/"))
    link = re.search(r'<div class="notice notice-blue">.*?href="([^"]*)"', html, re.DOTALL)[1]
    shown = html_of(as_reception.get(link.replace("&amp;", "&")))
    assert f"clients={place.client_id}" in shown


def test_the_client_page_tells_that_they_wait(as_reception, clinic, people):
    page = f"{CLINIC}clients/{people['my_client'].pk}/"
    assert f"waiting/new/?clients={people['my_client'].pk}" in html_of(as_reception.get(page))
    place = wish(clinic, people["my_client"])
    assert f"waiting/{place.pk}/" in html_of(as_reception.get(page))


def test_what_the_list_led_to_is_told(as_reception, clinic, people):
    place = wish(clinic, people["my_client"])
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.book(
            clients=[people["my_client"]], therapist=people["mine"], service=people["service"],
            starts_at=START, now=NOW,
        )  # fmt: skip
    response = as_reception.get(PAGE, {"which": "settled"})
    assert waiting_of(response) == [place.pk]
    assert f"/sessions/{Session.objects.get().pk}/" in html_of(response)


# -- Who sees what, and what it costs ----------------------------------------------------------

NAMES = ["", "new/", "{}/", "{}/close/", "{}/reopen/"]


@pytest.mark.parametrize("name", NAMES)
def test_the_list_is_receptions_work(as_therapist, clinic, name):
    place = wish(clinic)
    assert as_therapist.post(PAGE + name.format(place.pk)).status_code in (403, 405)


@pytest.mark.parametrize("name", NAMES)
def test_another_clinic_finds_nothing(as_outsider, clinic, name):
    place = wish(clinic)
    assert as_outsider.post(PAGE + name.format(place.pk)).status_code == 404


def test_another_clinics_wish_fits_nowhere(as_reception, other_clinic, session):
    wish(other_clinic)
    assert len(notices_of(cancel(as_reception, session))) == 1


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, clinic, rows, django_assert_num_queries
):
    for n in range(rows):
        wish(clinic, therapist=factories.TherapistFactory(clinic=clinic), weekdays=[n % 7])
    with django_assert_num_queries(14):
        assert len(waiting_of(as_reception.get(PAGE))) == rows
