"""A rule's text as one client would read it."""

import pytest

from clinic.models import Therapist
from clinic.tenancy import Hat, wear
from followup.models import Rule
from followup.reading import read
from messaging.models import Message, Template
from sessions_app import actions
from tests.factories import ClientFactory, ProviderAccountFactory, ServiceFactory
from tests.followup.clinics import live_clinic, session_at, tehran, tick

NOW = "2026-11-24 10:00"


@pytest.fixture
def live(gateway, owner):
    return live_clinic()


@pytest.fixture
def client(live):
    return ClientFactory(clinic=live, honorific="آقای", last_name="رضایی")


def reading(clinic, client, key, now=NOW):
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
        return read(Rule.objects.get(key=key), client, tehran(now))


def attended(clinic, client, starts, outcome="attended"):
    session = session_at(clinic, starts, clients=[client])
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
        actions.record(session, outcome, now=session.ends_at)
    return session


def test_what_is_foreseen_is_what_is_read(live, client):
    session = session_at(live, "2026-11-28 17:30", clients=[client])
    found = reading(live, client, "reminder_24h")
    assert (found.session, found.reason) == (session, "")
    assert found.occasion.due_at < session.starts_at
    assert found.text == found.occasion.text
    assert "فردا شنبه ۷ آذر" in found.text


def test_of_several_the_first_that_goes_is_read(live, client):
    session_at(live, "2026-11-25 17:30", clients=[client], booked="2026-11-24 09:00")
    later = session_at(live, "2026-11-28 17:30", clients=[client])
    assert reading(live, client, "reminder_72h").session == later


def test_what_will_not_go_says_why_and_is_read_all_the_same(live, client):
    Rule.objects.filter(clinic=live, key="reminder_3h").update(enabled=True)
    session_at(live, "2026-11-24 15:00", clients=[client], booked="2026-11-24 10:00")
    found = reading(live, client, "reminder_3h")
    assert found.reason == "booked_late"
    assert "رضایی" in found.text


def test_a_thank_you_is_read_of_the_last_visit_and_asks_for_feedback(live, client):
    attended(live, client, "2026-11-10 12:00")
    last = attended(live, client, "2026-11-17 12:00")
    found = reading(live, client, "thank_you")
    assert (found.session, found.occasion) == (last, None)
    assert "/f/" in found.text


def test_the_text_after_a_missed_session_is_read_of_one_that_was_missed(live, client):
    missed = attended(live, client, "2026-11-10 12:00", "no_show")
    attended(live, client, "2026-11-17 12:00")
    assert reading(live, client, "no_show").session == missed


def test_the_therapists_own_text_goes_before_the_services(live, client):
    session = session_at(live, "2026-11-28 17:30", clients=[client])
    for body, chosen in (
        ("خدمت {روز}", {"service": session.service}),
        ("درمانگر {روز}", {"therapist": session.therapist}),
    ):
        Template.objects.create(
            clinic=live, key="reminder_24h", body=body, updated_at=tehran(NOW), **chosen
        )
    assert reading(live, client, "reminder_24h").text.startswith("درمانگر")


def test_a_shared_phone_is_read_without_a_name(live, client):
    ClientFactory(clinic=live, phone=client.phone)
    session = session_at(live, "2026-11-28 17:30", clients=[client])
    # Whose name of the factory's may be the client's.
    Therapist.objects.filter(pk=session.therapist_id).update(title="خانم دکتر صادقی")
    assert "رضایی" not in reading(live, client, "reminder_24h").text


def test_a_rule_for_another_service_is_not_for_this_client(live, client):
    session_at(live, "2026-11-28 17:30", clients=[client])
    other = ServiceFactory(clinic=live)
    Rule.objects.filter(clinic=live, key="reminder_24h").update(services=[other.pk])
    found = reading(live, client, "reminder_24h")
    assert (found.occasion, found.reason) == (None, "not_meant")


def test_a_text_that_was_sent_already_is_not_foreseen_again(live, client):
    session_at(live, "2026-11-25 17:30", clients=[client])
    tick("2026-11-24 17:41")
    found = reading(live, client, "reminder_24h", "2026-11-24 17:42")
    assert (found.occasion, found.reason) == (None, "")


def test_nothing_is_kept_of_a_reading(live, client):
    session_at(live, "2026-11-28 17:30", clients=[client])
    reading(live, client, "reminder_24h")
    assert Message.objects.count() == 0


def test_for_an_account_that_takes_no_links_a_text_without_one_is_read(live, client):
    ProviderAccountFactory(clinic=live, refuses_links=True)
    attended(live, client, "2026-11-10 12:00")
    session_at(live, "2026-11-28 17:30", clients=[client])
    for key in ("reminder_24h", "silent_1"):  # foreseen, and not
        text = reading(live, client, key).text
        assert ("رضایی" in text, "://" in text) == (True, False)


def test_a_rule_by_e_mail_is_for_who_has_an_address(live, client):
    attended(live, client, "2026-11-10 12:00")
    Rule.objects.filter(clinic=live, key="silent_2").update(channel="email")
    assert reading(live, client, "silent_2").reason == "no_email"
    client.email = "rezaei@example.ir"
    client.save()
    assert reading(live, client, "silent_2").reason == ""
