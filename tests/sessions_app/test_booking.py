"""The page on which a client books a free time alone: what it offers, takes and refuses."""

import datetime as dt
import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic.models import TimeOff
from clinic.tenancy import Hat, wear
from followup.models import Rule
from messaging.models import Message
from patients import care
from patients.models import Treatment
from sessions_app import actions, booking
from sessions_app.models import CareTask, ClientLink, Session, SessionChange
from tests import factories
from tests.effort import examples
from tests.followup.clinics import live_clinic, tehran, tick
from tests.sessions_app.client_links import (
    DAY,
    HOUR,
    NOW,
    Purpose,
    a_room,
    attended,
    books_by_link,
    link_of,
    published,
    receives,
    text_of,
    visitor,
)

pytestmark = pytest.mark.usefixtures("clock")

NINE, TEN = "2026-11-28T05:30Z", "2026-11-28T06:30Z"
SATURDAY = "شنبه ۷ آذر"


@pytest.fixture
def person(clinic):
    books_by_link(clinic)
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def therapist(clinic):
    """Receives on Saturdays from 9 to 13."""
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    receives(therapist)
    return therapist


@pytest.fixture
def session(clinic, person, therapist):
    """The last one, ten days ago; its link offers the next."""
    return attended(clinic, person, therapist=therapist, days_ago=10)


@pytest.fixture
def path(session, person):
    return published(Purpose.BOOKING, session, person)


@pytest.fixture
def phone():
    return visitor()


def book(phone, path, start=NINE, **fields):
    return phone.post(path, {"do": "book", "start": start, "revision": "1"} | fields)


def offered(page):
    return re.findall(r'name="start" value="([^"]+)"', page.content.decode())


def coming():
    return Session.objects.filter(starts_at__gt=NOW)


def staff(clinic, verb, *arguments, **fields):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        return verb(*arguments, now=fields.pop("now", NOW), **fields)


# -- What it offers ----------------------------------------------------------------------------


def test_the_free_times_of_three_weeks_stand_under_their_days(phone, path):
    page = phone.get(path)
    assert offered(page) == [
        f"2026-{day}T{clock}Z"
        for day in ("11-28", "12-05", "12-12")
        for clock in ("05:30", "06:30", "07:30", "08:30")
    ]
    words = text_of(page)
    assert "۵۰ دقیقه با خانم دکتر صادقی" in words
    assert f"{SATURDAY} ۰۹:۰۰ ۱۰:۰۰ ۱۱:۰۰ ۱۲:۰۰" in words
    assert Session.objects.count() == 1


def test_what_is_taken_closed_or_away_is_not_offered(phone, path, clinic, therapist):
    factories.SessionFactory(
        clinic=clinic, therapist=therapist, starts_at=tehran("2026-11-28 10:00")
    )
    factories.ClosureFactory(
        clinic=clinic, first_day=dt.date(2026, 12, 5), last_day=dt.date(2026, 12, 5)
    )
    TimeOff.objects.create(
        clinic=clinic,
        therapist=therapist,
        starts_at=tehran("2026-12-12 10:00"),
        ends_at=tehran("2026-12-12 13:00"),
        created_at=NOW,
    )
    assert offered(phone.get(path)) == [
        "2026-11-28T05:30Z",
        "2026-11-28T07:30Z",
        "2026-11-28T08:30Z",
        "2026-12-12T05:30Z",
    ]


def test_a_time_whose_room_is_taken_is_not_offered(phone, path, clinic, therapist):
    room = a_room(clinic)
    therapist.working_hours.update(room=room)
    factories.SessionFactory(clinic=clinic, room=room, starts_at=tehran("2026-11-28 09:30"))
    assert offered(phone.get(path))[0] == "2026-11-28T07:00Z"


def test_a_time_at_which_the_client_is_with_somebody_else_is_not_offered(
    phone, path, clinic, person
):
    factories.SessionFactory(clinic=clinic, clients=[person], starts_at=tehran("2026-11-28 09:00"))
    assert NINE not in offered(phone.get(path))


def test_the_first_is_three_hours_away(phone, path, clock):
    clock.move_to(tehran("2026-11-28 07:05"))
    assert offered(phone.get(path))[0] == "2026-11-28T06:45Z"


def test_of_days_with_many_times_the_later_are_folded(phone, path, therapist):
    receives(therapist, 1, 2, 3, 4, 5)
    body = phone.get(path).content.decode()
    before, later = body.split("روزهای بعد")
    assert len(set(re.findall(r'value="(2026-\d\d-\d\d)T', before))) == 5
    assert 'name="start"' in later


def test_a_page_with_every_time_free_weighs_less_than_40_kilobytes(phone, path, therapist):
    therapist.working_hours.all().delete()
    receives(therapist, *range(6), begins="08:00", ends="20:00")
    page = phone.get(path)
    assert len(offered(page)) == 18 * 8 + 7
    files = ("css/client.css", "img/peygir.svg")
    plain = [page.content, *(Path(finders.find(name)).read_bytes() for name in files)]
    assert sum(map(len, plain)) < 40 * 1024  # even where nothing is compressed
    assert sum(len(gzip.compress(each)) for each in plain) < 12 * 1024


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_session_and_for_thirty(
    phone, path, clinic, therapist, person, rows, django_assert_num_queries
):
    receives(therapist, *range(1, 6))
    for n in range(rows):
        start = tehran("2026-11-22 09:00") + (n % 20) * DAY + (n // 20) * HOUR
        factories.SessionFactory(clinic=clinic, therapist=therapist, starts_at=start)
    with django_assert_num_queries(22):
        assert phone.get(path).status_code == 200


# -- Taking one --------------------------------------------------------------------------------


def test_a_time_is_booked_in_one_press(phone, path, person, session, therapist):
    done = book(phone, path)
    assert (done.status_code, done["Location"]) == (303, path)
    booked = coming().get()
    assert (booked.therapist, booked.service) == (therapist, session.service)
    assert (booked.starts_at, booked.duration) == (
        tehran("2026-11-28 09:00"),
        dt.timedelta(minutes=50),
    )
    assert (booked.source, booked.state) == ("online", "scheduled")
    assert list(booked.clients.all()) == [person]
    change = SessionChange.objects.get(session=booked)
    assert (change.kind, change.via, change.by, change.tell) == ("booked", "link", None, True)


def test_the_page_says_what_is_booked_and_leads_to_the_calendar(phone, path):
    book(phone, path)
    page = phone.get(path)
    words = text_of(page)
    assert "جلسه‌ی بعدی شما ثبت شده است" in words
    assert SATURDAY in words
    assert "این وقت به نام شماست" in words
    assert offered(page) == []
    file = phone.get(f"{path}/calendar.ics")
    assert file["Content-Type"] == "text/calendar; charset=utf-8"
    assert b"DTSTART:20261128T053000Z" in file.content


def test_what_was_booked_can_be_called_off_on_its_own_page(phone, path):
    book(phone, path)
    (theirs,) = re.findall(r'href="(/s/[a-z2-7]{16})"', phone.get(path).content.decode())
    assert phone.post(theirs, {"do": "cannot", "revision": "1"}).status_code == 303
    assert Session.objects.get(source="online").state == "cancelled"
    assert NINE in offered(phone.get(path))


def test_the_room_of_the_hour_is_booked_with_it(phone, path, clinic, therapist):
    room = a_room(clinic)
    therapist.working_hours.update(room=room)
    book(phone, path)
    assert coming().get().room == room


def test_who_meets_online_goes_on_meeting_there(phone, path, clinic, session, therapist):
    therapist.working_hours.update(room=a_room(clinic))
    Session.objects.update(online_url="https://meet.example/sadeghi")
    book(phone, path)
    booked = coming().get()
    assert (booked.online_url, booked.room) == ("https://meet.example/sadeghi", None)


def test_a_break_ends_with_the_booking(phone, path, clinic):
    staff(clinic, care.pause_treatment, Treatment.objects.get(), dt.date(2027, 1, 1))
    assert book(phone, path).status_code == 303
    assert Treatment.objects.get().state == "active"


def test_the_booking_settles_what_was_to_be_asked(phone, path, person, session):
    CareTask.objects.create(
        clinic=person.clinic,
        client=person,
        session=session,
        kind=CareTask.Kind.SILENT,
        due_at=NOW,
        created_at=NOW,
    )
    book(phone, path)
    task = CareTask.objects.get()
    assert (task.outcome, task.closed_by) == ("booked", None)


def test_the_confirmation_follows_the_ordinary_rule(gateway, owner):
    clinic = live_clinic()
    books_by_link(clinic)
    person = factories.ClientFactory(clinic=clinic)
    session = attended(clinic, person, days_ago=10)
    receives(session.therapist)
    assert Rule.objects.get(clinic=clinic, key="booked").enabled
    book(visitor(), published(Purpose.BOOKING, session, person))
    moment = NOW + dt.timedelta(minutes=4)
    gateway.set_clock(moment)
    tick(moment)
    text = Message.objects.get(rule_key="booked")
    assert (text.client, text.state, text.session.source) == (person, "sent", "online")


# -- Once, and by one --------------------------------------------------------------------------


def test_pressed_twice_it_is_booked_once(phone, path):
    assert [book(phone, path).status_code for _ in range(2)] == [303, 303]
    assert coming().count() == 1


def test_a_second_time_of_the_same_treatment_is_not_booked(phone, path):
    book(phone, path)
    late = book(phone, path, TEN)
    assert late.status_code == 409
    assert "جلسه‌ی بعدی شما ثبت شده است" in text_of(late)
    assert coming().count() == 1


def test_a_link_of_another_session_of_the_treatment_books_no_second_time(
    phone, path, clinic, person, session
):
    other = factories.SessionFactory(
        clinic=clinic,
        clients=[person],
        therapist=session.therapist,
        service=session.service,
        starts_at=NOW - 20 * DAY,
        state="attended",
    )
    book(phone, path)
    assert book(phone, published(Purpose.BOOKING, other, person), TEN).status_code == 409
    assert coming().count() == 1


def test_a_time_that_somebody_took_meanwhile_is_refused_with_others(phone, path, clinic, therapist):
    factories.SessionFactory(
        clinic=clinic, therapist=therapist, starts_at=tehran("2026-11-28 09:00")
    )
    page = book(phone, path)
    assert page.status_code == 409
    assert "این وقت را کمی پیش از شما کسی گرفت. این‌ها الان آزادند." in text_of(page)
    assert offered(page)[0] == TEN
    assert ClientLink.objects.get().answered_at is None


def test_a_time_that_has_come_too_near_is_refused(phone, path, clock):
    clock.move_to(tehran("2026-11-28 06:01"))
    assert book(phone, path).status_code == 409
    assert not coming().exists()


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-28T05:35Z",
        "2026-11-28T05:45:01Z",
        "2026-11-28T05:15Z",
        "2026-11-28T09:15Z",
        "2026-12-19T05:30Z",
        "2026-11-21T05:30Z",
        "2026-11-28T05:30:00.000001Z",
        "9999-12-31T23:45Z",
    ],
)
def test_a_start_that_is_not_free_books_nothing(phone, path, start):
    assert book(phone, path, start).status_code == 409
    assert not coming().exists()


@pytest.mark.parametrize(
    "start", ["", "x", "2026-11-28T09:00", "2026-11-28", "0001-01-01T00:00+23:00"]
)
def test_what_is_no_moment_is_asked_for_again(phone, path, start):
    page = book(phone, path, start)
    assert page.status_code == 422
    assert "اول یکی از وقت‌ها را انتخاب کنید" in text_of(page)


@effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(do=st.sampled_from(["book", "call_me", ""]), start=st.text(max_size=40), revision=st.text())
def test_no_form_is_an_error_of_ours(phone, path, do, start, revision):
    page = phone.post(path, {"do": do, "start": start, "revision": revision})
    assert page.status_code in (303, 400, 409, 422)
    assert not coming().exists()


@pytest.mark.parametrize("revision", ["0", "2", "", "x"])
def test_who_read_the_times_before_a_change_is_asked_again(phone, path, revision):
    page = book(phone, path, revision=revision)
    assert page.status_code == 409
    assert "از وقتی این صفحه را باز کردید" in text_of(page)
    assert not coming().exists()


@pytest.mark.parametrize("do", ["", "x", "BOOK"])
def test_an_act_that_is_none_does_nothing(phone, path, do):
    assert book(phone, path, do=do).status_code == 400
    assert not coming().exists()


# -- Who books alone ---------------------------------------------------------------------------


def switched_off(clinic, **_):
    clinic.books_by_link = False
    clinic.save()


def in_crisis(clinic, person, **_):
    staff(clinic, care.hold_for_crisis, person)


def finished(clinic, **_):
    staff(clinic, care.complete_treatment, Treatment.objects.get())


def given_up(clinic, **_):
    staff(clinic, care.drop_treatment, Treatment.objects.get())


def therapist_gone(therapist, **_):
    therapist.active = False
    therapist.save()


def service_gone(session, **_):
    session.service.active = False
    session.service.save()


def no_hours(therapist, **_):
    therapist.working_hours.all().delete()


def a_couple(clinic, session, **_):
    partner = factories.ClientFactory(clinic=clinic)
    session.participants.create(clinic=clinic, client=partner)


HINDRANCES = [
    (switched_off, booking.Why.SWITCHED_OFF),
    (in_crisis, booking.Why.CRISIS),
    (finished, booking.Why.ENDED),
    (given_up, booking.Why.ENDED),
    (therapist_gone, booking.Why.INACTIVE),
    (service_gone, booking.Why.INACTIVE),
    (no_hours, booking.Why.NO_TIME),
    (a_couple, booking.Why.SEVERAL),
]


@pytest.mark.parametrize(("hinder", "why"), HINDRANCES, ids=lambda it: getattr(it, "__name__", ""))
def test_who_cannot_book_alone_is_offered_a_call_and_not_told_why(
    phone, path, clinic, person, therapist, session, hinder, why
):
    hinder(clinic=clinic, person=person, therapist=therapist, session=session)
    page = phone.get(path)
    assert page.status_code == 200
    assert offered(page) == []
    assert "وقت را با هم پیدا کنیم" in text_of(page)
    assert "بحران" not in text_of(page)
    assert book(phone, path).status_code == 409
    assert not coming().exists()
    with wear(Hat.WEB, clinic_id=clinic.pk):
        link = ClientLink.objects.select_related("clinic", "client", "session__therapist").get()
        assert booking.situation(link, NOW).why is why


@pytest.mark.parametrize("hinder", [None, in_crisis, no_hours])
def test_a_call_is_asked_of_reception_once(phone, path, clinic, person, therapist, session, hinder):
    if hinder:
        hinder(clinic=clinic, person=person, therapist=therapist)
    for _ in range(2):
        assert phone.post(path, {"do": "call_me"}).status_code == 303
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.session, task.due_at) == ("call_me", person, session, NOW)
    page = phone.get(path)
    assert "تماس می‌گیر" in text_of(page)
    assert 'value="call_me"' not in page.content.decode()


def test_three_bookings_within_a_day_are_enough(phone, path):
    for start in (NINE, TEN, "2026-12-05T05:30Z"):
        assert book(phone, path, start).status_code == 303
        with wear(Hat.WEB, clinic_id=Session.objects.first().clinic_id):
            actions.cancel(coming().exclude(state="cancelled").get(), now=NOW)
    assert book(phone, path).status_code == 409
    assert "وقت را با هم پیدا کنیم" in text_of(phone.get(path))


def test_a_day_later_it_may_be_tried_again(phone, path, clock):
    test_three_bookings_within_a_day_are_enough(phone, path)
    clock.shift(DAY)
    assert NINE in offered(phone.get(path))


def test_a_session_that_reception_booked_is_shown_instead(
    phone, path, clinic, person, session, therapist
):
    factories.SessionFactory(
        clinic=clinic, clients=[person], therapist=therapist, service=session.service
    )
    page = phone.get(path)
    assert "دوشنبه ۲ آذر" in text_of(page)
    assert "این وقت به نام شماست" not in text_of(page)
    assert not re.search(r'href="/s/', page.content.decode())


# -- How long it lasts -------------------------------------------------------------------------


def test_a_link_lasts_thirty_days(phone, path, clock):
    clock.move_to(NOW + 30 * DAY - dt.timedelta(seconds=1))
    assert offered(phone.get(path)) != []
    clock.move_to(NOW + 30 * DAY)
    page = phone.get(path)
    assert "زمان این پیوند گذشته است" in text_of(page)
    assert book(phone, path, "2027-01-02T05:30Z").status_code == 409
    assert phone.post(path, {"do": "call_me"}).status_code == 409
    assert not CareTask.objects.exists()


def test_a_text_that_carries_it_anew_lets_it_last_anew(phone, path, session, person, clock):
    assert published(Purpose.BOOKING, session, person, now=NOW + 20 * DAY) == path
    clock.move_to(NOW + 49 * DAY)
    assert offered(phone.get(path)) != []
    assert link_of(Purpose.BOOKING, session).created_at == NOW


def test_the_calendar_of_nothing_is_the_page(phone, path):
    page = phone.get(f"{path}/calendar.ics")
    assert page.status_code == 410
    assert offered(page) != []
