"""The rules and words of a new clinic.

Timings: two reminders, three days and one day ahead, missed fewer sessions than either alone in the
largest trial (AJMC 2018;24(8):377); one client in three is not seen again within 45 days of the
first session (Psychiatr Serv 2012;63:705), which is what most of the others are for. The words name
no therapy, since a lock screen shows them, and press nobody; changing or cancelling is said to be
easy, because an early "no" frees an hour. Each rule has alternates, so that nobody reads the same
words twice in a row; one of them needs no phone, for clinics that have none on file. Texts with a
link have others without one, for accounts whose gateway refuses links.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from followup.models import Kind
from messaging import by_hand, emergency
from patients.models import Purpose

HOUR = 60
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """A rule as a new clinic gets it; numbers as `Rule` explains them."""

    key: str
    name: StrPromise | str
    kind: str
    bodies: tuple[str, ...]
    #: For the texts that carry a link to the feedback form.
    inviting: tuple[str, ...] = ()
    #: Without a link, for accounts that take none.
    plain: tuple[str, ...] = ()
    purpose: str = Purpose.TRANSACTIONAL
    enabled: bool = True
    numbers: dict[str, float] = field(default_factory=dict)


BOOKED = DefaultRule(
    "booked",
    _("booking confirmed"),
    Kind.BOOKED,
    (
        (
            "سلام {خطاب}، وقت شما با {درمانگر} برای {روز} ساعت {ساعت} ثبت شد."
            " تغییر یا لغو: {پیوند جلسه}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. وقت {روز} ساعت {ساعت} با {درمانگر} برایتان کنار گذاشته شد."
            " اگر تغییری خواستید، خبرمان کنید: {پیوند جلسه}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، وقت شما با {درمانگر} برای {روز} ساعت {ساعت} ثبت شد. تغییر یا لغو با"
            " یک تماس: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. {روز} ساعت {ساعت} با {درمانگر} برایتان کنار گذاشته شد. اگر تغییری"
            " خواستید، خبرمان کنید.\n{کلینیک}"
        ),
    ),
    numbers={"offset_minutes": 3, "useful_minutes": HOUR},
)
MOVED = DefaultRule(
    "moved",
    _("session moved"),
    Kind.MOVED,
    (
        (
            "سلام {خطاب}، وقت شما با {درمانگر} تغییر کرد: {روز} ساعت {ساعت}."
            " اگر این زمان مناسب نیست، خبرمان کنید: {پیوند جلسه}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. وقت تازه‌ی شما با {درمانگر}، {روز} ساعت {ساعت} است."
            " تغییر یا لغو: {پیوند جلسه}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، وقت تازه‌ی شما با {درمانگر} {روز} ساعت {ساعت} است. اگر مناسب نیست،"
            " تماس بگیرید: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. وقت شما با {درمانگر} تغییر کرد: {روز} ساعت {ساعت}. اگر جور نیست،"
            " خبرمان کنید.\n{کلینیک}"
        ),
    ),
    numbers={"offset_minutes": 3},
)
CANCELLED = DefaultRule(
    "cancelled",
    _("session cancelled"),
    Kind.CANCELLED,
    (
        (
            "سلام {خطاب}، وقت شما با {درمانگر} برای {روز} ساعت {ساعت} لغو شد."
            " برای وقت دیگر در خدمتیم: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. قرار {روز} ساعت {ساعت} شما با {درمانگر} لغو شده است."
            " برای وقت تازه، هر زمان خواستید در خدمتیم.\n{کلینیک}"
        ),
    ),
    numbers={"offset_minutes": 3},
)
REMINDER_72H = DefaultRule(
    "reminder_72h",
    _("reminder three days before"),
    Kind.BEFORE_SESSION,
    (
        (
            "سلام {خطاب}، {روز} ساعت {ساعت} با {درمانگر} قرار دارید."
            " تأیید، تغییر یا لغو: {پیوند جلسه} یا {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. {روز} ساعت {ساعت} وقت دیدار شما با {درمانگر} است."
            " اگر زمان دیگری بهتر است، خبرمان کنید: {پیوند جلسه}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، {روز} ساعت {ساعت} با {درمانگر} قرار دارید. اگر زمان دیگری بهتر است،"
            " تماس بگیرید: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. {روز} ساعت {ساعت} وقت دیدار شما با {درمانگر} است. اگر آمدن ممکن"
            " نیست، خبرمان کنید.\n{کلینیک}"
        ),
    ),
    numbers={
        "offset_minutes": 72 * HOUR,
        "useful_minutes": 24 * HOUR,
        "notice_minutes": 72 * HOUR,
    },
)
REMINDER_24H = DefaultRule(
    "reminder_24h",
    _("reminder the day before"),
    Kind.BEFORE_SESSION,
    (
        (
            "سلام {خطاب}، {روز} ساعت {ساعت} با {درمانگر} منتظرتان هستیم."
            " تأیید، تغییر یا لغو: {پیوند جلسه} یا {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. {روز} ساعت {ساعت} با {درمانگر} قرار دارید."
            " اگر برایتان مقدور نیست، خبرمان کنید: {پیوند جلسه}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، {روز} ساعت {ساعت} با {درمانگر} منتظرتان هستیم. تغییر یا لغو:"
            " {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. {روز} ساعت {ساعت} با {درمانگر} می‌بینیمتان. اگر مقدور نیست، کافی"
            " است خبر دهید.\n{کلینیک}"
        ),
    ),
    numbers={
        "offset_minutes": 24 * HOUR,
        "useful_minutes": 3 * HOUR,
        "notice_minutes": 24 * HOUR,
        "spread_minutes": 10,
    },
)
REMINDER_3H = DefaultRule(
    "reminder_3h",
    _("reminder a few hours before"),
    Kind.BEFORE_SESSION,
    (
        "سلام {خطاب}، {روز} ساعت {ساعت} می‌بینیمتان؛ {درمانگر} منتظر شماست.\n{کلینیک} {تلفن}",
        "{خطاب}، سلام. قرارتان با {درمانگر}، {روز} ساعت {ساعت} است. به امید دیدار.\n{کلینیک}",
    ),
    enabled=False,
    numbers={
        "offset_minutes": 3 * HOUR,
        "useful_minutes": HOUR,
        "notice_minutes": 6 * HOUR,
    },
)
THANK_YOU = DefaultRule(
    "thank_you",
    _("thank-you and feedback"),
    Kind.THANKS,
    (
        "سلام {خطاب}، ممنون از وقتی که برای دیدار با {درمانگر} گذاشتید. همراهتان هستیم.\n{کلینیک}",
        "{خطاب}، سلام. از حضورتان سپاسگزاریم؛ وقتی که برای خودتان می‌گذارید ارزشمند است.\n{کلینیک}",
    ),
    inviting=(
        (
            "سلام {خطاب}، از حضورتان ممنونیم. اگر دوست داشتید، کوتاه بگویید دیدارتان با {درمانگر}"
            " چطور بود: {پیوند بازخورد}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. سپاس از دیدارتان با {درمانگر}. اگر مایل بودید، نظرتان کمک می‌کند"
            " بهتر همراهتان باشیم: {پیوند بازخورد}\n{کلینیک}"
        ),
    ),
    purpose=Purpose.FOLLOW_UP,
    numbers={"useful_minutes": 48 * HOUR, "notice_minutes": 48 * HOUR},
)
NO_SHOW = DefaultRule(
    "no_show",
    _("after a missed session"),
    Kind.NO_SHOW,
    (
        (
            "سلام {خطاب}، {روز} نشد که ببینیمتان؛ امیدواریم حالتان خوب باشد."
            " هر زمان خواستید، در خدمتیم: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. این بار نشد همدیگر را ببینیم؛ پیش می‌آید."
            " اگر بخواهید، وقت تازه‌ای پیدا می‌کنیم.\n{کلینیک}"
        ),
    ),
    purpose=Purpose.FOLLOW_UP,
    numbers={"offset_minutes": 2 * HOUR, "useful_minutes": 24 * HOUR},
)
NO_NEXT_BOOKING = DefaultRule(
    "no_next_booking",
    _("nothing booked next"),
    Kind.NO_NEXT_BOOKING,
    (
        (
            "سلام {خطاب}، وقت دیدار بعدی شما با {درمانگر} ثبت نشده است."
            " هر طور مایلید، اینجا یا تلفنی بگویید: {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. اگر مایل باشید، وقت دیدار بعدی‌تان با {درمانگر} را هماهنگ می‌کنیم:"
            " {پیوند انتخاب}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، وقت دیدار بعدی شما با {درمانگر} ثبت نشده است. برای هماهنگی، هر زمان"
            " خواستید: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. اگر مایل باشید، وقت دیدار بعدی‌تان با {درمانگر} را هماهنگ می‌کنیم؛"
            " کافی است خبرمان کنید.\n{کلینیک}"
        ),
    ),
    purpose=Purpose.FOLLOW_UP,
    numbers={"offset_minutes": 2 * DAY, "useful_minutes": 6 * DAY},
)
LONG_GAP = DefaultRule(
    "motivation_gap",
    _("encouragement in a long gap"),
    Kind.LONG_GAP,
    (
        (
            "سلام {خطاب}، تا دیدار {روز} با {درمانگر} به یادتان هستیم."
            " هر قدمی که برداشته‌اید با شما می‌ماند.\n{کلینیک}"
        ),
        "{خطاب}، سلام. فاصله‌ی میان دیدارها هم بخشی از راه است. {روز} منتظرتان هستیم.\n{کلینیک}",
    ),
    purpose=Purpose.MOTIVATION,
    enabled=False,
    numbers={"factor": 1.5, "useful_minutes": 2 * DAY},
)
MID_TREATMENT = DefaultRule(
    "motivation_mid",
    _("encouragement on the way"),
    Kind.MID_TREATMENT,
    (
        "سلام {خطاب}، تا اینجا برای خودتان وقت گذاشته‌اید و این کم نیست. همراهتان هستیم.\n{کلینیک}",
        (
            "{خطاب}، سلام. تغییر آرام‌آرام شکل می‌گیرد و هر قدم کوچک هم به حساب می‌آید."
            " {درمانگر} همراه شماست.\n{کلینیک}"
        ),
    ),
    purpose=Purpose.MOTIVATION,
    enabled=False,
    numbers={"offset_minutes": 3 * DAY, "useful_minutes": 4 * DAY, "nth": 4},
)
SILENT_1 = DefaultRule(
    "silent_1",
    _("silent client, first word"),
    Kind.SILENT,
    (
        (
            "سلام {خطاب}، مدتی است شما را ندیده‌ایم و امیدواریم خوب باشید."
            " ادامه، کمی مکث یا پایان؛ هر کدام را خواستید، اینجا بگویید: {پیوند انتخاب}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. جویای حالتان هستیم. هر تصمیمی داشته باشید برایمان محترم است؛"
            " کافی است بگویید: {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، مدتی است شما را ندیده‌ایم و امیدواریم خوب باشید. ادامه، کمی مکث یا"
            " پایان؛ هر کدام را خواستید، بگویید: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. جویای حالتان هستیم. هر تصمیمی داشته باشید برایمان محترم است و هر"
            " زمان خواستید، در خدمتیم.\n{کلینیک}"
        ),
    ),
    purpose=Purpose.FOLLOW_UP,
    numbers={"factor": 1},
)
SILENT_2 = DefaultRule(
    "silent_2",
    _("silent client, second word"),
    Kind.SILENT,
    (
        (
            "سلام {خطاب}، به یادتان هستیم. اگر بخواهید دوباره شروع کنید، با هم وقت مناسبی پیدا"
            " می‌کنیم؛ انتخاب با شماست: {پیوند انتخاب}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. می‌خواهید با {درمانگر} ادامه دهید، کمی مکث کنید یا همین‌جا به پایان برسانید؟"
            " هر کدام باشد، محترم است: {پیوند انتخاب}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، به یادتان هستیم. اگر بخواهید دوباره شروع کنید، با هم وقت مناسبی"
            " پیدا می‌کنیم: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. ادامه با {درمانگر}، کمی مکث یا پایان؛ انتخاب با شماست و هر کدام"
            " باشد، محترم است.\n{کلینیک}"
        ),
    ),
    purpose=Purpose.FOLLOW_UP,
    numbers={"factor": 2, "floor_days": 45},
)
SILENT_3 = DefaultRule(
    "silent_3",
    _("silent client, last word"),
    Kind.SILENT,
    (
        (
            "سلام {خطاب}، این آخرین پیام ما درباره‌ی ادامه‌ی دیدارهاست."
            " هر زمان خواستید، با کمال میل کنارتان هستیم: {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. دیگر درباره‌ی ادامه‌ی دیدارها پیام نمی‌دهیم تا مزاحمتان نباشیم."
            " درِ اینجا به رویتان باز است: {پیوند انتخاب}\n{کلینیک}"
        ),
    ),
    plain=(
        (
            "سلام {خطاب}، این آخرین پیام ما درباره‌ی ادامه‌ی دیدارهاست. هر زمان خواستید، با"
            " کمال میل کنارتان هستیم: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. دیگر درباره‌ی ادامه‌ی دیدارها پیام نمی‌دهیم تا مزاحمتان نباشیم."
            " درِ اینجا به رویتان باز است.\n{کلینیک}"
        ),
    ),
    purpose=Purpose.FOLLOW_UP,
    numbers={"factor": 4, "floor_days": 90, "useful_minutes": 30 * DAY},
)
DEFAULT_RULES = (
    BOOKED,
    MOVED,
    CANCELLED,
    REMINDER_72H,
    REMINDER_24H,
    REMINDER_3H,
    THANK_YOU,
    NO_SHOW,
    NO_NEXT_BOOKING,
    LONG_GAP,
    MID_TREATMENT,
    SILENT_1,
    SILENT_2,
    SILENT_3,
)

#: What a person sends to a client in danger; it belongs to no rule. The numbers are Iran's, in plain
#: digits, which every phone offers to call.
EMERGENCY = (
    "سلام {خطاب}، به فکرتان هستیم و تنها نیستید. با ما حرف بزنید: {تلفن}\nاگر در خطرید یا تاب آوردن"
    " سخت شده، با 123 (اورژانس اجتماعی) یا 115 (اورژانس) تماس بگیرید.\n{کلینیک}"
)

RULE_NAMES = {default.key: default.name for default in DEFAULT_RULES}
RULE_NAMES[emergency.KEY] = _("emergency text")
RULE_NAMES[by_hand.KEY] = _("answer by hand")
