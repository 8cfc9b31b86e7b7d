"""The calendar: where everything stands in the grid, what is seen of it, and what a drop would do."""

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from clinic import jalali
from clinic.hours import Span
from clinic.models import Room, TimeOff, WorkingHours
from panel.grid import Frame
from panel.templatetags.panel import phone
from tests import factories
from tests.followup.clinics import tehran
from tests.panel.screens import CLINIC, html_of, notices_of, text_of
from tools.calendar_rows import ROWS, stylesheet

NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
DAY_PAGE, WEEK = CLINIC + "calendar/", CLINIC + "calendar/week/"
TODAY = dt.date(2026, 11, 21)
SATURDAY, SUNDAY = 0, 1


def make(clinic, people, starts_at, who="mine", minutes=50, **fields):
    fields.setdefault("clients", [people["my_client" if who == "mine" else "her_client"]])
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people[who],
        service=people["service"],
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(minutes=minutes),
        **fields,
    )


def works(clinic, therapist, weekday=SATURDAY, begins=9, ends=17):
    WorkingHours.objects.create(
        clinic=clinic, therapist=therapist, weekday=weekday,
        begins=dt.time(begins), ends=dt.time(ends),
    )  # fmt: skip


def both(people):
    """The names of the two therapists, as they are sorted."""
    return [it.name for it in sorted((people["mine"], people["hers"]), key=lambda it: it.sort_key)]


def columns_of(response):
    """What stands over each column."""
    heads = re.findall(r'<div class="cal-head"><h2>(.*?)</h2>', html_of(response))
    return [re.sub(r"<[^>]*>", "", head).strip() for head in heads]


def column_of(response, title):
    pattern = r'<section class="cal-col[^>]*aria-label="([^"]*)">(.*?)</section>'
    found = {name.strip(): body for name, body in re.findall(pattern, html_of(response), re.DOTALL)}
    return found[title]


def blocks_of(html):
    """Each session's number, first row and rows."""
    found = re.findall(
        r'class="cal-block [^"]*at-(\d+) of-(\d+) [^"]*" href="[^"]*/sessions/(\d+)/"', html
    )
    return [(int(pk), int(at), int(rows)) for at, rows, pk in found]


def openings_of(html):
    return re.findall(r'class="cal-free[^>]*time=([\d:]+)', html)


# -- The grid ----------------------------------------------------------------------------------


def test_the_stylesheet_has_a_place_for_every_row():
    written = Path("panel/static/panel/calendar-rows.css").read_text()
    assert written == stylesheet()
    assert ROWS == 288


@pytest.mark.parametrize(
    ("starts", "ends", "shown"),
    [
        pytest.param((10, 0), (11, 0), (8, 20), id="an ordinary day"),
        pytest.param((7, 50), (8, 40), (7, 20), id="an early one"),
        pytest.param((19, 30), (20, 20), (8, 21), id="a late one"),
        pytest.param((19, 10), (20, 0), (8, 20), id="one that ends on the hour"),
        pytest.param((23, 30), (24, 20), (8, 24), id="one over midnight"),
    ],
)
def test_the_frame_holds_what_the_day_holds(starts, ends, shown):
    def at(hour, minute):
        return tehran("2026-11-21 00:00") + dt.timedelta(hours=hour, minutes=minute)

    frame = Frame.around([Span(at(*starts), at(*ends))], "Asia/Tehran")
    assert (frame.first, frame.last) == shown


@given(
    begins=st.integers(0, 24 * 60 - 1),
    minutes=st.integers(5, 12 * 60),
    first=st.integers(0, 12),
    last=st.integers(13, 24),
)
def test_every_session_has_a_place_within_the_frame(begins, minutes, first, last):
    frame = Frame(first, last, "Asia/Tehran")
    start = jalali.start_of_day(TODAY) + dt.timedelta(minutes=begins)
    at, rows = frame.place(Span(start, start + dt.timedelta(minutes=minutes)), TODAY)
    assert 0 <= at < frame.rows
    assert rows >= 1
    assert at + rows <= frame.rows


# -- The day -----------------------------------------------------------------------------------


def test_a_session_stands_at_its_time_in_its_therapists_column(as_reception, clinic, people):
    mine = make(clinic, people, tehran("2026-11-21 12:30"))
    hers = make(clinic, people, tehran("2026-11-21 08:00"), who="hers", minutes=90)
    response = as_reception.get(DAY_PAGE)
    assert columns_of(response) == both(people)
    assert blocks_of(column_of(response, people["mine"].name)) == [(mine.pk, 54, 10)]
    assert blocks_of(column_of(response, people["hers"].name)) == [(hers.pk, 0, 18)]


def test_what_overlaps_stands_beside_what_it_overlaps(as_reception, clinic, people):
    for n in range(2):
        make(clinic, people, tehran(f"2026-11-21 09:{10 * n:02}"), state="attended")
    html = html_of(as_reception.get(DAY_PAGE))
    assert re.findall(r"cal-block [^\"]* (lane-\d)", html) == ["lane-0", "lane-1"]


def test_a_cancelled_session_gives_its_place_back_and_is_listed_below(as_reception, clinic, people):
    gone = make(clinic, people, tehran("2026-11-21 12:00"), state="cancelled")
    response = as_reception.get(DAY_PAGE)
    assert blocks_of(html_of(response)) == []
    listed = re.search(
        r'<details class="cal-cancelled">.*?</details>', html_of(response), re.DOTALL
    )
    assert f"/sessions/{gone.pk}/" in listed[0]


def test_free_half_hours_are_offered_from_now_on_around_what_is_taken(as_reception, clinic, people):
    make(clinic, people, tehran("2026-11-21 11:20"))
    html = column_of(as_reception.get(DAY_PAGE), people["mine"].name)
    assert openings_of(html)[:4] == ["10:00", "10:30", "12:30", "13:00"]


def test_an_opening_leads_to_a_booking_that_knows_it(as_reception, clinic, people):
    html = column_of(as_reception.get(DAY_PAGE), people["mine"].name)
    address = re.search(r'class="cal-free[^>]*href="([^"]*time=12:30[^"]*)"', html)[1]
    page = html_of(as_reception.get(address.replace("&amp;", "&")))
    assert 'value="۱۲:۳۰"' in page
    assert f'<option value="{people["mine"].pk}" selected>' in page


def test_time_beside_the_working_hours_is_shaded(as_reception, clinic, people):
    works(clinic, people["mine"], begins=10, ends=16)
    html = column_of(as_reception.get(DAY_PAGE), people["mine"].name)
    assert re.findall(r'cal-shade at-(\d+) of-(\d+)"', html) == [("0", "24"), ("96", "48")]


def test_time_off_is_shaded_with_its_reason(as_reception, clinic, people, receptionist):
    TimeOff.objects.create(
        clinic=clinic, therapist=people["mine"], reason="کنگره", created_at=NOW,
        created_by=receptionist, starts_at=tehran("2026-11-21 12:00"),
        ends_at=tehran("2026-11-21 14:00"),
    )  # fmt: skip
    html = column_of(as_reception.get(DAY_PAGE), people["mine"].name)
    assert re.findall(r"at-(\d+) of-(\d+) is-away\"><span>(.*?)<", html) == [("48", "24", "کنگره")]


def test_who_does_not_work_on_the_day_has_no_column_until_asked_for(as_reception, clinic, people):
    works(clinic, people["mine"], weekday=SATURDAY)
    works(clinic, people["hers"], weekday=SUNDAY)
    assert columns_of(as_reception.get(DAY_PAGE)) == [people["mine"].name]
    everybody = as_reception.get(DAY_PAGE, {"all": "1"})
    assert columns_of(everybody) == both(people)


def test_who_does_not_work_on_the_day_but_has_a_session_has_a_column(as_reception, clinic, people):
    works(clinic, people["hers"], weekday=SUNDAY)
    make(clinic, people, tehran("2026-11-21 12:00"), who="hers")
    assert columns_of(as_reception.get(DAY_PAGE)) == both(people)


def test_sessions_of_a_therapist_who_left_stay_in_sight(as_reception, clinic, people):
    session = make(clinic, people, tehran("2026-11-21 12:00"))
    people["mine"].active = False
    people["mine"].save()
    html = column_of(as_reception.get(DAY_PAGE), people["mine"].name)
    assert blocks_of(html) == [(session.pk, 48, 10)]


def test_a_holiday_shades_the_day_and_says_its_name(as_reception, clinic, people):
    factories.ClosureFactory(clinic=clinic, first_day=TODAY, name="سفر کاری")
    html = column_of(as_reception.get(DAY_PAGE), people["mine"].name)
    assert "<p>سفر کاری</p>" in html
    assert re.findall(r'cal-shade at-(\d+) of-(\d+)"', html) == [("0", "144")]


def test_by_room_there_is_a_column_for_each_room_and_one_for_none(as_reception, clinic, people):
    blue = Room.objects.create(clinic=clinic, name="آبی")
    inside = make(clinic, people, tehran("2026-11-21 12:00"), room=blue)
    nowhere = make(clinic, people, tehran("2026-11-21 12:00"), who="hers")
    response = as_reception.get(DAY_PAGE, {"by": "room"})
    assert columns_of(response) == ["آبی", "بدون اتاق"]
    assert blocks_of(column_of(response, "آبی")) == [(inside.pk, 48, 10)]
    assert blocks_of(column_of(response, "بدون اتاق")) == [(nowhere.pk, 48, 10)]


def test_the_line_of_the_present_stands_on_today_only(as_reception, clinic, people):
    assert 'class="cal-now at-24"' in html_of(as_reception.get(DAY_PAGE))
    assert "cal-now" not in html_of(as_reception.get(DAY_PAGE, {"day": "1405-09-01"}))


def test_a_day_that_cannot_be_read_is_today(as_reception, people):
    assert notices_of(as_reception.get(DAY_PAGE, {"day": "?"})) == [
        "این تاریخ خوانده نشد؛ امروز را می‌بینید."
    ]


def test_only_what_is_still_to_come_can_be_dragged(as_reception, clinic, people):
    make(clinic, people, NOW - HOUR)
    ahead = make(clinic, people, NOW + HOUR)
    moves = re.findall(r'data-move="([^"]*)"', html_of(as_reception.get(DAY_PAGE)))
    assert moves == [f"{CLINIC}sessions/{ahead.pk}/move/ask/"]


def test_a_therapist_sees_their_own_column_and_moves_nothing(as_therapist, clinic, people):
    make(clinic, people, NOW + HOUR)
    make(clinic, people, NOW + HOUR, who="hers")
    for page in (DAY_PAGE, DAY_PAGE + "?by=room"):
        response = as_therapist.get(page)
        assert columns_of(response) == [people["mine"].name]
        assert "data-move" not in html_of(response)
        assert openings_of(html_of(response)) == []


# -- The week ----------------------------------------------------------------------------------


def slots_of(response):
    return [
        int(pk) for pk in re.findall(r'class="slot[^"]*" href="[^"]*/(\d+)/"', html_of(response))
    ]


def test_the_week_begins_on_saturday_and_ends_with_friday(as_reception, clinic, people):
    saturday = tehran("2026-11-21 00:00")
    first = make(clinic, people, saturday)
    last = make(clinic, people, saturday + 7 * DAY - HOUR)
    make(clinic, people, saturday - HOUR)
    make(clinic, people, saturday + 7 * DAY)
    response = as_reception.get(WEEK)
    assert slots_of(response) == [first.pk, last.pk]
    days = re.findall(r'<h2><a href="[^"]*day=([\d-]+)"', html_of(response))
    assert days == [
        *("1405-08-30", "1405-09-01", "1405-09-02", "1405-09-03"),
        *("1405-09-04", "1405-09-05", "1405-09-06"),
    ]


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        pytest.param("1405/09/03", "1405-08-23", "1405-09-07", id="a day inside"),
        pytest.param("1405-01-01", "1404-12-23", "1405-01-08", id="new year"),
        pytest.param("1403-12-30", "1403-12-18", "1404-01-02", id="leap year"),
    ],
)
def test_the_weeks_beside_it(as_reception, clinic, asked, before, after):
    html = html_of(as_reception.get(WEEK, {"week": asked}))
    links = re.findall(r'href="\?week=([\d-]+)" rel', html)
    assert links == [before, after]


def test_the_week_of_all_is_a_list_and_of_one_a_grid(as_reception, clinic, people):
    mine, hers = (make(clinic, people, NOW + DAY, who=who) for who in ("mine", "hers"))
    assert slots_of(as_reception.get(WEEK)) == [mine.pk, hers.pk]
    response = as_reception.get(WEEK, {"therapist": people["hers"].pk})
    assert blocks_of(column_of(response, "یکشنبه ۱ آذر")) == [(hers.pk, 24, 10)]
    assert slots_of(as_reception.get(WEEK, {"therapist": "nonsense"})) == [mine.pk, hers.pk]


def test_a_therapist_sees_their_own_week_as_a_grid(as_therapist, clinic, people):
    mine, _hers = (make(clinic, people, NOW + DAY, who=who) for who in ("mine", "hers"))
    response = as_therapist.get(WEEK, {"therapist": people["hers"].pk})
    assert [pk for pk, _at, _rows in blocks_of(html_of(response))] == [mine.pk]


def test_a_week_that_cannot_be_read_is_the_present_one(as_reception, clinic):
    response = as_reception.get(WEEK, {"week": "?"})
    assert notices_of(response) == ["این تاریخ خوانده نشد؛ هفته‌ی جاری را می‌بینید."]


# -- Before a drop is carried out --------------------------------------------------------------


def ask(browser, session, **wanted):
    return browser.get(f"{CLINIC}sessions/{session.pk}/move/ask/", wanted)


def hidden_of(response):
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html_of(response)))


def notes_of(response):
    form = re.search(r'<form id="confirm".*?</form>', html_of(response), re.DOTALL)[0]
    found = re.findall(r'class="notice notice-(\w+)[^"]*"[^>]*>.*?<div>(.*?)</div>', form)
    return [note for note in found if note[0] in ("red", "amber")]


@pytest.fixture
def dragged(clinic, people):
    return make(clinic, people, tehran("2026-11-22 12:00"))


def test_a_drop_asks_whether_the_client_is_told(as_reception, dragged, people):
    response = ask(as_reception, dragged, day="1405-09-02", time="16:30")
    assert hidden_of(response) | {"csrfmiddlewaretoken": "", "next": ""} == {
        "csrfmiddlewaretoken": "", "next": "", "day": "۱۴۰۵/۰۹/۰۲", "time": "۱۶:۳۰",
        "duration": "50", "therapist": str(people["mine"].pk), "room": "",
    }  # fmt: skip
    assert "دوشنبه ۲ آذر، ساعت ۱۶:۳۰ تا ۱۷:۲۰" in text_of(response)
    assert 'name="tell" value="on"' in html_of(response)
    assert notes_of(response) == []


def test_asking_changes_nothing(as_reception, dragged):
    ask(as_reception, dragged, day="1405-09-02", time="16:30")
    dragged.refresh_from_db()
    assert (dragged.starts_at, dragged.revision) == (tehran("2026-11-22 12:00"), 1)


def test_what_is_asked_is_carried_out_by_the_form_of_the_move(as_reception, dragged, people):
    values = hidden_of(ask(as_reception, dragged, duration="80", therapist=people["hers"].pk))
    as_reception.post(f"{CLINIC}sessions/{dragged.pk}/move/", values)
    dragged.refresh_from_db()
    assert (dragged.duration, dragged.therapist) == (dt.timedelta(minutes=80), people["hers"])
    assert dragged.starts_at == tehran("2026-11-22 12:00")


def test_a_clash_is_told_and_cannot_be_carried_out(as_reception, clinic, dragged, people):
    other = factories.ClientFactory(clinic=clinic, first_name="نگار", last_name="پارسا")
    make(clinic, people, tehran("2026-11-23 16:00"), clients=[other])
    response = ask(as_reception, dragged, day="1405-09-02", time="16:30")
    (kind, words), = notes_of(response)  # fmt: skip
    assert kind == "red"
    assert "نگار پارسا" in words
    assert '<button class="btn btn-primary"' not in html_of(response)


@pytest.mark.parametrize(
    ("day", "time", "said"),
    [
        pytest.param("1405-09-06", "10:00", "جمعه", id="Friday"),
        pytest.param("1405-09-08", "18:30", "بیرون از ساعت‌های کاری", id="beside the hours"),
        pytest.param("1405-09-15", "10:00", "نیست", id="time off"),
        pytest.param("1405-08-30", "09:00", "گذشته", id="the past"),
    ],
)
def test_what_is_unusual_is_told(
    as_reception, clinic, dragged, people, receptionist, day, time, said
):
    for weekday in range(6):
        works(clinic, people["mine"], weekday=weekday)
    TimeOff.objects.create(
        clinic=clinic, therapist=people["mine"], reason="", created_at=NOW, created_by=receptionist,
        starts_at=tehran("2026-12-06 00:00"), ends_at=tehran("2026-12-07 00:00"),
    )  # fmt: skip
    (kind, words), = notes_of(ask(as_reception, dragged, day=day, time=time))  # fmt: skip
    assert (kind, said in words) == ("amber", True)


@pytest.mark.parametrize(
    "wanted",
    [
        {"day": "nonsense"}, {"time": "25:00"}, {"duration": "0"}, {"therapist": "0"},
        {"therapist": "x"},
    ],
    ids=lambda wanted: "-".join(map(str, wanted.items())),
)  # fmt: skip
def test_what_is_no_time_or_place_is_refused(as_reception, dragged, wanted):
    assert ask(as_reception, dragged, **wanted).status_code == 400


def test_a_therapist_is_not_asked(as_therapist, dragged):
    assert ask(as_therapist, dragged, time="16:30").status_code == 403


def test_another_clinics_session_is_not_there(as_outsider, dragged):
    assert ask(as_outsider, dragged, time="16:30").status_code == 404
    for page in (DAY_PAGE, WEEK):
        assert as_outsider.get(page).status_code == 404


# -- What the pages cost -----------------------------------------------------------------------


def fill(clinic, people, rows):
    for n in range(rows):
        therapist = {**people, "mine": factories.TherapistFactory(clinic=clinic)}
        client = factories.ClientFactory(clinic=clinic)
        make(clinic, therapist, NOW + n * HOUR / 12, clients=[client])


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize(
    ("page", "queries"),
    [(DAY_PAGE, 19), (DAY_PAGE + "?by=room", 16), (WEEK, 15)],
    ids=["day", "rooms", "week"],
)
def test_a_page_takes_the_same_queries_for_one_session_and_for_thirty(
    as_reception, clinic, people, rows, page, queries, django_assert_num_queries
):
    fill(clinic, people, rows)
    with django_assert_num_queries(queries):
        as_reception.get(page)


@pytest.mark.parametrize("rows", [1, 30])
def test_the_week_of_one_takes_the_same_queries_for_one_session_and_for_thirty(
    as_reception, clinic, people, rows, django_assert_num_queries
):
    for n in range(rows):
        make(clinic, people, NOW + n * 2 * HOUR)
    with django_assert_num_queries(18):
        as_reception.get(WEEK, {"therapist": people["mine"].pk})


# -- On paper ----------------------------------------------------------------------------------


def rows_of(response):
    """The cells of each printed line, in order, with the therapist over them."""
    found = []
    for name, body in re.findall(
        r'<section class="paper">\s*<h2>(.*?)</h2>(.*?)</section>', html_of(response), re.DOTALL
    ):
        for row in re.findall(r"<tr>(.*?)</tr>", body.split("<tbody>")[1], re.DOTALL):
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
            found.append([name, *(re.sub(r"<[^>]*>", "", cell).strip() for cell in cells)])
    return found


def test_the_day_on_paper_names_who_comes_and_leaves_room_to_write(as_reception, clinic, people):
    make(clinic, people, tehran("2026-11-21 12:00"), who="hers")
    make(clinic, people, tehran("2026-11-21 11:00"))
    make(clinic, people, tehran("2026-11-21 16:00"), state="cancelled")
    rows = rows_of(as_reception.get(DAY_PAGE + "print/"))
    assert {name: when for name, when, *_rest in rows} == {
        people["mine"].name: "۱۱:۰۰ تا ۱۱:۵۰",
        people["hers"].name: "۱۲:۰۰ تا ۱۲:۵۰",
    }
    assert [row[-2:] for row in rows] == [["", ""]] * 2


def test_phones_stand_on_paper_only_when_asked_for(as_reception, clinic, people):
    make(clinic, people, tehran("2026-11-21 11:00"))
    shown = phone(people["my_client"].phone)
    assert shown not in text_of(as_reception.get(DAY_PAGE + "print/"))
    assert shown in text_of(as_reception.get(DAY_PAGE + "print/?phones=1"))


def test_a_therapist_prints_their_own_day_without_phones(as_therapist, clinic, people):
    make(clinic, people, tehran("2026-11-21 11:00"))
    make(clinic, people, tehran("2026-11-21 11:00"), who="hers")
    response = as_therapist.get(DAY_PAGE + "print/?phones=1")
    assert [name for name, *_rest in rows_of(response)] == [people["mine"].name]
    assert phone(people["my_client"].phone) not in text_of(response)


@pytest.mark.parametrize("rows", [1, 30])
def test_paper_takes_the_same_queries_for_one_session_and_for_thirty(
    as_reception, clinic, people, rows, django_assert_num_queries
):
    fill(clinic, people, rows)
    with django_assert_num_queries(13):
        assert len(rows_of(as_reception.get(DAY_PAGE + "print/"))) == rows
