"""Several sessions at once: nothing is saved before every clash has been seen and solved."""

import datetime as dt
import re

import pytest

from clinic.models import Closure, Room
from sessions_app.models import Participant, Session, SessionChange
from tests import factories
from tests.followup.clinics import tehran
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

STEP_ONE, STEP_TWO = CLINIC + "sessions/new/", CLINIC + "sessions/new/series/"
FIFTY = dt.timedelta(minutes=50)
#: Sundays at half past five, weekly.
SUNDAYS = [tehran(f"{day} 17:30") for day in ("2026-11-22", "2026-11-29", "2026-12-06")]


@pytest.fixture
def asked(people):
    return {
        "clients": [people["my_client"].pk],
        "therapist": people["mine"].pk,
        "service": people["service"].pk,
        "day": "۱۴۰۵/۰۹/۰۱",
        "time": "۱۷:۳۰",
        "repeat": "1",
        "times": "۳",
        "tell": "on",
    }


def taken(clinic, people, start, **fields):
    client = factories.ClientFactory(clinic=clinic, first_name="لیلا", last_name="ناصری")
    values = {"therapist": people["mine"], "clients": [client], "ends_at": start + FIFTY} | fields
    return factories.SessionFactory(clinic=clinic, starts_at=start, **values)


def rows_of(page):
    """(ticked, day, time) of each row, as the form would send them."""
    html = html_of(page)
    days = re.findall(r'name="day\d+" value="(.*?)"', html)
    times = re.findall(r'name="time\d+" value="(.*?)"', html)
    ticks = [
        " checked" in it for it in re.findall(r'<input type="checkbox" name="keep\d+".*?>', html)
    ]
    return list(zip(ticks, days, times, strict=True))


def sent(asked, page, **changed):
    """What the browser posts from the second step."""
    values = dict(asked)
    for n, (ticked, day, time) in enumerate(rows_of(page)):
        values |= {f"day{n}": day, f"time{n}": time} | ({f"keep{n}": "on"} if ticked else {})
    return values | changed


def starts():
    return list(Session.objects.order_by("starts_at").values_list("starts_at", flat=True))


def test_the_first_step_saves_nothing_and_shows_every_session(as_reception, people, asked):
    page = as_reception.post(STEP_ONE, asked)
    assert rows_of(page) == [
        (True, "۱۴۰۵/۰۹/۰۱", "۱۷:۳۰"),
        (True, "۱۴۰۵/۰۹/۰۸", "۱۷:۳۰"),
        (True, "۱۴۰۵/۰۹/۱۵", "۱۷:۳۰"),
    ]
    assert not Session.objects.exists()


def test_every_two_weeks(as_reception, people, asked):
    page = as_reception.post(STEP_ONE, asked | {"repeat": "2", "times": "2"})
    assert [day for _, day, _ in rows_of(page)] == ["۱۴۰۵/۰۹/۰۱", "۱۴۰۵/۰۹/۱۵"]


def test_all_are_booked_and_only_the_first_is_told(as_reception, receptionist, people, asked):
    page = as_reception.post(STEP_ONE, asked)
    answer = as_reception.post(STEP_TWO, sent(asked, page), follow=True)
    assert answer.redirect_chain == [(CLINIC + "calendar/week/?week=1405-09-01", 302)]
    assert notices_of(answer) == ["۳ جلسه ثبت شد؛ اولی یکشنبه ۱ آذر، ساعت ۱۷:۳۰."]
    assert starts() == SUNDAYS
    assert set(Participant.objects.values_list("client", flat=True)) == {people["my_client"].pk}
    told = SessionChange.objects.order_by("session__starts_at").values_list("kind", "tell", "by")
    assert list(told) == [("booked", n == 0, receptionist.pk) for n in range(3)]


def test_untold_means_none_is_told(as_reception, people, asked):
    del asked["tell"]
    page = as_reception.post(STEP_ONE, asked)
    as_reception.post(STEP_TWO, sent(asked, page))
    assert not SessionChange.objects.filter(tell=True).exists()


def test_a_clash_is_named_and_not_ticked(as_reception, clinic, people, asked):
    taken(clinic, people, SUNDAYS[1])
    page = as_reception.post(STEP_ONE, asked)
    assert [ticked for ticked, _, _ in rows_of(page)] == [True, False, True]
    assert "در این زمان با لیلا ناصری جلسه دارد، از ۱۷:۳۰ تا ۱۸:۲۰." in text_of(page)


def test_what_is_left_out_is_not_booked(as_reception, clinic, people, asked):
    there = taken(clinic, people, SUNDAYS[1])
    page = as_reception.post(STEP_ONE, asked)
    as_reception.post(STEP_TWO, sent(asked, page))
    booked = Session.objects.exclude(pk=there.pk).order_by("starts_at")
    assert [s.starts_at for s in booked] == [SUNDAYS[0], SUNDAYS[2]]


def test_a_clash_is_solved_by_another_time(as_reception, clinic, people, asked):
    there = taken(clinic, people, SUNDAYS[1])
    page = as_reception.post(STEP_ONE, asked)
    solved = {"keep1": "on", "day1": "۱۴۰۵/۰۹/۰۹", "time1": "۱۶:۰۰"}
    as_reception.post(STEP_TWO, sent(asked, page, **solved))
    booked = Session.objects.exclude(pk=there.pk).order_by("starts_at")
    assert [s.starts_at for s in booked] == [SUNDAYS[0], tehran("2026-11-30 16:00"), SUNDAYS[2]]


@pytest.mark.parametrize("state", ["cancelled", "attended", "no_show"])
def test_what_takes_no_time_is_no_clash(as_reception, clinic, people, asked, state):
    taken(clinic, people, SUNDAYS[1], state=state)
    assert all(ticked for ticked, _, _ in rows_of(as_reception.post(STEP_ONE, asked)))


def test_a_room_that_is_taken_clashes_too(as_reception, clinic, people, asked):
    room = Room.objects.create(clinic=clinic, name="اتاق ۲")
    taken(clinic, people, SUNDAYS[2], therapist=people["hers"], room=room)
    page = as_reception.post(STEP_ONE, asked | {"room": room.pk})
    assert [ticked for ticked, _, _ in rows_of(page)] == [True, True, False]
    assert "آنجا جلسه دارد" in text_of(page)


def test_a_closed_day_is_said_and_allowed(as_reception, clinic, people, asked):
    day = dt.date(2026, 11, 29)
    Closure.objects.create(clinic=clinic, name="کارگاه", first_day=day, last_day=day)
    page = as_reception.post(STEP_ONE, asked)
    assert "کارگاه" in text_of(page)
    as_reception.post(STEP_TWO, sent(asked, page))
    assert starts() == SUNDAYS


def test_a_clash_that_came_meanwhile_is_named_beside_its_row_and_nothing_is_booked(
    as_reception, clinic, people, asked
):
    page = as_reception.post(STEP_ONE, asked)
    there = taken(clinic, people, SUNDAYS[2])
    answer = as_reception.post(STEP_TWO, sent(asked, page))
    assert (answer.status_code, list(errors_of(answer))) == (422, ["time2"])
    assert list(Session.objects.all()) == [there]


ROWS = {
    "a row without a day": ({"day1": ""}, ["day1"]),
    "a row without a time": ({"time1": ""}, ["day1"]),
    "a day that is none": ({"day1": "۱۴۰۵/۰۹/۳۲"}, ["day1"]),
    "a time that is none": ({"time1": "۲۵:۰۰"}, ["time1"]),
    "two on one another": ({"day1": "۱۴۰۵/۰۹/۰۱", "time1": "۱۸:۰۰"}, ["time1"]),
}


@pytest.mark.parametrize(("changed", "fields"), ROWS.values(), ids=ROWS)
def test_what_is_wrong_stands_under_its_row(as_reception, people, asked, changed, fields):
    page = as_reception.post(STEP_ONE, asked)
    answer = as_reception.post(STEP_TWO, sent(asked, page, **changed))
    assert (answer.status_code, list(errors_of(answer))) == (422, fields)
    assert not Session.objects.exists()


def test_nothing_ticked_is_nothing_to_book(as_reception, people, asked):
    answer = as_reception.post(STEP_TWO, asked)
    assert answer.status_code == 422
    assert "دست‌کم یک جلسه را علامت بزنید." in text_of(answer)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"times": ""}, "times"),
        ({"times": "۱"}, "times"),
        ({"times": "۲۷"}, "times"),
        ({"repeat": "3"}, "repeat"),
    ],
)
def test_how_often_must_be_said(as_reception, people, asked, changed, field):
    answer = as_reception.post(STEP_ONE, asked | changed)
    assert (answer.status_code, list(errors_of(answer))) == (422, [field])


def test_a_number_of_sessions_without_a_repetition_is_one_session(as_reception, people, asked):
    as_reception.post(STEP_ONE, asked | {"repeat": ""})
    assert starts() == SUNDAYS[:1]


@pytest.mark.parametrize(
    "broken", [{"therapist": "0"}, {"clients": []}, {"repeat": ""}, {"day": "?"}]
)
def test_a_second_step_whose_first_no_longer_holds_goes_back_to_it(
    as_reception, people, asked, broken
):
    page = as_reception.post(STEP_ONE, asked)
    answer = as_reception.post(STEP_TWO, sent(asked, page) | broken)
    assert answer.status_code == 422
    assert 'name="online_url"' in html_of(answer)
    assert not Session.objects.exists()


def test_all_of_it_is_undone_by_one_press(as_reception, people, asked):
    page = as_reception.post(STEP_ONE, asked)
    answer = as_reception.post(STEP_TWO, sent(asked, page), follow=True)
    as_reception.post(undo_of(answer).replace("&amp;", "&"))
    assert set(Session.objects.values_list("state", flat=True)) == {"cancelled"}


def test_another_clinics_client_cannot_be_booked(as_reception, other_clinic, people, asked):
    theirs = factories.ClientFactory(clinic=other_clinic)
    page = as_reception.post(STEP_ONE, asked)
    as_reception.post(STEP_TWO, sent(asked, page) | {"clients": [theirs.pk]})
    assert not Session.objects.exists()


def test_an_outsider_finds_nothing(as_outsider, people, asked):
    assert as_outsider.post(STEP_TWO, asked).status_code == 404


def test_a_therapist_may_not(as_therapist, people, asked):
    assert as_therapist.post(STEP_TWO, asked).status_code == 403


@pytest.mark.parametrize("rows", [2, 26])
def test_the_second_step_takes_the_same_queries_for_two_sessions_and_for_twenty_six(
    as_reception, people, asked, django_assert_num_queries, rows
):
    with django_assert_num_queries(18):
        as_reception.post(STEP_ONE, asked | {"times": str(rows)})
