"""What a client may book alone is exactly what is free: against a plain reading of the same facts."""

import datetime as dt
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic import jalali
from clinic.models import TimeOff
from sessions_app.slots import BOOKED_AHEAD, NOTICE, bookable
from tests import factories
from tests.effort import examples
from tests.followup.clinics import tehran
from tests.sessions_app.client_links import a_room, receives

TZ = "Asia/Tehran"
#: A Saturday; the hours are of this day, and those of the Saturdays after it.
DAY = dt.date(2026, 11, 28)
MIDNIGHT = tehran("2026-11-28 00:00")
QUARTER, WEEK = dt.timedelta(minutes=15), dt.timedelta(days=7)


def at(minutes):
    return MIDNIGHT + dt.timedelta(minutes=minutes)


def clock(minutes):
    return f"{minutes // 60:02}:{minutes % 60:02}"


def touches(start, end, others):
    return any(start < theirs_end and theirs < end for theirs, theirs_end in others)


minutes = st.integers(7 * 60, 20 * 60)
stretches = st.tuples(minutes, st.integers(5, 239)).map(lambda it: (it[0], it[0] + it[1]))
#: Of whom a session takes the time: the therapist, somebody in the room, the client elsewhere.
takers = st.sampled_from(["therapist", "room", "client", "nobody"])
states = st.sampled_from(["scheduled", "confirmed", "arrived", "cancelled", "no_show"])


@effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    hours=stretches,
    length=st.integers(5, 120),
    taken=st.lists(st.tuples(stretches, takers, states), max_size=4),
    away=st.none() | stretches,
    now=st.integers(-600, 20 * 60),
)
def test_a_start_can_be_booked_if_and_only_if_everything_is_free(
    clinic, hours, length, taken, away, now
):
    with transaction.atomic():
        facts = _arrange(clinic, hours, length, taken, away)
        choice = bookable(*facts["whom"], now=at(now), tz=TZ)
        _judge(choice, hours, dt.timedelta(minutes=length), facts["busy"], at(now))
        transaction.set_rollback(True)


def _arrange(clinic, hours, length, taken, away):
    therapist, client = (
        factories.TherapistFactory(clinic=clinic),
        factories.ClientFactory(clinic=clinic),
    )
    service = factories.ServiceFactory(clinic=clinic, duration_minutes=length)
    room = a_room(clinic)
    receives(therapist, begins=clock(hours[0]), ends=clock(hours[1]), room=room)
    busy = []
    for (begins, ends), whose, state in taken:
        start, end = at(begins), at(ends)
        gives_back = state in ("cancelled", "no_show")
        if touches(start, end, busy):
            continue
        factories.SessionFactory(
            clinic=clinic,
            starts_at=start,
            ends_at=end,
            state=state,
            **{"therapist": therapist} if whose == "therapist" else {},
            **{"room": room} if whose == "room" else {},
            clients=[client] if whose == "client" else [factories.ClientFactory(clinic=clinic)],
        )
        if whose != "nobody" and not gives_back:
            busy.append((start, end))
    if away:
        start, end = map(at, away)
        TimeOff.objects.create(
            clinic=clinic, therapist=therapist, starts_at=start, ends_at=end, created_at=MIDNIGHT
        )
        busy.append((start, end))
    return {"whom": (therapist, service, client), "busy": busy}


def _judge(choice, hours, length, busy, now):
    opens, closes = map(at, hours)
    horizon = jalali.local_day(now + NOTICE, TZ) + dt.timedelta(days=BOOKED_AHEAD)

    def is_free(start, week):
        inside = opens + week <= start and start + length <= closes + week
        in_time = start >= now + NOTICE and jalali.local_day(start, TZ) <= horizon
        return inside and in_time and not touches(start, start + length, busy)

    for weeks in range(5):
        week = weeks * WEEK
        for quarter in range(96):
            start = MIDNIGHT + week + quarter * QUARTER
            assert (choice.place_of(start) is not None) is is_free(start, week), start
            assert choice.place_of(start + dt.timedelta(minutes=1)) is None
    for day, starts in choice.days.items():
        assert starts == sorted(starts)
        assert all(jalali.local_day(start, TZ) == day for start in starts)
        assert all(choice.place_of(start) for start in starts)
        assert all(a + length <= b for a, b in pairwise(starts))
    # Nor is a day with a free quarter left out.
    free_days = {
        jalali.local_day(start, TZ)
        for weeks in range(5)
        for quarter in range(96)
        if is_free(start := MIDNIGHT + weeks * WEEK + quarter * QUARTER, weeks * WEEK)
    }
    assert set(choice.days) == free_days


def test_two_stretches_side_by_side_keep_their_own_rooms(clinic):
    therapist, client = (
        factories.TherapistFactory(clinic=clinic),
        factories.ClientFactory(clinic=clinic),
    )
    service = factories.ServiceFactory(clinic=clinic)
    morning, noon = a_room(clinic, "یک"), a_room(clinic, "دو")
    receives(therapist, begins="09:00", ends="12:00", room=morning)
    receives(therapist, begins="12:00", ends="15:00", room=noon)
    choice = bookable(therapist, service, client, now=MIDNIGHT, tz=TZ)
    rooms = [choice.place_of(tehran(f"2026-11-28 {it}")) for it in ("09:00", "11:00", "12:00")]
    assert [place.room_id for place in rooms] == [morning.pk, morning.pk, noon.pk]
    assert choice.place_of(tehran("2026-11-28 11:30")) is None


def test_a_room_that_is_switched_off_is_not_asked_for(clinic):
    therapist, client = (
        factories.TherapistFactory(clinic=clinic),
        factories.ClientFactory(clinic=clinic),
    )
    room = a_room(clinic)
    room.active = False
    room.save()
    receives(therapist, room=room)
    choice = bookable(
        therapist, factories.ServiceFactory(clinic=clinic), client, now=MIDNIGHT, tz=TZ
    )
    assert choice.place_of(tehran("2026-11-28 09:00")).room_id is None


@pytest.mark.parametrize("count", [8, 9, 40])
def test_of_a_day_no_more_than_eight_are_shown_and_all_can_be_booked(clinic, count):
    therapist, client = (
        factories.TherapistFactory(clinic=clinic),
        factories.ClientFactory(clinic=clinic),
    )
    service = factories.ServiceFactory(clinic=clinic, duration_minutes=15)
    receives(therapist, begins="07:00", ends=clock(7 * 60 + 15 * count))
    choice = bookable(therapist, service, client, now=MIDNIGHT, tz=TZ)
    assert len(choice.days[DAY]) == 8
    assert choice.place_of(at(7 * 60 + 15)) is not None
