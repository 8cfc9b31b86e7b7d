"""The screens of the rules: the list, one rule's numbers, and what an edit would change."""

import datetime as dt
import re

import pytest
import time_machine

from followup.models import Rule
from messaging.models import Template
from tests.factories import (
    ClientFactory,
    MembershipFactory,
    MessageFactory,
    ProviderAccountFactory,
    ServiceFactory,
    TherapistFactory,
)
from tests.panel.rules_page import (
    OPENED,
    PATH,
    ask,
    book,
    form,
    html_of,
    rule_of,
    save,
    text_of,
)
from tests.panel.screens import errors_of, notices_of


@pytest.fixture
def rule(mehr):
    return rule_of(mehr)


# -- The list ---------------------------------------------------------------------------------


def test_the_list_says_each_rule_in_its_group(as_mehr):
    page = html_of(as_mehr.get(PATH))
    titles = re.findall(r'<h2 class="card-title">(.*?)</h2>', page)
    assert titles == [
        *("یادآوری‌ها", "ثبت و تغییر جلسه", "پس از جلسه", "دلگرمی", "درمان ناتمام"),
        "فقط به دست همکاران",
    ]
    sentences = re.findall(r'<p class="rule-sentence">(.*?)</p>', page)
    assert len(sentences) == 15
    assert "۲ روز پس از جلسه، به مراجع، پیامک؛ اگر جلسه‌ی بعدی ثبت نشده باشد." in sentences


def test_the_list_names_for_whom_a_rule_is_limited(as_mehr, mehr, rule):
    service, therapist = ServiceFactory(clinic=mehr), TherapistFactory(clinic=mehr)
    limited = {"services": [service.pk], "therapists": [therapist.pk], "audience": "new"}
    Rule.objects.filter(pk=rule.pk).update(**limited)
    page = text_of(as_mehr.get(PATH))
    assert f"فقط برای {service.name}" in page
    assert f"فقط با {therapist.name}" in page
    assert "فقط برای جلسه‌ی نخست هر مراجع" in page


def test_the_list_counts_texts_and_misses_them(as_mehr, rule):
    assert text_of(as_mehr.get(PATH)).count("۲ متن") == 13
    Template.objects.filter(key=rule.key).delete()
    assert "هنوز متنی ندارد" in text_of(as_mehr.get(PATH))


def test_a_switch_says_what_it_switches_and_how_it_stands(as_mehr, rule):
    page = html_of(as_mehr.get(PATH))
    assert 'role="switch" aria-checked="true" aria-label="یادآوری یک روز پیش از جلسه"' in page
    assert 'role="switch" aria-checked="false" aria-label="یادآوری چند ساعت پیش از جلسه"' in page


def test_switching_off_cancels_what_waits_and_can_be_undone(as_mehr, mehr, rule):
    waiting = MessageFactory(clinic=mehr, session=None, rule_number=rule.pk)
    page = html_of(as_mehr.post(f"{PATH}{rule.pk}/off/", follow=True))
    waiting.refresh_from_db()
    rule.refresh_from_db()
    assert (waiting.state, rule.enabled) == ("cancelled", False)
    assert "۱ پیام در صف لغو شد." in page
    assert f'action="{PATH}{rule.pk}/on/"' in page


def test_switching_on_begins_now_and_reaches_nothing_of_the_past(as_mehr, rule, now):
    later = now + dt.timedelta(hours=1)
    with time_machine.travel(later, tick=False):
        as_mehr.post(f"{PATH}{rule.pk}/off/")
        as_mehr.post(f"{PATH}{rule.pk}/on/")
    rule.refresh_from_db()
    assert (rule.enabled, rule.active_since) == (True, later)


def test_a_rule_without_a_text_for_everybody_is_not_switched_on(as_mehr, rule):
    as_mehr.post(f"{PATH}{rule.pk}/off/")
    Template.objects.filter(key=rule.key).update(invites=True)
    page = as_mehr.post(f"{PATH}{rule.pk}/on/", follow=True)
    rule.refresh_from_db()
    assert rule.enabled is False
    assert notices_of(page)[-1] == "این قاعده هنوز متنی برای همه ندارد. نخست یکی بنویسید."


# -- One rule ---------------------------------------------------------------------------------


KINDS = [
    ("reminder_24h", ["offset_minutes", "notice_minutes", "useful_minutes", "spread_minutes"]),
    ("booked", ["offset_minutes", "useful_minutes"]),
    ("moved", ["offset_minutes"]),
    ("cancelled", ["offset_minutes"]),
    ("thank_you", ["offset_minutes", "notice_minutes", "useful_minutes"]),
    ("no_show", ["offset_minutes", "useful_minutes"]),
    ("no_next_booking", ["offset_minutes", "useful_minutes"]),
    ("motivation_gap", ["factor", "useful_minutes"]),
    ("motivation_mid", ["nth", "offset_minutes", "useful_minutes"]),
    ("silent_1", ["factor", "floor_days"]),
    ("silent_2", ["factor", "floor_days"]),
    ("silent_3", ["factor", "floor_days", "useful_minutes"]),
]


@pytest.mark.parametrize(("key", "names"), KINDS, ids=[key for key, _ in KINDS])
def test_a_rule_asks_only_for_the_numbers_that_its_kind_has(as_mehr, mehr, key, names):
    page = html_of(as_mehr.get(f"{PATH}{rule_of(mehr, key).pk}/"))
    assert re.findall(r'inputmode="decimal"[^>]* name="(\w+)"', page) == names


def test_a_length_of_time_is_shown_in_the_unit_people_say(as_mehr, mehr):
    page = html_of(as_mehr.get(f"{PATH}{rule_of(mehr, 'reminder_72h').pk}/"))
    assert re.search(r'name="offset_minutes" value="۳"', page)
    unit = re.search(r'name="offset_minutes_unit".*?</select>', page, re.DOTALL)[0]
    assert 'value="1440" selected' in unit


def test_looking_changes_nothing(as_mehr, mehr, rule):
    before = Rule.objects.filter(pk=rule.pk).values().get()
    ask(as_mehr, rule, offset_minutes="30", notice_minutes="30")
    assert Rule.objects.filter(pk=rule.pk).values().get() == before


def test_what_was_looked_at_is_saved(as_mehr, rule, now):
    page = save(as_mehr, rule, offset_minutes="۳۰", notice_minutes="۴۸")
    rule.refresh_from_db()
    assert page.status_code == 302
    assert (rule.offset_minutes, rule.notice_minutes) == (30 * 60, 48 * 60)
    assert (rule.active_since, rule.numbers_since) == (OPENED, now)


def test_what_was_not_looked_at_is_shown_and_not_saved(as_mehr, rule):
    looked = html_of(ask(as_mehr, rule, offset_minutes="30", notice_minutes="30"))
    seen = re.search(r'name="seen" value="(\w+)"', looked)[1]
    page = ask(as_mehr, rule, "save", seen=seen, offset_minutes="40", notice_minutes="40")
    rule.refresh_from_db()
    assert rule.offset_minutes == 24 * 60
    assert "۴۰ ساعت پیش از جلسه" in text_of(page)


def test_the_present_numbers_change_nothing_and_offer_no_saving(as_mehr, rule):
    page = html_of(ask(as_mehr, rule))
    assert "این‌ها همان عددهای کنونی قاعده است" in page
    assert 'value="save"' not in page


def test_limits_are_saved(as_mehr, mehr, rule):
    service, therapist = ServiceFactory(clinic=mehr), TherapistFactory(clinic=mehr)
    save(as_mehr, rule, services=[service.pk], therapists=[therapist.pk], audience="returning")
    rule.refresh_from_db()
    assert (rule.services, rule.therapists) == ([service.pk], [therapist.pk])
    assert rule.audience == "returning"


def test_a_service_of_another_clinic_is_no_choice(as_mehr, mehr, rule, other_clinic):
    foreign = ServiceFactory(clinic=other_clinic)
    page = ask(as_mehr, rule, services=[foreign.pk])
    assert page.status_code == 422
    assert set(errors_of(page)) == {"services"}


def test_a_service_that_retired_stays_a_choice_where_it_was_chosen(as_mehr, mehr, rule):
    ServiceFactory(clinic=mehr)
    retired, other = ServiceFactory.create_batch(2, clinic=mehr, active=False)
    Rule.objects.filter(pk=rule.pk).update(services=[retired.pk])
    page = html_of(as_mehr.get(f"{PATH}{rule.pk}/"))
    assert retired.name in page
    assert other.name not in page


FAULTS = [
    pytest.param("reminder_24h", {"offset_minutes": ""}, "offset_minutes", id="empty"),
    pytest.param("reminder_24h", {"offset_minutes": "یک"}, "offset_minutes", id="no number"),
    pytest.param("reminder_24h", {"offset_minutes": "0"}, "offset_minutes", id="no lead"),
    pytest.param(
        "reminder_24h",
        {"offset_minutes": "90", "offset_minutes_unit": "1440"},
        "offset_minutes",
        id="far lead",
    ),
    pytest.param("reminder_24h", {"useful_minutes": "24"}, "useful_minutes", id="never useful"),
    pytest.param("reminder_24h", {"spread_minutes": "61"}, "spread_minutes", id="wide spread"),
    pytest.param(
        "reminder_24h",
        {"useful_minutes": "1430", "useful_minutes_unit": "1"},
        "spread_minutes",
        id="spread past its use",
    ),
    pytest.param("reminder_24h", {"notice_minutes": "23"}, "notice_minutes", id="due unbooked"),
    pytest.param("thank_you", {"useful_minutes": "1"}, "notice_minutes", id="recorded too late"),
    pytest.param(
        "thank_you", {"offset_minutes": "48"}, "useful_minutes", id="thanks past their use"
    ),
    pytest.param("no_next_booking", {"useful_minutes": "2"}, "useful_minutes", id="no time left"),
    pytest.param("silent_2", {"factor": "1"}, "factor", id="as early as the first word"),
    pytest.param("silent_2", {"factor": "4"}, "factor", id="as late as the last word"),
    pytest.param("silent_2", {"floor_days": "90"}, "factor", id="the same day as the last word"),
    pytest.param("silent_1", {"floor_days": "45"}, "factor", id="the same day as the second"),
    pytest.param("silent_3", {"factor": "بسیار"}, "factor", id="no factor"),
    pytest.param("motivation_gap", {"factor": "0.5"}, "factor", id="shorter than the rhythm"),
]


@pytest.mark.parametrize(("key", "typed", "field"), FAULTS)
def test_what_does_not_fit_is_explained_beside_its_field(as_mehr, mehr, key, typed, field):
    page = ask(as_mehr, rule_of(mehr, key), **typed)
    assert page.status_code == 422
    found = errors_of(page)
    assert list(found) == [field]
    assert len(found[field]) > 10


def test_the_explanation_names_the_numbers(as_mehr, rule):
    assert errors_of(ask(as_mehr, rule, useful_minutes="30"))["useful_minutes"] == (
        "یادآوری ۲۴ ساعت پیش از جلسه فرستاده می‌شود؛ کمتر از آن بنویسید، وگرنه زمانی برای فرستادنش"
        " نمی‌ماند."
    )


@pytest.mark.parametrize("typed", ["1.5", "۱٫۵", "1/5", "۱/۵", "۱.۵۰"])
def test_a_factor_is_read_as_people_write_it(as_mehr, mehr, typed):
    save(as_mehr, rule_of(mehr, "silent_1"), factor=typed)
    assert str(rule_of(mehr, "silent_1").factor) == "1.50"


# -- What would change ------------------------------------------------------------------------


def test_a_longer_lead_shows_what_is_gone_and_what_moves(as_mehr, mehr, rule):
    Rule.objects.exclude(pk=rule.pk).update(enabled=False)
    soon = ClientFactory(clinic=mehr, first_name="سارا", last_name="ملکی")
    later = ClientFactory(clinic=mehr, first_name="علی", last_name="رضایی")
    book(mehr, "2026-11-22 17:00", clients=[soon])
    book(mehr, "2026-11-25 17:00", clients=[later])
    page = text_of(ask(as_mehr, rule, offset_minutes="48", notice_minutes="48"))
    gone, moved = re.search(r"حذف می‌شود (?=سارا)(.*?) جابه‌جا می‌شود (.*?)کِی و برای", page).groups()
    assert "سارا ملکی" in gone
    assert "وقت تازه‌اش گذشته است" in gone
    assert "علی رضایی" in moved
    assert "سه‌شنبه ۳ آذر، ساعت ۱۷" in moved
    assert "دوشنبه ۲ آذر، ساعت ۱۷" in moved


def test_a_long_list_shows_its_beginning_and_counts_the_rest(as_mehr, mehr, rule):
    Rule.objects.exclude(pk=rule.pk).update(enabled=False)
    for hour in range(10, 18):
        book(mehr, f"2026-11-25 {hour}:00")
    page = ask(as_mehr, rule, offset_minutes="30", notice_minutes="30")
    assert html_of(page).count("rule-move") == 5
    assert "و ۳ مورد دیگر" in text_of(page)


def test_a_rule_that_is_off_says_that_nothing_changes(as_mehr, mehr):
    off = rule_of(mehr, "motivation_gap")
    assert "تا روشن نشود چیزی تغییر نمی‌کند" in text_of(ask(as_mehr, off, factor="2"))


# -- Who, and how much ------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["receptionist", "therapist"])
def test_the_reading_is_for_managers(client, mehr, rule, role):
    client.force_login(MembershipFactory(clinic=mehr, role=role).user)
    assert client.get(f"{PATH}{rule.pk}/try/").status_code == 403


def test_nothing_of_the_reading_is_there_for_an_outsider(as_outsider, mehr, rule):
    assert as_outsider.get(f"{PATH}{rule.pk}/try/").status_code == 404


@pytest.mark.parametrize("client_id", ["", "0", "x", "9" * 30])
def test_a_client_who_is_not_there_is_not_found(as_mehr, rule, client_id):
    answer = as_mehr.get(f"{PATH}{rule.pk}/try/?client={client_id}")
    assert answer.status_code == (404 if client_id else 200)


def test_a_client_of_another_clinic_is_not_there(as_mehr, rule, other_clinic):
    foreign = ClientFactory(clinic=other_clinic)
    assert as_mehr.get(f"{PATH}{rule.pk}/try/?client={foreign.pk}").status_code == 404


@pytest.mark.parametrize("rows", [1, 30])
def test_the_rule_asks_the_same_queries_for_any_number_of_texts(
    as_mehr, mehr, rule, django_assert_num_queries, rows
):
    for n in range(rows):
        Template.objects.create(
            clinic=mehr, key=rule.key, body=f"سلام {n} {{خطاب}}", updated_at=OPENED,
            service=ServiceFactory(clinic=mehr), therapist=TherapistFactory(clinic=mehr),
        )  # fmt: skip
    with django_assert_num_queries(16):
        as_mehr.get(f"{PATH}{rule.pk}/")


@pytest.mark.parametrize("rows", [1, 30])
def test_the_difference_asks_the_same_queries_for_any_number_of_texts(
    as_mehr, mehr, rule, django_assert_num_queries, rows
):
    Rule.objects.exclude(pk=rule.pk).update(enabled=False)
    for n in range(rows):
        book(mehr, f"2026-11-25 {8 + n // 4:02}:{n % 4 * 15:02}")
    with django_assert_num_queries(41):
        ask(as_mehr, rule, offset_minutes="30", notice_minutes="30")


@pytest.mark.parametrize("rows", [1, 30])
def test_the_search_asks_the_same_queries_for_any_number_of_clients(
    as_mehr, mehr, rule, django_assert_num_queries, rows
):
    ClientFactory.create_batch(rows, clinic=mehr, last_name="ملکی")
    with django_assert_num_queries(14):
        as_mehr.get(f"{PATH}{rule.pk}/try/?find=ملکی")


# -- By which channels ------------------------------------------------------------------------


def chain_of(rule):
    rule.refresh_from_db()
    return [rule.channel, *rule.then]


def options_of(page, field):
    select = re.search(rf'<select[^>]*name="{field}".*?</select>', page, re.DOTALL)[0]
    return dict(re.findall(r'<option value="(\w*)"[^>]*>(.*?)</option>', select))


def test_what_is_tried_next_is_kept_in_its_order(as_mehr, rule, at_ten):
    save(as_mehr, rule, channel="whatsapp", then_1="sms", then_2="email", then_3="call")
    assert chain_of(rule) == ["whatsapp", "sms", "email", "call"]
    assert rule.numbers_since == at_ten + dt.timedelta(microseconds=1)


def test_a_gap_in_the_chain_is_none(as_mehr, rule):
    save(as_mehr, rule, then_2="email")
    assert chain_of(rule) == ["sms", "email"]


def test_the_chain_is_filled_in_again(as_mehr, rule):
    Rule.objects.filter(pk=rule.pk).update(channel="email", then=["sms", "call"])
    page = html_of(as_mehr.get(f"{PATH}{rule.pk}/"))
    chosen = re.findall(r'<option value="(\w*)" selected', page)
    assert [name for name in chosen if not name.isdecimal()] == ["email", "sms", "call", ""]


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"then_1": "sms"}, "then_1", "این کانال پیش‌تر امتحان شده است."),
        ({"then_1": "email", "then_3": "email"}, "then_3", "پیش‌تر امتحان شده"),
        ({"then_1": "call", "then_2": "email"}, "then_2", "تماس آخرین راه است"),
        ({"channel": "call", "then_1": "sms"}, "then_1", "تماس آخرین راه است"),
        ({"channel": "pigeon"}, "channel", ""),
        ({"channel": ""}, "channel", ""),
        ({"then_2": "pigeon"}, "then_2", ""),
    ],
)
def test_a_chain_without_sense_is_refused_beside_its_field(as_mehr, rule, typed, field, said):
    response = ask(as_mehr, rule, **typed)
    errors = errors_of(response)
    assert (response.status_code, list(errors)) == (422, [field])
    assert said in errors[field]
    assert chain_of(rule) == ["sms"]


def test_channels_without_an_account_are_marked(as_mehr, rule, mehr, settings):
    settings.KAVENEGAR_API_KEY = ""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    ProviderAccountFactory(clinic=mehr, kind="whatsapp", channel="whatsapp")
    page = html_of(as_mehr.get(f"{PATH}{rule.pk}/"))
    assert options_of(page, "channel") == {
        "sms": "پیامک (بی‌حساب)",
        "whatsapp": "واتس‌اپ",
        "email": "ایمیل (بی‌حساب)",
        "call": "تماس پذیرش",
    }


def test_the_sentence_is_said_anew_while_somebody_chooses(as_mehr, rule):
    path = f"{PATH}{rule.pk}/sentence/"
    said = text_of(as_mehr.post(path, form(channel="email", then_1="sms", then_2="call")))
    assert "به مراجع، ایمیل؛" in said
    assert said.strip().endswith("؛ اگر نرسید: پیامک، سپس تماس پذیرش.")
    refused = text_of(as_mehr.post(path, form(then_1="sms")))
    assert refused.strip() == "اگر نرسید، با: این کانال پیش‌تر امتحان شده است."
    assert chain_of(rule) == ["sms"]


def test_texts_that_go_by_another_channel_are_counted_before_it_is_saved(as_mehr, mehr, rule):
    people = ClientFactory.create_batch(2, clinic=mehr)
    for hours, person in enumerate(people):
        book(mehr, f"1405/09/02 1{hours}:00", clients=[person])
    difference = text_of(ask(as_mehr, rule, channel="whatsapp"))
    assert "از کانال دیگر ۲ همان می‌ماند ۰" in difference


def test_an_outsider_chooses_no_channel(as_outsider, mehr, rule):
    answer = as_outsider.post(f"{PATH}{rule.pk}/sentence/", form(channel="email"))
    assert answer.status_code == 404
