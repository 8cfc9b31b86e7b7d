"""A room holds one session at a time, and a session keeps its room until somebody says otherwise."""

import datetime as dt

import pytest

from clinic.models import Room, WorkingHours
from clinic.tenancy import Hat, wear
from sessions_app import actions
from sessions_app.models import Session
from tests.factories import ClientFactory, ServiceFactory, SessionFactory, TherapistFactory
from tests.followup.clinics import tehran
from tests.panel.screens import errors_of

TEN, ELEVEN = tehran("2026-11-28 10:00"), tehran("2026-11-28 11:00")
NOW = tehran("2026-11-21 10:00")
FIFTY = dt.timedelta(minutes=50)


@pytest.fixture
def room(clinic):
    return Room.objects.create(clinic=clinic, name="اتاق ۲")


@pytest.fixture
def taken(clinic, room):
    therapist = TherapistFactory(clinic=clinic, name="مینا شریفی")
    client = ClientFactory(clinic=clinic, first_name="لیلا", last_name="ناصری")
    return SessionFactory(
        clinic=clinic,
        clients=[client],
        therapist=therapist,
        room=room,
        starts_at=TEN,
        ends_at=TEN + FIFTY,
    )


@pytest.fixture
def as_reception(client, receptionist):
    client.force_login(receptionist)
    return client


def book(client, clinic, **typed):
    person = ClientFactory(clinic=clinic)
    values = {
        "clients": [person.pk],
        "therapist": TherapistFactory(clinic=clinic).pk,
        "service": ServiceFactory(clinic=clinic).pk,
        "day": "۱۴۰۵/۰۹/۰۷",
        "time": "۱۰:۳۰",
    }
    return client.post("/c/aramesh/sessions/new/", values | typed)


def the_session(clinic):
    return Session.objects.filter(clinic=clinic).latest("pk")


def staff(session, verb, **fields):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        return verb(session, now=NOW, **fields)


def test_a_room_that_is_taken_is_refused_and_says_by_whom(as_reception, clinic, taken, room):
    answer = book(as_reception, clinic, room=room.pk)
    assert errors_of(answer) == {
        "room": "مینا شریفی در آن ساعت با لیلا ناصری آنجا جلسه دارد، از ۱۰:۰۰ تا ۱۰:۵۰."
    }
    assert Session.objects.count() == 1


@pytest.mark.parametrize("state", ["cancelled", "no_show", "attended"])
def test_a_room_that_was_given_back_is_free(as_reception, clinic, taken, room, state):
    type(taken).objects.filter(pk=taken.pk).update(state=state)
    assert book(as_reception, clinic, room=room.pk).status_code == 302
    assert the_session(clinic).room == room


def test_right_after_another_the_room_is_free(as_reception, clinic, taken, room):
    assert book(as_reception, clinic, room=room.pk, time="10:50").status_code == 302


def test_where_nothing_is_chosen_the_therapist_sits_where_they_always_do(
    as_reception, clinic, room
):
    therapist = TherapistFactory(clinic=clinic)
    hours = {"weekday": 0, "begins": dt.time(9), "ends": dt.time(13), "room": room}
    WorkingHours.objects.create(clinic=clinic, therapist=therapist, **hours)
    book(as_reception, clinic, therapist=therapist.pk)
    assert the_session(clinic).room == room
    book(as_reception, clinic, therapist=therapist.pk, time="13:00")
    assert the_session(clinic).room is None


def test_an_online_session_takes_no_room(as_reception, clinic, room):
    therapist = TherapistFactory(clinic=clinic)
    hours = {"weekday": 0, "begins": dt.time(9), "ends": dt.time(13), "room": room}
    WorkingHours.objects.create(clinic=clinic, therapist=therapist, **hours)
    book(as_reception, clinic, therapist=therapist.pk, online_url="https://example.ir/meet")
    assert the_session(clinic).room is None


def test_another_clinics_room_is_no_choice(as_reception, clinic, other_clinic, room):
    foreign = Room.objects.create(clinic=other_clinic, name="اتاق ۹")
    assert list(errors_of(book(as_reception, clinic, room=foreign.pk))) == ["room"]


def test_a_clinic_without_rooms_is_not_asked(as_reception, clinic):
    assert 'name="room"' not in as_reception.get("/c/aramesh/sessions/new/").content.decode()


def test_a_move_keeps_the_room_unless_another_is_said(taken, room):
    moved = staff(taken, actions.move, starts_at=ELEVEN)
    assert moved.room_id == room.pk
    assert staff(taken, actions.move, starts_at=ELEVEN, room=None).room_id is None


def test_a_change_of_the_room_is_told_in_the_history_and_undone(as_reception, clinic, taken, room):
    other = Room.objects.create(clinic=clinic, name="اتاق ۳")
    staff(taken, actions.move, starts_at=TEN, room=other)
    page = as_reception.get(f"/c/aramesh/sessions/{taken.pk}/").content.decode()
    assert "از اتاق ۲ به اتاق ۳" in page
    assert staff(taken, actions.undo).room_id == room.pk


def test_today_can_be_seen_by_room(as_reception, clinic, taken, room):
    SessionFactory(clinic=clinic, starts_at=TEN, ends_at=TEN + FIFTY)
    page = as_reception.get("/c/aramesh/?day=1405-09-07&group=room").content.decode()
    assert f'id="group-{room.pk}">اتاق ۲</h2>' in page
    assert 'id="group-">بدون اتاق</h2>' in page


def test_without_rooms_today_offers_no_such_order(as_reception, clinic):
    SessionFactory(clinic=clinic, starts_at=TEN, ends_at=TEN + FIFTY)
    page = as_reception.get("/c/aramesh/?day=1405-09-07").content.decode()
    assert "group=room" not in page
