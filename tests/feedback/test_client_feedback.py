"""The client's page of feedback: the form, its one answer, and what asks for a person."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from clinic.tenancy import Hat, wear
from clinic.text import clean
from feedback import actions
from feedback.actions import Answers, Closed, response_recorded
from feedback.models import Response
from messaging.models import Message
from sessions_app import care_tasks
from sessions_app.models import CareTask, ClientLink
from tests import factories
from tests.effort import examples
from tests.sessions_app.client_links import (
    DAY,
    HOUR,
    NOW,
    Purpose,
    attended,
    published,
    text_of,
    visitor,
)

pytestmark = pytest.mark.usefixtures("clock")

MINUTE = dt.timedelta(minutes=1)
HELP = "منتظر ما نمانید"
FULL = {
    "overall": "4",
    "heard": "4",
    "goals": "3",
    "approach": "2",
    "recommend": "9",
    "comment": "ممنون",
}


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def session(clinic, person):
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    return attended(clinic, person, days_ago=1, therapist=therapist)


@pytest.fixture
def path(session, person):
    return published(Purpose.FEEDBACK, session, person)


@pytest.fixture
def phone():
    return visitor()


@pytest.fixture
def heard():
    told = []

    def listen(response, is_new, now, **kwargs):
        told.append((response.overall, is_new, now))

    response_recorded.connect(listen)
    yield told
    response_recorded.disconnect(listen)


def task():
    return CareTask.objects.get()


# -- The form ----------------------------------------------------------------------------------


def test_the_form_says_about_what_who_reads_it_and_what_it_is_not_for(phone, path):
    page = text_of(phone.get(path))
    assert "جلسه‌ی جمعه ۲۹ آبان با خانم دکتر صادقی" in page
    assert "مدیر کلینیک و درمانگرتان نوشته‌ی شما را می‌خوانند" in page
    assert "این صفحه همان لحظه خوانده نمی‌شود" in page
    body = phone.get(path).content.decode()
    assert 'href="tel:123"' in body
    assert 'href="tel:115"' in body
    assert "NPS" not in body


def test_a_whole_answer_is_kept(phone, path, session, person):
    done = phone.post(path, FULL | {"call_me": "on"})
    assert (done.status_code, done["Location"]) == (303, path)
    response = Response.objects.get()
    assert (response.session, response.client) == (session, person)
    assert actions.answers_of(response) == Answers(4, 4, 3, 2, 9, "ممنون", call_me=True)
    assert (response.created_at, response.changed_at) == (NOW, NOW)
    link = ClientLink.objects.get()
    assert (link.answer, link.answered_at) == ("given", NOW)


def test_only_the_first_question_needs_an_answer(phone, path):
    assert phone.post(path, {"overall": "0"}).status_code == 303
    assert actions.answers_of(Response.objects.get()) == Answers(0)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"overall": ""},
        {"overall": "6"},
        {"overall": "-1"},
        {"overall": "x"},
        {"overall": "3", "heard": "5"},
        {"overall": "3", "goals": "-1"},
        {"overall": "3", "recommend": "11"},
        {"overall": "3", "comment": "آ" * 2001},
        {"overall": "3", "comment": "a\0b"},
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused_and_nothing_is_kept(phone, path, wrong):
    page = phone.post(path, wrong)
    assert page.status_code == 422
    assert "هنوز چیزی فرستاده نشده است" in text_of(page)
    assert not Response.objects.exists()


def test_a_refused_form_keeps_what_was_said(phone, path):
    body = phone.post(path, {"heard": "3", "comment": "حرف من", "call_me": "on"}).content.decode()
    assert "«نمی‌دانم» هم یک پاسخ است" in body
    assert '<input type="radio" name="heard" value="3" id="heard_1" checked>' in body
    assert "حرف من" in body
    assert 'name="call_me" checked' in body


def test_what_a_client_writes_stays_text(phone, path):
    phone.post(path, FULL | {"comment": "<b>سلام</b>"})
    body = phone.get(f"{path}?edit=1").content.decode()
    assert "&lt;b&gt;سلام&lt;/b&gt;" in body


@hypothesis_settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(comment=st.one_of(st.text(max_size=200), st.text("آبیaﷺ‌\n", max_size=2100)))
def test_any_comment_is_kept_cleaned_or_refused(phone, path, comment):
    Response.objects.all().delete()
    comment = comment.encode("utf-8", "replace").decode()
    page = phone.post(path, {"overall": "3", "comment": comment})
    if page.status_code == 303:
        kept = Response.objects.get().comment
        assert kept == clean(comment.strip(), lines=True)
    else:
        assert page.status_code == 422
        assert len(comment) > 2000 or "\x00" in comment


# -- One answer --------------------------------------------------------------------------------


def test_the_same_answer_twice_is_one_and_told_once(phone, path, heard, clock):
    for _ in range(2):
        assert phone.post(path, FULL).status_code == 303
        clock.shift(10)
    assert Response.objects.get().changed_at == NOW
    assert heard == [(4, True, NOW)]


def test_within_the_hour_the_same_form_comes_back_filled_in(phone, path, clock):
    phone.post(path, FULL | {"call_me": "on"})
    clock.move_to(NOW + HOUR - dt.timedelta(seconds=1))
    thanks = phone.get(path)
    assert "سپاس؛ به دستمان رسید" in text_of(thanks)
    assert 'href="?edit=1"' in thanks.content.decode()
    body = phone.get(f"{path}?edit=1").content.decode()
    for name, value in FULL.items():
        if name != "comment":
            assert f'name="{name}" value="{value}"' in body
            radio = body[body.index(f'name="{name}" value="{value}"') :]
            assert " checked" in radio[: radio.index(">")]
    assert ">ممنون</textarea>" in body
    assert 'name="call_me" checked' in body


def test_within_the_hour_the_answer_may_be_changed(phone, path, heard, clock):
    phone.post(path, FULL)
    clock.move_to(NOW + 59 * MINUTE)
    changed = FULL | {"overall": "5", "comment": ""}
    done = phone.post(f"{path}?edit=1", changed)
    assert (done.status_code, done["Location"]) == (303, path)
    response = Response.objects.get()
    assert (response.overall, response.comment) == (5, "")
    assert (response.created_at, response.changed_at) == (NOW, NOW + 59 * MINUTE)
    assert heard == [(4, True, NOW), (5, False, NOW + 59 * MINUTE)]


def test_after_the_hour_it_stands_and_the_page_says_nothing_of_it(phone, path, clock):
    phone.post(path, {"overall": "1", "comment": "خودکشی", "call_me": "on"})
    clock.move_to(NOW + HOUR)
    for address in (path, f"{path}?edit=1"):
        page = phone.get(address)
        assert page.status_code == 200
        assert "سپاس؛ به دستمان رسید" in text_of(page)
        assert "خودکشی" not in text_of(page)
        assert HELP not in text_of(page)
        assert "edit" not in page.content.decode()


def test_a_change_after_the_hour_is_refused_and_said_so(phone, path, heard, clock):
    phone.post(path, FULL)
    clock.move_to(NOW + HOUR)
    page = phone.post(path, FULL | {"overall": "1"})
    assert page.status_code == 409
    assert "آنچه الان نوشتید ثبت نشد" in text_of(page)
    assert Response.objects.get().overall == 4
    assert len(heard) == 1


def test_the_same_answer_after_the_hour_is_no_change(phone, path, clock):
    phone.post(path, FULL)
    clock.move_to(NOW + DAY)
    assert phone.post(path, FULL).status_code == 303


@pytest.mark.parametrize(
    ("age", "status"), [(30 * DAY - MINUTE, 200), (30 * DAY, 410)], ids=["29 days", "30 days"]
)
def test_a_form_waits_for_thirty_days(phone, path, clock, age, status):
    clock.move_to(NOW + age)
    page = phone.get(path)
    assert page.status_code == status
    done = phone.post(path, FULL)
    assert done.status_code == (303 if status == 200 else 410)
    assert Response.objects.exists() == (status == 200)
    if status == 410:
        assert "این فرم سی روز باز بود" in text_of(page)
        assert "این فرم سی روز باز بود" in text_of(done)


def test_an_answer_given_in_time_is_thanked_for_after_thirty_days_too(phone, path, clock):
    phone.post(path, FULL)
    clock.move_to(NOW + 100 * DAY)
    assert "سپاس؛ به دستمان رسید" in text_of(phone.get(path))


def test_an_answer_begun_in_the_last_minute_may_be_changed_for_its_hour(phone, path, clock):
    clock.move_to(NOW + 30 * DAY - MINUTE)
    phone.post(path, FULL)
    clock.move_to(NOW + 30 * DAY + 30 * MINUTE)
    assert phone.post(path, FULL | {"overall": "5"}).status_code == 303


def test_each_of_two_clients_answers_for_themselves(phone, clinic):
    people = [factories.ClientFactory(clinic=clinic) for _ in range(2)]
    session = factories.SessionFactory(
        clinic=clinic, clients=people, starts_at=NOW - DAY, state="attended"
    )
    for who, overall in zip(people, "51", strict=True):
        phone.post(published(Purpose.FEEDBACK, session, who), {"overall": overall})
    said = dict(Response.objects.values_list("client", "overall"))
    assert said == {people[0].pk: 5, people[1].pk: 1}


# -- What asks for a person --------------------------------------------------------------------

REASONS = {
    "very poor": ({"overall": "1"}, "نظر کلی درباره‌ی جلسه: خیلی بد."),
    "poor": ({"overall": "2"}, "نظر کلی درباره‌ی جلسه: بد."),
    "hardly heard": ({"heard": "1"}, "همراهی با درمانگر برایش خوب پیش نمی‌رود."),
    "no common goal": ({"goals": "0"}, "همراهی با درمانگر برایش خوب پیش نمی‌رود."),
    "wrong way": ({"approach": "1"}, "همراهی با درمانگر برایش خوب پیش نمی‌رود."),
    "call me": ({"call_me": "on"}, "خواسته است با او تماس بگیرید."),
    "worrying": (
        {"comment": "به خودکشی فکر می‌کنم"},
        "واژه‌هایی در آن هست که باید همین حالا خوانده شوند.\nبه خودکشی فکر می‌کنم",
    ),
    "all of it": (
        {"overall": "1", "heard": "0", "call_me": "on", "comment": "نشد"},
        (
            "خواسته است با او تماس بگیرید.\nنظر کلی درباره‌ی جلسه: خیلی بد.\n"
            "همراهی با درمانگر برایش خوب پیش نمی‌رود.\nنشد"
        ),
    ),
}


@pytest.mark.parametrize(("said", "text"), REASONS.values(), ids=REASONS)
def test_what_asks_for_a_person_is_a_task_and_never_a_text(
    phone, path, session, person, said, text
):
    phone.post(path, {"overall": "4"} | said)
    made = task()
    assert (made.kind, made.client, made.session, made.due_at, made.text) == (
        CareTask.Kind.FEEDBACK,
        person,
        session,
        NOW,
        text,
    )
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "said",
    [
        {"overall": "0"},
        {"overall": "3"},
        {"overall": "5", "heard": "2", "goals": "2", "approach": "2", "recommend": "0"},
        {"overall": "5", "comment": "ممنون"},
    ],
    ids=["does not know", "so-so", "partly", "thanks"],
)
def test_what_asks_for_nobody_is_no_task(phone, path, said):
    phone.post(path, said)
    assert not CareTask.objects.exists()


@pytest.mark.parametrize(
    ("said", "waits"),
    [({"overall": "1"}, True), ({"overall": "4", "comment": "می‌خوام بمیرم"}, False)],
    ids=["poor", "worrying"],
)
def test_worrying_words_do_not_wait_for_the_morning(phone, path, clock, said, waits):
    night = NOW + 13 * HOUR  # 23:00
    clock.move_to(night)
    phone.post(path, said)
    assert task().due_at == (NOW + 23 * HOUR if waits else night)


def test_words_that_turn_worrying_bring_the_task_forward(phone, path, clock):
    clock.move_to(NOW + 13 * HOUR)
    phone.post(path, {"overall": "2"})
    assert task().due_at == NOW + 23 * HOUR
    clock.shift(MINUTE)
    phone.post(path, {"overall": "2", "comment": "خودکشی"})
    assert task().due_at == NOW + 13 * HOUR + MINUTE


def test_an_answer_changed_after_somebody_closed_its_task_opens_it_again(phone, path, session):
    phone.post(path, {"overall": "2"})
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        care_tasks.attempt(task(), CareTask.Outcome.DONE, now=NOW)
    phone.post(path, {"overall": "1"})
    assert task().closed_at is None


def test_a_task_is_read_in_persian_whatever_the_page_spoke(phone, path):
    phone.post(f"{path}?lang=en", {"overall": "1"})
    assert task().text == "نظر کلی درباره‌ی جلسه: خیلی بد."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"overall": "1"}, True),
        ({"overall": "2"}, False),
        ({"overall": "0"}, False),
        ({"overall": "5", "comment": "کاش بمیرم"}, True),
        ({"overall": "5", "comment": "عالی"}, False),
    ],
    ids=["very poor", "poor", "does not know", "worrying", "glad"],
)
def test_those_who_help_at_once_are_named_when_it_is_heavy(phone, path, said, shown):
    phone.post(path, said)
    page = phone.get(path)
    assert (HELP in text_of(page)) == shown
    numbers = [n for n in ("123", "1480", "115") if f'href="tel:{n}"' in page.content.decode()]
    assert numbers == (["123", "1480", "115"] if shown else [])


def test_who_asked_for_a_call_reads_that_it_will_come(phone, path):
    phone.post(path, {"overall": "5", "call_me": "on"})
    assert "با شما تماس می‌گیریم" in text_of(phone.get(path))


# -- The verb itself ---------------------------------------------------------------------------


def test_the_verb_keeps_time_by_its_argument(session, path):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        link = ClientLink.objects.get()
        with pytest.raises(Closed):
            actions.respond(link, Answers(5), now=NOW + 30 * DAY)
        actions.respond(link, Answers(5), now=NOW + DAY)
        with pytest.raises(Closed):
            actions.respond(link, Answers(4), now=NOW + DAY + HOUR)
    assert Response.objects.get().overall == 5
