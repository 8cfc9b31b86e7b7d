"""The emergency text: sent once, by a person, over every hold, and never to the dead."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from clinic.tenancy import Hat, wear
from followup.defaults import EMERGENCY
from messaging import emergency
from messaging.emergency import EmergencyError
from messaging.hints import hints
from messaging.models import Message, Template
from messaging.render import sample
from patients import care
from patients.models import Client, ClientEvent
from tests import factories
from tests.factories import NOW, ClientFactory

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


@pytest.fixture
def at_work(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


@pytest.fixture
def wording(clinic):
    return factories.TemplateFactory(clinic=clinic, key="emergency", body=EMERGENCY)


@pytest.fixture
def person(wording, at_work):
    return ClientFactory(clinic=at_work, last_name="کریمی")


def send(person, now=NOW, by=None):
    return emergency.send(person, now=now, by=by)[0]


def test_it_is_one_message_of_its_own_sort(person):
    message = send(person)
    kept = Message.objects.get()
    assert kept == message
    assert (kept.rule_key, kept.rule_number, kept.session) == ("emergency", None, None)
    assert (kept.priority, kept.purpose, kept.channel) == (0, "transactional", "sms")
    assert (kept.client, kept.recipient, kept.state) == (person, person.phone, "queued")
    assert (kept.due_at, kept.attempt_at, kept.useful_until) == (NOW, NOW, NOW + 2 * HOUR)
    assert kept.occasion == f"safety:{person.pk}:202611210630"


def test_the_file_says_who_sent_it(person, receptionist):
    send(person, by=receptionist)
    event = ClientEvent.objects.get()
    assert (event.kind, event.client, event.by, event.at) == (
        "emergency",
        person,
        receptionist,
        NOW,
    )


def test_the_text_is_what_is_shown_before(person):
    text = emergency.text_for(person, now=NOW)
    assert text == (
        "سلام خانم کریمی، به فکرتان هستیم و تنها نیستید. با ما حرف بزنید: 02188001122\n"
        "اگر در خطرید یا تاب آوردن سخت شده، با 123 (اورژانس اجتماعی) یا 115 (اورژانس)"
        " تماس بگیرید.\nکلینیک آرامش"
    )


def test_on_a_shared_phone_it_names_nobody(person):
    ClientFactory(clinic=person.clinic, phone=person.phone)
    assert "کریمی" not in emergency.text_for(person, now=NOW)


@pytest.mark.parametrize("hold", [care.hold_for_crisis, care.mute])
def test_no_hold_stands_in_its_way(person, hold):
    hold(person, now=NOW)
    assert send(person).state == "queued"


def test_a_refusal_of_texts_does_not_either(person):
    Client.objects.filter(pk=person.pk).update(consent_transactional=False)
    assert send(person).state == "queued"


@pytest.mark.parametrize("phone", ["", "+982188001122"], ids=["none", "a landline"])
def test_without_a_mobile_it_is_refused(person, phone):
    Client.objects.filter(pk=person.pk).update(phone=phone)
    with pytest.raises(EmergencyError):
        send(person)
    assert (Message.objects.count(), ClientEvent.objects.count()) == (0, 0)


def test_nothing_is_sent_to_a_client_who_has_died(person):
    care.record_death(person, now=NOW)
    with pytest.raises(EmergencyError):
        send(Client.objects.get(pk=person.pk))
    assert Message.objects.count() == 0


@pytest.mark.parametrize("state", ["queued", "claimed", "sending"])
def test_a_second_one_waits_until_the_first_has_left(person, state):
    first = send(person)
    Message.objects.filter(pk=first.pk).update()
    with wear(Hat.OWNER, clinic_id=person.clinic_id):
        Message.objects.filter(pk=first.pk).update(state=state)
    with pytest.raises(EmergencyError):
        send(person, now=NOW + 5 * MINUTE)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("state", ["sent", "delivered", "undelivered", "failed", "unknown"])
def test_after_that_another_one_may_follow(person, state):
    first = send(person)
    with wear(Hat.OWNER, clinic_id=person.clinic_id):
        Message.objects.filter(pk=first.pk).update(state=state)
    second = send(person, now=NOW + 5 * MINUTE)
    assert second.pk != first.pk
    assert Message.objects.count() == 2


def test_the_same_minute_is_the_same_text(person):
    first = send(person)
    with wear(Hat.OWNER, clinic_id=person.clinic_id):
        Message.objects.filter(pk=first.pk).update(state="sent")
    assert send(person, now=NOW + dt.timedelta(seconds=40)) == first
    assert (Message.objects.count(), ClientEvent.objects.count()) == (1, 1)


def test_two_in_one_family_are_two_texts(person):
    brother = ClientFactory(clinic=person.clinic, phone=person.phone)
    send(person)
    send(brother)
    assert Message.objects.count() == 2


def test_what_cannot_be_written_is_refused_at_once(person):
    person.clinic.phone = ""
    with wear(Hat.OWNER, clinic_id=person.clinic_id):
        person.clinic.save()
    with pytest.raises(EmergencyError):
        send(person)
    assert Message.objects.count() == 0


def test_a_clinic_without_the_wording_is_told_so(at_work):
    with pytest.raises(EmergencyError):
        send(ClientFactory(clinic=at_work))


# -- Its words ---------------------------------------------------------------------------------


def test_the_words_of_a_new_clinic_are_sound():
    emergency.check(EMERGENCY)
    assert hints(sample(EMERGENCY)) == []
    for number in ("123", "115"):
        assert number in EMERGENCY


def test_it_can_be_given_other_words(person, manager):
    emergency.reword("{خطاب}، کنارتان هستیم: {تلفن}", now=NOW + HOUR, by=manager)
    kept = Template.objects.get()
    assert (kept.updated_at, kept.updated_by) == (NOW + HOUR, manager)
    assert emergency.text_for(person, now=NOW) == "خانم کریمی، کنارتان هستیم: 02188001122"


def test_a_clinic_that_has_none_gets_one(at_work):
    emergency.reword("کنارتان هستیم: {تلفن}", now=NOW, by=None)
    assert Template.objects.get().key == "emergency"


@pytest.mark.parametrize(
    "body",
    [
        "کنارتان هستیم: {پیوند جلسه}",
        "کنارتان هستیم: https://example.ir/a",
        "کنارتان هستیم: example.ir",
        "{روز} می‌بینیمتان",
        "{درمانگر} کنار شماست",
        "",
        "{ناشناس}",
    ],
)
def test_what_does_not_belong_in_it_is_refused(person, body):
    with pytest.raises(ValidationError):
        emergency.reword(body, now=NOW, by=None)
    assert Template.objects.get().body == EMERGENCY
