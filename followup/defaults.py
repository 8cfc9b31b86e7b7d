"""The rules and words of a new clinic.

Timings: two reminders, three days and one day ahead, missed fewer sessions than either alone in the
largest trial (AJMC 2018;24(8):377); one client in three is not seen again within 45 days of the
first session (Psychiatr Serv 2012;63:705), which is what most of the others are for. The words name
no therapy, since a lock screen shows them, and press nobody; changing or cancelling is said to be
easy, because an early "no" frees an hour. Each rule has alternates, so that nobody reads the same
words twice in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from followup.models import Kind
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
            "{خطاب}، سلام. {روز} ساعت {ساعت} با {درمانگر} برایتان کنار گذاشته شد."
            " اگر تغییری خواستید: {پیوند جلسه}\n{کلینیک}"
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
            " اگر مناسب نیست خبرمان کنید: {پیوند جلسه}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. وقت تازه‌ی شما با {درمانگر} {روز} ساعت {ساعت} است."
            " تغییر یا لغو: {پیوند جلسه}\n{کلینیک}"
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
            "سلام {خطاب}، وقت {روز} ساعت {ساعت} شما با {درمانگر} لغو شد."
            " برای وقت دیگر: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. قرار {روز} ساعت {ساعت} با {درمانگر} برگزار نمی‌شود."
            " برای هماهنگی وقت تازه در خدمتیم: {تلفن}\n{کلینیک}"
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
            "{خطاب}، سلام. {روز} ساعت {ساعت} دیدار شما با {درمانگر} است."
            " اگر وقت دیگری می‌خواهید: {پیوند جلسه} یا {تلفن}\n{کلینیک}"
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
            " اگر نمی‌رسید خبرمان کنید: {پیوند جلسه} یا {تلفن}\n{کلینیک}"
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
        "{خطاب}، سلام. قرارتان با {درمانگر} {روز} ساعت {ساعت} است. به امید دیدار.\n{کلینیک} {تلفن}",
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
        "سلام {خطاب}، از دیدارتان با {درمانگر} خوشحال شدیم و از حضورتان سپاسگزاریم.\n{کلینیک}",
        "{خطاب}، سلام. ممنون که آمدید؛ وقتی که برای خودتان می‌گذارید ارزشمند است.\n{کلینیک}",
    ),
    inviting=(
        (
            "سلام {خطاب}، از حضورتان ممنونیم. اگر دوست داشتید، در چند ثانیه بگویید دیدارتان با"
            " {درمانگر} چطور بود: {پیوند بازخورد}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. ممنون که آمدید. نظر شما کمک می‌کند بهتر همراهتان باشیم:"
            " {پیوند بازخورد}\n{کلینیک}"
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
            " هر وقت خواستید، برای وقت دیگر: {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. این بار دیدارمان میسر نشد و اشکالی ندارد."
            " اگر بخواهید وقت تازه‌ای هماهنگ می‌کنیم: {تلفن}\n{کلینیک}"
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
            "سلام {خطاب}، برای دیدار بعدی با {درمانگر} هنوز وقتی ثبت نشده است."
            " هر زمان آماده بودید: {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. اگر مایل باشید، وقت بعدی‌تان با {درمانگر} را کنار می‌گذاریم:"
            " {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
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
            " قدم‌های کوچکی که برداشته‌اید با شما می‌ماند.\n{کلینیک}"
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
        "سلام {خطاب}، تا اینجا چند قدم مهم برداشته‌اید و این کم نیست. همراهتان هستیم.\n{کلینیک}",
        (
            "{خطاب}، سلام. تغییر آرام‌آرام شکل می‌گیرد و شما در میانه‌ی راهید."
            " هر پرسشی بود، {درمانگر} کنار شماست.\n{کلینیک}"
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
            " ادامه، مکث یا پایان؛ هر کدام را خواستید اینجا بگویید: {پیوند انتخاب}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. جویای حالتان هستیم. هر تصمیمی داشته باشید برایمان محترم است:"
            " {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
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
            "سلام {خطاب}، به یادتان هستیم. اگر بخواهید دوباره شروع کنید وقت مناسبی پیدا می‌کنیم؛"
            " انتخاب با شماست: {پیوند انتخاب}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. برای ادامه با {درمانگر}، کمی مکث یا یک پایان خوب، کافی است اینجا بگویید:"
            " {پیوند انتخاب}\n{کلینیک}"
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
            "سلام {خطاب}، این آخرین پیام ما در این‌باره است. هر زمان خواستید کنارتان هستیم:"
            " {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
        ),
        (
            "{خطاب}، سلام. دیگر در این‌باره پیامی نمی‌فرستیم. درِ اینجا همیشه به روی شما باز است:"
            " {پیوند انتخاب} یا {تلفن}\n{کلینیک}"
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

RULE_NAMES = {default.key: default.name for default in DEFAULT_RULES}
