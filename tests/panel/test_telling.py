"""Telling the client of a booking, a move, a cancellation: asked plainly, and said honestly."""

import datetime as dt
import re

import pytest
import time_machine

from clinic.models import Clinic
from followup.planner import plan
from messaging.models import Message
from sessions_app.models import Session
from tests import factories
from tests.panel.screens import CLINIC, html_of, notices_of, undo_of

NOW = factories.NOW
MINUTE = dt.timedelta(minutes=1)
#: Sunday 1 Azar 1405, 17:30 in Tehran.
SUNDAY = dt.datetime(2026, 11, 22, 14, 0, tzinfo=dt.UTC)
SESSIONS = CLINIC + "sessions/"
SOON = "پیامک تا سه دقیقه‌ی دیگر فرستاده می‌شود."


@pytest.fixture(autouse=True)
def rules(clinic, settings):
    """A live clinic with an account and the three rules that tell of changes."""
    settings.KAVENEGAR_API_KEY = "key-of-the-tests"
    Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW - dt.timedelta(days=30))
    common = {"clinic": clinic, "offset_minutes": 3, "notice_minutes": 0, "spread_minutes": 0}
    made = {}
    for kind, useful in (("booked", 60), ("moved", 0), ("cancelled", 0)):
        factories.TemplateFactory(clinic=clinic, key=kind)
        made[kind] = factories.RuleFactory(key=kind, kind=kind, useful_minutes=useful, **common)
    return made


@pytest.fixture
def session(clinic, people):
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people["mine"],
        service=people["service"],
        starts_at=SUNDAY,
        clients=[people["my_client"]],
    )


def book(people, **answers):
    return {
        "clients": [people["my_client"].pk],
        "therapist": people["mine"].pk,
        "service": people["service"].pk,
        "day": "۱۴۰۵/۹/۱",
        "time": "۱۷:۳۰",
        **answers,
    }


def move(people, **answers):
    therapist = people["mine"].pk
    return {"day": "1405/9/2", "time": "9:00", "duration": "50", "therapist": therapist, **answers}


def act(browser, session, name, **answers):
    return browser.post(f"{SESSIONS}{session.pk}/{name}/", answers, follow=True)


def told_after(minutes):
    plan(NOW + minutes * MINUTE)
    return [(m.rule_key, m.state) for m in Message.objects.order_by("id")]


# -- What is asked -----------------------------------------------------------------------------


def boxes_of(html):
    """Each question of the page in its order, and whether it is ticked."""
    found = re.findall(r'<input[^>]*type="checkbox"[^>]*name="tell"[^>]*>', html)
    return ["checked" in box for box in found]


def test_booking_and_moving_ask_with_yes(as_reception, session):
    assert boxes_of(html_of(as_reception.get(SESSIONS + "new/"))) == [True]
    assert boxes_of(html_of(as_reception.get(f"{SESSIONS}{session.pk}/move/"))) == [True]


def test_cancelling_asks_with_no_for_the_client_and_yes_for_the_clinic(as_reception, session):
    for address in (f"{SESSIONS}{session.pk}/", f"{CLINIC}?day=1405-09-01"):
        html = html_of(as_reception.get(address))
        parts = re.findall(r'<form class="menu-part".*?</form>', html, re.DOTALL)
        asked = [(re.findall(r'name="by_whom" value="(\w+)"', p), boxes_of(p)) for p in parts]
        assert asked == [(["client", "late"], [False]), (["clinic"], [True])]
        assert "به مراجع پیامک بزنیم؟" in parts[0]


def test_restoring_asks_with_yes(as_reception, clinic, people):
    cancelled = factories.SessionFactory(clinic=clinic, starts_at=SUNDAY, state="cancelled")
    assert boxes_of(html_of(as_reception.get(f"{SESSIONS}{cancelled.pk}/"))) == [True]


@pytest.mark.parametrize("state", ["scheduled", "cancelled"])
def test_nothing_is_asked_about_a_session_that_has_begun(as_reception, clinic, people, state):
    begun = factories.SessionFactory(clinic=clinic, starts_at=NOW - MINUTE, state=state)
    assert boxes_of(html_of(as_reception.get(f"{SESSIONS}{begun.pk}/"))) == []


def test_looking_for_a_client_keeps_the_answer(as_reception, people):
    asked = {**book(people), "step": "find", "find": "ملکی"}
    assert boxes_of(html_of(as_reception.post(SESSIONS + "new/", asked))) == [False]
    asked["tell"] = "on"
    assert boxes_of(html_of(as_reception.post(SESSIONS + "new/", asked))) == [True]


# -- What is said, and what leaves ---------------------------------------------------------------


def test_a_booking_says_when_its_text_goes(as_reception, people):
    response = as_reception.post(SESSIONS + "new/", book(people, tell="on"), follow=True)
    assert notices_of(response) == [f"جلسه برای یکشنبه ۱ آذر، ساعت ۱۷:۳۰ ثبت شد. {SOON}"]
    assert told_after(4) == [("booked", "queued")]


def test_a_booking_in_silence_is_told_to_nobody(as_reception, people):
    response = as_reception.post(SESSIONS + "new/", book(people), follow=True)
    assert notices_of(response) == ["جلسه برای یکشنبه ۱ آذر، ساعت ۱۷:۳۰ ثبت شد."]
    assert told_after(4) == []


def test_a_booking_undone_in_time_is_told_to_nobody(as_reception, people):
    booked = as_reception.post(SESSIONS + "new/", book(people, tell="on"), follow=True)
    undone = as_reception.post(undo_of(booked), follow=True)
    assert Session.objects.get().state == "cancelled"
    assert notices_of(undone) == ["به حالت قبل برگشت."]
    assert told_after(4) == []


def test_a_booking_undone_too_late_is_taken_back_by_text(as_reception, people):
    undo = undo_of(as_reception.post(SESSIONS + "new/", book(people, tell="on"), follow=True))
    plan(NOW + 3 * MINUTE)
    with time_machine.travel(NOW + 4 * MINUTE, tick=False):
        assert SOON in notices_of(as_reception.post(undo, follow=True))[0]
    assert ("cancelled", "queued") in told_after(8)


def test_a_move_says_so_and_its_undo_in_time_tells_nothing(as_reception, people, session):
    moved = act(as_reception, session, "move", **move(people, tell="on"))
    assert notices_of(moved)[0].endswith(SOON)
    as_reception.post(undo_of(moved))
    assert told_after(4) == []


def test_a_move_in_silence(as_reception, people, session):
    assert SOON not in notices_of(act(as_reception, session, "move", **move(people)))[0]
    assert told_after(4) == []


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        pytest.param({"by_whom": "clinic", "tell": "on"}, [("cancelled", "queued")], id="told"),
        pytest.param({"by_whom": "client"}, [], id="in silence"),
    ],
)
def test_a_cancellation_is_told_as_answered(as_reception, session, answers, sent):
    said = notices_of(act(as_reception, session, "cancel", **answers))
    assert [SOON in notice for notice in said] == [bool(sent)]
    assert told_after(4) == sent


def test_a_told_booking_that_is_cancelled_in_silence_is_not_told(as_reception, people):
    as_reception.post(SESSIONS + "new/", book(people, tell="on"))
    assert told_after(4) == [("booked", "queued")]
    with time_machine.travel(NOW + 60 * MINUTE, tick=False):
        act(as_reception, Session.objects.get(), "cancel", by_whom="client")
    assert told_after(64) == [("booked", "cancelled")]


def test_a_cancellation_in_place_says_so_without_leaving_the_page(as_reception, session):
    answers = {"by_whom": "clinic", "tell": "on", "live": "1", "day": "1405/09/01"}
    response = as_reception.post(
        f"{SESSIONS}{session.pk}/cancel/", answers, headers={"HX-Request": "true"}
    )
    assert SOON in notices_of(response)[0]
    assert f'id="session-{session.pk}"' in html_of(response)


def test_restoring_tells_of_the_time_that_stands_again(as_reception, session):
    act(as_reception, session, "cancel", by_whom="client")
    assert SOON in notices_of(act(as_reception, session, "restore", tell="on"))[0]
    assert told_after(4) == [("moved", "queued")]


def test_a_text_that_waits_for_the_morning_says_when(as_reception, session):
    with time_machine.travel(dt.datetime(2026, 11, 21, 18, 0, tzinfo=dt.UTC), tick=False):
        said = notices_of(act(as_reception, session, "cancel", by_whom="clinic", tell="on"))
    assert said[0].endswith("پیامک فردا، ساعت ۰۹:۰۰ فرستاده می‌شود.")


# -- When none goes ------------------------------------------------------------------------------


def without_phone(clinic, people, rules):
    type(people["my_client"]).objects.filter(pk=people["my_client"].pk).update(phone="")


def without_consent(clinic, people, rules):
    client = people["my_client"]
    type(client).objects.filter(pk=client.pk).update(consent_transactional=False)


def without_rule(clinic, people, rules):
    type(rules["cancelled"]).objects.update(enabled=False)


def for_another_service(clinic, people, rules):
    type(rules["cancelled"]).objects.update(services=[people["service"].pk + 1])


def in_shadow(clinic, people, rules):
    Clinic.objects.filter(pk=clinic.pk).update(live_since=None)


@pytest.mark.parametrize(
    ("hinder", "why"),
    [
        (without_phone, "در پرونده شماره‌ی موبایلی نیست"),
        (without_consent, "مراجع چنین پیام‌هایی نمی‌خواهد"),
        (without_rule, "قاعده خاموش شد"),
        (for_another_service, ""),
        (in_shadow, "کلینیک در حالت آزمایشی است و فقط در فهرست پیام‌ها نشان داده می‌شود"),
    ],
)
def test_what_hinders_the_text_is_said(as_reception, clinic, people, rules, session, hinder, why):
    hinder(clinic, people, rules)
    said = notices_of(act(as_reception, session, "cancel", by_whom="clinic", tell="on"))
    assert said[1].startswith("پیامکی فرستاده نمی‌شود: ")
    assert why in said[1]
    assert SOON not in " ".join(said)


def test_without_an_account_nothing_is_promised(as_reception, session, settings):
    settings.KAVENEGAR_API_KEY = ""
    said = notices_of(act(as_reception, session, "cancel", by_whom="clinic", tell="on"))
    assert said[1].startswith("پیامکی فرستاده نمی‌شود: ")


def test_of_a_couple_the_one_who_cannot_be_told_is_named(as_reception, clinic, people):
    alone = factories.ClientFactory(clinic=clinic, phone="")
    both = factories.SessionFactory(
        clinic=clinic, starts_at=SUNDAY, clients=[people["my_client"], alone]
    )
    said = notices_of(act(as_reception, both, "cancel", by_whom="clinic", tell="on"))
    assert said[0].endswith(SOON)
    assert said[1].startswith(f"برای {alone} پیامکی فرستاده نمی‌شود: ")


def test_a_couple_with_one_phone_is_told_once_and_nobody_is_warned(as_reception, clinic, people):
    other = factories.ClientFactory(clinic=clinic, phone=people["my_client"].phone)
    both = factories.SessionFactory(
        clinic=clinic, starts_at=SUNDAY, clients=[people["my_client"], other]
    )
    said = notices_of(act(as_reception, both, "cancel", by_whom="clinic", tell="on"))
    assert [notice.endswith(SOON) for notice in said] == [True]
