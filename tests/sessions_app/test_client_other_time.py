"""Another time for a session: wished for in words, or chosen of those that are free."""

import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from clinic.models import WorkingHours
from clinic.tenancy import Hat, wear
from clinic.text import clean
from sessions_app import actions, care_tasks
from sessions_app.models import CareTask
from tests import factories
from tests.effort import examples
from tests.sessions_app.client_links import (
    DAY,
    HOUR,
    NOW,
    text_of,
)
from tests.sessions_app.session_page import (
    ANOTHER,
    CANNOT,
    COME,
    Kind,
    act,
    buttons,
    staff,
    standing,
    tasks,
)

pytestmark = pytest.mark.usefixtures("clock")


# -- Another time ------------------------------------------------------------------------------


def test_a_wish_is_a_task_and_the_session_stands(phone, session, person, path):
    wish = {"days": ["0", "2"], "parts": ["evening"], "note": "بعد از ساعت ۵"}
    assert act(phone, path, "another", **wish).status_code == 303
    assert standing(session) == ("scheduled", "")
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.session, task.due_at) == (
        Kind.RESCHEDULE,
        person,
        session,
        NOW,
    )
    assert task.text == "وقت دیگری می‌خواهد: شنبه، دوشنبه، عصر و شب.\nبعد از ساعت ۵"
    page = phone.get(path)
    assert "درخواست وقت دیگر به پذیرش رسید" in text_of(page)
    assert buttons(page) == [COME, CANNOT, ANOTHER]


def test_a_wish_without_a_word_is_a_wish(phone, path):
    act(phone, path, "another")
    assert tasks() == [(Kind.RESCHEDULE, "وقت دیگری می‌خواهد؛ هر زمانی که باشد.")]


def test_a_wish_from_the_english_page_is_read_in_persian(phone, path):
    act(phone, f"{path}?lang=en", "another", days=["5"], note="after five")
    assert tasks() == [(Kind.RESCHEDULE, "وقت دیگری می‌خواهد: پنجشنبه.\nafter five")]


def test_the_same_wish_twice_is_one(phone, path):
    for _ in range(2):
        act(phone, path, "another", days=["0"])
    assert len(tasks()) == 1


def test_another_wish_replaces_the_first(phone, path):
    act(phone, path, "another", days=["0"])
    act(phone, path, "another", days=["1"])
    assert tasks() == [(Kind.RESCHEDULE, "وقت دیگری می‌خواهد: یکشنبه.")]


@pytest.mark.parametrize("days", [["0"], ["1"]], ids=["the same", "another"])
def test_a_wish_after_an_answer_is_a_wish_again(phone, session, path, days, clock):
    act(phone, path, "another", days=["0"])
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        care_tasks.attempt(CareTask.objects.get(), CareTask.Outcome.DONE, now=NOW)
    assert "به پذیرش رسید" not in text_of(phone.get(path))
    clock.shift(HOUR)
    act(phone, path, "another", days=days)
    task = CareTask.objects.get()
    assert (task.closed_at, task.outcome) == (None, "")
    assert "به پذیرش رسید" in text_of(phone.get(path))


def test_a_move_answers_the_wish(phone, session, path):
    act(phone, path, "another")
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW + HOUR)
    assert CareTask.objects.get().outcome == "booked"
    assert "به پذیرش رسید" not in text_of(phone.get(path))


def test_a_wish_that_was_written_before_a_move_is_not_lost(phone, session, path):
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW)
    assert act(phone, path, "another", revision="1", note="شنبه").status_code == 303
    assert tasks()[0][1].endswith("شنبه")


@pytest.mark.parametrize(
    "wrong",
    [{"days": ["6"]}, {"days": ["x"]}, {"parts": ["night"]}, {"note": "آ" * 301}],
    ids=["Friday", "no day", "no part", "too long"],
)
def test_a_wish_that_is_none_is_refused_beside_the_open_form(phone, path, wrong):
    page = act(phone, path, "another", **wrong)
    assert page.status_code == 422
    assert '<details class="act-more" name="acts" open>' in page.content.decode()
    assert tasks() == []


def test_a_long_note_comes_back_with_its_error(phone, path):
    body = act(phone, path, "another", note="آ" * 301).content.decode()
    assert "آ" * 301 in body
    assert 'aria-describedby="note-error"' in body


@hypothesis_settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(note=st.text(max_size=320))
def test_any_note_is_kept_cleaned_or_refused(phone, path, note):
    CareTask.objects.all().delete()
    page = act(phone, path, "another", note=note.encode("utf-8", "replace").decode())
    if page.status_code == 303:
        first, _, kept = CareTask.objects.get().text.partition("\n")
        assert first == "وقت دیگری می‌خواهد؛ هر زمانی که باشد."
        assert kept == clean(note.strip(), lines=True)
    else:
        assert page.status_code == 422
        assert len(note.replace("\n", "\r\n")) > 300 or "\x00" in note


# -- Another time, of those that are free --------------------------------------------------------

NINE = "2026-11-25T09:00:00+03:30"


@pytest.fixture
def hours(session):
    """The therapist receives on Wednesdays from nine to one."""
    WorkingHours.objects.create(
        clinic=session.clinic,
        therapist=session.therapist,
        weekday=4,
        begins=dt.time(9),
        ends=dt.time(13),
    )


def offered(page):
    return re.findall(r'name="slots" value="(.*?)"', page.content.decode())


def test_the_therapists_free_times_are_offered(phone, path, hours):
    page = phone.get(path)
    assert [dt.datetime.fromisoformat(start).isoformat() for start in offered(page)] == [
        "2026-11-25T05:30:00+00:00",
        "2026-11-25T07:30:00+00:00",
        "2026-11-25T08:30:00+00:00",
        "2026-12-02T05:30:00+00:00",
        "2026-12-02T07:30:00+00:00",
        "2026-12-02T08:30:00+00:00",
    ]
    assert "چهارشنبه ۴ آذر، ساعت ۰۹:۰۰" in text_of(page)


def test_chosen_times_reach_reception_as_people_say_them(phone, path, hours):
    first, second, *_ = offered(phone.get(path))
    act(phone, path, "another", slots=[second, first], note="هرکدام شد")
    assert tasks() == [
        (
            Kind.RESCHEDULE,
            "وقت دیگری می‌خواهد: چهارشنبه ۴ آذر، ساعت ۰۹:۰۰، چهارشنبه ۴ آذر، ساعت ۱۱:۰۰.\nهرکدام شد",
        )
    ]


def test_a_time_that_was_taken_meanwhile_is_said_to_be(phone, path, hours, session):
    (first, *_) = offered(phone.get(path))
    start = dt.datetime.fromisoformat(first)
    factories.SessionFactory(
        clinic=session.clinic,
        therapist=session.therapist,
        starts_at=start,
        ends_at=start + dt.timedelta(minutes=30),
    )
    page = act(phone, path, "another", slots=[first])
    assert (page.status_code, tasks()) == (422, [])
    assert "یکی از این وقت‌ها همین حالا پر شد." in text_of(page)


def test_a_time_that_is_free_but_was_not_among_the_few_offered_counts(phone, path, hours):
    act(phone, path, "another", slots=["2026-11-25T06:35:00+00:00"])
    assert len(tasks()) == 1


@pytest.mark.parametrize("sent", ["x", "2026-11-25T09:00:00", "", "9" * 400, "\x00", NINE[:10]])
def test_what_is_no_time_of_ours_is_refused(phone, path, hours, sent):
    assert act(phone, path, "another", slots=[sent]).status_code == 422
    assert tasks() == []


def test_where_no_hours_are_known_only_days_are_asked_for(phone, path):
    page = phone.get(path).content.decode()
    assert ('name="slots"' in page, 'name="days"' in page) == (False, True)
