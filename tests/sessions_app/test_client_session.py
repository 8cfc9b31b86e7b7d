"""The client's page of a session: what it says at every moment, and what each button does."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from sessions_app import actions, client_actions
from sessions_app.client_actions import Overtaken, Wish
from sessions_app.models import CareTask, ClientLink, SessionChange
from tests import factories
from tests.sessions_app.client_links import (
    DAY,
    HOUR,
    NOW,
    Purpose,
    published,
    revision_in,
    text_of,
)
from tests.sessions_app.session_page import (
    ANOTHER,
    CANNOT,
    COME,
    MINUTE,
    Kind,
    act,
    buttons,
    staff,
    standing,
    tasks,
)

pytestmark = pytest.mark.usefixtures("clock")


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
