import datetime as dt
import re
from html import unescape

import pytest
import time_machine

from followup.actions import open_clinic
from followup.models import Rule
from messaging.models import Template
from tests.factories import MembershipFactory, MessageFactory

PATH = "/c/mehr/settings/texts/"


@pytest.fixture
def mehr(owner, now):
    return open_clinic(
        "mehr", "کلینیک مهر", phone="021-88001122", timezone="Asia/Tehran", live=False, now=now
    )


@pytest.fixture
def as_manager(client, mehr):
    client.force_login(MembershipFactory(clinic=mehr, role="manager").user)
    return client


@pytest.fixture
def rule(mehr):
    return Rule.objects.get(key="reminder_24h")


def text_of(response):
    return unescape(response.content.decode())


def sample_in(page):
    return re.search(r'<div class="sms">(.*?)</div>', page, re.DOTALL)[1]


def test_each_rule_is_shown_as_a_client_would_read_it(as_manager):
    samples = re.findall(r'<div class="sms">(.*?)</div>', text_of(as_manager.get(PATH)), re.DOTALL)
    assert len(samples) == 2
    for sample in samples:
        assert "خانم دکتر صادقی" in sample
        assert sample.endswith("کلینیک مهر")
        assert "{" not in sample


def test_the_words_are_changed_and_who_did_it_is_kept(as_manager, rule):
    body = "سلام {خطاب}، {روز} ساعت {ساعت} منتظر شما هستیم. {کلینیک}"
    as_manager.post(f"{PATH}{rule.pk}/", {"body": body})
    template = Template.objects.get(pk=rule.template_id)
    assert (template.body, template.updated_by.memberships.get().role) == (body, "manager")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("سلام {خطاب}، {نام}", "{نام}"),
        ("سلام {}", "{}"),
        ("سلام {خطاب", "خطاب"),
        ("", "متن"),
        ("{خطاب}", "متن"),
    ],
    ids=["unknown", "empty", "unclosed", "no text", "no words of its own"],
)
def test_a_text_that_could_not_be_sent_is_refused_beside_the_field(as_manager, rule, body, said):
    before = rule.template.body
    page = text_of(as_manager.post(f"{PATH}{rule.pk}/", {"body": body}))
    error = re.search(r'id="id_body_error">(.*?)</div></div>', page, re.DOTALL)
    assert error
    assert Template.objects.get(pk=rule.template_id).body == before


def test_the_preview_counts_parts_as_the_networks_do(as_manager):
    page = text_of(as_manager.post(f"{PATH}preview/", {"body": "ا" * 71}))
    assert "۲ پیامک · ۷۱ نویسه · ۶۳ نویسه جا در پیامک آخر" in page


def test_the_preview_says_what_is_wrong_while_typing(as_manager):
    page = text_of(as_manager.post(f"{PATH}preview/", {"body": "سلام {نام}"}))
    assert 'class="field-error"' in page
    assert 'class="sms"' not in page


def test_the_preview_is_a_fragment_that_escapes_what_is_typed(as_manager):
    page = as_manager.post(f"{PATH}preview/", {"body": "<b>سلام</b> {خطاب}"}).content.decode()
    assert "<html" not in page
    assert "&lt;b&gt;سلام&lt;/b&gt; خانم کریمی" in page


def test_a_value_that_the_clinic_lacks_is_pointed_out(as_manager, mehr):
    type(mehr).objects.filter(pk=mehr.pk).update(phone="")
    page = text_of(as_manager.get(PATH))
    assert page.count("«تلفن» کلینیک خالی است؛ تا پر نشود، این متن فرستاده نمی‌شود.") == 2


def test_switching_off_cancels_what_waits_and_can_be_undone(as_manager, mehr, rule):
    waiting = MessageFactory(clinic=mehr, session=None, rule_number=rule.pk)
    page = text_of(as_manager.post(f"{PATH}{rule.pk}/off/", follow=True))
    waiting.refresh_from_db()
    rule.refresh_from_db()
    assert (waiting.state, rule.enabled) == ("cancelled", False)
    assert "۱ پیام در صف لغو شد." in page
    assert f'action="{PATH}{rule.pk}/on/"' in page


def test_switching_on_begins_now_and_reaches_nothing_of_the_past(as_manager, rule, now):
    later = now + dt.timedelta(hours=1)
    with time_machine.travel(later, tick=False):
        as_manager.post(f"{PATH}{rule.pk}/off/")
        as_manager.post(f"{PATH}{rule.pk}/on/")
    rule.refresh_from_db()
    assert (rule.enabled, rule.active_since) == (True, later)
