"""The client's page of a session: what it says at every moment, and what each button does."""

import datetime as dt
import re

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from clinic.models import WorkingHours
from clinic.tenancy import Hat, wear
from clinic.text import clean
from sessions_app import actions, care_tasks, client_actions
from sessions_app.client_actions import Overtaken, Wish
from sessions_app.models import CareTask, ClientLink, Session, SessionChange
from tests import factories
from tests.sessions_app.client_links import (
    DAY,
    HOUR,
    NOW,
    Purpose,
    published,
    revision_in,
    text_of,
    visitor,
)

Kind = CareTask.Kind
MINUTE = dt.timedelta(minutes=1)
COME, CANNOT, ANOTHER = "می‌آیم", "نمی‌توانم بیایم", "وقت دیگری می‌خواهم"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(clinic=clinic)


@pytest.fixture
def session(clinic, person):
    """On Monday 2 Azar at 17:30, two days from now."""
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    return factories.SessionFactory(clinic=clinic, clients=[person], therapist=therapist)


@pytest.fixture
def path(session, person):
    return published(Purpose.SESSION, session, person)


@pytest.fixture
def phone():
    return visitor()


def act(phone, path, do, **fields):
    fields.setdefault("revision", "1")
    return phone.post(path, {"do": do, **fields})


def staff(session, verb, **fields):
    """What reception does in the panel."""
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        return verb(Session.objects.get(pk=session.pk), **fields)


def standing(session):
    session.refresh_from_db()
    return session.state, session.cancelled_by


def tasks():
    return [(t.kind, t.text) for t in CareTask.objects.order_by("id")]


def buttons(page):
    shown = text_of(page)
    return [label for label in (COME, CANNOT, ANOTHER) if label in shown]


# -- What it says ------------------------------------------------------------------------------


def test_a_coming_session_is_said_as_people_say_it(phone, path):
    page = text_of(phone.get(path))
    assert "دوشنبه ۲ آذر ساعت ۱۷:۳۰ با خانم دکتر صادقی" in page
    assert buttons(phone.get(path)) == [COME, CANNOT, ANOTHER]
    assert "افزودن به تقویم گوشی" in page


def test_in_english_it_is_said_in_english(phone, path):
    page = text_of(phone.get(f"{path}?lang=en"))
    assert "Monday 2 Azar at 17:30 with" in page
    assert "I will come" in page


@pytest.mark.parametrize(
    ("ahead", "word"),
    [(3 * HOUR, "امروز"), (DAY, "فردا"), (2 * DAY, None)],
    ids=["today", "tomorrow", "later"],
)
def test_near_days_are_called_so(phone, clinic, person, ahead, word):
    session = factories.SessionFactory(clinic=clinic, clients=[person], starts_at=NOW + ahead)
    page = text_of(phone.get(published(Purpose.SESSION, session, person)))
    assert [w for w in ("امروز", "فردا") if w in page] == ([word] if word else [])


STATES = {
    "two days ahead": ({}, 0, [COME, CANNOT, ANOTHER], "قرار شما"),
    "a minute ahead": ({}, -1, [COME, CANNOT, ANOTHER], "قرار شما"),
    "confirmed": ({"state": "confirmed"}, None, [CANNOT, ANOTHER], "ثبت شد که می‌آیید"),
    "arrived early": ({"state": "arrived"}, None, [], "رسیده‌اید؛ خوش آمدید"),
    "just begun": ({}, 0.5, [], "جلسه‌ی شما شروع شده است"),
    "arrived and begun": ({"state": "arrived"}, 0.5, [], "جلسه‌ی شما شروع شده است"),
    "over": ({}, 60, [], "زمان این جلسه گذشته است"),
    "attended": ({"state": "attended"}, 60, [], "زمان این جلسه گذشته است"),
    "attended and not over": ({"state": "attended"}, 20, [], "زمان این جلسه گذشته است"),
    "no-show": ({"state": "no_show"}, 60, [], "زمان این جلسه گذشته است"),
    "cancelled by the clinic": (
        {"state": "cancelled", "cancelled_by": "clinic"},
        None,
        [],
        "متأسفیم",
    ),
    "cancelled by phone": (
        {"state": "cancelled", "cancelled_by": "client"},
        None,
        [],
        "هر وقت زمان تازه‌ای خواستید",
    ),
}


@pytest.mark.parametrize(("fields", "minutes", "shown", "words"), STATES.values(), ids=STATES)
def test_each_state_is_explained_and_offers_only_what_it_can(
    phone, clinic, person, clock, fields, minutes, shown, words
):
    session = factories.SessionFactory(clinic=clinic, clients=[person], **fields)
    path = published(Purpose.SESSION, session, person)
    if minutes is not None:
        clock.move_to(session.starts_at + minutes * MINUTE if minutes else NOW)
    page = phone.get(path)
    assert page.status_code == 200
    assert buttons(page) == shown
    assert words in text_of(page)


@pytest.mark.parametrize("do", ["come", "cannot", "another"])
@pytest.mark.parametrize("case", [name for name, row in STATES.items() if not row[2]])
def test_what_a_state_does_not_offer_does_nothing_when_pressed(
    phone, clinic, person, clock, case, do
):
    """From a page that was open all the while."""
    fields, minutes, _, words = STATES[case]
    session = factories.SessionFactory(clinic=clinic, clients=[person], **fields)
    path = published(Purpose.SESSION, session, person)
    if minutes:
        clock.move_to(session.starts_at + minutes * MINUTE)
    before = standing(session)
    page = act(phone, path, do)
    assert page.status_code == 409
    assert words in text_of(page)
    assert (standing(session), tasks()) == (before, [])
    assert ClientLink.objects.get().answered_at is None


def test_an_online_session_has_its_link_and_no_address(phone, clinic, person):
    clinic.address = "خیابان ولیعصر"
    clinic.save()
    online = "https://meet.example.ir/abc"
    session = factories.SessionFactory(clinic=clinic, clients=[person], online_url=online)
    body = phone.get(published(Purpose.SESSION, session, person)).content.decode()
    assert f'href="{online}" rel="noopener noreferrer"' in body
    assert "ولیعصر" not in body


def test_a_session_at_the_clinic_has_its_address(phone, clinic, path):
    clinic.address = "خیابان ولیعصر"
    clinic.save()
    assert "خیابان ولیعصر" in text_of(phone.get(path))


def test_a_moved_session_shows_both_times(phone, session, path):
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW + HOUR)
    page = text_of(phone.get(path))
    assert "سه‌شنبه ۳ آذر ساعت ۱۷:۳۰" in page
    assert "پیش از این دوشنبه ۲ آذر، ساعت ۱۷:۳۰ بود" in page


def test_a_session_moved_twice_tells_the_time_that_the_text_said(phone, session, path):
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW + HOUR)
    staff(session, actions.move, starts_at=session.starts_at + 2 * DAY, now=NOW + 2 * HOUR)
    page = text_of(phone.get(path))
    assert "چهارشنبه ۴ آذر ساعت ۱۷:۳۰" in page
    assert "پیش از این دوشنبه ۲ آذر" in page


def test_a_session_moved_and_moved_back_was_not_moved(phone, session, path):
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW + HOUR)
    staff(session, actions.move, starts_at=session.starts_at, now=NOW + 2 * HOUR)
    assert "پیش از این" not in text_of(phone.get(path))


def test_a_move_before_the_text_is_no_news(phone, session, person):
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW - HOUR)
    path = published(Purpose.SESSION, session, person)
    assert "پیش از این" not in text_of(phone.get(path))


def test_a_longer_session_is_not_called_moved(phone, session, path):
    staff(
        session,
        actions.move,
        starts_at=session.starts_at,
        duration=dt.timedelta(minutes=90),
        now=NOW + HOUR,
    )
    assert "پیش از این" not in text_of(phone.get(path))


# -- I will come -------------------------------------------------------------------------------


def test_a_yes_confirms_the_session_by_link(phone, session, path):
    assert act(phone, path, "come")["Location"] == path
    assert standing(session) == ("confirmed", "")
    change = SessionChange.objects.get()
    assert (change.kind, change.via, change.tell, change.by) == ("outcome", "link", False, None)
    link = ClientLink.objects.get()
    assert (link.answer, link.answered_at) == ("come", NOW)
    assert "ثبت شد که می‌آیید" in text_of(phone.get(path))
    assert tasks() == []


def test_a_yes_pressed_twice_is_one_yes(phone, path, clock):
    act(phone, path, "come")
    clock.shift(10)
    assert act(phone, path, "come").status_code == 303
    assert SessionChange.objects.count() == 1
    assert ClientLink.objects.get().answered_at == NOW


def test_a_yes_to_a_time_that_has_changed_meanwhile_is_asked_again(phone, session, path):
    revision = revision_in(phone.get(path))
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW)
    page = act(phone, path, "come", revision=revision)
    assert page.status_code == 409
    assert "هنوز کاری نکرده‌ایم" in text_of(page)
    assert "سه‌شنبه ۳ آذر ساعت ۱۷:۳۰" in text_of(page)
    assert standing(session) == ("scheduled", "")
    again = act(phone, path, "come", revision=revision_in(page))
    assert (again.status_code, standing(session)[0]) == (303, "confirmed")


def test_after_a_move_an_earlier_yes_is_none(phone, session, path, clock):
    act(phone, path, "come")
    clock.shift(HOUR)
    staff(session, actions.move, starts_at=session.starts_at + DAY, now=NOW + HOUR)
    page = phone.get(path)
    assert buttons(page) == [COME, CANNOT, ANOTHER]
    assert "ثبت شد" not in text_of(page)


@pytest.mark.parametrize("revision", ["", "x", "-1", "۱", "9" * 40, "1.0"])
def test_a_yes_to_no_time_at_all_does_nothing(phone, session, path, revision):
    assert act(phone, path, "come", revision=revision).status_code == 409
    assert standing(session) == ("scheduled", "")


@pytest.mark.parametrize("do", ["", "COME", "delete", "come "])
def test_a_button_that_is_none_does_nothing(phone, session, path, do):
    assert act(phone, path, do).status_code == 400
    assert standing(session) == ("scheduled", "")


# -- I cannot come -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "by_whom"),
    [(25 * HOUR, "client"), (24 * HOUR, "client"), (24 * HOUR - MINUTE, "late"), (MINUTE, "late")],
    ids=["day before", "just in time", "a minute too late", "last minute"],
)
def test_a_no_cancels_the_session_and_tells_reception(phone, clinic, person, ahead, by_whom):
    session = factories.SessionFactory(clinic=clinic, clients=[person], starts_at=NOW + ahead)
    path = published(Purpose.SESSION, session, person)
    assert act(phone, path, "cannot").status_code == 303
    assert standing(session) == ("cancelled", by_whom)
    change = SessionChange.objects.get()
    assert (change.kind, change.via, change.tell) == ("cancelled", "link", False)
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.session, task.due_at, task.created_by) == (
        Kind.CANCELLED,
        person,
        session,
        NOW,
        None,
    )
    assert "ممنون که خبر دادید" in text_of(phone.get(path))


def test_the_clinic_says_what_is_late(phone, clinic, session, path):
    clinic.late_cancel_hours = 72
    clinic.save()
    act(phone, path, "cannot")
    assert standing(session) == ("cancelled", "late")


def test_a_no_is_asked_about_once_before_it_is_done(phone, session, path):
    body = phone.get(path).content.decode()
    question = body.index("این جلسه لغو و وقتش آزاد شود؟")
    assert body.index(f"<span>{CANNOT}</span>") < question < body.index("بله، جلسه لغو شود")
    assert "<summary" in body[: body.index(CANNOT)]  # folded until it is pressed
    assert standing(session)[0] == "scheduled"


def test_a_no_pressed_twice_is_one_no(phone, session, path):
    act(phone, path, "cannot")
    page = act(phone, path, "cannot")
    assert page.status_code == 409
    assert "ممنون که خبر دادید" in text_of(page)
    assert SessionChange.objects.count() == CareTask.objects.count() == 1


def test_a_no_at_night_is_for_the_morning(phone, path, clock):
    clock.move_to(NOW + 13 * HOUR)  # 23:00
    act(phone, path, "cannot")
    assert CareTask.objects.get().due_at == NOW + 23 * HOUR


def test_a_yes_may_become_a_no(phone, session, path):
    act(phone, path, "come")
    act(phone, path, "cannot")
    assert standing(session) == ("cancelled", "client")


def test_a_restored_session_asks_anew(phone, session, path, clock):
    act(phone, path, "cannot")
    clock.shift(HOUR)
    staff(session, actions.restore, now=NOW + HOUR)
    page = phone.get(path)
    assert buttons(page) == [COME, CANNOT, ANOTHER]
    assert act(phone, path, "cannot", revision=revision_in(page)).status_code == 303
    assert standing(session) == ("cancelled", "client")
    assert [kind for kind, _ in tasks()] == [Kind.CANCELLED] * 2


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
    max_examples=60,
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


# -- Several people ----------------------------------------------------------------------------


@pytest.fixture
def couple(clinic):
    # Names of their own: a therapist is called like one of the factory's, now and then.
    names = ("آذرمهر", "نیک‌روش")
    people = [factories.ClientFactory(clinic=clinic, last_name=name) for name in names]
    session = factories.SessionFactory(clinic=clinic, clients=people)
    return session, [published(Purpose.SESSION, session, who) for who in people], people


def test_one_of_two_who_cannot_does_not_cancel_the_other(phone, couple):
    session, (mine, theirs), (me, _) = couple
    before = text_of(phone.get(mine))
    assert "جلسه لغو شود" not in before
    assert "این جلسه شرکت‌کننده‌ی دیگری هم دارد، پس لغو نمی‌شود" in before
    assert act(phone, mine, "cannot").status_code == 303
    assert standing(session) == ("scheduled", "")
    task = CareTask.objects.get()
    assert (task.kind, task.client) == (Kind.RESCHEDULE, me)
    assert task.text == "نمی‌تواند بیاید. جلسه سر جایش است، چون شرکت‌کننده‌ی دیگری هم دارد."
    after = phone.get(mine)
    assert "جلسه را لغو نکرده‌ایم" in text_of(after)
    assert buttons(after) == [COME, ANOTHER]
    assert "لغو نکرده‌ایم" not in text_of(phone.get(theirs))


def test_one_of_two_who_says_so_twice_is_one_task(phone, couple):
    _, (mine, _), _ = couple
    for _ in range(2):
        assert act(phone, mine, "cannot").status_code == 303
    assert CareTask.objects.count() == 1


def test_one_of_two_who_cannot_and_wishes_is_heard_twice(phone, couple):
    _, (mine, _), _ = couple
    act(phone, mine, "cannot")
    act(phone, mine, "another", days=["0"])
    assert len(tasks()) == 2


def test_the_first_yes_of_two_confirms_and_speaks_for_oneself_only(phone, couple):
    session, (mine, theirs), _ = couple
    act(phone, mine, "come")
    assert standing(session) == ("confirmed", "")
    assert buttons(phone.get(mine)) == [CANNOT, ANOTHER]
    assert buttons(phone.get(theirs)) == [COME, CANNOT, ANOTHER]
    act(phone, theirs, "come")
    assert SessionChange.objects.count() == 1
    assert buttons(phone.get(theirs)) == [CANNOT, ANOTHER]


def test_a_page_never_names_the_other(phone, couple):
    _, (mine, _), (_, other) = couple
    assert other.last_name not in text_of(phone.get(mine)).split()


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


# -- The verbs themselves ----------------------------------------------------------------------


def test_a_link_that_was_read_before_another_tab_acted_sees_what_it_did(session, person, path):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        first, second = ClientLink.objects.get(), ClientLink.objects.get()
        client_actions.cannot_come(first, revision=1, now=NOW)
        with pytest.raises(Overtaken):
            client_actions.come(second, revision=1, now=NOW)
    assert standing(session) == ("cancelled", "client")


def test_a_wish_is_read_in_one_sentence():
    wish = Wish(days=[0, 5], parts=["morning", "afternoon"], note="با ماشین می‌آیم")
    assert str(wish) == ("وقت دیگری می‌خواهد: شنبه، پنجشنبه، صبح‌ها، ظهر و بعدازظهر.\nبا ماشین می‌آیم")
