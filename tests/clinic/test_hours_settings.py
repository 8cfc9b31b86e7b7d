"""A therapist's week and absences, as managers type them; and the clinic's rooms."""

import datetime as dt
import re
from html import unescape

import pytest
import time_machine

from clinic.models import Room, TimeOff, WorkingHours
from tests.factories import TherapistFactory
from tests.followup.clinics import tehran

NOON = tehran("2026-11-25 12:00")


@pytest.fixture
def as_manager(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture
def therapist(clinic):
    return TherapistFactory(clinic=clinic, name="نگار صادقی")


def page(therapist):
    return f"/c/aramesh/settings/therapists/{therapist.pk}/hours/"


def text_of(response):
    return unescape(response.content.decode())


def errors_of(response):
    found = re.findall(r'id="id_(\w+)_error">(.*?)</div></div>', text_of(response), re.DOTALL)
    return {name: re.sub(r"<[^>]*>", "", words).strip() for name, words in found}


def week(therapist):
    rows = WorkingHours.objects.filter(therapist=therapist)
    return [(r.weekday, f"{r.begins:%H:%M}", f"{r.ends:%H:%M}") for r in rows]


def save(client, therapist, **typed):
    return client.post(page(therapist), typed, follow=True)


MORNING = {"day0_0_begins": "۹:۰۰", "day0_0_ends": "13:00"}


def test_the_week_is_kept_as_typed(as_manager, therapist):
    evening = {
        "day0_1_begins": "۱۶:۳۰",
        "day0_1_ends": "۲۰:۰۰",
        "day3_0_begins": "۸:۰۰",
        "day3_0_ends": "۱۲:۰۰",
    }
    answer = save(as_manager, therapist, **MORNING, **evening)
    assert week(therapist) == [(0, "09:00", "13:00"), (0, "16:30", "20:00"), (3, "08:00", "12:00")]
    assert "ساعت‌های کاری «نگار صادقی» ذخیره شد." in text_of(answer)


def test_the_page_shows_what_is_kept(as_manager, therapist):
    save(as_manager, therapist, **MORNING)
    assert re.findall(
        r'name="day0_0_\w+" value="(.*?)"', text_of(as_manager.get(page(therapist)))
    ) == [*("۰۹:۰۰", "۱۳:۰۰")]


def test_an_emptied_row_is_a_free_day(as_manager, therapist):
    save(as_manager, therapist, **MORNING)
    save(as_manager, therapist, day1_0_begins="9:00", day1_0_ends="10:00")
    assert week(therapist) == [(1, "09:00", "10:00")]


WRONG = {
    "no end": (
        {"day0_0_begins": "9:00"},
        {"day0_0_ends": "هم ساعت شروع را بنویسید و هم ساعت پایان را."},
    ),
    "no beginning": (
        {"day0_0_ends": "9:00"},
        {"day0_0_begins": "هم ساعت شروع را بنویسید و هم ساعت پایان را."},
    ),
    "backwards": (
        {"day0_0_begins": "13:00", "day0_0_ends": "9:00"},
        {"day0_0_ends": "ساعت پایان بعد از ساعت شروع نیست."},
    ),
    "overlapping": (
        MORNING | {"day0_1_begins": "12:59", "day0_1_ends": "20:00"},
        {"day0_1_begins": "این بازه پیش از پایان بازه‌ی قبلی شروع می‌شود."},
    ),
    "no time": (
        {"day0_0_begins": "صبح", "day0_0_ends": "9:00"},
        {"day0_0_begins": "این ساعت نیست. این‌طور بنویسید: ۱۷:۳۰."},
    ),
}


@pytest.mark.parametrize(("typed", "errors"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_beside_its_field(as_manager, therapist, typed, errors):
    save(as_manager, therapist, day5_0_begins="9:00", day5_0_ends="10:00")
    assert errors_of(save(as_manager, therapist, **typed)) == errors
    assert week(therapist) == [(5, "09:00", "10:00")]


def test_a_stretch_may_have_its_room(as_manager, clinic, therapist):
    room = Room.objects.create(clinic=clinic, name="اتاق ۲")
    save(as_manager, therapist, **MORNING, day0_0_room=room.pk)
    assert WorkingHours.objects.get().room == room


def test_a_room_of_another_clinic_is_no_choice(as_manager, other_clinic, clinic, therapist):
    Room.objects.create(clinic=clinic, name="اتاق ۱")
    foreign = Room.objects.create(clinic=other_clinic, name="اتاق ۹")
    answer = save(as_manager, therapist, **MORNING, day0_0_room=foreign.pk)
    assert "اتاق ۹" not in text_of(answer)
    assert week(therapist) == []


def test_a_room_that_was_switched_off_is_kept_where_it_is(as_manager, clinic, therapist):
    room = Room.objects.create(clinic=clinic, name="اتاق ۲")
    save(as_manager, therapist, **MORNING, day0_0_room=room.pk)
    Room.objects.update(active=False)
    save(as_manager, therapist, **MORNING, day0_0_room=room.pk)
    assert WorkingHours.objects.get().room == room


def test_without_rooms_none_is_asked_for(as_manager, therapist):
    assert "day0_0_room" not in text_of(as_manager.get(page(therapist)))


# -- Away ---------------------------------------------------------------------------------------


def enter(client, therapist, **typed):
    return client.post(f"/c/aramesh/settings/therapists/{therapist.pk}/away/", typed, follow=True)


AWAY = [
    pytest.param(
        {"first_day": "۱۴۰۵/۰۹/۰۷"},
        ("2026-11-28 00:00", "2026-11-29 00:00", "شنبه ۷ آذر"),
        id="one day",
    ),
    pytest.param(
        {"first_day": "۱۴۰۵/۰۹/۰۷", "last_day": "۱۴۰۵/۰۹/۰۹"},
        ("2026-11-28 00:00", "2026-12-01 00:00", "شنبه ۷ آذر تا دوشنبه ۹ آذر"),
        id="some days",
    ),
    pytest.param(
        {"first_day": "۱۴۰۵/۰۹/۰۷", "begins": "۱۰:۰۰", "ends": "۱۲:۰۰"},
        ("2026-11-28 10:00", "2026-11-28 12:00", "شنبه ۷ آذر، ساعت ۱۰:۰۰ تا ۱۲:۰۰"),
        id="two hours",
    ),
    pytest.param(
        {"first_day": "۱۴۰۵/۰۹/۰۷", "last_day": "۱۴۰۵/۰۹/۰۸", "begins": "۱۰:۰۰", "ends": "۱۲:۰۰"},
        (
            "2026-11-28 10:00",
            "2026-11-29 12:00",
            "شنبه ۷ آذر، ساعت ۱۰:۰۰ تا یکشنبه ۸ آذر، ساعت ۱۲:۰۰",
        ),
        id="from one hour to another day's",
    ),
]


@pytest.mark.parametrize(("typed", "found"), AWAY)
@time_machine.travel(NOON, tick=False)
def test_an_absence_is_entered_and_listed(as_manager, therapist, typed, found):
    answer = enter(as_manager, therapist, reason="مرخصی", **typed)
    away = TimeOff.objects.get(therapist=therapist)
    starts, ends, words = found
    assert (away.starts_at, away.ends_at) == (tehran(starts), tehran(ends))
    assert f'<div class="title">{words}</div><div class="sub">مرخصی</div>' in text_of(answer)


@time_machine.travel(NOON, tick=False)
def test_an_absence_that_is_over_is_listed_no_more(as_manager, therapist):
    enter(as_manager, therapist, first_day="۱۴۰۵/۰۹/۰۳")
    assert TimeOff.objects.count() == 1
    assert '<div class="title">سه‌شنبه ۳ آذر</div>' not in text_of(as_manager.get(page(therapist)))


WRONG_AWAY = {
    "no day": ({}, "first_day"),
    "backwards": ({"first_day": "۱۴۰۵/۰۹/۰۷", "last_day": "۱۴۰۵/۰۹/۰۶"}, "last_day"),
    "years": ({"first_day": "۱۴۰۵/۰۹/۰۷", "last_day": "۱۴۰۷/۰۹/۰۶"}, "last_day"),
    "half a time": ({"first_day": "۱۴۰۵/۰۹/۰۷", "begins": "۱۰:۰۰"}, "ends"),
    "no length": ({"first_day": "۱۴۰۵/۰۹/۰۷", "begins": "۱۰:۰۰", "ends": "۱۰:۰۰"}, "ends"),
}


@pytest.mark.parametrize(("typed", "field"), WRONG_AWAY.values(), ids=WRONG_AWAY)
def test_an_absence_that_cannot_be_is_refused(as_manager, therapist, typed, field):
    assert list(errors_of(enter(as_manager, therapist, **typed))) == [field]
    assert not TimeOff.objects.exists()


@time_machine.travel(NOON, tick=False)
def test_an_absence_is_taken_back(as_manager, therapist):
    enter(as_manager, therapist, first_day="۱۴۰۵/۰۹/۰۷")
    away = TimeOff.objects.get()
    answer = as_manager.post(f"/c/aramesh/settings/away/{away.pk}/delete/", follow=True)
    assert not TimeOff.objects.exists()
    assert "غیبت «نگار صادقی» حذف شد: شنبه ۷ آذر." in text_of(answer)


def test_anothers_absence_is_not_found(as_manager, other_clinic):
    away = TimeOff.objects.create(
        clinic=other_clinic,
        therapist=TherapistFactory(clinic=other_clinic),
        starts_at=NOON,
        ends_at=NOON + dt.timedelta(hours=1),
        created_at=NOON,
    )
    answer = as_manager.post(f"/c/aramesh/settings/away/{away.pk}/delete/")
    assert (answer.status_code, TimeOff.objects.count()) == (404, 1)


# -- Rooms --------------------------------------------------------------------------------------


def test_a_room_is_entered_and_its_name_is_cleaned(as_manager, clinic):
    as_manager.post("/c/aramesh/settings/rooms/new/", {"name": " اتاق  بازي "})
    assert [room.name for room in Room.objects.filter(clinic=clinic)] == ["اتاق بازی"]


def test_two_rooms_of_one_name_are_refused(as_manager, clinic):
    Room.objects.create(clinic=clinic, name="اتاق بازی")
    answer = as_manager.post("/c/aramesh/settings/rooms/new/", {"name": "اتاق بازي"})
    assert errors_of(answer) == {"name": "اتاقی با این نام هست."}


def test_a_room_is_switched_off_and_on_again(as_manager, clinic):
    room = Room.objects.create(clinic=clinic, name="اتاق ۱")
    as_manager.post(f"/c/aramesh/settings/rooms/{room.pk}/off/")
    room.refresh_from_db()
    assert not room.active
    as_manager.post(f"/c/aramesh/settings/rooms/{room.pk}/on/")
    room.refresh_from_db()
    assert room.active


@pytest.mark.parametrize("rows", [1, 30])
def test_the_pages_cost_the_same_for_one_row_and_for_thirty(
    as_manager, clinic, therapist, django_assert_num_queries, rows
):
    for n in range(rows):
        Room.objects.create(clinic=clinic, name=f"اتاق {n}")
        TimeOff.objects.create(
            clinic=clinic,
            therapist=therapist,
            starts_at=NOON + dt.timedelta(days=400 + n),
            ends_at=NOON + dt.timedelta(days=401 + n),
            created_at=NOON,
        )
    with django_assert_num_queries(15):
        as_manager.get(page(therapist))
    with django_assert_num_queries(12):
        as_manager.get("/c/aramesh/settings/rooms/")
