"""A therapist's own page: for reception, and for the therapist."""

import datetime as dt
import re

import pytest

from clinic.models import TimeOff, WorkingHours
from clinic.tenancy import Hat, wear
from patients.models import Treatment
from sessions_app import actions
from sessions_app.models import Wish
from tests import factories
from tests.followup.clinics import tehran
from tests.panel.screens import CLINIC, html_of

NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def page_of(therapist):
    return f"{CLINIC}therapists/{therapist.pk}/"


def card(response, title):
    """The words of the card under this heading."""
    html = html_of(response)
    found = re.search(rf'card-title">{title}</h2>.*?</section>', html, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[0])) if found else ""


def treated(response):
    part = re.search(r'id="treated".*?</section>', html_of(response), re.DOTALL)[0]
    return [int(pk) for pk in re.findall(r'/clients/(\d+)/"><bdi>', part)]


def treat(clinic, people, client, **fields):
    return Treatment.objects.create(
        **{
            "clinic": clinic, "client": client, "therapist": people["mine"],
            "service": people["service"], "started_at": NOW - 30 * DAY,
        } | fields
    )  # fmt: skip


def book(clinic, people, client, starts_at):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        return actions.book(
            clients=[client], therapist=people["mine"], service=people["service"],
            starts_at=starts_at, now=NOW,
        )  # fmt: skip


def test_who_is_in_treatment_is_listed_and_who_has_finished_is_not(as_reception, clinic, people):
    here, paused, done, hers = factories.ClientFactory.create_batch(4, clinic=clinic)
    treat(clinic, people, here)
    treat(clinic, people, paused, state="paused", paused_until=NOW.date() + 9 * DAY)
    treat(clinic, people, done, state="completed", ended_at=NOW)
    treat(clinic, people, hers, therapist=people["hers"])
    assert set(treated(as_reception.get(page_of(people["mine"])))) == {here.pk, paused.pk}


def test_who_has_nothing_booked_can_be_seen_alone(as_reception, clinic, people):
    booked, bare = factories.ClientFactory.create_batch(2, clinic=clinic)
    book(clinic, people, booked, NOW + DAY)
    treat(clinic, people, bare)
    page = page_of(people["mine"])
    assert set(treated(as_reception.get(page))) == {booked.pk, bare.pk}
    assert treated(as_reception.get(page, {"without": "1"})) == [bare.pk]


def test_free_time_is_what_the_hours_leave(as_reception, clinic, people):
    WorkingHours.objects.create(
        clinic=clinic, therapist=people["mine"], weekday=1, begins=dt.time(9), ends=dt.time(12)
    )
    book(clinic, people, people["my_client"], tehran("2026-11-22 10:00"))
    response = as_reception.get(page_of(people["mine"]))
    found = card(response, "وقت‌های خالی هفت روز آینده")
    assert re.findall(r"ساعت (\S+) تا (\S+)", found) == [("۰۹:۰۰", "۱۰:۰۰"), ("۱۰:۵۰", "۱۲:۰۰")]
    assert "time=09:00&amp;therapist" in response.content.decode()


def test_without_hours_nobody_says_what_is_free(as_reception, people):
    said = card(as_reception.get(page_of(people["mine"])), "وقت‌های خالی هفت روز آینده")
    assert "ساعت کاری ثبت نشده" in said


def test_leave_to_come_is_shown_and_past_leave_is_not(as_reception, clinic, people, receptionist):
    for days, reason in ((-5, "گذشته"), (5, "کنگره")):
        TimeOff.objects.create(
            clinic=clinic, therapist=people["mine"], reason=reason, created_at=NOW,
            created_by=receptionist, starts_at=NOW + days * DAY, ends_at=NOW + days * DAY + HOUR,
        )  # fmt: skip
    said = card(as_reception.get(page_of(people["mine"])), "غیبت‌ها")
    assert ("کنگره" in said, "گذشته" in said) == (True, False)


def test_who_waits_for_the_therapist_is_receptions_to_know(
    as_reception, therapist_login, clinic, people
):
    Wish.objects.create(
        clinic=clinic, client=people["my_client"], therapist=people["mine"], created_at=NOW
    )
    page = page_of(people["mine"])
    assert "کریمی" in card(as_reception.get(page), "فهرست انتظار")
    as_reception.force_login(therapist_login)
    assert card(as_reception.get(page), "فهرست انتظار") == ""


def test_a_therapist_sees_their_own_page_and_no_other(as_therapist, people):
    assert as_therapist.get(page_of(people["mine"])).status_code == 200
    assert as_therapist.get(page_of(people["hers"])).status_code == 404


def test_another_clinic_finds_nothing(as_outsider, people):
    assert as_outsider.get(page_of(people["mine"])).status_code == 404


def test_today_and_calendar_lead_there(as_reception, clinic, people):
    factories.SessionFactory(
        clinic=clinic, therapist=people["mine"], service=people["service"],
        clients=[people["my_client"]], starts_at=NOW + HOUR,
    )  # fmt: skip
    for page in (CLINIC, CLINIC + "calendar/"):
        assert f'href="{page_of(people["mine"])}"' in html_of(as_reception.get(page))


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_client_and_for_thirty(
    as_reception, clinic, people, rows, django_assert_num_queries
):
    for client in factories.ClientFactory.create_batch(rows, clinic=clinic):
        treat(clinic, people, client)
        Wish.objects.create(clinic=clinic, client=client, therapist=people["mine"], created_at=NOW)
        factories.SessionFactory(
            clinic=clinic, therapist=people["mine"], service=people["service"],
            clients=[client], starts_at=NOW + client.pk % 50 * DAY + HOUR, state="attended",
        )  # fmt: skip
    with django_assert_num_queries(20):
        assert len(treated(as_reception.get(page_of(people["mine"])))) == rows
