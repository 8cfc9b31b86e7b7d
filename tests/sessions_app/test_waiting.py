"""The waiting list: whom a free time fits, and what settles a wish."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from clinic import jalali
from clinic.tenancy import Hat, wear
from sessions_app import actions, waiting
from sessions_app.models import Wish
from sessions_app.waiting import Gap
from tests import factories
from tests.followup.clinics import tehran

pytestmark = pytest.mark.usefixtures("inside")

NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
#: Sunday, 17:00 to 17:50.
START = tehran("2026-11-22 17:00")
LENGTH = dt.timedelta(minutes=50)
SUNDAY = 1


@pytest.fixture
def inside(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield


@pytest.fixture
def therapist(clinic):
    return factories.TherapistFactory(clinic=clinic)


@pytest.fixture
def service(clinic):
    return factories.ServiceFactory(clinic=clinic)


def wish(clinic, **fields):
    fields.setdefault("client", None)
    fields["client"] = fields["client"] or factories.ClientFactory(clinic=clinic)
    return Wish.objects.create(**{"clinic": clinic, "created_at": NOW} | fields)


def fitting(therapist, start=START, length=LENGTH):
    return list(waiting.who_fits(Gap(therapist.pk, start, start + length, "Asia/Tehran")))


def clock(hour, minute=0):
    return dt.time(hour, minute)


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        pytest.param({}, True, id="any time"),
        pytest.param({"weekdays": [SUNDAY, 3]}, True, id="that day"),
        pytest.param({"weekdays": [0, 3]}, False, id="another day"),
        pytest.param({"begins": clock(17), "ends": clock(17, 50)}, True, id="just those hours"),
        pytest.param({"begins": clock(17, 5), "ends": clock(20)}, False, id="begins too early"),
        pytest.param({"begins": clock(10), "ends": clock(17, 45)}, False, id="ends too late"),
        pytest.param({"closed_at": NOW}, False, id="taken off the list"),
    ],
)
def test_a_gap_fits_who_can_come_then(clinic, therapist, fields, fits):
    wish(clinic, **fields)
    assert bool(fitting(therapist)) is fits


def test_a_gap_fits_who_waits_for_this_therapist_or_for_any(clinic, therapist):
    other = factories.TherapistFactory(clinic=clinic)
    for_any, for_this = wish(clinic), wish(clinic, therapist=therapist)
    wish(clinic, therapist=other)
    assert fitting(therapist) == [for_any, for_this]


def test_who_has_waited_longest_comes_first(clinic, therapist):
    late = wish(clinic, created_at=NOW - DAY)
    early = wish(clinic, created_at=NOW - 2 * DAY)
    assert fitting(therapist) == [early, late]


def test_a_gap_does_not_fit_who_is_elsewhere_then(clinic, therapist, service):
    busy, free = wish(clinic), wish(clinic)
    factories.SessionFactory(
        clinic=clinic, therapist=factories.TherapistFactory(clinic=clinic), service=service,
        clients=[busy.client], starts_at=START + LENGTH / 2,
    )  # fmt: skip
    assert fitting(therapist) == [free]


def test_nobody_who_has_died_is_on_the_list(clinic, therapist):
    client = factories.ClientFactory(clinic=clinic, deceased_at=NOW)
    wish(clinic, client=client)
    assert fitting(therapist) == []


# -- What came of it ---------------------------------------------------------------------------


def book(place, therapist, service, start=START):
    return actions.book(
        clients=[place.client], therapist=therapist, service=service, starts_at=start,
        duration=LENGTH, now=NOW,
    )  # fmt: skip


def test_a_booking_that_suits_settles_the_wish(clinic, therapist, service):
    place = wish(clinic, weekdays=[SUNDAY])
    session = book(place, therapist, service)
    place.refresh_from_db()
    assert place.session == session
    assert list(waiting.still_open(Wish.objects.all())) == []
    assert list(waiting.settled(Wish.objects.all())) == [place]


def test_a_booking_at_another_time_leaves_the_wish_open(clinic, therapist, service):
    place = wish(clinic, weekdays=[SUNDAY])
    book(place, therapist, service, START + DAY)
    assert list(waiting.still_open(Wish.objects.all())) == [place]


def test_a_move_to_a_time_that_suits_settles_the_wish(clinic, therapist, service):
    place = wish(clinic, weekdays=[SUNDAY])
    session = book(place, therapist, service, START + DAY)
    actions.move(session, starts_at=START, now=NOW)
    assert list(waiting.settled(Wish.objects.all())) == [place]


def test_a_cancelled_session_puts_its_client_back_in_line(clinic, therapist, service):
    place = wish(clinic)
    session = book(place, therapist, service)
    actions.cancel(session, now=NOW)
    assert list(waiting.still_open(Wish.objects.all())) == [place]
    assert list(waiting.settled(Wish.objects.all())) == []


def test_a_session_entered_afterwards_settles_nothing(clinic, therapist, service):
    place = wish(clinic)
    book(place, therapist, service, NOW - DAY)
    assert list(waiting.still_open(Wish.objects.all())) == [place]


def test_anothers_booking_settles_nothing(clinic, therapist, service):
    place = wish(clinic)
    other = Wish(client=factories.ClientFactory(clinic=clinic))
    book(other, therapist, service)
    assert list(waiting.still_open(Wish.objects.all())) == [place]


def test_who_is_put_back_keeps_the_place_in_line(clinic, manager):
    first, second = wish(clinic, created_at=NOW - DAY), wish(clinic)
    waiting.close(first, now=NOW, by=manager)
    assert list(waiting.still_open(Wish.objects.all())) == [second]
    waiting.reopen(first)
    assert list(waiting.still_open(Wish.objects.all())) == [first, second]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.sets(st.integers(0, 6)),
    begins=st.integers(0, 22),
    hours=st.integers(1, 23),
    start=st.integers(0, 7 * 24 * 4 - 1),
)
def test_the_question_to_the_database_is_the_plain_one(
    clinic, therapist, days, begins, hours, start
):
    """Against the same in Python, over a whole week of quarters of an hour."""
    ends = min(begins + hours, 23)
    place = wish(clinic, weekdays=sorted(days), begins=clock(begins), ends=clock(ends))
    at = tehran("2026-11-28 00:00") + start * HOUR / 4
    local = jalali.local(at)
    end = jalali.local(at + LENGTH)
    plain = (
        (not days or jalali.weekday(local.date()) in days)
        and begins <= local.hour
        and end.time() <= clock(ends)
    )
    found = place in fitting(therapist, at)
    place.delete()
    assert found == plain
