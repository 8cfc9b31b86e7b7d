"""The bell over every page: what waits for the member, in one query, with a way to each."""

import datetime as dt
import re

import pytest

from clinic.models import Clinic
from messaging.models import ProviderAccount
from panel.waits import Waits, counted
from sessions_app.models import CareTask, Session
from tests import factories
from tests.panel.screens import CLINIC, html_of
from tests.panel.test_inbox import wrote

NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def member_of(user):
    return user.memberships.select_related("clinic").get()


def bell_in(response):
    """The number on the bell, and what it opens: words, count, address."""
    bell = re.search(r'<details class="menu bell".*?</details>', html_of(response), re.DOTALL)[0]
    total = re.search(r'<span class="bell-count">(.*?)</span>', bell)
    items = re.findall(
        r'href="([^"]*)">.*?<span>(.*?)</span><span class="nav-count">(.*?)</span>', bell, re.DOTALL
    )
    return total and total[1], [(words, count, url) for url, words, count in items]


@pytest.fixture
def busy(clinic, people):
    """A call, two replies of one number, three texts that went wrong, and an unrecorded session."""
    mine = people["my_client"]
    CareTask.objects.create(clinic=clinic, kind="call", client=mine, due_at=NOW, created_at=NOW)
    wrote(clinic, mine.phone), wrote(clinic, mine.phone)
    for n, fields in enumerate(
        [
            {"state": "failed", "due_at": NOW - DAY},
            {"state": "unknown", "due_at": NOW - 30 * DAY},
            {"state": "skipped", "rule_key": "by_hand", "due_at": NOW - DAY},
            {"state": "failed", "due_at": NOW - 4 * DAY},
            {"state": "skipped", "due_at": NOW - DAY},
            {"state": "skipped", "rule_key": "by_hand", "due_at": NOW - 4 * DAY},
        ]
    ):
        factories.MessageFactory(clinic=clinic, client=mine, session=None, rule_number=n, **fields)
    for therapist in ("mine", "hers"):
        factories.SessionFactory(
            clinic=clinic, therapist=people[therapist], starts_at=NOW - 3 * HOUR, clients=[mine]
        )


def test_all_that_waits_is_counted_in_one_query(busy, receptionist, django_assert_num_queries):
    member = member_of(receptionist)
    with django_assert_num_queries(1):
        assert counted(member, NOW) == Waits(calls=1, talks=1, texts=3, unrecorded=2)


def test_nothing_waits_in_a_clinic_where_nothing_is(receptionist):
    assert counted(member_of(receptionist), NOW) == Waits()


def test_a_therapist_is_told_of_own_sessions_to_record_and_of_nothing_else(busy, therapist_login):
    assert counted(member_of(therapist_login), NOW) == Waits(unrecorded=1)


def test_another_clinics_people_are_told_of_nothing_of_ours(busy, outsider):
    assert counted(member_of(outsider), NOW) == Waits()


def test_the_bell_leads_to_each_of_them_on_every_page(as_reception, busy):
    assert bell_in(as_reception.get(CLINIC + "clients/")) == (
        "۷",
        [
            ("پیامِ بی‌پاسخ", "۱", "/c/aramesh/inbox/"),
            ("تماسِ مانده", "۱", "/c/aramesh/calls/"),
            ("پیامِ نرسیده", "۳", "/c/aramesh/#attention"),
            ("جلسه‌ی ثبت‌نشده", "۲", "/c/aramesh/#attention"),
        ],
    )


def test_it_says_when_nothing_waits(as_reception):
    response = as_reception.get(CLINIC)
    assert bell_in(response) == (None, [])
    assert "کاری در انتظار شما نیست" in html_of(response) or "منتظر شما نیست" in html_of(response)


@pytest.mark.parametrize(("role", "told"), [("manager", True), ("receptionist", False)])
def test_a_paused_account_is_told_to_who_can_mend_it(client, clinic, at_ten, role, told):
    Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW - DAY)
    factories.ProviderAccountFactory(clinic=clinic, paused_at=NOW, pause_code="412")
    client.force_login(factories.MembershipFactory(clinic=clinic, role=role).user)
    _total, items = bell_in(client.get(CLINIC))
    assert [url for _, _, url in items] == (["/c/aramesh/settings/gateway/"] if told else [])
    assert ProviderAccount.objects.count() == 1


def test_today_shows_the_replies_that_have_waited_longest(as_reception, clinic, people, busy):
    shown = html_of(as_reception.get(CLINIC))
    part = re.search(r'<aside class="attention".*?</aside>', shown, re.DOTALL)[0]
    assert "پیام‌های بی‌پاسخ" in part
    assert part.count("/inbox/") == 2
    assert Session.objects.count() == 2
