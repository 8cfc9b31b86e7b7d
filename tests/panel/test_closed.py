"""Closed days on the screens: marked in the calendar, and pointed out when somebody books."""

import datetime as dt
import re

import pytest

from sessions_app.models import Session
from tests import factories
from tests.panel.screens import CLINIC, html_of, notices_of

WEEK, SESSIONS = CLINIC + "calendar/week/", CLINIC + "sessions/"
#: Sunday 1 Azar 1405, 17:30 in Tehran.
SUNDAY = dt.datetime(2026, 11, 22, 14, 0, tzinfo=dt.UTC)
HOLIDAY = dt.date(2026, 11, 22)
FRIDAY_SAID = "جمعه‌ها کلینیک تعطیل است؛ مطمئن شوید که همین روز را می‌خواهید."
HOLIDAY_SAID = "کلینیک یکشنبه ۱ آذر تعطیل است (سفر کاری)؛ مطمئن شوید که همین روز را می‌خواهید."


@pytest.fixture
def holiday(clinic):
    return factories.ClosureFactory(clinic=clinic, first_day=HOLIDAY, name="سفر کاری")


@pytest.fixture
def booking(people):
    return {
        "clients": [people["my_client"].pk],
        "therapist": people["mine"].pk,
        "service": people["service"].pk,
        "day": "۱۴۰۵/۹/۱",
        "time": "۱۷:۳۰",
        "duration": "",
        "online_url": "",
    }


@pytest.fixture
def session(clinic, people):
    """On Monday, a working day."""
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people["mine"],
        service=people["service"],
        clients=[people["my_client"]],
        starts_at=SUNDAY + dt.timedelta(days=1),
    )


def closed_in_week(response):
    """Day of each closed column → the mark under it."""
    days = re.findall(r'<li class="(week-day[^"]*)">(.*?)</li>\s*(?=<li class="week-day|</ol>)',
                      html_of(response), re.DOTALL)  # fmt: skip
    found = {}
    for css, body in days:
        if "is-closed" in css:
            mark = re.search(r'<p class="week-holiday">(.*?)</p>', body)
            words = re.sub(r"<[^>]*>", "", mark[1]) if mark else ""
            found[re.search(r"day=([\d-]+)", body)[1]] = words
    return found


def mark_of_day(response):
    mark = re.search(r'<p class="head-closed">(.*?)</p>', html_of(response))
    return re.sub(r"<[^>]*>", "", mark[1]) if mark else None


def proposed(response):
    notice = re.search(r'<div class="notice notice-amber">.*?<div>(.*?)</div>', html_of(response))
    return notice[1] if notice else None


def test_the_week_names_its_holidays_and_marks_friday(as_reception, holiday):
    assert closed_in_week(as_reception.get(WEEK)) == {
        "1405-09-01": "تعطیل: سفر کاری",
        "1405-09-06": "",
    }


def test_a_long_closure_is_marked_on_each_of_its_days(as_reception, clinic):
    first, last = HOLIDAY - dt.timedelta(days=9), HOLIDAY + dt.timedelta(days=1)
    factories.ClosureFactory(clinic=clinic, first_day=first, last_day=last, name="نوسازی")
    marked = closed_in_week(as_reception.get(WEEK))
    assert list(marked) == ["1405-08-30", "1405-09-01", "1405-09-02", "1405-09-06"]


@pytest.mark.parametrize(
    ("day", "mark"),
    [
        ("1405-08-30", None),
        ("1405-09-01", "تعطیل: سفر کاری"),
        ("1405-09-06", "جمعه‌ها تعطیل است"),
    ],
    ids=["a working day", "a holiday", "Friday"],
)
def test_the_day_says_what_closes_it(as_reception, holiday, day, mark):
    assert mark_of_day(as_reception.get(CLINIC, {"day": day})) == mark


def test_another_clinics_holiday_is_marked_nowhere(as_reception, other_clinic):
    factories.ClosureFactory(clinic=other_clinic, first_day=HOLIDAY)
    assert list(closed_in_week(as_reception.get(WEEK))) == ["1405-09-06"]
    assert mark_of_day(as_reception.get(CLINIC, {"day": "1405-09-01"})) is None


@pytest.mark.parametrize(
    ("day", "said"),
    [("1405/09/01", [HOLIDAY_SAID]), ("1405/09/06", [FRIDAY_SAID]), ("1405/09/02", [])],
    ids=["a holiday", "Friday", "a working day"],
)
def test_booking_on_a_closed_day_is_allowed_and_pointed_out(
    as_reception, holiday, booking, day, said
):
    response = as_reception.post(SESSIONS + "new/", {**booking, "day": day}, follow=True)
    assert Session.objects.count() == 1
    assert notices_of(response)[1:] == said


@pytest.mark.parametrize(
    ("day", "said"),
    [("1405/09/01", [HOLIDAY_SAID]), ("1405/09/06", [FRIDAY_SAID]), ("1405/09/03", [])],
    ids=["a holiday", "Friday", "a working day"],
)
def test_moving_onto_a_closed_day_is_allowed_and_pointed_out(
    as_reception, people, holiday, session, day, said
):
    data = {"day": day, "time": "9:00", "duration": "50", "therapist": people["mine"].pk}
    response = as_reception.post(f"{SESSIONS}{session.pk}/move/", data, follow=True)
    session.refresh_from_db()
    assert session.revision == 2
    assert notices_of(response)[1:] == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("1405-09-01", HOLIDAY_SAID),
        ("1405-09-06", FRIDAY_SAID),
        ("1405-09-02", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_form_says_so_of_the_day_that_it_proposes(as_reception, holiday, people, day, said):
    assert proposed(as_reception.get(f"{SESSIONS}new/", {"day": day})) == said


def test_a_refused_form_says_so_of_the_day_that_was_typed(as_reception, holiday, booking):
    response = as_reception.post(SESSIONS + "new/", {**booking, "time": "?"})
    assert (response.status_code, proposed(response)) == (422, HOLIDAY_SAID)
