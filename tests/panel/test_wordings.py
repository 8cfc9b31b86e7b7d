"""The editor of a rule's texts."""

import datetime as dt
import re
from html import unescape

import pytest

from clinic.models import Clinic
from followup.models import Rule
from messaging.models import Template
from tests.factories import (
    MembershipFactory,
    MessageFactory,
    ServiceFactory,
    TherapistFactory,
)
from tests.panel.screens import errors_of, notices_of

PATH = "/c/mehr/settings/texts/"
OPENED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BODY = "سلام {خطاب}، {روز} ساعت {ساعت} منتظر شما هستیم. {کلینیک}"


@pytest.fixture
def rule(mehr):
    return Rule.objects.get(clinic=mehr, key="reminder_24h")


@pytest.fixture
def thanks(mehr):
    return Rule.objects.get(clinic=mehr, key="thank_you")


@pytest.fixture
def wording(rule):
    return wordings_of(rule).first()


def wordings_of(rule, *, plain=False):
    texts = Template.objects.filter(clinic=rule.clinic_id, key=rule.key, plain=plain)
    return texts.order_by("pk")


def html_of(response):
    return unescape(response.content.decode())


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html_of(response)))


def add(browser, rule, **typed):
    return browser.post(f"{PATH}{rule.pk}/new/", {"body": BODY, **typed})


def look(browser, rule, body, **typed):
    return browser.post(f"{PATH}{rule.pk}/preview/", {"body": body, **typed})


def sample_in(response):
    return re.search(r'<div class="sms">(.*?)</div>', html_of(response), re.DOTALL)[1]


# -- Adding, editing, removing ----------------------------------------------------------------


def test_the_words_are_changed_and_who_did_it_is_kept(as_mehr, wording, now):
    as_mehr.post(f"{PATH}wordings/{wording.pk}/", {"body": BODY})
    wording.refresh_from_db()
    by = wording.updated_by.memberships.get().role
    assert (wording.body, wording.updated_at, by) == (BODY, now, "manager")


def test_a_text_is_added_for_a_service_with_a_therapist(as_mehr, mehr, rule):
    service, therapist = ServiceFactory(clinic=mehr), TherapistFactory(clinic=mehr)
    add(as_mehr, rule, service=service.pk, therapist=therapist.pk)
    made = wordings_of(rule).last()
    assert (made.service, made.therapist, made.invites) == (service, therapist, False)
    page = text_of(as_mehr.get(f"{PATH}{rule.pk}/"))
    assert f"{service.name} با {therapist.name}" in page


def test_a_text_that_asks_for_feedback_is_kept_apart(as_mehr, thanks):
    body = "سلام {خطاب}، نظر شما: {پیوند بازخورد} {کلینیک}"
    add(as_mehr, thanks, body=body, invites="on")
    assert wordings_of(thanks).last().invites is True


def test_only_a_thank_you_can_ask_for_feedback(as_mehr, rule):
    assert 'name="invites"' not in html_of(as_mehr.get(f"{PATH}{rule.pk}/new/"))
    add(as_mehr, rule, invites="on")
    assert wordings_of(rule).last().invites is False


def test_looking_saves_nothing_and_works_without_scripts(as_mehr, rule):
    page = add(as_mehr, rule, body="سلام {خطاب} از {کلینیک}", step="look")
    assert sample_in(page) == "سلام خانم کریمی از کلینیک مهر"
    assert wordings_of(rule).count() == 2


def test_a_text_is_removed_after_one_question(as_mehr, rule, wording):
    question = as_mehr.get(f"{PATH}wordings/{wording.pk}/remove/")
    assert 'id="confirm"' in html_of(question)
    assert wordings_of(rule).count() == 2
    as_mehr.post(f"{PATH}wordings/{wording.pk}/remove/")
    assert wordings_of(rule).count() == 1


def test_what_was_sent_in_these_words_stays(as_mehr, mehr, wording):
    sent = MessageFactory(clinic=mehr, session=None, template=wording, state="sent", text="سلام")
    as_mehr.post(f"{PATH}wordings/{wording.pk}/remove/")
    sent.refresh_from_db()
    assert (sent.text, sent.template) == ("سلام", None)


def test_the_last_text_for_everybody_stays_while_its_rule_is_on(as_mehr, rule, wording):
    wordings_of(rule).exclude(pk=wording.pk).delete()
    page = as_mehr.post(f"{PATH}wordings/{wording.pk}/remove/", follow=True)
    assert wordings_of(rule).count() == 1
    assert notices_of(page)[0].startswith("این تنها متنِ «برای همه» است.")


def test_the_last_text_for_everybody_goes_when_its_rule_is_off(as_mehr, rule, wording):
    wordings_of(rule).exclude(pk=wording.pk).delete()
    Rule.objects.filter(pk=rule.pk).update(enabled=False)
    as_mehr.post(f"{PATH}wordings/{wording.pk}/remove/")
    assert wordings_of(rule).count() == 0


def test_the_last_text_for_everybody_is_not_given_to_some(as_mehr, mehr, rule, wording):
    wordings_of(rule).exclude(pk=wording.pk).delete()
    service = ServiceFactory(clinic=mehr)
    data = {"body": BODY, "service": service.pk}
    page = as_mehr.post(f"{PATH}wordings/{wording.pk}/", data)
    wording.refresh_from_db()
    assert (page.status_code, wording.service) == (422, None)
    assert "این تنها متنِ «برای همه» است." in text_of(page)


@pytest.mark.parametrize(
    "body",
    ["سلام {خطاب}، {نام}", "سلام {}", "سلام {خطاب", "", "{خطاب}"],
    ids=["unknown", "empty", "unclosed", "no text", "no words of its own"],
)
def test_a_text_that_could_not_be_sent_is_refused_beside_the_field(as_mehr, wording, body):
    before = wording.body
    page = as_mehr.post(f"{PATH}wordings/{wording.pk}/", {"body": body})
    wording.refresh_from_db()
    assert (page.status_code, list(errors_of(page)), wording.body) == (422, ["body"], before)


def test_a_therapist_of_another_clinic_is_no_choice(as_mehr, rule, other_clinic):
    foreign = TherapistFactory(clinic=other_clinic)
    assert add(as_mehr, rule, therapist=foreign.pk).status_code == 422
    assert wordings_of(rule).count() == 2


# -- What is said about a text ----------------------------------------------------------------


def test_chips_offer_only_the_links_that_fit(as_mehr, rule, thanks):
    def links(which):
        page = html_of(as_mehr.get(f"{PATH}{which.pk}/new/"))
        return [chip for chip in re.findall(r'data-insert="{(.*?)}"', page) if "پیوند" in chip]

    assert (links(rule), links(thanks)) == (["پیوند جلسه"], ["پیوند بازخورد"])


@pytest.mark.parametrize("allowed", [True, False])
def test_the_booking_link_is_offered_where_clients_book_alone(as_mehr, mehr, thanks, allowed):
    mehr.books_by_link = allowed
    mehr.save()
    page = html_of(as_mehr.get(f"{PATH}{thanks.pk}/new/"))
    assert ('data-insert="{پیوند رزرو}"' in page) is allowed
    looked = text_of(look(as_mehr, thanks, "وقت بعدی: {پیوند رزرو} {کلینیک}"))
    assert ("با پیوند وقت نمی‌گیرند" in looked) is not allowed


def test_the_booking_link_does_not_fit_a_reminder(as_mehr, mehr, rule):
    mehr.books_by_link = True
    mehr.save()
    assert "{پیوند رزرو}" not in html_of(as_mehr.get(f"{PATH}{rule.pk}/new/"))


def test_parts_are_counted_as_the_networks_do(as_mehr, rule):
    page = text_of(look(as_mehr, rule, "ا" * 71))
    assert "۲ پیامک · ۷۱ نویسه · ۶۳ نویسه جا در پیامک آخر" in page


def test_the_words_that_stop_texts_are_counted_where_the_line_needs_them(
    as_mehr, mehr, rule, thanks
):
    body = "ا" * 64
    assert "لغو۱۱" not in sample_in(look(as_mehr, rule, body))
    page = text_of(look(as_mehr, thanks, body))
    assert "۷۰ نویسه" in page
    assert "با «لغو۱۱»" in page
    Clinic.objects.filter(pk=mehr.pk).update(stop_note="all")
    assert sample_in(look(as_mehr, rule, body)).endswith("لغو۱۱")


def test_the_preview_says_what_is_wrong_while_typing(as_mehr, rule):
    page = html_of(look(as_mehr, rule, "سلام {نام}"))
    assert 'class="field-error"' in page
    assert 'class="sms"' not in page


def test_the_preview_is_a_fragment_that_escapes_what_is_typed(as_mehr, rule):
    page = look(as_mehr, rule, "<b>سلام</b> {خطاب}").content.decode()
    assert "<html" not in page
    assert "&lt;b&gt;سلام&lt;/b&gt; خانم کریمی" in page


def test_a_value_that_the_clinic_lacks_is_pointed_out(as_mehr, mehr, rule):
    Clinic.objects.filter(pk=mehr.pk).update(phone="")
    page = text_of(look(as_mehr, rule, "سلام، {تلفن}"))
    assert "«تلفن» کلینیک خالی است؛ تا پر نشود، این متن فرستاده نمی‌شود." in page
    assert "یکی از مقدارها خالی است" in text_of(as_mehr.get(f"{PATH}{rule.pk}/"))


MISPLACED = "به این قاعده نمی‌خورد"


@pytest.mark.parametrize(
    ("key", "link", "fits"),
    [
        ("reminder_24h", "پیوند جلسه", True),
        ("booked", "پیوند جلسه", True),
        ("moved", "پیوند جلسه", True),
        ("motivation_gap", "پیوند جلسه", True),
        ("cancelled", "پیوند جلسه", False),
        ("no_show", "پیوند جلسه", False),
        ("thank_you", "پیوند جلسه", False),
        ("thank_you", "پیوند بازخورد", True),
        ("reminder_24h", "پیوند بازخورد", False),
        ("silent_1", "پیوند انتخاب", True),
        ("no_next_booking", "پیوند انتخاب", True),
        ("reminder_24h", "پیوند انتخاب", False),
    ],
)
def test_a_link_whose_page_asks_nothing_of_the_reader_is_pointed_out(
    as_mehr, mehr, key, link, fits
):
    rule = Rule.objects.get(clinic=mehr, key=key)
    page = text_of(look(as_mehr, rule, f"سلام، {{{link}}}"))
    assert (MISPLACED not in page) is fits


def test_asking_for_feedback_and_its_link_belong_together(as_mehr, thanks):
    linked, plain = "سلام، {پیوند بازخورد}", "سلام و سپاس"
    assert "علامت بزنید" in text_of(look(as_mehr, thanks, linked))
    assert "به پیوند فرم نیاز دارد" in text_of(look(as_mehr, thanks, plain, invites="on"))
    for right in ({"body": linked, "invites": "on"}, {"body": plain}):
        assert "notice-amber" not in html_of(look(as_mehr, thanks, **right))


def test_words_that_press_or_betray_are_hinted_at_and_not_refused(as_mehr, rule):
    body = "حتماً برای درمان بیایید! {کلینیک}"
    page = text_of(look(as_mehr, rule, body))
    assert "«درمان»: به غریبه می‌گوید مراجعه برای چیست." in page
    assert "«حتماً»: خواننده را زیر فشار می‌گذارد." in page
    assert "علامت تعجب" in page
    assert add(as_mehr, rule, body=body).status_code == 302


def test_the_name_of_the_clinic_may_betray_too(as_mehr, mehr, rule):
    Clinic.objects.filter(pk=mehr.pk).update(name="کلینیک روان‌شناسی مهر")
    assert "«روان‌شناسی»" in text_of(look(as_mehr, rule, "سلام از {کلینیک}"))


def test_what_a_locked_phone_shows_is_shown(as_mehr, rule):
    page = html_of(look(as_mehr, rule, "سلام {خطاب}، " + "الف " * 20))
    locked = re.search(r'<div class="lock-line">(.*?)</div>', page)[1]
    assert locked == "سلام خانم کریمی، الف الف الف الف الف الف…"


def test_our_own_texts_need_no_warning(as_mehr, mehr):
    for rule in Rule.objects.filter(clinic=mehr):
        page = html_of(as_mehr.get(f"{PATH}{rule.pk}/"))
        assert "rule-lack" not in page, rule.key


# -- Who --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["receptionist", "therapist"])
@pytest.mark.parametrize("way", ["new/", "preview/", "remove/"])
def test_texts_are_for_managers(client, mehr, rule, wording, role, way):
    client.force_login(MembershipFactory(clinic=mehr, role=role).user)
    where = f"wordings/{wording.pk}/remove/" if way == "remove/" else f"{rule.pk}/{way}"
    assert client.post(PATH + where, {"body": BODY}).status_code == 403
    assert wordings_of(rule).count() == 2


def test_nothing_of_the_texts_is_there_for_an_outsider(as_outsider, rule, wording):
    for where in (f"{rule.pk}/new/", f"{rule.pk}/preview/", f"wordings/{wording.pk}/remove/"):
        assert as_outsider.post(PATH + where, {"body": BODY}).status_code == 404
    assert wordings_of(rule).count() == 2


# -- For accounts of other kinds ---------------------------------------------------------------


def test_a_text_for_accounts_that_take_no_links_is_kept_apart(as_mehr, rule):
    add(as_mehr, rule, plain="on")
    assert wordings_of(rule, plain=True).last().body == BODY
    page = text_of(as_mehr.get(f"{PATH}{rule.pk}/"))
    assert page.count("برای حسابی که پیوند نمی‌پذیرد") == 3


@pytest.mark.parametrize("link", ["{پیوند جلسه}", "https://example.ir/x"])
def test_such_a_text_has_no_link(as_mehr, rule, link):
    errors = errors_of(add(as_mehr, rule, body=f"{BODY} {link}", plain="on"))
    assert list(errors) == ["body"]
    assert wordings_of(rule, plain=True).count() == 2


def test_such_a_text_asks_for_no_feedback(as_mehr, thanks):
    errors = errors_of(add(as_mehr, thanks, plain="on", invites="on"))
    assert list(errors) == ["plain"]


def test_the_last_text_for_everybody_cannot_become_one_of_them(as_mehr, rule):
    first, second = wordings_of(rule)
    second.delete()
    as_mehr.post(f"{PATH}wordings/{first.pk}/", {"body": BODY, "plain": "on"})
    first.refresh_from_db()
    assert first.plain is False


def test_the_name_of_the_approved_template_is_kept_and_shown(as_mehr, rule):
    add(as_mehr, rule, approved_name="reminder-24h_v2")
    assert wordings_of(rule).last().approved_name == "reminder-24h_v2"
    assert "تأییدشده با نام reminder-24h_v2" in text_of(as_mehr.get(f"{PATH}{rule.pk}/"))


@pytest.mark.parametrize("name", ["یادآوری", "a b", "a/b"])
def test_what_cannot_be_its_name_is_refused(as_mehr, rule, name):
    assert list(errors_of(add(as_mehr, rule, approved_name=name))) == ["approved_name"]
