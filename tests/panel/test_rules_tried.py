"""A rule tried with a real client, before it is saved."""

import re

import pytest

from followup.models import Rule
from tests.factories import (
    ClientFactory,
    MessageFactory,
    ServiceFactory,
)
from tests.panel.rules_page import (
    OPENED,
    PATH,
    book,
    html_of,
    rule_of,
    text_of,
)


@pytest.fixture
def rule(mehr):
    return rule_of(mehr)


# -- With a real client -----------------------------------------------------------------------


def read(browser, rule, client):
    return text_of(browser.get(f"{PATH}{rule.pk}/try/?client={client.pk}"))


def test_a_client_is_found_and_chosen(as_mehr, mehr, rule):
    known = ClientFactory(clinic=mehr, first_name="سارا", last_name="ملکی")
    page = html_of(as_mehr.get(f"{PATH}{rule.pk}/try/?find=ملکي"))
    assert f'href="{PATH}{rule.pk}/try/?client={known.pk}"' in page


def test_nobody_found_is_said(as_mehr, rule):
    page = text_of(as_mehr.get(f"{PATH}{rule.pk}/try/?find=ناشناس"))
    assert "کسی با «ناشناس» پیدا نشد." in page


def test_the_search_alone_is_a_fragment(as_mehr, rule):
    answer = as_mehr.get(f"{PATH}{rule.pk}/try/?find=x", headers={"HX-Request": "true"})
    assert b"<html" not in answer.content


def test_the_text_is_shown_as_the_client_will_read_it(as_mehr, mehr, rule):
    known = ClientFactory(clinic=mehr, honorific="آقای", last_name="رضایی")
    book(mehr, "2026-11-25 17:00", clients=[known])
    page = read(as_mehr, rule, known)
    assert "آقای رضایی" in page
    assert "فردا چهارشنبه ۴ آذر ساعت ۱۷:۰۰" in page
    assert "سه‌شنبه ۳ آذر، ساعت ۱۷:۰" in page
    assert "۳ پیامک" in page


def test_what_it_costs_is_known_from_the_last_text(as_mehr, mehr, rule):
    known = ClientFactory(clinic=mehr)
    book(mehr, "2026-11-25 17:00", clients=[known])
    assert "تومان" not in read(as_mehr, rule, known)
    MessageFactory(clinic=mehr, session=None, state="delivered", cost_rial=3_000, parts=2)
    assert "حدود ۴۵۰ تومان" in read(as_mehr, rule, known)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"phone": ""}, "شماره"),
        ({"consent_transactional": False}, "نمی‌خواهد"),
        ({"crisis_since": OPENED}, "بحران"),
        ({"muted_at": OPENED}, "متوقف"),
    ],
    ids=["no phone", "no consent", "crisis", "muted"],
)
def test_why_it_would_not_be_sent_is_said_beside_the_text(as_mehr, mehr, rule, fields, said):
    known = ClientFactory(clinic=mehr, **fields)
    book(mehr, "2026-11-25 17:00", clients=[known])
    page = read(as_mehr, rule, known)
    assert re.search(rf"فرستاده نمی‌شود: [^.]*{said}", page)
    assert "چهارشنبه ۴ آذر" in page


def test_a_client_without_a_session_gets_an_example(as_mehr, mehr, rule):
    known = ClientFactory(clinic=mehr, honorific="آقای", last_name="رضایی")
    page = read(as_mehr, rule, known)
    assert "آقای رضایی" in page
    assert "این مراجع جلسه‌ای ندارد" in page


def test_a_rule_that_is_off_says_so_beside_the_text(as_mehr, mehr, rule):
    known = ClientFactory(clinic=mehr)
    book(mehr, "2026-11-25 17:00", clients=[known])
    as_mehr.post(f"{PATH}{rule.pk}/off/")
    assert re.search(r"فرستاده نمی‌شود: [^.]*خاموش", read(as_mehr, rule, known))


def test_a_rule_for_others_says_so_beside_the_text(as_mehr, mehr, rule):
    known = ClientFactory(clinic=mehr)
    book(mehr, "2026-11-25 17:00", clients=[known])
    Rule.objects.filter(pk=rule.pk).update(services=[ServiceFactory(clinic=mehr).pk])
    page = read(as_mehr, rule, known)
    assert "این قاعده برای این خدمت، درمانگر یا مراجع نیست" in page


def test_reading_writes_nothing(as_mehr, mehr, rule):
    from clinic.models import Directory

    known = ClientFactory(clinic=mehr)
    book(mehr, "2026-11-25 17:00", clients=[known])
    before = Directory.objects.count()
    read(as_mehr, rule, known)
    assert Directory.objects.count() == before
