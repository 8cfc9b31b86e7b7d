"""What lists call the state of a session, and how it is called here."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from exchange.headers import key
from sessions_app.models import CancelledBy, State

_WORDS: Mapping[tuple[State, str], Sequence[str]] = {
    (State.SCHEDULED, ""): (
        *("scheduled", "booked", "reserved", "planned", "open", "active", "pending", "waiting"),
        *("رزرو", "رزرو شد", "رزرو شده", "ثبت شده", "نوبت داده شده", "برنامه‌ریزی شده"),
        *("زمان‌بندی شده", "در انتظار", "منتظر", "فعال", "آینده"),
    ),
    (State.CONFIRMED, ""): (
        *("confirmed", "تأیید", "تأیید شد", "تأیید شده", "قطعی", "قطعی شده", "تأیید مراجع"),
    ),
    (State.ARRIVED, ""): (
        *("arrived", "checked in", "check in", "in session", "in progress", "رسید", "رسیده"),
        *("پذیرش شد", "پذیرش شده", "در حال انجام", "در حال برگزاری", "در کلینیک"),
    ),
    (State.ATTENDED, ""): (
        *("attended", "completed", "complete", "done", "held", "finished", "came", "present"),
        *("show", "visited", "حاضر", "حاضر شد", "حاضر شده", "حضور", "حضور داشت", "آمد", "آمده"),
        *("انجام شد", "انجام شده", "انجام‌شده", "برگزار شد", "برگزار شده", "مراجعه کرد", "ویزیت شد"),
        *("ویزیت شده", "تمام شد", "تمام شده", "تکمیل", "تکمیل شد", "تکمیل شده", "پایان یافته"),
        *("خاتمه یافته", "مراجعه شده"),
    ),
    (State.NO_SHOW, ""): (
        *("no_show", "noshow", "missed", "absent", "did not come", "did not attend", "dna"),
        *("not attended", "غیبت", "غایب", "غیبت کرد", "غیبت بدون اطلاع", "غیبت کرده", "نیامد"),
        *("نیامده", "حاضر نشد", "حاضر نشده", "عدم حضور", "عدم مراجعه", "مراجعه نکرد"),
        *("مراجعه نکرده",),
    ),
    (State.CANCELLED, ""): (
        *("cancelled", "canceled", "cancel", "لغو", "لغو شد", "لغو شده", "لغوشده", "کنسل"),
        *("کنسل شد", "کنسل شده", "کنسلی", "ابطال", "ابطال شده", "باطل شده", "انصراف"),
    ),
    (State.CANCELLED, CancelledBy.CLIENT): (
        *("cancelled by client", "canceled by client", "cancelled by patient", "client cancelled"),
        *("لغو مراجع", "لغو توسط مراجع", "کنسل توسط مراجع", "کنسلی مراجع", "لغو از طرف مراجع"),
        *("انصراف مراجع",),
    ),
    (State.CANCELLED, CancelledBy.CLINIC): (
        *("cancelled by clinic", "canceled by clinic", "cancelled by therapist"),
        *("لغو کلینیک", "لغو توسط کلینیک", "لغو توسط مرکز", "لغو توسط درمانگر", "کنسلی کلینیک"),
        *("لغو از طرف کلینیک", "لغو از طرف درمانگر", "کنسل توسط کلینیک", "کنسل توسط درمانگر"),
    ),
    (State.CANCELLED, CancelledBy.LATE): (
        *("late cancellation", "late cancel", "cancelled late", "canceled late"),
        *("لغو دیرهنگام", "لغو دیر", "کنسلی دیرهنگام", "لغو روز جلسه", "کنسلی روز جلسه"),
    ),
}

_STATES = {key(word): state for state, words in _WORDS.items() for word in words}


@lru_cache(maxsize=1_000)
def read_status(text: str) -> tuple[State, str] | None:
    """The state and, for a cancellation, by whom, if the word says it; None for no known word."""
    return _STATES.get(key(text))
