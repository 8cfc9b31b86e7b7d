"""Rules as sentences."""

from decimal import Decimal

import pytest
from django.utils import translation

from followup.defaults import DEFAULT_RULES
from followup.models import Kind, Rule
from panel.rule_words import Names, grouped, limits, remark, sentence, spoken, times

HOUR, DAY = 60, 24 * 60
BY_KEY = {default.key: default for default in DEFAULT_RULES}


def rule(key, **changes):
    default = BY_KEY[key]
    return Rule(key=key, kind=default.kind, purpose=default.purpose, **default.numbers | changes)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "۰ دقیقه"),
        (3, "۳ دقیقه"),
        (60, "۱ ساعت"),
        (90, "۱ ساعت و ۳۰ دقیقه"),
        (2 * HOUR, "۲ ساعت"),
        (DAY, "۲۴ ساعت"),
        (36 * HOUR, "۳۶ ساعت"),
        (2 * DAY, "۲ روز"),
        (3 * DAY, "۳ روز"),
        (30 * DAY, "۳۰ روز"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(minutes, said):
    assert spoken(minutes) == said


@pytest.mark.parametrize(
    ("factor", "said"),
    [("1", "۱"), ("1.50", "۱٫۵"), ("2.25", "۲٫۲۵"), ("10", "۱۰"), ("10.00", "۱۰")],
)
def test_a_factor_has_no_idle_zeros(factor, said):
    assert times(Decimal(factor)) == said


SENTENCES = {
    "booked": "۳ دقیقه پس از ثبت جلسه، به مراجع، پیامک",
    "moved": "۳ دقیقه پس از جابه‌جایی جلسه، به مراجع، پیامک؛ اگر خواسته باشید خبر داده شود",
    "cancelled": "۳ دقیقه پس از لغو جلسه، به مراجع، پیامک؛ اگر خواسته باشید خبر داده شود",
    "reminder_72h": "۳ روز پیش از جلسه، به مراجع، پیامک؛ اگر دست‌کم ۳ روز پیش از آن ثبت شده باشد",
    "reminder_24h": (
        "۲۴ ساعت پیش از جلسه، به مراجع، پیامک؛ اگر دست‌کم ۲۴ ساعت پیش از آن ثبت شده باشد"
    ),
    "reminder_3h": "۳ ساعت پیش از جلسه، به مراجع، پیامک؛ اگر دست‌کم ۶ ساعت پیش از آن ثبت شده باشد",
    "thank_you": "همین که حضور مراجع ثبت شد، پیامک؛ اگر تا ۲ روز پس از جلسه ثبت شده باشد",
    "no_show": "۲ ساعت پس از ثبت نیامدن مراجع، به مراجع، پیامک",
    "no_next_booking": "۲ روز پس از جلسه، به مراجع، پیامک؛ اگر جلسه‌ی بعدی ثبت نشده باشد",
    "motivation_gap": (
        "در میانه‌ی راه تا جلسه‌ی بعد، به مراجع، پیامک؛ اگر فاصله بیش از ۱٫۵ برابر فاصله‌ی معمول"
        " مراجع باشد"
    ),
    "motivation_mid": "۳ روز پس از جلسه‌ی ۴ هر دوره، به مراجع، پیامک",
    "silent_1": "وقتی بی‌خبری از مراجع به آستانه‌ی خودش رسید و جلسه‌ای در پیش نبود، پیامک",
    "silent_2": (
        "وقتی بی‌خبری از مراجع به ۲ برابر آستانه‌ی خودش، و دست‌کم ۴۵ روز، رسید و جلسه‌ای در پیش نبود،"
        " پیامک"
    ),
    "silent_3": (
        "وقتی بی‌خبری از مراجع به ۴ برابر آستانه‌ی خودش، و دست‌کم ۹۰ روز، رسید و جلسه‌ای در پیش نبود،"
        " پیامک"
    ),
}


def decimals(numbers):
    return {**numbers, "factor": Decimal(str(numbers.get("factor", 1)))}


@pytest.mark.parametrize("key", [default.key for default in DEFAULT_RULES])
def test_every_default_rule_is_one_sentence(key):
    assert sentence(rule(key, **decimals(BY_KEY[key].numbers))) == SENTENCES[key]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("booked", "همین که جلسه‌ای ثبت شد، به مراجع، پیامک"),
        ("moved", "همین که جلسه جابه‌جا شد، به مراجع، پیامک؛ اگر خواسته باشید خبر داده شود"),
        ("cancelled", "همین که جلسه لغو شد، به مراجع، پیامک؛ اگر خواسته باشید خبر داده شود"),
        ("no_show", "همین که نیامدن مراجع ثبت شد، به مراجع، پیامک"),
    ],
)
def test_no_wait_is_said_so(key, said):
    assert sentence(rule(key, offset_minutes=0)) == said


def test_thanks_with_a_wait_say_it():
    said = "۲ ساعت پس از ثبت حضور مراجع، پیامک؛ اگر تا ۲ روز پس از جلسه ثبت شده باشد"
    assert sentence(rule("thank_you", offset_minutes=2 * HOUR)) == said


def test_a_silence_without_a_floor_says_only_its_factor():
    said = "وقتی بی‌خبری از مراجع به ۲ برابر آستانه‌ی خودش رسید و جلسه‌ای در پیش نبود، پیامک"
    assert sentence(rule("silent_2", factor=Decimal(2), floor_days=0)) == said


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("key", [default.key for default in DEFAULT_RULES])
def test_every_rule_has_its_small_print(key, language):
    with translation.override(language):
        said = remark(rule(key, **decimals(BY_KEY[key].numbers)))
    assert said.endswith(".")
    assert "%" not in said


def test_a_reminder_says_until_when():
    assert remark(rule("reminder_24h")) == "دیرتر از ۳ ساعت پیش از جلسه فرستاده نمی‌شود."
    until_start = rule("reminder_24h", useful_minutes=0)
    assert remark(until_start) == "پس از شروع جلسه فرستاده نمی‌شود."


def test_one_is_not_many_in_english():
    with translation.override("en"):
        assert (spoken(60), spoken(2 * HOUR), spoken(2 * DAY)) == ("1 hour", "2 hours", "2 days")
        assert times(Decimal("1.50")) == "1.5"


NAMES = Names({1: "فردی", 2: "زوج"}, {7: "دکتر صادقی"})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, []),
        ({"audience": "new"}, ["فقط برای جلسه‌ی نخست هر مراجع"]),
        ({"audience": "returning"}, ["فقط برای مراجعانی که پیش‌تر آمده‌اند"]),
        ({"services": [1]}, ["فقط برای فردی"]),
        ({"services": [1, 2]}, ["فقط برای فردی یا زوج"]),
        ({"therapists": [7]}, ["فقط با دکتر صادقی"]),
        ({"therapists": [7, 99]}, ["فقط با دکتر صادقی"]),
        ({"therapists": [99]}, ["فقط با چیزی که حذف شده است"]),
    ],
    ids=["none", "new", "returning", "service", "services", "therapist", "deleted", "all deleted"],
)
def test_limits_are_said_by_name(fields, said):
    assert limits(rule("booked", **fields), NAMES) == said


def test_every_kind_is_in_a_group_and_empty_groups_are_not_shown():
    everything = grouped(Rule(key=kind, kind=kind) for kind in Kind.values)
    assert sorted(r.kind for group in everything for r in group.rules) == sorted(Kind.values)
    assert [group.title for group in grouped([rule("booked")])] == ["ثبت و تغییر جلسه"]


@pytest.mark.parametrize(
    ("channel", "then", "said"),
    [
        ("email", [], "همین که جلسه‌ای ثبت شد، به مراجع، ایمیل"),
        ("whatsapp", ["sms"], "همین که جلسه‌ای ثبت شد، به مراجع، واتس‌اپ؛ اگر نرسید: پیامک"),
        (
            "sms",
            ["email", "call"],
            "همین که جلسه‌ای ثبت شد، به مراجع، پیامک؛ اگر نرسید: ایمیل، سپس تماس پذیرش",
        ),
        ("call", [], "همین که جلسه‌ای ثبت شد، به مراجع، تماس پذیرش"),
    ],
)
def test_the_channels_are_said_in_their_order(channel, then, said):
    assert sentence(rule("booked", offset_minutes=0, channel=channel, then=then)) == said
