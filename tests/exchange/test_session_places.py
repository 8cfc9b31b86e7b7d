"""A sessions list against therapists and rooms: nobody is in two places, no room holds two."""

import datetime as dt

import pytest

from clinic.models import Room
from sessions_app.models import Session
from tests import factories
from tests.exchange.conftest import counts, reasons
from tests.exchange.lists import START, row


def test_double_bookings_are_refused_by_name(load, people, scope) -> None:
    therapist = factories.TherapistFactory(clinic=scope, name="ملکی")
    factories.SessionFactory(clinic=scope, therapist=therapist, starts_at=START, clients=people[2:])
    report = load(
        row("1", start="1405/09/06 18:00"),
        row("2", start="1405/09/07 10:00"),
        row("3", "102", start="1405/09/07 10:30"),
        row("4", "102", start="1405/09/07 10:45"),
        row("5", "102", start="1405/09/07 10:30", therapist="صادقی"),
        row("6", "102", start="1405/09/07 10:00", status="cancelled"),
    )
    assert counts(report, "created")["sessions"] == 4
    assert reasons(report) == [
        (2, "starts_at", "The therapist has another session then: Friday 6 Azar at 17:30."),
        (
            4,
            "starts_at",
            "The therapist has another session then, in row 3: Saturday 7 Azar at 10:00. If these clients come together, give both rows one session number.",
        ),
    ]


def test_recorded_history_may_overlap(load) -> None:
    report = load(
        row("1", start="1405/08/06 17:30", status="attended"),
        row("2", "102", start="1405/08/06 17:30", status="attended"),
    )
    assert counts(report, "created")["sessions"] == 2


def test_two_sessions_may_swap_their_times(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.session_save.in_batches", lambda rows: ([row] for row in rows))
    early, late = "1405/09/06 10:00", "1405/09/06 11:00"
    load(row("1", start=early), row("2", "102", start=late))
    report = load(row("1", start=late), row("2", "102", start=early))
    assert counts(report, "updated") == {"sessions": 2}
    assert report.rejected == []


def test_a_move_onto_another_session_is_refused_and_stays(load) -> None:
    load(row("1", start="1405/09/06 10:00"), row("2", "102", start="1405/09/06 11:00"))
    report = load(row("1", start="1405/09/06 11:15"))
    assert [entry[:2] for entry in reasons(report)] == [(2, "starts_at")]
    assert Session.objects.get(session_no="1").starts_at == dt.datetime(
        2026, 11, 27, 6, 30, tzinfo=dt.UTC
    )


def in_room(scope, *numbers):
    """These sessions in one room; with another therapist each, so that only the room is shared."""
    room = Room.objects.create(clinic=scope, name="اتاق ۲")
    Session.objects.filter(session_no__in=numbers).update(room=room)
    return room


def rooms():
    return dict(Session.objects.values_list("session_no", "room__name"))


def test_a_move_into_a_taken_room_moves_and_waits_for_another_room(load, scope) -> None:
    load(
        row("1", start="1405/09/06 10:00"),
        row("2", "102", start="1405/09/06 11:00", therapist="دیگری"),
    )
    in_room(scope, "1", "2")
    report = load(row("1", start="1405/09/06 11:15"), row("3", "103", start="1405/09/06 15:00"))
    assert (counts(report, "updated"), counts(report, "created")) == (
        {"sessions": 1},
        {"sessions": 1},
    )
    assert rooms() == {"1": None, "2": "اتاق ۲", "3": None}


def test_a_move_to_a_time_at_which_the_room_is_free_keeps_it(load, scope) -> None:
    load(row("1", start="1405/09/06 10:00"))
    in_room(scope, "1")
    load(row("1", start="1405/09/06 12:00"))
    assert rooms() == {"1": "اتاق ۲"}


def test_two_sessions_of_one_room_may_swap_their_times(load, scope, monkeypatch) -> None:
    monkeypatch.setattr("exchange.session_save.in_batches", lambda rows: ([row] for row in rows))
    early, late = "1405/09/06 10:00", "1405/09/06 11:00"
    load(row("1", start=early), row("2", "102", start=late, therapist="دیگری"))
    in_room(scope, "1", "2")
    report = load(row("1", start=late), row("2", "102", start=early, therapist="دیگری"))
    assert (counts(report, "updated"), rooms()) == (
        {"sessions": 2},
        {"1": "اتاق ۲", "2": "اتاق ۲"},
    )
