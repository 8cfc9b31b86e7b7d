"""«۱» and «۲» answer for exactly one session; everything else goes to a person."""

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from clinic.tenancy import EVERYWHERE, Hat, wear
from clinic.text import ZWNJ
from messaging.models import Message, Reply, State
from messaging.replies import FRESH, intent_of
from messaging.reply_answers import ANSWERABLE
from patients import care
from sessions_app import actions
from sessions_app.links import Page, Purpose, publish
from sessions_app.models import CareTask, ClientLink, Session, SessionChange
from tests.effort import examples
from tests.factories import NOW, ClientFactory, MessageFactory, SessionFactory
from tests.messaging.inbound import PHONE, hear, waiting, written

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)

CONFIRMS = ["1", "۱", "١", "بله", "بلـه", "تایید", "تأیید", "می‌آیم", "می آیم", "میایم", "میام"]
CONFIRMS += ["می‌آم", "ok", "OK", "Yes", "CONFIRM", "confirm"]
CANCELS = ["2", "۲", "٢", "نه", "لغو", "كنسل", "کنسل", "نمی‌آیم", "نمی آیم", "نمیایم", "نمیام"]
CANCELS += ["cancel", "Cancel"]


@pytest.fixture
def person(clinic):
    return ClientFactory(clinic=clinic, phone=PHONE)


@pytest.fixture
def session(clinic, person):
    """In two days and a half, of which the person has just been reminded."""
    return a_session(person)


@pytest.fixture
def told(session, person):
    return tell(session, person)


def a_session(*people, ahead=2 * DAY, **fields):
    starts_at = NOW + ahead
    return SessionFactory(clinic=people[0].clinic, clients=people, starts_at=starts_at, **fields)


def tell(session, person, *, ago=HOUR, state="sent", **fields):
    """A text about the session has gone to the person's phone so long ago."""
    values = {
        "sent_at": NOW - ago,
        "sending_at": NOW - ago,
        "due_at": NOW - ago,
        "provider": "kavenegar",
        "rule_number": Message.objects.count() + 1,
    }
    return MessageFactory(
        clinic=person.clinic, client=person, session=session, state=state, **(values | fields)
    )


def state_of(session):
    return Session.objects.get(pk=session.pk).state


def tasks(**wanted):
    return list(CareTask.objects.filter(**wanted).order_by("pk").values_list("kind", "text"))


# -- The words ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*CONFIRMS, "۱.", "«بله»", "1\n", "می‌آیم 🙏", "1\ufe0f\u20e3"])
def test_the_words_that_confirm(text):
    assert intent_of(text) == Reply.Intent.CONFIRM


@pytest.mark.parametrize("text", [*CANCELS, "لغو!", " ۲ ", f"نمی{ZWNJ}آیم.", "\u200f2"])
def test_the_words_that_cancel(text):
    assert intent_of(text) == Reply.Intent.CANCEL


@pytest.mark.parametrize(
    "text",
    [
        *("1 2", "12 1", "21", "1 1", "۱؟", "بله؟", "نه؟", "می‌آیم؟", "لغو؟", "2?", "ok?"),
        *("بله ممنون", "نه نمی‌آیم", "لغو جلسه", "ساعت ۲", "2:00", "شاید", "آره", "نیام", "می"),
        *("yes please", "no", "not ok", "بله نه", "1.5", "۱/۲", ""),
    ],
)
def test_near_them_a_person_reads(text):
    assert intent_of(text) == Reply.Intent.OTHER


# -- One session -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", CONFIRMS)
def test_a_yes_confirms_the_one_session(told, session, text):
    assert hear(text) == 1
    assert state_of(session) == "confirmed"
    assert tasks() == []


@pytest.mark.parametrize("text", CANCELS)
def test_a_no_cancels_the_one_session_and_tells_reception(told, session, person, text):
    hear(text)
    kept = Session.objects.get(pk=session.pk)
    assert (kept.state, kept.cancelled_by) == ("cancelled", "client")
    (task,) = CareTask.objects.all()
    assert (task.kind, task.client, task.session_id) == ("cancelled", person, session.pk)
    assert task.closed_at is None


@pytest.mark.parametrize(("text", "kind"), [("1", "outcome"), ("2", "cancelled")])
def test_the_history_says_that_it_came_by_text(told, session, text, kind):
    hear(text)
    change = SessionChange.objects.get(session=session)
    assert (change.kind, change.via, change.by, change.at) == (kind, "reply", None, NOW)


@pytest.mark.parametrize(
    ("ahead", "by_whom"), [(25 * HOUR, "client"), (23 * HOUR, "late"), (MINUTE, "late")]
)
def test_late_is_late_by_text_too(person, ahead, by_whom):
    session = a_session(person, ahead=ahead)
    tell(session, person)
    hear("۲")
    assert Session.objects.get().cancelled_by == by_whom


def test_what_waits_about_a_session_cancelled_by_text_does_not_leave(told, session, person):
    waiting = tell(session, person, state="queued", sent_at=None)
    hear("2")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == (State.CANCELLED, "session_cancelled")


@pytest.mark.parametrize(("text", "said"), [("1", "come"), ("2", "cancel")])
def test_the_page_in_the_text_says_the_same_afterwards(told, session, person, text, said):
    page = Page(Purpose.SESSION, session.clinic_id, session.pk, person.pk)
    with wear(Hat.WORKER, clinic_id=session.clinic_id):
        publish([page], now=NOW - HOUR)
    hear(text)
    link = ClientLink.objects.get()
    assert (link.answer, link.answered_at) == (said, NOW)


def test_a_yes_to_what_is_confirmed_already_changes_nothing(told, session):
    hear("1")
    hear("1", now=NOW + MINUTE)
    assert (state_of(session), SessionChange.objects.count(), tasks()) == ("confirmed", 1, [])


@pytest.mark.parametrize("state", ["delivered", "undelivered"])
def test_a_receipt_makes_no_difference(session, person, state):
    tell(session, person, state=state)
    hear("1")
    assert state_of(session) == "confirmed"


def test_a_reminder_told_twice_is_one_session(told, session, person):
    tell(session, person, ago=3 * DAY)
    hear("1")
    assert state_of(session) == "confirmed"


def test_a_brother_without_a_session_is_not_in_the_way(told, session, clinic):
    ClientFactory(clinic=clinic, phone=PHONE)
    hear("2")
    assert state_of(session) == "cancelled"
    assert [kind for kind, _ in tasks()] == ["cancelled"]


def test_the_last_word_said_holds_in_whatever_order_it_is_heard(told, session):
    hear(written("1", at=NOW - MINUTE))
    hear(written("2", at=NOW - 2 * MINUTE))
    assert state_of(session) == "confirmed"
    assert (tasks(), waiting()) == ([], ["2"])


def test_a_no_after_a_yes_cancels(told, session):
    hear("1")
    hear("2", now=NOW + MINUTE)
    assert state_of(session) == "cancelled"


def test_a_stop_between_is_another_matter(told, session):
    hear(written("11", at=NOW - MINUTE), written("1", at=NOW - 2 * MINUTE))
    assert state_of(session) == "confirmed"


# -- For a person ------------------------------------------------------------------------------


@pytest.fixture(params=["1", "2"])
def word(request):
    return request.param


def is_for_a_person(word, *sessions):
    before = [state_of(session) for session in sessions]
    hear(word)
    assert [state_of(session) for session in sessions] == before
    assert waiting() == [word]
    assert CareTask.objects.count() == 0
    assert SessionChange.objects.filter(via="reply").count() == 0


def test_without_a_text_about_it(session, word):
    is_for_a_person(word, session)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param({"ago": ANSWERABLE + MINUTE}, id="too long ago"),
        pytest.param({"ago": -MINUTE}, id="sent after it"),
        pytest.param({"state": "queued", "sent_at": None}, id="not sent"),
        pytest.param({"state": "unknown", "sent_at": None}, id="unclear"),
        pytest.param({"purpose": "follow_up"}, id="a follow-up"),
        pytest.param({"recipient": "+989350000000"}, id="to another number"),
        pytest.param({"revision": 7}, id="another promise of time"),
    ],
)
def test_where_the_text_is_not_one_to_answer(session, person, word, text):
    tell(session, person, **text)
    is_for_a_person(word, session)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"state": "arrived"}, id="arrived"),
        pytest.param({"state": "cancelled", "cancelled_by": "clinic"}, id="cancelled"),
        pytest.param({"ahead": -MINUTE}, id="begun"),
        pytest.param({"ahead": -DAY, "state": "attended"}, id="over"),
    ],
)
def test_a_session_that_is_not_coming(person, word, fields):
    session = a_session(person, **fields)
    tell(session, person)
    is_for_a_person(word, session)


def test_two_sessions(told, session, person, word):
    other = a_session(person, ahead=3 * DAY)
    tell(other, person, ago=2 * DAY)
    is_for_a_person(word, session, other)


def test_two_children_with_one_phone(told, session, clinic, word):
    sister = ClientFactory(clinic=clinic, phone=PHONE)
    other = a_session(sister, ahead=3 * DAY)
    tell(other, sister)
    is_for_a_person(word, session, other)


@pytest.mark.parametrize("phone", [PHONE, "+989350000000"], ids=["one phone", "two phones"])
def test_a_couple(clinic, person, word, phone):
    wife = ClientFactory(clinic=clinic, phone=phone)
    session = a_session(person, wife)
    tell(session, person)
    is_for_a_person(word, session)


def test_after_a_text_about_something_else(told, session, person, word):
    tell(None, person, ago=MINUTE, purpose="follow_up")
    is_for_a_person(word, session)


def test_after_a_text_about_a_session_that_was_cancelled(told, session, person, word):
    gone = a_session(person, ahead=3 * DAY, state="cancelled", cancelled_by="clinic")
    tell(gone, person, ago=MINUTE, expects="cancelled")
    hear(word)
    assert (state_of(session), state_of(gone)) == ("scheduled", "cancelled")
    assert waiting() == [word]


def test_two_texts_that_left_at_once(told, session, person, word):
    tell(None, person, ago=HOUR, purpose="follow_up")
    is_for_a_person(word, session)


def test_a_session_moved_since(told, session, word):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        actions.move(session, starts_at=session.starts_at + DAY, now=NOW - MINUTE)
    is_for_a_person(word, session)


def test_a_session_that_is_somebody_elses_now(told, session, clinic, word):
    other = ClientFactory(clinic=clinic)
    session.participants.update(client=other)
    hear(word)
    assert (state_of(session), waiting()) == ("scheduled", [word])


def test_what_the_client_pressed_before_is_not_pressed_again(told, session):
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        actions.cancel(session, by_whom="client", now=NOW - MINUTE, via="link")
    hear("2")
    assert waiting() == ["2"]


def test_a_question_is_for_a_person(told, session):
    hear("۱؟")
    assert (state_of(session), waiting()) == ("scheduled", ["۱؟"])


def test_an_old_text_does_nothing(session, person, word):
    tell(session, person, ago=FRESH + 2 * HOUR)
    hear(written(word, at=NOW - FRESH - MINUTE))
    assert (state_of(session), waiting()) == ("scheduled", [])
    assert Reply.objects.get().done == "old"


def test_a_text_told_twice_happens_once(told, session):
    text = written("2")
    assert [hear(text), hear(text, now=NOW + MINUTE)] == [1, 0]
    assert (SessionChange.objects.count(), len(tasks())) == (1, 1)


def test_a_relatives_words_act_on_the_living_alone(told, session, person, clinic, word):
    ClientFactory(clinic=clinic, phone=PHONE)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.record_death(person, now=NOW - MINUTE)
    hear(word)
    assert (state_of(session), waiting()) == ("scheduled", [word])
    assert CareTask.objects.count() == 0


@pytest.mark.parametrize("text", ["1", "11", "کمی دیر می‌رسم"])
def test_nobody_is_asked_to_call_a_client_who_has_died(person, clinic, text):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.record_death(person, now=NOW - MINUTE)
    assert hear(text) == 1
    assert tasks() == []


def test_what_a_relative_writes_is_read_all_the_same(person, clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.record_death(person, now=NOW - MINUTE)
    hear("ممنون از پیامتان", "11")
    assert waiting() == ["ممنون از پیامتان"]


# -- Clinics -----------------------------------------------------------------------------------


def test_only_the_clinic_that_texted_last_acts(told, session, other_clinic, word):
    theirs = ClientFactory(clinic=other_clinic, phone=PHONE)
    other = a_session(theirs)
    tell(other, theirs, ago=MINUTE)
    assert hear(word) == 1
    done = {"1": "confirmed", "2": "cancelled"}[word]
    assert (state_of(session), state_of(other)) == ("scheduled", done)


# -- Whatever is written -----------------------------------------------------------------------


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(text=st.text(max_size=40) | st.sampled_from([*CONFIRMS, *CANCELS, "11", "12"]))
def test_no_text_acts_on_a_session_that_is_not_the_one(told, session, person, clinic, text):
    with transaction.atomic():
        stranger = ClientFactory(clinic=clinic)
        others = [a_session(person, ahead=5 * DAY), a_session(stranger, ahead=6 * DAY)]
        tell(others[1], stranger, ago=MINUTE)
        hear(text)
        intent = intent_of(text)
        done = {"confirm": "confirmed", "cancel": "cancelled"}.get(intent, "scheduled")
        assert [state_of(session), *map(state_of, others)] == [done, "scheduled", "scheduled"]
        transaction.set_rollback(True)


def test_another_clinics_staff_sees_nothing_of_it(told, session, other_clinic):
    hear("2")
    with wear(Hat.WEB, clinic_id=other_clinic.pk):
        assert CareTask.objects.count() == SessionChange.objects.count() == 0
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert CareTask.objects.get().clinic_id == session.clinic_id
