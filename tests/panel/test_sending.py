"""A stop of all texts for a while, and what texts may cost in a month."""

import datetime as dt
import re
from html import unescape

import pytest

from clinic.actions import pause_texts, resume_texts
from clinic.models import Clinic
from messaging.models import Spending
from messaging.spending import month_of
from tests import factories
from tests.factories import NOW
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of

HOUR = dt.timedelta(hours=1)
PATH = f"{CLINIC}settings/live/"


@pytest.fixture
def live(clinic):
    Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW - 30 * 24 * HOUR)
    clinic.refresh_from_db()
    return clinic


@pytest.fixture
def as_manager(client, manager, at_ten):
    client.force_login(manager)
    return client


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(response.content.decode())))


# -- The stop --------------------------------------------------------------------------------------


def test_a_stop_keeps_who_and_when(as_manager, live, manager):
    as_manager.post(f"{PATH}pause/")
    live.refresh_from_db()
    assert (live.paused_at, live.paused_by) == (NOW, manager)


def test_asking_stops_nothing(as_manager, live):
    assert 'id="confirm"' in html_of(as_manager.get(f"{PATH}pause/"))
    live.refresh_from_db()
    assert live.paused_at is None


def test_the_question_says_what_waits_and_what_comes_too_late(as_manager, live):
    for hours, useful in ((1, 2), (1, 30), (23, 40), (25, 26)):
        factories.MessageFactory(
            clinic=live,
            attempt_at=NOW + hours * HOUR,
            due_at=NOW + hours * HOUR,
            useful_until=NOW + useful * HOUR,
        )
    factories.MessageFactory(clinic=live, state="sent")
    factories.MessageFactory(clinic=live, useful_until=NOW - HOUR)
    said = "در ۲۴ ساعت آینده ۳ پیام می‌ماند؛ برای ۱ پیام از آن‌ها دیگر دیر می‌شود"
    assert said in text_of(as_manager.get(f"{PATH}pause/"))


def test_what_is_not_planned_yet_is_counted_too(as_manager, live):
    factories.RuleFactory(clinic=live)
    factories.TemplateFactory(clinic=live, key="reminder_24h")
    for hours in (30, 60):
        factories.SessionFactory(clinic=live, starts_at=NOW + hours * HOUR)
    assert "۱ پیام می‌ماند" in text_of(as_manager.get(f"{PATH}pause/"))


def test_a_stop_can_be_taken_back_at_once(as_manager, live):
    response = as_manager.post(f"{PATH}pause/", follow=True)
    assert notices_of(response) == ["ارسال همه‌ی پیام‌ها متوقف شد."]
    undo = re.search(r'<form action="([^"]*/resume/)" method="post">', html_of(response))[1]
    as_manager.post(undo)
    live.refresh_from_db()
    assert (live.paused_at, live.paused_by) == (None, None)


def test_of_two_stops_the_first_stands(live, manager):
    other = factories.MembershipFactory(clinic=live, role="owner").user
    assert pause_texts(live, by=manager, now=NOW)
    assert not pause_texts(live, by=other, now=NOW + HOUR)
    assert (live.paused_at, live.paused_by) == (NOW, manager)


def test_letting_go_on_what_was_not_stopped_changes_nothing(live, manager):
    assert not resume_texts(live, by=manager, now=NOW)


def test_a_stop_is_offered_beside_the_messages_to_managers_alone(
    client, clinic, live, manager, receptionist, at_ten
):
    seen = {}
    for user in (manager, receptionist):
        client.force_login(user)
        seen[user] = f'href="{PATH}pause/"' in html_of(client.get(f"{CLINIC}messages/"))
    assert seen == {manager: True, receptionist: False}


@pytest.mark.parametrize("name", ["pause", "resume", "limit"])
def test_an_outsider_stops_nothing(as_outsider, live, manager, name):
    pause_texts(live, by=manager, now=NOW)
    answer = as_outsider.post(f"{PATH}{name}/", {"monthly_cap_rial": "5000"})
    assert answer.status_code == 404
    live.refresh_from_db()
    assert (live.paused_at, live.monthly_cap_rial) == (NOW, None)


@pytest.mark.parametrize("name", ["pause", "resume", "limit"])
def test_it_is_for_managers(as_reception, live, manager, name):
    pause_texts(live, by=manager, now=NOW)
    assert as_reception.post(f"{PATH}{name}/").status_code == 403
    live.refresh_from_db()
    assert live.paused_at == NOW


# -- The limit -------------------------------------------------------------------------------------


def save_limit(browser, typed):
    return browser.post(f"{PATH}limit/", {"monthly_cap_rial": typed}, follow=True)


def spend(clinic, rial):
    starts_at, ends_at = month_of(clinic, NOW)
    Spending.objects.create(clinic=clinic, starts_at=starts_at, ends_at=ends_at, rial=rial)


@pytest.mark.parametrize(
    ("typed", "rial"),
    [("۵۰۰٬۰۰۰", 5_000_000), ("1000", 10_000), ("", None)],
    ids=["Persian digits", "the least", "none"],
)
def test_the_limit_is_typed_in_toman_and_kept_in_rial(as_manager, live, typed, rial):
    Clinic.objects.filter(pk=live.pk).update(monthly_cap_rial=1)
    save_limit(as_manager, typed)
    live.refresh_from_db()
    assert live.monthly_cap_rial == rial


@pytest.mark.parametrize("typed", ["زیاد", "-1", "999", "0", "9" * 20])
def test_what_is_no_limit_is_refused_beside_its_field(as_manager, live, typed):
    response = save_limit(as_manager, typed)
    assert (response.status_code, list(errors_of(response))) == (422, ["monthly_cap_rial"])
    assert f'value="{typed}"' in html_of(response)
    live.refresh_from_db()
    assert live.monthly_cap_rial is None


def test_this_months_spending_is_shown_with_a_bar(as_manager, live):
    Clinic.objects.filter(pk=live.pk).update(monthly_cap_rial=5_000_000)
    spend(live, 1_234_560)
    response = as_manager.get(PATH)
    assert "هزینه‌ی پیام‌ها در آبان ۱۴۰۵" in text_of(response)
    assert "۱۲۳٬۴۵۶ تومان از ۵۰۰٬۰۰۰ تومان" in text_of(response)
    assert '<progress class="spent-bar" value="1234560" max="5000000"' in html_of(response)


def test_without_a_limit_there_is_no_bar(as_manager, live):
    spend(live, 1_234_560)
    response = as_manager.get(PATH)
    assert "۱۲۳٬۴۵۶ تومان" in text_of(response)
    assert "<progress" not in html_of(response)


@pytest.mark.parametrize(
    ("rial", "said"),
    [(79, None), (80, "رو به پایان"), (99, "رو به پایان"), (100, "سقف پر شد")],
)
def test_it_is_said_when_the_limit_is_near_and_when_it_is_reached(as_manager, live, rial, said):
    Clinic.objects.filter(pk=live.pk).update(monthly_cap_rial=100)
    spend(live, rial)
    words = text_of(as_manager.get(PATH))
    assert [w for w in ("رو به پایان", "سقف پر شد") if f" {w} " in words] == (
        [said] if said else []
    )


def test_another_clinics_spending_is_not_counted(as_manager, live, other_clinic):
    spend(other_clinic, 1_234_560)
    assert "۰ تومان" in text_of(as_manager.get(PATH))
