"""A text by hand, to whoever wrote in: what stands in its way, once, and how it leaves."""

import datetime as dt

import pytest

from clinic.models import Clinic
from clinic.tenancy import Hat, wear
from messaging import by_hand
from messaging.by_hand import HandError
from messaging.models import Message, ProviderAccount, Reply, State
from messaging.steps import Who, steps_of
from patients import care
from patients.actions import set_consent
from patients.models import Client, ContactPerson
from tests import factories
from tests.factories import NOW, ClientFactory
from tests.followup.clinics import tehran
from tests.followup.practice import practice, send_at
from tests.messaging.inbound import PHONE, hear

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
ONCE = "0123456789abcdef0123456789abcdef"
OTHER = ONCE[::-1]
TEXT = "سلام، بله؛ ساعت ۱۸ برایتان ثبت شد."


@pytest.fixture
def at_work(clinic):
    Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW - 30 * 24 * HOUR)
    clinic.refresh_from_db()
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


@pytest.fixture
def person(at_work):
    return ClientFactory(clinic=at_work, phone=PHONE)


@pytest.fixture
def asked(person):
    return ask(person)


def ask(person, text="ساعت ۱۸ می‌شود؟", at=NOW - HOUR, **fields):
    hear(text, now=at)
    Reply.objects.update(**fields) if fields else None
    return Reply.objects.order_by("pk").last()


def write(person, reply, text=TEXT, *, once=ONCE, now=NOW, by=None):
    return by_hand.write(Client.objects.get(pk=person.pk), reply, text, once=once, now=now, by=by)


def change(row, **fields):
    type(row).objects.filter(pk=row.pk).update(**fields)


def test_it_is_one_message_of_its_own_sort(person, asked, receptionist):
    write(person, asked, by=receptionist)
    kept = Message.objects.get()
    assert (kept.rule_key, kept.rule_number, kept.session) == ("by_hand", None, None)
    assert (kept.purpose, kept.priority, kept.channel) == ("transactional", 1, "sms")
    assert (kept.client, kept.recipient, kept.state) == (person, PHONE, "queued")
    assert (kept.text, kept.written_by, kept.then) == (TEXT, receptionist, [])
    assert (kept.due_at, kept.attempt_at, kept.useful_until) == (NOW, NOW, NOW + 24 * HOUR)


def test_a_contact_person_who_wrote_is_answered(at_work):
    child = ClientFactory(clinic=at_work, phone="")
    mother = ContactPerson.objects.create(
        client=child, phone=PHONE, name="مادر", relation="mother", created_at=NOW
    )
    write(child, ask(child))
    kept = Message.objects.get()
    assert (kept.client, kept.contact, kept.recipient) == (child, mother, PHONE)


def test_a_mother_of_one_in_crisis_is_called_about_the_other_too(at_work):
    for held in (None, NOW):
        child = ClientFactory(clinic=at_work, phone="", crisis_since=held)
        ContactPerson.objects.create(
            client=child, phone=PHONE, name="مادر", relation="mother", created_at=NOW
        )
    calm = Client.objects.get(crisis_since=None)
    with pytest.raises(HandError):
        write(calm, ask(calm))
    assert not Message.objects.exists()


def test_two_clicks_send_one_text(person, asked):
    assert write(person, asked) == write(person, asked, "یک متن دیگر", now=NOW + MINUTE)
    assert [message.text for message in Message.objects.all()] == [TEXT]


def test_a_form_shown_again_is_another_text(person, asked):
    write(person, asked)
    write(person, asked, once=OTHER)
    assert Message.objects.count() == 2


@pytest.mark.parametrize("text", ["", "  \n ", "ا" * 901], ids=["nothing", "blank", "endless"])
def test_a_text_that_no_gateway_takes_is_refused(person, asked, text):
    with pytest.raises(HandError):
        write(person, asked, text)
    assert Message.objects.count() == 0


def test_a_link_is_refused_where_the_account_refuses_links(person, asked, clinic):
    ProviderAccount.objects.create(clinic=clinic, api_key="key", created_at=NOW, refuses_links=True)
    with pytest.raises(HandError):
        write(person, asked, "نشانی: example.ir")
    assert write(person, asked).state == "queued"


def test_a_line_that_has_to_say_so_says_how_to_stop(person, asked, clinic):
    change(clinic, stop_note="all")
    assert write(person, asked).text == f"{TEXT}\nلغو۱۱"


# What stands in its way


HOLDS = {
    "crisis": lambda person: care.hold_for_crisis(person, now=NOW),
    "deceased": lambda person: care.record_death(person, now=NOW),
    "another number": lambda person: change(person, phone="+989350000000"),
    "no reminders either": lambda person: set_consent(
        person, "transactional", False, source="panel", now=NOW
    ),
    "muted since": lambda person: care.mute(person, now=NOW - MINUTE),
    "stopped since": lambda person: hear("11", now=NOW - MINUTE),
    "clinic in trial mode": lambda person: change(person.clinic, live_since=None),
    "clinic stopped": lambda person: change(person.clinic, paused_at=NOW),
    "crisis of who shares it": lambda person: care.hold_for_crisis(
        ClientFactory(clinic=person.clinic, phone=PHONE), now=NOW
    ),
}


@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_what_stands_in_the_way_is_said_before_anything_is_queued(person, asked, hold):
    assert by_hand.why_not(person, PHONE, NOW) == ""
    hold(person)
    person = Client.objects.get(pk=person.pk)
    assert by_hand.why_not(person, PHONE, NOW) != ""
    with pytest.raises(HandError):
        write(person, asked)
    assert Message.objects.count() == 0


def test_whoever_asks_after_a_stop_is_answered(person):
    hear("11", now=NOW - 3 * HOUR)
    assert write(person, ask(person)).state == "queued"


def test_whoever_asks_after_a_mute_is_answered(person):
    care.mute(person, now=NOW - 3 * HOUR)
    assert write(person, ask(person)).state == "queued"


def test_an_old_mute_that_is_over_says_nothing(person):
    asked = ask(person, at=NOW - 5 * 24 * HOUR)
    care.mute(person, dt.date(2026, 11, 20), now=NOW - 4 * 24 * HOUR)
    assert write(person, asked).state == "queued"


# By which channel, and when


@pytest.mark.parametrize(
    ("ago", "channel"),
    [(HOUR, "whatsapp"), (25 * HOUR, "sms")],
    ids=["while it takes free words", "later"],
)
def test_whoever_wrote_by_whatsapp_is_answered_there(person, ago, channel):
    asked = ask(person, at=NOW - ago, provider="whatsapp")
    assert write(person, asked).channel == channel


@pytest.mark.parametrize(
    ("at", "own", "leaves"),
    [
        ("2026-11-21 12:00", None, "2026-11-21 12:00"),
        ("2026-11-21 21:00", None, "2026-11-22 09:00"),
        ("2026-11-22 02:00", None, "2026-11-22 09:00"),
        ("2026-11-21 12:00", ("16:00", "20:00"), "2026-11-21 16:00"),
        ("2026-11-21 20:30", ("16:00", "20:00"), "2026-11-22 16:00"),
        ("2026-11-21 22:00", ("08:00", "20:00"), "2026-11-22 09:00"),
    ],
)
def test_it_waits_for_the_end_of_the_clinics_night_and_of_the_clients(person, at, own, leaves):
    if own:
        person.texts_from, person.texts_until = map(dt.time.fromisoformat, own)
    assert by_hand.leaves_at(person, tehran(at)) == tehran(leaves)


@pytest.fixture
def place(owner, gateway):
    return practice("reminder_24h")


def answer(place, at, text=TEXT):
    hear("می‌شود؟", sender=place.client.phone, now=tehran(at) - MINUTE)
    with place.inside():
        return write(place.client, Reply.objects.latest("pk"), text, now=tehran(at))


def test_it_leaves_with_its_words_and_is_counted(place, gateway):
    message = answer(place, "2026-11-21 10:00")
    assert send_at("2026-11-21 10:00")["sent"] == 1
    message.refresh_from_db()
    assert (message.state, message.text, message.parts) == ("sent", TEXT, 1)
    assert [text.body for text in gateway.messages] == [TEXT]


def test_in_quiet_hours_it_waits_for_the_morning(place):
    message = answer(place, "2026-11-21 22:00")
    assert send_at("2026-11-21 22:00").get("sent", 0) == 0
    assert send_at("2026-11-22 09:00")["sent"] == 1
    message.refresh_from_db()
    assert message.state == "sent"


def test_it_goes_on_a_holiday(place):
    answer(place, "2026-11-27 12:00")
    assert send_at("2026-11-27 12:00")["sent"] == 1


def test_a_mute_of_automated_texts_does_not_stop_it_on_its_way(place):
    place.do(care.mute, place.client, at="2026-11-21 09:00")
    answer(place, "2026-11-21 10:00")
    assert send_at("2026-11-21 10:00")["sent"] == 1


@pytest.mark.parametrize(
    ("hold", "end"),
    [
        (care.hold_for_crisis, ("skipped", "crisis")),
        (care.record_death, ("cancelled", "deceased")),
    ],
)
def test_what_happens_before_it_leaves_stops_it_and_the_words_are_kept(place, hold, end):
    message = answer(place, "2026-11-21 22:00")
    place.do(hold, place.client, at="2026-11-21 22:30")
    send_at("2026-11-22 09:00")
    message.refresh_from_db()
    assert ((message.state, message.reason), message.text) == (end, TEXT)


def test_its_life_begins_with_the_person_who_wrote_it(person, asked, receptionist):
    message = write(person, asked, by=receptionist)
    (step,) = steps_of(message)
    assert (step.became, step.who, step.by) == (State.QUEUED, Who.PERSON, receptionist.pk)


def test_the_other_clinic_cannot_write_to_our_client(other_clinic, person, asked):
    with wear(Hat.WEB, clinic_id=other_clinic.pk), pytest.raises(Client.DoesNotExist):
        by_hand.write(person, asked, TEXT, once=ONCE, now=NOW, by=None)


def test_the_numbers_and_words_stand_in_no_error(person, asked):
    change(person, phone="+989350000000")
    with pytest.raises(HandError) as refused:
        write(person, asked)
    assert "9121234567" not in str(refused.value)
    assert factories.FIRST_NAMES[0] not in str(refused.value)
