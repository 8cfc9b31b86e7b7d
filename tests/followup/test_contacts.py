"""Who of the people around a client reads which text."""

import datetime as dt

import pytest

from followup.preview import upcoming
from messaging import emergency
from messaging.models import Message
from patients import contacts
from patients.models import ContactPerson
from tests.followup.clinics import outbox, tehran, tick
from tests.followup.practice import plan_at, practice, send_at
from tests.messaging.inbound import hear

SESSION, BOOKED, DUE = "2026-12-06 17:30", "2026-11-25 10:00", "2026-12-03 17:30"
OWN, MOTHER, FATHER = "+989121110000", "+989121110001", "+989121110002"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def p(owner, gateway):
    p = practice("reminder_72h", "thank_you", "no_next_booking")
    type(p.client).objects.filter(pk=p.client.pk).update(phone=OWN)
    p.client.refresh_from_db()
    return p


def person(p, phone=MOTHER, *, own_texts=True, client=None, **fields):
    told = {"relation": "mother", "honorific": "خانم", "name": "زهرا نیکو"} | fields
    contact = ContactPerson(client=client or p.client, phone=phone, **told)
    with p.inside():
        contacts.save(contact, own_texts=own_texts, now=tehran(BOOKED))
    return contact


def told(p, rule=None):
    return sorted((m.recipient, m.state, m.reason) for m in outbox(p.clinic, rule))


SENT = ("sent", "")
# Who is around → who has read the reminder and the thanks
TABLE = {
    "nobody": ([], True, [OWN], [OWN]),
    "the mother, too": ([{}], True, [OWN, MOTHER], [OWN]),
    "the mother alone": ([{}], False, [MOTHER], []),
    "the mother, everything": ([{"gets_follow_up": True}], False, [MOTHER], [MOTHER]),
    "both parents": ([{}, {"phone": FATHER}], False, [MOTHER, FATHER], []),
    "only to be called": ([{"gets_sessions": False}], True, [OWN], [OWN]),
    "one with an address only": ([{"phone": "", "email": "m@e.ir"}], True, [OWN], [OWN]),
    "one with the client's number": ([{"phone": OWN}], True, [OWN], [OWN]),
}


@pytest.mark.parametrize(
    ("people", "own_texts", "reminded", "thanked"), TABLE.values(), ids=TABLE.keys()
)
def test_who_reads_which_text(p, people, own_texts, reminded, thanked):
    for fields in people:
        person(p, own_texts=own_texts, **fields)
    p.book(SESSION, at=BOOKED, tell=False)
    p.came("2026-11-30 12:30")
    tick("2026-11-30 18:00")
    tick(DUE)
    assert told(p, "reminder_72h") == [(phone, *SENT) for phone in sorted(reminded)]
    thanks = told(p, "thank_you")
    assert [it for it in thanks if it[0]] == [(phone, *SENT) for phone in sorted(thanked)]


def test_where_nobody_reads_it_the_reason_is_shown(p):
    person(p, own_texts=False, gets_sessions=False)
    p.book(SESSION, at=BOOKED, tell=False)
    tick(DUE)
    assert told(p) == [("", "skipped", "no_phone")]


def test_the_text_addresses_who_reads_it(p):
    person(p)
    p.book(SESSION, at=BOOKED, tell=False)
    tick(DUE)
    texts = {m.recipient: m.text for m in outbox(p.clinic)}
    assert "خانم زهرا نیکو" in texts[MOTHER]
    assert p.client.addressed in texts[OWN]
    assert p.client.addressed not in texts[MOTHER]


def test_one_mother_of_two_in_a_session_reads_one_text(p):
    sister = p.someone(phone="")
    for child in (p.client, sister):
        person(p, client=child, own_texts=False)
    p.book(SESSION, at=BOOKED, tell=False, clients=[p.client, sister])
    tick(DUE)
    assert told(p) == [(MOTHER, *SENT)]


def test_what_holds_for_the_client_holds_for_everybody(p):
    from patients import care

    person(p)
    p.book(SESSION, at=BOOKED, tell=False)
    p.do(care.hold_for_crisis, p.client, at=BOOKED)
    tick(DUE)
    assert told(p) == [(OWN, "skipped", "crisis"), (MOTHER, "skipped", "crisis")]


def _removed(p, contact):
    p.do(contacts.remove, contact, at=DUE)


def _no_sessions(p, contact):
    contact.gets_sessions = False
    p.do(contacts.save, contact, own_texts=False, at=DUE)


def _other_number(p, contact):
    contact.phone = FATHER
    p.do(contacts.save, contact, own_texts=False, at=DUE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_removed, "not_told"), (_no_sessions, "not_told"), (_other_number, "phone_changed")],
)
def test_what_changes_while_it_waits_is_seen_at_the_last_moment(p, change, reason):
    contact = person(p, own_texts=False)
    p.book(SESSION, at=BOOKED, tell=False)
    plan_at(DUE)
    change(p, contact)
    send_at(DUE)
    assert told(p) == [(MOTHER, "skipped", reason)]


def test_another_number_of_the_contact_person_gets_the_text(p):
    contact = person(p, own_texts=False)
    p.book(SESSION, at=BOOKED, tell=False)
    plan_at(DUE)
    _other_number(p, contact)
    tick(tehran(DUE) + MINUTE)
    assert told(p) == [(MOTHER, "skipped", "phone_changed"), (FATHER, *SENT)]


def test_the_client_who_wants_no_texts_any_more_gets_none_that_waits(p):
    p.book(SESSION, at=BOOKED, tell=False)
    plan_at(DUE)
    p.do(contacts.set_own_texts, p.client, False, at=DUE)
    send_at(DUE)
    assert told(p) == [(OWN, "skipped", "not_told")]


def test_what_fails_goes_on_to_the_same_person(p):
    from followup.models import Rule

    Rule.objects.filter(clinic=p.clinic, key="reminder_72h").update(
        channel="whatsapp", then=["sms", "email"]
    )
    person(p, own_texts=False, email="m@e.ir")
    p.book(SESSION, at=BOOKED, tell=False)
    tick(DUE)
    tick(DUE)
    told = [(m.channel, m.recipient) for m in outbox(p.clinic)]
    assert told == [("whatsapp", MOTHER), ("sms", MOTHER)]
    assert set(Message.objects.values_list("contact__name", flat=True)) == {"زهرا نیکو"}


def test_a_budget_is_each_readers_own(p):
    """Two parents read one question each: none of it counts for the other."""
    person(p, own_texts=False, gets_follow_up=True)
    person(p, FATHER, own_texts=False, gets_follow_up=True)
    for day in ("2026-11-28", "2026-11-29", "2026-11-30"):
        p.came(f"{day} 10:00")
        tick(f"{day} 18:00")
    each = [*[("sent", "")] * 2, ("skipped", "budget")]
    for phone in (MOTHER, FATHER):
        theirs = [m for m in outbox(p.clinic, "thank_you") if m.recipient == phone]
        assert [(m.state, m.reason) for m in theirs] == each


def test_it_is_foretold_to_whom(p):
    person(p)
    p.book(SESSION, at=BOOKED, tell=False)
    due = tehran(DUE)
    with p.inside():
        ahead = upcoming(p.clinic, due - MINUTE, due)
    foretold = {(it.recipient, it.contact and it.contact.name, it.text) for it in ahead}
    tick(due)
    assert foretold == {
        (m.recipient, m.contact and m.contact.name, m.text) for m in outbox(p.clinic)
    }
    assert {it[1] for it in foretold} == {None, "زهرا نیکو"}


# What they write back


def stands(contact):
    contact.refresh_from_db()
    contact.client.refresh_from_db()
    return contact.stopped_at is not None, contact.client.consent_follow_up


def test_a_stop_is_the_writers_own(p):
    mother = person(p, gets_follow_up=True)
    father = person(p, FATHER, gets_follow_up=True)
    hear("۱۱", sender=MOTHER)
    assert (stands(mother), stands(father)) == ((True, True), (False, True))
    hear("۱۲", sender=MOTHER)
    assert stands(mother) == (False, True)


def test_a_stop_from_the_clients_own_phone_is_the_clients(p):
    same = person(p, OWN, gets_follow_up=True)
    hear("۱۱", sender=OWN)
    assert stands(same) == (False, False)


def test_who_has_stopped_reads_of_sessions_still(p):
    person(p, own_texts=False, gets_follow_up=True)
    hear("۱۱", sender=MOTHER)
    p.book(SESSION, at=BOOKED, tell=False)
    p.came("2026-11-30 12:30")
    tick("2026-11-30 18:00")
    tick(DUE)
    assert told(p, "reminder_72h") == [(MOTHER, *SENT)]
    assert told(p, "thank_you") == [("", "skipped", "no_phone")]


def test_a_contact_person_confirms_by_text(p, gateway):
    person(p, own_texts=False)
    session = p.book(SESSION, at=BOOKED, tell=False)
    tick(DUE)
    hear("۱", sender=MOTHER, now=tehran(DUE) + MINUTE)
    session.refresh_from_db()
    assert session.state == "confirmed"


def test_the_emergency_text_goes_to_who_reads_of_sessions(p):
    person(p, own_texts=False)
    person(p, FATHER, own_texts=False, gets_sessions=False)
    with p.inside():
        texts = emergency.send(p.client, now=tehran(BOOKED), by=None)
    assert [(m.recipient, m.contact.name) for m in texts] == [(MOTHER, "زهرا نیکو")]
    send_at(BOOKED)
    assert told(p) == [(MOTHER, *SENT)]
