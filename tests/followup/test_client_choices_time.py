"""The page of a silent client who goes on: a time is chosen at once, where the clinic allows it."""

import pytest

from patients import care
from sessions_app.links import Page
from sessions_app.models import CareTask, ClientLink
from tests.followup.choices_page import Kind, choose, staff, tasks
from tests.sessions_app.client_links import (
    HOUR,
    NOW,
    Purpose,
    books_by_link,
    receives,
    text_of,
)

pytestmark = pytest.mark.usefixtures("clock")


# -- Choosing a time at once -------------------------------------------------------------------


@pytest.fixture
def alone(clinic, session):
    """Clients book by link, and the therapist receives on Saturdays from 9 to 13."""
    books_by_link(clinic)
    receives(session.therapist)


def test_going_on_leads_on_to_the_free_times(phone, path, session, person, alone):
    assert "همین‌جا وقت آزادی انتخاب می‌کنید" in text_of(phone.get(path))
    done = choose(phone, path, "continue")
    booking_page = Page(Purpose.BOOKING, session.clinic_id, session.pk, person.pk).path
    assert (done.status_code, done["Location"]) == (303, booking_page)
    assert "2026-11-28T05:30Z" in phone.get(booking_page).content.decode()


def test_a_visit_alone_publishes_no_booking_page(phone, path, alone):
    phone.get(path)
    assert not ClientLink.objects.filter(purpose=Purpose.BOOKING).exists()


def test_who_leaves_without_a_time_is_called_an_hour_later(phone, path, alone):
    choose(phone, path, "continue")
    task = CareTask.objects.get()
    assert (task.kind, task.due_at) == (Kind.CONTINUE, NOW + HOUR)
    page = phone.get(path)
    assert "همین حالا وقتتان را انتخاب کنید" in text_of(page)
    assert choose(phone, path, "continue")["Location"].startswith("/b/")


def test_whoever_takes_a_time_is_not_called(phone, path, alone):
    page = choose(phone, path, "continue")["Location"]
    phone.post(page, {"do": "book", "start": "2026-11-28T05:30Z", "revision": "1"})
    assert tasks() == [(Kind.CONTINUE, "booked")]
    assert "جلسه‌ی بعدی شما ثبت شده است" in text_of(phone.get(path))


def test_english_goes_along(phone, path, alone):
    assert choose(phone, f"{path}?lang=en", "continue")["Location"].endswith("?lang=en")


@pytest.mark.parametrize("lacking", ["setting", "hours", "crisis"])
def test_where_nobody_books_alone_reception_calls_as_ever(
    phone, path, clinic, session, person, alone, lacking
):
    if lacking == "setting":
        clinic.books_by_link = False
        clinic.save()
    elif lacking == "hours":
        session.therapist.working_hours.all().delete()
    else:
        staff(clinic, care.hold_for_crisis, person)
    assert choose(phone, path, "continue")["Location"] == path
    task = CareTask.objects.get()
    assert (task.kind, task.due_at) == (Kind.CONTINUE, NOW)
    assert "پذیرش به‌زودی تماس می‌گیرد" in text_of(phone.get(path))
